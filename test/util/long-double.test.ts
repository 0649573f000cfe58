/**
 * INCRBYFLOAT's arithmetic: known sums, refusals, and what must hold for any operands.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addLongDoubles,
  formatHumanDouble,
  incrByFloat,
  longDoubleKind,
} from '../../src/util/long-double.ts';
import { isSpelled, spellings } from './float-texts.ts';

function sum(a: string, b: string): string {
  const result = addLongDoubles(a, b);
  return result.kind === 'sum' ? result.text : result.kind;
}

describe('addLongDoubles()', () => {
  it.each(spellings)('%j + 0 (ZADD: %s) is %s', (text, _zscore, expected) => {
    const result = addLongDoubles(text, '0');
    if (expected === undefined) expect(result).toEqual({ kind: 'notFloat', operand: 1 });
    else if (expected === 'inf') expect(result).toEqual({ kind: 'notFinite' });
    else expect(isSpelled(expected, sum(text, '0'))).toBe(true);
    const kind = longDoubleKind(text);
    const kinds = { sum: 'finite', notFinite: 'infinite', notFloat: 'notFloat' };
    expect(kind).toBe(kinds[result.kind]);
  });

  it.each([
    ['0.1', '0.2', '0.3'],
    ['3.0', '1.000', '4'],
    ['5.0e3', '2.0e2', '5200'],
    ['10.50', '0.1', '10.6'],
    ['1', '-1.0', '0'],
    ['-0.4e-17', '0', '0'],
    ['100.1', '0.2', '100.3'],
    ['0x1p-18', '0', '0.00000381469726562'],
    ['0x3p-18', '0', '0.00001144409179688'],
    ['9223372036854775807', '1', '9223372036854775808'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['18446744073709551616', '1', '18446744073709551616'],
    ['17179869184', '0.1', '17179869184.09999999962747097'],
    ['1e20', '1', '100000000000000000000'],
    ['45.99', '-0.00000000000001', '45.98999999999999'],
    ['46', '-0.00000000000001', '45.99999999999999'],
    ['1e4932', '1e4932', 'notFinite'],
    ['-1e4932', '-1e4932', 'notFinite'],
    ['inf', '-inf', 'notFinite'],
    ['inf', '0', 'notFinite'],
  ])('%s + %s is %s', (a, b, expected) => {
    expect(sum(a, b)).toBe(expected);
    expect(sum(b, a)).toBe(expected);
  });

  it('overflows from half a bit above the largest value on', () => {
    expect(sum('0x1.fffffffffffffffep16383', '0x1p16318')).toMatch(/^118973149535723/);
    expect(sum('0x1.fffffffffffffffep16383', '0x1p16319')).toBe('notFinite');
  });

  it('tells which operand is no float, the first one first, and before infinities', () => {
    expect(addLongDoubles('x', 'y')).toEqual({ kind: 'notFloat', operand: 1 });
    expect(addLongDoubles('1', 'y')).toEqual({ kind: 'notFloat', operand: 2 });
    expect(addLongDoubles('inf', '')).toEqual({ kind: 'notFloat', operand: 2 });
  });

  it('adds any two integers of 63 bits exactly', () => {
    const int = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n });
    fc.assert(
      fc.property(int, int, (a, b) => {
        expect(sum(String(a), String(b))).toBe(String(a + b));
      }),
    );
  });

  it('the short way gives what the long way does', () => {
    const units = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -100_000, max: 100_000 }));
    const decimal = fc.tuple(units, fc.integer({ min: 0, max: 16 })).map(([n, places]) => {
      const digits = String(Math.abs(n)).padStart(places + 1, '0');
      const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
      return n < 0 ? `-${text}` : text;
    });
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        // An exponent keeps the short way out.
        expect(sum(a, b)).toBe(sum(`${a}e0`, `${b}e0`));
      }),
      { numRuns: 5000 },
    );
  });

  it('decimals below 46 come back as they are', () => {
    const text = fc.stringMatching(/^[1-4]?[0-5]\.[0-9]{0,16}[1-9]$/);
    fc.assert(
      fc.property(text, (value) => {
        expect(sum(value, '0')).toBe(value);
      }),
    );
  });
});

describe('incrByFloat()', () => {
  it('reads only the ranges it is given', () => {
    const a = Buffer.from('9910.519');
    const b = Buffer.from('x0.1y');
    expect(incrByFloat(a, 2, 4, b, 1, 3)).toEqual({ kind: 'sum', text: '10.6' });
    expect(incrByFloat(a, 2, 4, b, 1, 4)).toEqual({ kind: 'notFloat', operand: 2 });
    expect(incrByFloat(a, 2, 0, b, 1, 3)).toEqual({ kind: 'notFloat', operand: 1 });
  });
});

describe('formatHumanDouble()', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [0.1, '0.10000000000000001'],
    [2 ** -18, '0.00000381469726562'],
    [-3 * 2 ** -18, '-0.00001144409179688'],
    [13.361389338970184, '13.36138933897018433'],
    [1e22, '10000000000000000000000'],
    [5e-324, '0'],
  ])('%d is %s', (value, expected) => {
    expect(formatHumanDouble(value)).toBe(expected);
  });
});
