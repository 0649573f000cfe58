/** The arena against a naive model: random allocations, frees, reallocations, snapshots. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arena, ArenaFullError, BLOCK_MAX, SEGMENT_BYTES } from '../../src/memory/arena.ts';
import type { SnapshotBuffers } from '../../src/memory/frozen-arena.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { frozenBytes } from './frozen-bytes.ts';

function bytesOf(arena: Arena, ref: number, length: number): Uint8Array {
  const at = (ref & 0x7fff) << 3;
  return arena.u8[ref >>> 15]!.subarray(at, at + length);
}

function fill(arena: Arena, ref: number, from: number, to: number, seed: number): void {
  arena.touch(ref);
  const at = (ref & 0x7fff) << 3;
  const u8 = arena.u8[ref >>> 15]!;
  for (let i = from; i < to; i++) u8[at + i] = (seed * 31 + i * 7) & 0xff;
}

/** Posts the next part of a description, if there is one. */
function post(port: MessagePort, parts: Iterator<SnapshotBuffers>): boolean {
  const { done, value } = parts.next();
  if (done !== true) port.postMessage(value);
  return done !== true;
}

function holds(arena: Arena, ref: number, length: number, seed: number): boolean {
  const bytes = bytesOf(arena, ref, length);
  return bytes.every((byte, i) => byte === ((seed * 31 + i * 7) & 0xff));
}

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 200, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: BLOCK_MAX - 2, max: 200_000 }) },
);

const operations = fc.array(
  fc.oneof(
    fc.record({ op: fc.constant('alloc' as const), size: sizes }),
    fc.record({ op: fc.constant('free' as const), pick: fc.nat() }),
    fc.record({ op: fc.constant('realloc' as const), pick: fc.nat(), size: sizes }),
    fc.record({ op: fc.constant('snapshot' as const) }),
    fc.record({ op: fc.constant('release' as const), pick: fc.nat() }),
  ),
  { maxLength: 120, size: 'max' },
);

