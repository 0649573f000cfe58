/**
 * LZF: what is compressed comes back, and no bytes make the reader leave its bounds.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lzfCompress, lzfDecompress, lzfLength } from '../../src/util/lzf.ts';

function compress(bytes: Uint8Array, room = bytes.length - 4): Buffer | undefined {
  const out = Buffer.alloc(Math.max(0, room) + 2, 0xee);
  const n = lzfCompress(bytes, 0, bytes.length, out, 1, room);
  expect(n).toBeLessThanOrEqual(Math.max(0, room));
  expect(out[0]).toBe(0xee);
  expect(out.at(-1)).toBe(0xee);
  return n === 0 ? undefined : out.subarray(1, 1 + n);
}

function decompress(bytes: Uint8Array): Buffer | undefined {
  const length = lzfLength(bytes, 0, bytes.length);
  if (length < 0) return undefined;
  const out = Buffer.alloc(length + 2, 0xee);
  expect(lzfDecompress(bytes, 0, bytes.length, out, 1, length)).toBe(true);
  expect(out[0]).toBe(0xee);
  expect(out.at(-1)).toBe(0xee);
  return out.subarray(1, 1 + length);
}

/** Texts with repetitions near and far, of few letters or of many. */
const text = fc
  .array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 30 })),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array(times).fill(part))));

describe('lzf', () => {
  it('brings back what it has compressed', () => {
    fc.assert(
      fc.property(text, (bytes) => {
        const compressed = compress(bytes);
        if (compressed !== undefined) expect(decompress(compressed)).toEqual(bytes);
      }),
    );
  });

  it('compresses runs of every length', () => {
    for (let n = 5; n < 700; n++) {
      const bytes = Buffer.alloc(n, 'a');
      const compressed = compress(bytes);
      if (n > 20) expect(compressed?.length, `${n}`).toBeLessThan(20);
      if (compressed !== undefined) expect(decompress(compressed)).toEqual(bytes);
    }
  });

  it('refers back 8192 bytes, not more', () => {
    for (const [gap, found] of [
      [8192, true],
      [8193, false],
    ] as const) {
      const bytes = Buffer.alloc(gap + 5);
      for (let i = 0; i < bytes.length; i++) bytes[i] = (i * i * 31 + (i >> 8)) % 251;
      bytes.write('\xff\xfe\xfd\xfc\xff', 0, 'latin1');
      bytes.write('\xff\xfe\xfd\xfc\xff', gap, 'latin1');
      const compressed = compress(bytes, bytes.length * 2)!;
      expect(decompress(compressed)).toEqual(bytes);
      expect(compressed.subarray(-2).equals(Buffer.from('\xfc\xff', 'latin1'))).toBe(!found);
    }
  });

  it('says 0 when the room does not suffice', () => {
    const bytes = Buffer.from('abcabcabcabcabcabcabcabc-0123456789');
    const whole = compress(bytes, 100)!;
    for (let room = 0; room < whole.length; room++) expect(compress(bytes, room)).toBeUndefined();
    expect(compress(Buffer.from('0123456789abcdefghijklmnop'))).toBeUndefined();
  });

  it('never leaves its bounds, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        decompress(bytes);
      }),
      { numRuns: 2000 },
    );
    expect(lzfLength(Buffer.from('2000', 'hex'), 0, 2)).toBe(-1);
    expect(lzfLength(Buffer.from('0061e0', 'hex'), 0, 3)).toBe(-1);
    expect(lzfLength(Buffer.from('0061e00000', 'hex'), 0, 5)).toBe(10);
  });
});
