/** The intset against an array of BigInts, its bytes, and what it refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ref } from '../../src/memory/arena.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { Intset } from '../../src/memory/intset.ts';
import { frozenBytes } from './frozen-bytes.ts';

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

const EDGES = [15n, 16n, 31n, 32n, 53n, 62n].flatMap((bits) => {
  const edge = 2n ** bits;
  return [edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n];
});

const integers = fc.oneof(
  { weight: 3, arbitrary: fc.bigInt({ min: -20n, max: 20n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: -40_000n, max: 40_000n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: MIN, max: MAX }) },
  { weight: 1, arbitrary: fc.constantFrom(MIN, MIN + 1n, MAX - 1n, MAX, ...EDGES) },
);

const high = (n: bigint) => Number(n >> 32n);
const low = (n: bigint) => Number(BigInt.asIntN(32, n));

function find(set: Intset, ref: Ref, n: bigint): number {
  return set.find(ref, high(n), low(n));
}

function contents(set: Intset, ref: Ref): bigint[] {
  const out: bigint[] = [];
  for (let i = 0; i < set.count(ref); i++) {
    set.read(ref, i);
    out.push((BigInt(set.high) << 32n) | BigInt(set.low >>> 0));
  }
  return out;
}

function bitsOf(n: bigint): number {
  if (BigInt.asIntN(16, n) === n) return 16;
  return BigInt.asIntN(32, n) === n ? 32 : 64;
}

/** The format, written down a second time. */
function encode(sorted: readonly bigint[], bits: number): Buffer {
  const bytes = Buffer.alloc(8 + (sorted.length * bits) / 8);
  bytes.writeUInt32LE(bits / 8, 0);
  bytes.writeUInt32LE(sorted.length, 4);
  for (const [i, n] of sorted.entries()) {
    if (bits === 16) bytes.writeInt16LE(Number(n), 8 + i * 2);
    else if (bits === 32) bytes.writeInt32LE(Number(n), 8 + i * 4);
    else bytes.writeBigInt64LE(n, 8 + i * 8);
  }
  return bytes;
}

function make(set: Intset, numbers: Iterable<bigint>): Ref {
  let ref = set.create();
  for (const n of numbers) {
    const place = find(set, ref, n);
    if (place < 0) ref = set.insert(ref, place, high(n), low(n));
  }
  return ref;
}

