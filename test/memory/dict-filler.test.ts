/** Walks and fillings in batches: Dict.walk, Dict.reserve, DictFiller, OrderedIndex.build. */
import { describe, expect, it } from 'vitest';
import { newMember } from '../../src/datatypes/members.ts';
import type { Ref } from '../../src/memory/arena.ts';
import { Dict } from '../../src/memory/dict.ts';
import { DictFiller } from '../../src/memory/dict-filler.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { OrderedIndex } from '../../src/memory/ordered-index.ts';
import { Crc64, crcOfShifted } from '../../src/util/crc64.ts';

function setup() {
  const arena = new HeapArena();
  const dict = new Dict(arena, Int32Array.of(3, 5));
  const member = (name: string) => {
    const bytes = Buffer.from(name);
    return newMember(arena, bytes, 0, bytes.length, false, 0);
  };
  return { arena, dict, member };
}

function walked(dict: Dict, root: Ref, slice: number): Ref[] {
  const found: Ref[] = [];
  for (let at = 0; at >= 0; ) at = dict.walk(root, at, slice, (entry) => found.push(entry));
  return found;
}

describe('a dict', () => {
  it('is walked in slices of any size, while it grows and after it', () => {
    const { dict, member } = setup();
    const root = dict.create();
    const entries: Ref[] = [];
    for (let i = 0; i < 700; i++) {
      const entry = member(`m${i}`);
      dict.insert(root, dict.hashOfEntry(entry), entry);
      entries.push(entry);
      if (i % 50 !== 0) continue;
      for (const slice of [1, 63, 64, 65, 100_000]) {
        expect(walked(dict, root, slice).sort()).toEqual([...entries].sort());
      }
    }
  });

  it('has room for what was announced, and stays one without it', () => {
    const { dict, member, arena } = setup();
    const before = arena.usedBytes;
    const root = dict.create();
    dict.reserve(root, 1000);
    expect(dict.buckets(root)).toBe(1024);
    for (let i = 0; i < 1000; i++) {
      const entry = member(`m${i}`);
      dict.insert(root, dict.hashOfEntry(entry), entry);
    }
    expect(dict.buckets(root)).toBe(1024);
    dict.reserve(root, 100_000);
    expect(dict.buckets(root)).toBe(1024);
    dict.checkInvariants(root);
    while (dict.clearStep(root, (entry) => arena.free(entry), 100));
    dict.destroy(root);
    expect(arena.usedBytes).toBe(before);
  });

  it('is filled in batches, and tells of a key that is there twice', () => {
    for (const twice of [undefined, 3, 70, 199]) {
      const { arena, dict, member } = setup();
      const filler = new DictFiller(arena, dict);
      const root = dict.create();
      filler.begin(root);
      let distinct = true;
      for (let i = 0; i < 200; i++) distinct = filler.add(member(`m${i}`)) && distinct;
      if (twice !== undefined) distinct = filler.add(member(`m${twice}`)) && distinct;
      distinct = filler.flush() && distinct;
      expect(distinct).toBe(twice === undefined);
      expect(dict.size(root)).toBe(200);
      dict.checkInvariants(root);
    }
  });
});

describe('an ordered index', () => {
  it('is built from elements in order as if they had been inserted', () => {
    for (const count of [1, 2, 61, 62, 63, 124, 125, 62 * 36, 62 * 36 + 1, 10_000]) {
      const arena = new HeapArena();
      const ties = { probe: 0, compareProbe: (ref: Ref) => ties.probe - ref };
      const index = new OrderedIndex(arena, ties);
      const before = arena.usedBytes;
      const root = index.create();
      const entries = Int32Array.from({ length: count }, (_, i) => i + 1);
      const scores = Float64Array.from({ length: count }, (_, i) => i >> 1);
      index.build(root, entries, scores, count);
      index.checkInvariants(root);
      expect(index.size(root)).toBe(count);
      for (const rank of [0, count >> 1, count - 1]) {
        index.seekRank(root, rank);
        expect([index.entry, index.score]).toEqual([rank + 1, rank >> 1]);
      }
      for (let i = 0; i < count; i += 3) {
        ties.probe = i + 1;
        expect(index.remove(root, i >> 1)).toBe(true);
      }
      index.checkInvariants(root);
      while (index.clearStep(root, 100));
      expect(arena.usedBytes).toBe(before);
    }
  });
});

describe('a checksum', () => {
  it('of bytes with zeros behind them is that of all these bytes', () => {
    for (const zeros of [0, 1, 7, 8, 1000, 65_536]) {
      const bytes = Buffer.concat([Buffer.from('REDIS0010'), Buffer.alloc(zeros)]);
      const crc = new Crc64();
      crc.update(bytes, 0, bytes.length);
      expect(crcOfShifted(Buffer.from('REDIS0010'), zeros).hex()).toBe(crc.hex());
    }
  });
});
