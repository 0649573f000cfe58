/** The dict against a JavaScript Map, its SCAN guarantee, fairness and size. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dict } from '../../src/memory/dict.ts';
import { halfSipHash13 } from '../../src/memory/halfsiphash.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';

const hashKey = Int32Array.of(0x12345678, -0x76543211);

class Fixture {
  readonly arena = new HeapArena();
  readonly dict = new Dict(this.arena, hashKey);
  readonly root = this.dict.create();

  add(key: string): number {
    const bytes = Buffer.from(key);
    const entry = this.arena.alloc(12 + bytes.length);
    const at = (entry & 0x7fff) << 3;
    this.arena.i32[entry >>> 15]![(at >> 2) + 2] = bytes.length;
    this.arena.u8[entry >>> 15]!.set(bytes, at + 12);
    this.dict.insert(this.root, this.dict.hash(bytes, 0, bytes.length), entry);
    return entry;
  }

  find(key: string): number {
    const bytes = Buffer.from(key);
    const hash = this.dict.hash(bytes, 0, bytes.length);
    return this.dict.find(this.root, hash, bytes, 0, bytes.length);
  }

  remove(entry: number): void {
    this.dict.unlinkEntry(this.root, this.dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
  }

  keyOf(entry: number): string {
    const at = (entry & 0x7fff) << 3;
    const length = this.arena.i32[entry >>> 15]![(at >> 2) + 2]!;
    return Buffer.from(this.arena.u8[entry >>> 15]!.slice(at + 12, at + 12 + length)).toString();
  }
}

describe('Dict', () => {
  it('is a map', () => {
    const key = fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ min: 0, max: 300 }).map(String));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 800, size: 'max' }), (ops) => {
        const f = new Fixture();
        const model = new Map<string, number>();
        for (const [add, name] of ops) {
          expect(f.find(name)).toBe(model.get(name) ?? 0);
          const entry = model.get(name);
          if (add && entry === undefined) model.set(name, f.add(name));
          else if (!add && entry !== undefined) {
            f.remove(entry);
            model.delete(name);
          }
          expect(f.dict.size(f.root)).toBe(model.size);
        }
        f.dict.checkInvariants(f.root);
        const seen = new Set<string>();
        f.dict.forEach(f.root, (entry) => seen.add(f.keyOf(entry)));
        expect([...seen].sort()).toEqual([...model.keys()].sort());
      }),
      { numRuns: 120 },
    );
  });

  it('scan() returns every entry that is there from start to end, whatever grows or shrinks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 }),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 60 })), {
          maxLength: 200,
          size: 'max',
        }),
        (stable, steps) => {
          const f = new Fixture();
          for (let i = 0; i < stable; i++) f.add(`stable${i}`);
          const others: number[] = [];
          const seen = new Set<string>();
          let cursor = 0;
          let step = 0;
          let n = 0;
          do {
            cursor = f.dict.scan(f.root, cursor, (entry) => seen.add(f.keyOf(entry)));
            const [grow, count] = steps[step++] ?? [false, 0];
            for (let i = 0; i < count; i++) {
              if (grow) others.push(f.add(`other${n++}`));
              else if (others.length > 0) f.remove(others.pop()!);
            }
          } while (cursor !== 0);
          for (let i = 0; i < stable; i++) expect(seen.has(`stable${i}`)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  /** Numbers in [0, 1), the same ones in each run. */
  function chance(): () => number {
    let state = 12345;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const high = state >>> 8;
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (high * 0x1000000 + (state >>> 8)) / 2 ** 48;
    };
  }

  /** So many standard deviations that the draws are less even than those of chance. */
  function unevenness(f: Fixture, entries: readonly number[], each: number): number {
    const random = chance();
    const counts = new Map<number, number>();
    for (const entry of entries) counts.set(entry, 0);
    for (let i = 0; i < entries.length * each; i++) {
      const entry = f.dict.random(f.root, random);
      counts.set(entry, counts.get(entry)! + 1);
    }
    let chi = 0;
    for (const count of counts.values()) chi += (count - each) ** 2 / each;
    const freedom = entries.length - 1;
    return (chi - freedom) / Math.sqrt(2 * freedom);
  }

  it.each([
    ['small', 200, 0, 500],
    ['that grows', 270, 0, 500],
    ['that has begun to grow', 260, 0, 500],
    ['that has begun to shrink', 4096, 3700, 200],
    ['that shrinks', 4096, 3800, 200],
    ['sparse', 4096, 3400, 100],
    ['large', 20_000, 0, 10],
    ['large that grows', 33_000, 0, 6],
  ])('random() of a dict is fair (chi-square): %s', (_, added, removed, each) => {
    const f = new Fixture();
    const entries: number[] = [];
    for (let i = 0; i < added; i++) entries.push(f.add(`k${i}`));
    for (const entry of entries.splice(0, removed)) f.remove(entry);
    const uneven = unevenness(f, entries, each);
    expect(uneven).toBeLessThan(6);
    expect(uneven).toBeGreaterThan(-6);
  });

  it('random() finds what has just been added to a large dict, and only what is left', () => {
    const f = new Fixture();
    const random = chance();
    const left = new Set<number>();
    for (let i = 0; i < 20_000; i++) left.add(f.add(`k${i}`));
    let strangers = 0;
    for (let i = 0; left.size > 0; i++) {
      const entry = f.dict.random(f.root, random);
      if (!left.delete(entry)) strangers++;
      f.dict.unlinkRandom(f.root, entry);
      f.arena.free(entry);
      if (i < 1000) left.add(f.add(`new${i}`));
      if (i % 8000 === 0) f.dict.checkInvariants(f.root);
    }
    expect(strangers).toBe(0);
    expect(f.dict.random(f.root, random)).toBe(0);
  });

  it('clearStep() frees in slices', () => {
    const f = new Fixture();
    const empty = f.arena.usedBytes;
    for (let i = 0; i < 10_000; i++) f.add(`key${i}`);
    let slices = 0;
    while (f.dict.clearStep(f.root, (entry) => f.arena.free(entry), 500)) slices++;
    f.dict.destroy(f.root);
    expect(slices).toBeGreaterThan(10);
    expect(f.arena.usedBytes).toBeLessThan(empty);
  });

  it('grows and shrinks without losing an entry, and gives the memory back', () => {
    const f = new Fixture();
    const entries: number[] = [];
    for (let i = 0; i < 200_000; i++) entries.push(f.add(`key:${i}`));
    f.dict.checkInvariants(f.root);
    for (let i = 0; i < 200_000; i += 997) expect(f.find(`key:${i}`)).toBe(entries[i]);
    for (const entry of entries) f.remove(entry);
    while (f.dict.rehashFor(f.root, 100));
    expect(f.dict.size(f.root)).toBe(0);
    expect(f.dict.buckets(f.root)).toBeLessThan(64);
  });

  const full = process.env['RESPITE_FULL'] === '1';
  it.skipIf(!full)('holds 20 million entries (skipped: takes minutes, set RESPITE_FULL=1)', () => {
    const f = new Fixture();
    const bytes = Buffer.alloc(8);
    let slowest = 0;
    for (let i = 0; i < 20_000_000; i++) {
      bytes.writeUInt32LE(i, 0);
      const started = performance.now();
      const entry = f.arena.alloc(20);
      const at = (entry & 0x7fff) << 3;
      f.arena.i32[entry >>> 15]![(at >> 2) + 2] = 8;
      f.arena.u8[entry >>> 15]!.set(bytes, at + 12);
      f.dict.insert(f.root, f.dict.hash(bytes, 0, 8), entry);
      slowest = Math.max(slowest, performance.now() - started);
    }
    expect(f.dict.size(f.root)).toBe(20_000_000);
    console.log(`slowest of 20M insertions: ${slowest.toFixed(2)} ms`);
  });
});