describe('Arena', () => {
  it('keeps every block apart and counts exactly, snapshots read the moment they were taken', () => {
    fc.assert(
      fc.property(operations, (ops) => {
        const arena = new HeapArena();
        const blocks: { ref: number; length: number; seed: number }[] = [];
        const snapshots: { release(): void; check(): boolean }[] = [];
        let seed = 0;
        for (const o of ops) {
          if (o.op === 'alloc') {
            const ref = arena.alloc(o.size);
            expect(ref).not.toBe(0);
            expect(arena.capacity(ref)).toBeGreaterThanOrEqual(o.size);
            blocks.push({ ref, length: o.size, seed: ++seed });
            fill(arena, ref, 0, o.size, seed);
          } else if (o.op === 'free' && blocks.length > 0) {
            const [block] = blocks.splice(o.pick % blocks.length, 1);
            arena.free(block!.ref);
          } else if (o.op === 'realloc' && blocks.length > 0) {
            const block = blocks[o.pick % blocks.length]!;
            const used = Math.min(block.length, o.size);
            block.ref = arena.realloc(block.ref, used, o.size);
            fill(arena, block.ref, used, o.size, block.seed);
            block.length = o.size;
          } else if (o.op === 'snapshot') {
            const snapshot = arena.snapshot();
            const then = blocks.map((b) => ({
              ...b,
              bytes: bytesOf(arena, b.ref, b.length).slice(),
            }));
            snapshots.push({
              release: () => snapshot.release(),
              check: () =>
                then.every(({ ref, length, bytes }) => {
                  const from = (ref & 0x7fff) << 3;
                  const view = frozenBytes(snapshot)[ref >>> 15]!.subarray(from, from + length);
                  return Buffer.compare(view, bytes) === 0;
                }),
            });
          } else if (o.op === 'release' && snapshots.length > 0) {
            const [snapshot] = snapshots.splice(o.pick % snapshots.length, 1);
            expect(snapshot!.check()).toBe(true);
            snapshot!.release();
          }
          expect(blocks.every((b) => holds(arena, b.ref, b.length, b.seed))).toBe(true);
          const used = blocks.reduce((sum, b) => sum + arena.capacity(b.ref), 0);
          expect(arena.usedBytes).toBe(used);
        }
        expect(snapshots.every((s) => s.check())).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('alloc() reuses what was freed: rounds of filling and emptying do not grow it', () => {
    const arena = new HeapArena();
    let reserved = 0;
    for (let round = 0; round < 20; round++) {
      const refs: number[] = [];
      for (let i = 0; i < 20_000; i++) refs.push(arena.alloc(16 + ((i * 13) % 300)));
      for (const ref of refs) arena.free(ref);
      expect(arena.usedBytes).toBe(0);
      if (round === 0) reserved = arena.reservedBytes;
      expect(arena.reservedBytes).toBeLessThanOrEqual(reserved);
    }
  });

  it('allocTable() gives zeroes, at once and whatever its size', () => {
    const arena = new HeapArena();
    for (const bytes of [16, 65_536, 131_072, 64 * 1024 * 1024]) {
      const table = arena.allocTable(bytes);
      for (let i = 0; i < bytes / 4; i += 997) {
        const g = (table + (i >>> 1)) | 0;
        const at = ((g & 0x7fff) << 1) | (i & 1);
        expect(arena.i32[g >>> 15]![at]).toBe(0);
        arena.touch(g);
        arena.i32[g >>> 15]![at] = i + 1;
      }
      expect(arena.usedBytes).toBeGreaterThanOrEqual(bytes);
      arena.freeTable(table, bytes);
      expect(arena.usedBytes).toBe(0);
    }
  });

  it('a table is copied on write like everything else', () => {
    const arena = new HeapArena();
    const bytes = 1024 * 1024;
    const table = arena.allocTable(bytes);
    const snapshot = arena.snapshot();
    const g = (table + 100_000) | 0;
    arena.touch(g);
    arena.i32[g >>> 15]![(g & 0x7fff) << 1] = 42;
    expect(frozenBytes(snapshot)[g >>> 15]!.every((byte) => byte === 0)).toBe(true);
    arena.freeTable(table, bytes);
    snapshot.release();
    expect(arena.usedBytes).toBe(0);
  });

  it('alloc() throws ArenaFullError at its limit and loses nothing', () => {
    const arena = new HeapArena(SEGMENT_BYTES);
    const refs: number[] = [];
    const take = () => {
      for (let i = 0; i < 1_000_000; i++) refs.push(arena.alloc(100_000));
    };
    expect(take).toThrow(ArenaFullError);
    const used = arena.usedBytes;
    for (const ref of refs) arena.free(ref);
    expect(used).toBe(refs.length * 106_496);
    expect(arena.usedBytes).toBe(0);
  });

  it('a worker thread reads a snapshot unchanged while the arena is written to', async () => {
    const arena = new HeapArena();
    const refs: number[] = [];
    for (let i = 0; i < 50_000; i++) {
      const ref = arena.alloc(64);
      fill(arena, ref, 0, 64, i);
      refs.push(ref);
    }
    const snapshot = arena.snapshot();
    // Plain JavaScript on purpose: an independent reader of the layout.
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const { segments, refs } = workerData;
       const u8 = segments;
       const check = () => {
         let bad = 0;
         for (let i = 0; i < refs.length; i++) {
           const at = (refs[i] & 0x7fff) << 3;
           const bytes = u8[refs[i] >>> 15];
           for (let k = 0; k < 64; k++) if (bytes[at + k] !== ((i * 31 + k * 7) & 255)) bad++;
         }
         return bad;
       };
       parentPort.on('message', () => parentPort.postMessage(check()));
       parentPort.postMessage(check());`,
      { eval: true, workerData: { segments: frozenBytes(snapshot), refs: Int32Array.from(refs) } },
    );
    const answer = () =>
      new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    const first = answer();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < refs.length; i++) fill(arena, refs[i]!, 0, 64, i + 1 + round);
      for (let i = 0; i < refs.length; i += 2) {
        arena.free(refs[i]!);
        refs[i] = arena.alloc(64);
        fill(arena, refs[i]!, 0, 64, 99);
      }
    }
    expect(await first).toBe(0);
    worker.postMessage('again');
    expect(await answer()).toBe(0);
    await worker.terminate();
    snapshot.release();
  });

  it('snapshot() of 1 GiB and each part of its description hold the event loop for 2 ms at most', () => {
    const arena = new HeapArena();
    // Blocks that are not written cost no memory: the system hands pages out as they are touched.
    for (let i = 0; i < 16_384; i++) arena.alloc(BLOCK_MAX);
    const { port1, port2 } = new MessageChannel();
    const longest: number[] = [];
    for (let round = 0; round < 5; round++) {
      let worst = 0;
      const timed = <T>(work: () => T): T => {
        const started = performance.now();
        const result = work();
        worst = Math.max(worst, performance.now() - started);
        return result;
      };
      const snapshot = timed(() => arena.snapshot());
      timed(() => port1.postMessage(snapshot.segments));
      const parts = snapshot.parts();
      while (timed(() => post(port1, parts)));
      timed(() => snapshot.release());
      longest.push(worst);
    }
    port1.close();
    port2.close();
    // The least of five: what the machine does besides is not the arena's.
    expect(Math.min(...longest)).toBeLessThan(2);
  });

  it('reuses the memory of large blocks, snapshots alive or not', () => {
    for (const snapshots of [0, 1, 2]) {
      const arena = new HeapArena();
      const old = Array.from({ length: 20 }, () => arena.alloc(1_000_000));
      const held = Array.from({ length: snapshots }, () => arena.snapshot());
      for (let i = 0; i < 2000; i++) {
        const at = (i * 7) % old.length;
        arena.free(old[at]!);
        old[at] = arena.alloc(70_000 + ((i * 104_729) % 3_000_000));
      }
      // What the snapshots hold, once; what lives; and spare buffers.
      expect(arena.snapshotBytes).toBe(snapshots === 0 ? 0 : 20 * 1_048_576);
      const others = arena.reservedBytes - arena.usedBytes - arena.snapshotBytes;
      expect(others).toBeLessThan(100e6);
      for (const ref of old) arena.free(ref);
      for (const snapshot of held) snapshot.release();
      for (let i = 0; i < 3; i++) arena.giveBack();
      expect(arena.usedBytes).toBe(0);
      expect(arena.snapshotBytes).toBe(0);
      expect(arena.reservedBytes).toBeLessThan(10e6);
    }
  });

  it('slots of overlapping snapshots are free when no snapshot needs them', () => {
    const arena = new HeapArena();
    const ref = arena.alloc(100);
    fill(arena, ref, 0, 100, 1);
    let held = arena.snapshot();
    for (let round = 2; round < 50; round++) {
      const next = arena.snapshot();
      fill(arena, ref, 0, 100, round);
      held.release();
      held = next;
      const block = frozenBytes(held)[ref >>> 15]!.subarray((ref & 0x7fff) << 3);
      expect(block[0]).toBe(((round - 1) * 31) & 0xff);
      expect(arena.snapshotBytes).toBe(SEGMENT_BYTES);
    }
    held.release();
    expect(arena.snapshotBytes).toBe(0);
    expect(arena.reservedBytes).toBeLessThan(32 * SEGMENT_BYTES);
  });

  it('an untouched write under a snapshot would be seen: the check above can fail', () => {
    const arena = new HeapArena();
    const ref = arena.alloc(64);
    fill(arena, ref, 0, 64, 1);
    const snapshot = arena.snapshot();
    arena.u8[ref >>> 15]![(ref & 0x7fff) << 3] = 77; // no touch: the bug this design must not have
    const seen = frozenBytes(snapshot)[ref >>> 15]![(ref & 0x7fff) << 3];
    expect(seen).toBe(77);
  });
});
