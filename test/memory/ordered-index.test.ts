import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arena, Ref } from '../../src/memory/arena.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { OrderedIndex, type Ties } from '../../src/memory/ordered-index.ts';

/** Elements are blocks of one int32, and equal scores are ordered by it. */
class Numbers implements Ties {
  probe = 0;
  readonly arena: Arena;
  constructor(arena: Arena) {
    this.arena = arena;
  }
  compareProbe(ref: Ref): number {
    return this.probe - this.valueOf(ref);
  }
  valueOf(ref: Ref): number {
    return this.arena.i32[ref >>> 15]![(ref & 0x7fff) << 1]!;
  }
  make(value: number): Ref {
    const ref = this.arena.alloc(16);
    this.arena.i32[ref >>> 15]![(ref & 0x7fff) << 1] = value;
    return ref;
  }
}

type Pair = [score: number, value: number];

function setUp() {
  const arena = new HeapArena();
  const ties = new Numbers(arena);
  const index = new OrderedIndex(arena, ties);
  return { arena, ties, index, root: index.create() };
}

function contents({ index, ties, root }: ReturnType<typeof setUp>): Pair[] {
  const out: Pair[] = [];
  for (index.seekFirst(root); index.leaf !== 0; index.next()) {
    out.push([index.score, ties.valueOf(index.entry)]);
  }
  return out;
}

const order = (a: Pair, b: Pair) => a[0] - b[0] || a[1] - b[1];

describe('ordered index', () => {
  it('behaves as a sorted array through random insertions and removals', () => {
    const op = fc.record({
      add: fc.boolean(),
      score: fc.integer({ min: 0, max: 40 }),
      value: fc.integer({ min: 0, max: 60 }),
      burst: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 120, size: 'max' }), (ops) => {
        const t = setUp();
        const model = new Map<string, Pair>();
        const refs = new Map<string, Ref>();
        for (const { add, score, value, burst } of ops) {
          for (let b = 0; b < burst; b++) {
            const pair: Pair = [(score + b) % 41, (value * 7 + b * 13) % 61];
            const key = pair.join();
            t.ties.probe = pair[1];
            if (add && !model.has(key)) {
              const ref = t.ties.make(pair[1]);
              t.index.insert(t.root, pair[0], ref);
              model.set(key, pair);
              refs.set(key, ref);
            } else if (!add) {
              const was = model.delete(key);
              expect(t.index.remove(t.root, pair[0])).toBe(was);
              if (was) t.arena.free(refs.get(key)!);
            }
          }
          t.index.checkInvariants(t.root);
        }
        const sorted = [...model.values()].sort(order);
        expect(contents(t)).toEqual(sorted);
        expect(t.index.size(t.root)).toBe(sorted.length);
        for (let rank = 0; rank < sorted.length; rank += 7) {
          t.index.seekRank(t.root, rank);
          expect([t.index.score, t.ties.valueOf(t.index.entry)]).toEqual(sorted[rank]);
          t.ties.probe = sorted[rank]![1];
          t.index.seek(t.root, sorted[rank]![0]);
          expect(t.index.rank).toBe(rank);
        }
        for (let score = -1; score < 42; score++) {
          t.index.seekScore(t.root, score, false);
          expect(t.index.rank).toBe(sorted.filter(([s]) => s < score).length);
          t.index.seekScore(t.root, score, true);
          expect(t.index.rank).toBe(sorted.filter(([s]) => s <= score).length);
        }
        const back: Pair[] = [];
        for (t.index.seekLast(t.root); t.index.leaf !== 0; t.index.previous()) {
          back.push([t.index.score, t.ties.valueOf(t.index.entry)]);
        }
        expect(back.reverse()).toEqual(sorted);
      }),
      { numRuns: 60 },
    );
  });

  it('holds 200,000 elements in three orders of insertion and gives all memory back', () => {
    for (const step of [1, -1, 77_773]) {
      const t = setUp();
      const n = 200_000;
      const before = t.arena.usedBytes;
      const refs: Ref[] = [];
      for (let i = 0; i < n; i++) {
        const k = (((i * step) % n) + n) % n;
        refs[k] = t.ties.make(k);
        t.ties.probe = k;
        t.index.insert(t.root, Math.floor(k / 3), refs[k]!);
      }
      t.index.checkInvariants(t.root);
      expect(t.index.size(t.root)).toBe(n);
      t.index.seekRank(t.root, 123_456);
      expect(t.ties.valueOf(t.index.entry)).toBe(123_456);
      for (let i = 0; i < n; i++) {
        const k = (i * 77_773) % n;
        t.ties.probe = k;
        expect(t.index.remove(t.root, Math.floor(k / 3))).toBe(true);
        t.arena.free(refs[k]!);
        if (i % 50_000 === 0) t.index.checkInvariants(t.root);
      }
      expect(t.arena.usedBytes).toBe(before);
    }
  });

  it('frees itself in steps', () => {
    const t = setUp();
    const before = t.arena.usedBytes;
    const ref = t.ties.make(1);
    const root = t.index.create();
    for (let i = 0; i < 10_000; i++) t.index.insert(root, i, ref);
    let steps = 1;
    while (t.index.clearStep(root, 10)) steps++;
    expect(steps).toBeGreaterThan(10);
    t.arena.free(ref);
    expect(t.arena.usedBytes).toBe(before);
  });

  it('follows an element to another block', () => {
    const t = setUp();
    for (let i = 0; i < 500; i++) {
      t.ties.probe = i;
      t.index.insert(t.root, 0, t.ties.make(i));
    }
    for (let i = 0; i < 500; i++) {
      t.ties.probe = i;
      t.index.moved(t.root, 0, t.ties.make(i));
    }
    t.index.checkInvariants(t.root);
    expect(contents(t).map(([, value]) => value)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });
});
