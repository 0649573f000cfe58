/**
 * LCS against the plain table that Redis fills, on random strings, and against known answers.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LcsMatch, lcs, lcsLength, lcsMemory } from '../../src/datatypes/lcs.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

interface Answer {
  readonly text: string;
  readonly matches: readonly LcsMatch[];
}

/** The textbook way: the whole table of lengths, then back from its end. */
function model(a: Uint8Array, b: Uint8Array): Answer {
  const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const both = table[i - 1]![j - 1]! + 1;
      const best = Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
      table[i]![j] = a[i - 1] === b[j - 1] ? both : best;
    }
  }
  const pairs: [number, number][] = [];
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) pairs.push([--i, --j]);
    else if (table[i - 1]![j]! > table[i]![j - 1]!) i--;
    else j--;
  }
  const matches: LcsMatch[] = [];
  for (const [x, y] of pairs) {
    const last = matches.at(-1);
    if (last !== undefined && last.aStart === x + 1 && last.bStart === y + 1) {
      matches[matches.length - 1] = { ...last, aStart: x, bStart: y };
    } else matches.push({ aStart: x, aEnd: x, bStart: y, bEnd: y });
  }
  const text = String.fromCharCode(...pairs.map(([x]) => a[x]!).reverse());
  return { text, matches };
}

function answer(a: Uint8Array, b: Uint8Array): Answer {
  const { length, bytes: found, matches } = lcs(a, b);
  expect(found.length).toBe(length);
  expect(lcsLength(a, b)).toBe(length);
  expect(lcsLength(b, a)).toBe(length);
  return { text: Buffer.from(found).toString('latin1'), matches };
}

describe('lcs()', () => {
  it('answers as the documentation of LCS says', () => {
    const { text, matches } = answer(bytes('ohmytext'), bytes('mynewtext'));
    expect(text).toBe('mytext');
    expect(matches).toEqual([
      { aStart: 4, aEnd: 7, bStart: 5, bEnd: 8 },
      { aStart: 2, aEnd: 3, bStart: 0, bEnd: 1 },
    ]);
  });

  it('leaves out matches shorter than minMatchLen, not their bytes', () => {
    const result = lcs(bytes('ohmytext'), bytes('mynewtext'), { minMatchLen: 4 });
    expect(result.matches).toEqual([{ aStart: 4, aEnd: 7, bStart: 5, bEnd: 8 }]);
    expect(result.length).toBe(6);
    expect(Buffer.from(result.bytes).toString()).toBe('mytext');
    expect(lcs(bytes('ab'), bytes('ab'), { minMatchLen: -3 }).matches).toHaveLength(1);
  });

  it.each([
    ['', ''],
    ['', 'abc'],
    ['abc', ''],
    ['a', 'a'],
    ['a', 'b'],
    ['ab', 'ba'],
    ['abcabc', 'abc'],
    ['\0\xff\0', '\xff\0\xff'],
  ])('of %j and %j is what the model says', (a, b) => {
    expect(answer(bytes(a), bytes(b))).toEqual(model(bytes(a), bytes(b)));
  });

  it('is what the model says for random strings over small and large alphabets', () => {
    const pair = fc.constantFrom(2, 3, 4, 20, 256).chain((letters) => {
      const string = (maxLength: number) =>
        fc.uint8Array({ max: letters - 1, maxLength, size: 'max' });
      return fc.tuple(string(150), string(100));
    });
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expect(answer(a, b)).toEqual(model(a, b));
      }),
      { numRuns: 1000 },
    );
  });

  it('carries across words: long runs of equal bytes', () => {
    for (const [n, m] of [
      [31, 32],
      [32, 32],
      [33, 64],
      [65, 64],
      [200, 129],
    ] as const) {
      const a = Buffer.alloc(n, 'x');
      const b = Buffer.alloc(m, 'x');
      expect(answer(a, b)).toEqual(model(a, b));
      b[m >> 1] = 65;
      expect(answer(a, b)).toEqual(model(a, b));
    }
  });

  it('does not look beyond the views it is given', () => {
    const whole = bytes('zzabczz');
    const view = whole.subarray(2, 5);
    expect(answer(view, bytes('zabcz')).text).toBe('abc');
  });
});

describe('lcsMemory()', () => {
  it('is what redis-server 7.0.15 compares with proto-max-bulk-len', () => {
    expect(lcsMemory(511, 511)).toBe(1024 * 1024);
    expect(lcsMemory(511, 512)).toBeGreaterThan(1024 * 1024);
  });
});
