/**
 * The stream's blocks against a model: one long text. Random feeds, readers that come, read by odd
 * amounts and go, sizes that change; what each reader gets is the text from where it began.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog, type BacklogCursor } from '../../src/replication/backlog.ts';
import { ReplicationIdentity } from '../../src/replication/identity.ts';

const KIB = 1024;

/** Bytes that tell where in the stream they are. */
function bytesAt(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (offset + i) % 251;
  return bytes;
}

interface Reader {
  readonly cursor: BacklogCursor;
  offset: number;
}

function read(reader: Reader, atMost: number): void {
  let left = atMost;
  while (left > 0) {
    const went = reader.cursor.read((buf, from, end) => {
      const n = Math.min(left, end - from);
      const expected = bytesAt(reader.offset, n);
      expect(expected.equals(buf.subarray(from, from + n))).toBe(true);
      reader.offset += n;
      left -= n;
      return n;
    });
    if (!went) return;
  }
}

const events = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('feed' as const), n: fc.nat(60 * KIB) }),
    fc.record({ kind: fc.constant('feed' as const), n: fc.nat(100) }),
    fc.record({ kind: fc.constant('join' as const), n: fc.nat() }),
    fc.record({ kind: fc.constant('read' as const), n: fc.nat(100 * KIB) }),
    fc.record({ kind: fc.constant('leave' as const), n: fc.nat() }),
    fc.record({ kind: fc.constant('size' as const), n: fc.integer({ min: 16, max: 300 }) }),
  ),
  { maxLength: 120 },
);

describe('the backlog', () => {
  it('gives every reader the stream from where it began, and keeps what it must', () => {
    fc.assert(
      fc.property(events, fc.nat(1e9), (list, start) => {
        const identity = new ReplicationIdentity();
        identity.offset = start;
        const backlog = new Backlog(identity, 64 * KIB);
        const readers: Reader[] = [];
        let smallest = backlog.size;
        for (const { kind, n } of list) {
          const reader = readers[n % Math.max(1, readers.length)];
          if (kind === 'feed') backlog.feed(bytesAt(identity.offset + 1, n), 0, n);
          else if (kind === 'join') {
            const offset = backlog.firstOffset + (n % (backlog.length + 1));
            expect(backlog.has(offset)).toBe(true);
            readers.push({ cursor: backlog.cursor(offset), offset });
          } else if (kind === 'size') {
            backlog.size = n * KIB;
            smallest = Math.min(smallest, backlog.size);
          } else if (kind === 'read' && reader !== undefined) read(reader, n);
          else if (kind === 'leave' && reader !== undefined) {
            reader.cursor.release();
            readers.splice(readers.indexOf(reader), 1);
          }
          check(backlog, identity, readers, Math.min(smallest, identity.offset - start));
        }
        for (const reader of readers) read(reader, Number.POSITIVE_INFINITY);
        for (const { cursor, offset } of readers) {
          expect(offset).toBe(identity.offset + 1);
          expect(cursor.lag).toBe(0);
        }
      }),
      { numRuns: 150 },
    );
  });

  function check(
    backlog: Backlog,
    identity: ReplicationIdentity,
    readers: readonly Reader[],
    kept: number,
  ): void {
    expect(backlog.firstOffset + backlog.length).toBe(identity.offset + 1);
    expect(backlog.length).toBeGreaterThanOrEqual(kept);
    expect(backlog.has(identity.offset + 1)).toBe(true);
    expect(backlog.has(identity.offset + 2)).toBe(false);
    expect(backlog.has(backlog.firstOffset - 1)).toBe(false);
    for (const { cursor, offset } of readers) {
      expect(backlog.has(offset)).toBe(true);
      expect(cursor.lag).toBe(identity.offset + 1 - offset);
    }
    // What nobody reads is cut: no more than its size and two blocks.
    if (readers.length > 0) return;
    expect(backlog.memoryBytes).toBeLessThanOrEqual(backlog.size + 3 * 256 * KIB);
  }

  it('cuts to its size when the reader that held it has gone', () => {
    const identity = new ReplicationIdentity();
    const backlog = new Backlog(identity, 64 * KIB);
    const cursor = backlog.cursorAtEnd();
    for (let i = 0; i < 100; i++) backlog.feed(bytesAt(identity.offset + 1, 10 * KIB), 0, 10 * KIB);
    expect(backlog.firstOffset).toBe(1);
    cursor.release();
    expect(backlog.length).toBeLessThan(64 * KIB + 16 * KIB);
    expect(backlog.length).toBeGreaterThanOrEqual(64 * KIB);
  });
});