describe('intset', () => {
  it('behaves as a sorted array of BigInts and has the bytes of the format', () => {
    const op = fc.record({ add: fc.boolean(), n: integers });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 150, size: 'max' }), fc.boolean(), (ops, snap) => {
        const arena = new HeapArena();
        const set = new Intset(arena);
        let ref = set.create();
        let model: bigint[] = [];
        let bits = 16;
        for (const { add, n } of ops) {
          const snapshot = snap ? arena.snapshot() : undefined;
          const before = (snapshot && frozenBytes(snapshot))?.map((bytes) =>
            Buffer.from(bytes.subarray(0, 4096)),
          );
          const place = find(set, ref, n);
          const index = model.indexOf(n);
          const smaller = model.filter((m) => m < n).length;
          expect(place).toBe(index >= 0 ? index : -1 - smaller);
          if (add && index < 0) {
            ref = set.insert(ref, place, high(n), low(n));
            model.splice(smaller, 0, n);
            bits = Math.max(bits, bitsOf(n));
          } else if (!add && index >= 0) {
            ref = set.removeAt(ref, index);
            model = model.filter((m) => m !== n);
          }
          const bytes = Buffer.from(set.view(ref));
          expect(bytes.equals(encode(model, bits))).toBe(true);
          expect(Intset.isValid(bytes)).toBe(model.length > 0);
          for (const [i, old] of before?.entries() ?? []) {
            expect(old.equals(frozenBytes(snapshot!)[i]!.subarray(0, old.length))).toBe(true);
          }
          snapshot?.release();
        }
        expect(set.count(ref)).toBe(model.length);
        expect(contents(set, ref)).toEqual(model);
        for (const n of [MIN, -1n, 0n, MAX, ...model]) {
          expect(find(set, ref, n) >= 0).toBe(model.includes(n));
        }
        const copy = set.from(encode(model, bits));
        expect(contents(set, copy)).toEqual(model);
        arena.free(copy);
        arena.free(ref);
        expect(arena.usedBytes).toBe(0);
      }),
      { numRuns: 80 },
    );
  });

  it('widens at either end from each width to each wider one', () => {
    const narrow = [
      [1n, -2n, 30_000n],
      [1n, -70_000n, 70_000n],
    ];
    for (const numbers of narrow) {
      for (const wide of [32_768n, -32_769n, 2n ** 31n, -(2n ** 31n) - 1n, MAX, MIN]) {
        const arena = new HeapArena();
        const set = new Intset(arena);
        const ref = make(set, [...numbers, wide]);
        const model = [...numbers, wide].sort((a, b) => (a < b ? -1 : 1));
        expect(contents(set, ref)).toEqual(model);
        arena.free(ref);
        expect(arena.usedBytes).toBe(0);
      }
    }
  });

  it('has the bytes that redis-server writes', () => {
    const set = new Intset(new HeapArena());
    const hex = (numbers: bigint[]) => Buffer.from(set.view(make(set, numbers))).toString('hex');
    expect(hex([2n, -1n, 1n])).toBe('0200000003000000ffff01000200');
    expect(hex([65_535n, -1n])).toBe('0400000002000000ffffffffffff0000');
    expect(hex([MIN, MAX])).toBe('08000000020000000000000000000080ffffffffffffff7f');
  });

  it('holds 20,000 integers that come in random order, and lets them go', () => {
    const arena = new HeapArena();
    const set = new Intset(arena);
    const n = 20_000;
    let ref = set.create();
    for (let i = 0; i < n; i++) {
      const k = BigInt((i * 7919) % n) * 1_000_000n - 10_000_000_000n;
      ref = set.insert(ref, find(set, ref, k), high(k), low(k));
    }
    expect(set.count(ref)).toBe(n);
    expect(Intset.isValid(set.view(ref))).toBe(true);
    while (set.count(ref) > 0) ref = set.removeAt(ref, set.count(ref) >> 1);
    expect(arena.capacity(ref)).toBeLessThan(64);
    arena.free(ref);
    expect(arena.usedBytes).toBe(0);
  });

  it('isValid() accepts exactly the sound ones', () => {
    const set = new Intset(new HeapArena());
    const numbers = fc.uniqueArray(integers, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(numbers, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, at, flip) => {
        const ref = make(set, list);
        const bytes = Buffer.from(set.view(ref));
        for (let cut = 0; cut < bytes.length; cut++) {
          expect(Intset.isValid(bytes.subarray(0, cut))).toBe(false);
        }
        expect(Intset.isValid(Buffer.concat([bytes, Buffer.alloc(1)]))).toBe(false);
        bytes[at % bytes.length]! ^= flip;
        if (!Intset.isValid(bytes)) return;
        // Another sound intset then: what is read from it is in order, each once, and found.
        const other = set.from(bytes);
        const found = contents(set, other);
        expect(found.length).toBeGreaterThan(0);
        for (const [i, n] of found.entries()) {
          expect(find(set, other, n)).toBe(i);
          if (i > 0) expect(n > found[i - 1]!).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
    expect(Intset.isValid(encode([], 16))).toBe(false);
    expect(Intset.isValid(encode([1n, 1n], 16))).toBe(false);
    expect(Intset.isValid(encode([2n, 1n], 64))).toBe(false);
    const huge = encode([1n], 64);
    huge.writeUInt32LE(0xffffffff, 4);
    expect(Intset.isValid(huge)).toBe(false);
  });
});
