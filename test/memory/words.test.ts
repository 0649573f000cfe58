/** Keys in the buffer that requests are read from are hashed and compared by words: to the same end. */
import { describe, expect, it } from 'vitest';
import { Dict } from '../../src/memory/dict.ts';
import { halfSipHash13 } from '../../src/memory/halfsiphash.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { readWordsOf, wordsOf } from '../../src/util/word-view.ts';

const LENGTHS = Array.from({ length: 41 }, (_, i) => i);
const OFFSETS = [0, 1, 2, 3, 5, 8];

function filled(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 167 + 13) & 0xff);
}

/** A buffer of the size of a receive buffer, with `bytes` at `off`, whose words are read now. */
function received(bytes: Uint8Array, off: number): Uint8Array {
  const buf = new Uint8Array(32 << 10).fill(0xa5);
  buf.set(bytes, off);
  readWordsOf(buf);
  expect(wordsOf(buf)).toBeDefined();
  return buf;
}

describe('words of the receive buffer', () => {
  it('hash to what bytes hash to, at any offset and of any length', () => {
    for (const length of LENGTHS) {
      const bytes = filled(length);
      const expected = halfSipHash13(bytes, 0, length, 1234567, -7654321);
      for (const off of OFFSETS) {
        expect(halfSipHash13(received(bytes, off), off, length, 1234567, -7654321)).toBe(expected);
      }
    }
  });

  it('find the key with the same bytes only', () => {
    const arena = new HeapArena();
    const dict = new Dict(arena, Int32Array.of(0, 0));
    for (const length of LENGTHS.slice(1)) {
      const root = dict.create();
      const bytes = filled(length);
      const entry = arena.alloc(12 + length);
      const at = (entry & 0x7fff) << 3;
      arena.i32[entry >>> 15]![(at >> 2) + 2] = length;
      arena.u8[entry >>> 15]!.set(bytes, at + 12);
      const hash = dict.hash(bytes, 0, length);
      dict.insert(root, hash, entry);
      for (const off of OFFSETS) {
        expect(dict.find(root, hash, received(bytes, off), off, length)).toBe(entry);
        for (let wrong = 0; wrong < length; wrong++) {
          const other = bytes.slice();
          other[wrong]! ^= 0x80;
          expect(dict.find(root, hash, received(other, off), off, length)).toBe(0);
        }
      }
    }
  });

  it('are those of one buffer, which is neither small nor huge', () => {
    const first = received(filled(8), 0);
    const second = received(filled(8), 0);
    expect(wordsOf(first)).toBeUndefined();
    for (const size of [64, 2 << 20]) readWordsOf(new Uint8Array(size));
    expect(wordsOf(second)).toBeDefined();
  });
});
