/**
 * Ids and offsets: who may continue with whom. Servers of a model exchange a stream, are promoted,
 * copied whole, restarted; whoever is told that it may continue must have the same bytes so far.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isReplicationId,
  NO_ID,
  PositionReader,
  ReplicationIdentity,
} from '../../src/replication/identity.ts';

/** A server of the model: its history in full, one letter for each byte of the stream. */
class Model {
  readonly identity: ReplicationIdentity;
  stream = '';
  private readonly makeId: () => string;

  constructor(makeId: () => string) {
    this.makeId = makeId;
    this.identity = new ReplicationIdentity(makeId);
  }

  write(letter: string): void {
    this.stream += letter;
    this.identity.offset++;
  }

  /** Follows `master`: continues where it may, else takes all over. */
  follow(master: Model): void {
    const { identity } = this;
    if (master.identity.knows(identity.replid, identity.offset + 1)) {
      // The master need not have what this one has: then it is asked for bytes it never had.
      if (identity.offset <= master.identity.offset) {
        expect(master.stream.startsWith(this.stream)).toBe(true);
        identity.continueAs(master.identity.replid);
        this.stream = master.stream;
        identity.offset = master.identity.offset;
        return;
      }
    }
    this.stream = master.stream;
    identity.adopt(master.identity.replid, master.identity.offset);
  }

  restart(): void {
    const { replid, offset } = this.identity;
    const fresh = new ReplicationIdentity(this.makeId);
    fresh.restart({ replid, offset, db: 0 });
    Object.assign(this.identity, {
      replid: fresh.replid,
      replid2: fresh.replid2,
      secondOffset: fresh.secondOffset,
    });
  }
}

const SERVERS = 4;
const server = fc.nat(SERVERS - 1);

describe('ids and offsets', () => {
  it('let nobody continue with a history that is not its own', () => {
    const event = fc.record({
      kind: fc.constantFrom('write', 'follow', 'promote', 'restart'),
      server,
      other: server,
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let made = 0;
        const makeId = () => (++made).toString(16).padStart(40, '0');
        const servers = Array.from({ length: SERVERS }, () => new Model(makeId));
        /** Who follows whom; a master follows nobody. */
        const master: (number | undefined)[] = servers.map(() => undefined);
        let letter = 0;
        for (const { kind, server: a, other: b } of events) {
          const one = servers[a]!;
          if (kind === 'write') {
            if (master[a] !== undefined) continue;
            one.write(String.fromCharCode(256 + letter++));
          } else if (kind === 'promote') {
            if (master[a] === undefined) continue;
            master[a] = undefined;
            one.identity.shift();
          } else if (kind === 'restart') {
            if (master[a] === undefined) one.restart();
          } else if (a !== b && master[b] === undefined) {
            master[a] = b;
            one.follow(servers[b]!);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are as redis-server shows them', () => {
    const ids = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40));
    const identity = new ReplicationIdentity(() => ids.shift()!);
    identity.offset = 363;
    identity.shift();
    expect([identity.replid, identity.replid2, identity.secondOffset]).toEqual([
      'b'.repeat(40),
      'a'.repeat(40),
      364,
    ]);
    expect(identity.knows('A'.repeat(40), 364)).toBe(true);
    expect(identity.knows('a'.repeat(40), 365)).toBe(false);
    expect(identity.knows('b'.repeat(40), 999)).toBe(true);
    identity.renew();
    expect([identity.replid, identity.replid2, identity.secondOffset]).toEqual([
      'c'.repeat(40),
      NO_ID,
      -1,
    ]);
    expect(identity.knows(NO_ID, -1)).toBe(false);
    expect(identity.knows('?', -1)).toBe(false);
    expect(identity.auxFields(-1)).toEqual([
      ['repl-stream-db', '0'],
      ['repl-id', 'c'.repeat(40)],
      ['repl-offset', '363'],
    ]);
  });

  it('come back from the fields of a file, or not at all', () => {
    const reader = new PositionReader();
    reader.add('redis-ver', '7.0.15');
    reader.add('repl-id', 'E'.repeat(40));
    reader.add('repl-offset', '181');
    expect(reader.position).toBeUndefined();
    reader.add('repl-stream-db', '3');
    expect(reader.position).toEqual({ replid: 'e'.repeat(40), offset: 181, db: 3 });
    for (const nonsense of ['', '-1', '1e3', ' 5', '9'.repeat(30), 'x']) {
      reader.add('repl-offset', nonsense);
      expect(reader.position, nonsense).toBeUndefined();
    }
    expect(isReplicationId(`${'0'.repeat(39)}g`)).toBe(false);
    expect(isReplicationId('0'.repeat(41))).toBe(false);
  });
});
