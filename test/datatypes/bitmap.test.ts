/**
 * Counting, finding and combining bits against strings of '0' and '1', at every alignment and
 * across the sizes where words and blocks begin.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteOfBit, findBit, popcount, popcountRange } from '../../src/datatypes/bitmap.ts';
import { type BitOperation, combine } from '../../src/datatypes/bitmap-combine.ts';

/** The bits of bytes as a text, first bit first. */
function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
}

function ones(bits: string): number {
  return bits.split('1').length - 1;
}

/** The bytes somewhere inside a buffer whose other bytes would be noticed. */
function placed(bytes: Uint8Array, off: number): Uint8Array {
  const buf = new Uint8Array(off + bytes.length + 9).fill(0xa5);
  buf.set(bytes, off);
  return buf;
}

/** Runs of equal bytes beside random ones: words that are skipped, and ends that are not. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .tuple(fc.constantFrom(0, 0xff), fc.nat(150))
        .map(([byte, length]) => new Uint8Array(length).fill(byte)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));
const offset = fc.nat(9);

describe('popcount()', () => {
  it('counts what the model counts, at every alignment', () => {
    fc.assert(
      fc.property(bytes, offset, (value, off) => {
        expect(popcount(placed(value, off), off, value.length)).toBe(ones(bitsOf(value)));
      }),
      { numRuns: 500 },
    );
  });

  it('reads a view of a larger buffer', () => {
    const whole = new Uint8Array(300).fill(0xff);
    for (let at = 0; at < 5; at++) {
      expect(popcount(whole.subarray(at), 1, 200)).toBe(1600);
    }
  });

  it('counts every length around the size of a word and of eight words', () => {
    const full = new Uint8Array(400).fill(0xff);
    for (let length = 0; length < 390; length++) {
      expect(popcount(full, 3, length)).toBe(length * 8);
    }
  });
});

describe('popcountRange()', () => {
  it('counts from bit to bit, both included', () => {
    const range = bytes
      .filter((value) => value.length > 0)
      .chain((value) => {
        const bit = fc.nat(value.length * 8 - 1);
        return fc.tuple(fc.constant(value), bit, bit, offset);
      });
    fc.assert(
      fc.property(range, ([value, a, b, off]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const expected = ones(bitsOf(value).slice(from, to + 1));
        expect(popcountRange(placed(value, off), off, from, to)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('findBit()', () => {
  it('finds what the model finds', () => {
    const range = bytes
      .filter((value) => value.length > 0)
      .chain((value) => {
        const bit = fc.nat(value.length * 8 - 1);
        return fc.tuple(fc.constant(value), bit, bit, offset, fc.constantFrom(0, 1));
      });
    fc.assert(
      fc.property(range, ([value, a, b, off, bit]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const at = bitsOf(value)
          .slice(0, to + 1)
          .indexOf(String(bit), from);
        expect(findBit(placed(value, off), off, bit as 0 | 1, from, to)).toBe(at);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a lone bit wherever it is', () => {
    for (const bit of [0, 1] as const) {
      for (let at = 0; at < 1200; at++) {
        const buf = new Uint8Array(160).fill(bit === 1 ? 0 : 0xff);
        buf[5 + byteOfBit(at)]! ^= 0x80 >> (at % 8);
        expect(findBit(buf, 5, bit, 0, 1239)).toBe(at);
        expect(findBit(buf, 5, bit, at, at)).toBe(at);
        if (at > 0) expect(findBit(buf, 5, bit, 0, at - 1)).toBe(-1);
        expect(findBit(buf, 5, bit, at + 1, 1239)).toBe(-1);
      }
    }
  });
});

describe('byteOfBit()', () => {
  it('is exact past 2^32', () => {
    expect(byteOfBit(7)).toBe(0);
    expect(byteOfBit(8)).toBe(1);
    expect(byteOfBit(2 ** 32 - 1)).toBe(2 ** 29 - 1);
    expect(byteOfBit(2 ** 34 + 9)).toBe(2 ** 31 + 1);
  });
});

/** What each operation makes of the bits that the sources have at one place. */
const model: Readonly<Record<BitOperation, (bits: readonly boolean[]) => boolean>> = {
  and: (bits) => bits.every(Boolean),
  or: (bits) => bits.some(Boolean),
  xor: (bits) => bits.filter(Boolean).length % 2 === 1,
  not: ([x]) => !x,
  diff: ([x, ...others]) => x === true && !others.some(Boolean),
  diff1: ([x, ...others]) => x === false && others.some(Boolean),
  andor: ([x, ...others]) => x === true && others.some(Boolean),
  one: (bits) => bits.filter(Boolean).length === 1,
};

function expected(operation: BitOperation, sources: readonly Uint8Array[]): Buffer {
  const length = Math.max(...sources.map((source) => source.length));
  const out = Buffer.alloc(length);
  for (let at = 0; at < length * 8; at++) {
    const mask = 0x80 >> (at % 8);
    const bits = sources.map((source) => ((source[at >> 3] ?? 0) & mask) !== 0);
    if (model[operation](bits)) out[at >> 3]! |= mask;
  }
  return out;
}

function combined(operation: BitOperation, sources: readonly Uint8Array[]): Buffer {
  const out = Buffer.alloc(Math.max(...sources.map((source) => source.length)), 0x5a);
  combine(operation, sources, out);
  return out;
}

describe.each(Object.keys(model) as BitOperation[])('combine() %s', (operation) => {
  const many = operation === 'not' ? 1 : 5;

  it('is what the model says, for strings of different lengths and alignments', () => {
    const source = fc
      .tuple(bytes, offset)
      .map(([value, off]) => placed(value, off).subarray(off, off + value.length));
    fc.assert(
      fc.property(fc.array(source, { minLength: 1, maxLength: many }), (sources) => {
        expect(combined(operation, sources)).toEqual(expected(operation, sources));
      }),
      { numRuns: 200 },
    );
  });

  it('goes on across blocks, and where some sources have ended', () => {
    const sources = [9000, 20_001, 8192, 16_384, 1].slice(0, many).map((length, n) => {
      const value = new Uint8Array(length);
      for (let i = 0; i < length; i++) value[i] = (i * (n + 3) + (i >> 7) + n * 77) & 0xff;
      return value;
    });
    expect(combined(operation, sources).equals(expected(operation, sources))).toBe(true);
    sources.reverse();
    expect(combined(operation, sources).equals(expected(operation, sources))).toBe(true);
  });

  it('leaves the sources as they are and takes one twice', () => {
    const source = Uint8Array.of(1, 2, 0xff, 0x80, 7);
    const sources = operation === 'not' ? [source] : [source, source];
    expect(combined(operation, sources)).toEqual(expected(operation, sources));
    expect([...source]).toEqual([1, 2, 0xff, 0x80, 7]);
  });
});