describe('halfSipHash13', () => {
  /** The same function written plainly: state in an array, any number of rounds. */
  function plain(data: Uint8Array, k0: number, k1: number): number {
    const v = [k0, k1, 0x6c796765 ^ k0, 0x74656463 ^ k1];
    const rotl = (x: number, n: number) => (x << n) | (x >>> (32 - n)) | 0;
    const round = () => {
      v[0] = (v[0]! + v[1]!) | 0;
      v[1] = rotl(v[1]!, 5) ^ v[0];
      v[0] = rotl(v[0], 16);
      v[2] = (v[2]! + v[3]!) | 0;
      v[3] = rotl(v[3]!, 8) ^ v[2];
      v[0] = (v[0] + v[3]) | 0;
      v[3] = rotl(v[3], 7) ^ v[0];
      v[2] = (v[2] + v[1]!) | 0;
      v[1] = rotl(v[1]!, 13) ^ v[2];
      v[2] = rotl(v[2], 16);
    };
    const padded = Buffer.alloc((data.length >> 2) * 4 + 4);
    padded.set(data);
    padded[padded.length - 1] = data.length & 0xff;
    for (let i = 0; i < padded.length; i += 4) {
      const m = padded.readInt32LE(i);
      v[3]! ^= m;
      round();
      v[0]! ^= m;
    }
    v[2]! ^= 0xff;
    for (let i = 0; i < 3; i++) round();
    return v[1]! ^ v[3]!;
  }

  it('agrees with a plain version for every length and key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer(), fc.integer(), (data, k0, k1) => {
        expect(halfSipHash13(data, 0, data.length, k0, k1)).toBe(plain(data, k0, k1));
      }),
    );
  });
});
