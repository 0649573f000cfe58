/**
 * Integers and doubles as text: tables of spellings, and properties against BigInt and Number.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDouble,
  formatDouble17g,
  intLength,
  isInt64Text,
  parseDouble,
  parseInt64,
  parseSafeInt,
  writeInt,
} from '../../src/util/numbers.ts';
import { isSpelled, spellings } from './float-texts.ts';

/** Calls a reader on the text in the middle of digits that it must not look at. */
function inside<T>(read: (buf: Uint8Array, off: number, len: number) => T, text: string): T {
  const buf = Buffer.from(`31${text}23`, 'latin1');
  return read(buf, 2, buf.length - 4);
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** What Redis takes for an integer, said in another way. */
function modelInt64(text: string): bigint | undefined {
  if (!/^-?[0-9]{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  if (String(value) !== text || value > INT64_MAX || value < INT64_MIN) return undefined;
  return value;
}

const badIntegers = [
  ...['', '-', '+1', '-0', '00', '01', '-01', ' 1', '1 ', '1.0', '1e3', '0x1', '1\0', '\0', '--1'],
  ...['9223372036854775808', '-9223372036854775809', '18446744073709551615', '1a', 'a', '1-', '/'],
  ...['10000000000000000000', '-10000000000000000000', '92233720368547758070', ':', '1:', '/1'],
  ...['999999999999999a', '99999999999999999999999', '123456789012345:', '-:', '-/'],
];

describe('parseInt64()', () => {
  it.each(badIntegers)('refuses %j', (text) => {
    expect(inside(parseInt64, text)).toBeUndefined();
    expect(inside(isInt64Text, text)).toBe(false);
    expect(inside(parseSafeInt, text)).toBeNaN();
  });

  it('is a number up to 2^53 - 1 and a BigInt past it', () => {
    const values = [0n, 7n, -7n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 10n ** 15n, 10n ** 16n];
    for (const value of [...values, 999_999_999_999_999n, INT64_MAX, INT64_MIN, INT64_MIN + 1n]) {
      for (const n of value < 0n ? [value] : [value, -value]) {
        const safe = Number.isSafeInteger(Number(n));
        expect(inside(parseInt64, String(n))).toBe(safe ? Number(n) : n);
        expect(inside(parseSafeInt, String(n))).toBe(safe ? Number(n) : Number.NaN);
        expect(inside(isInt64Text, String(n))).toBe(true);
      }
    }
  });

  it('reads and judges as the model does', () => {
    const nearly = fc.stringMatching(/^[-+ ]?[0-9]{0,22}[a0.]?$/);
    const long = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String);
    const edge = fc.bigInt({ min: -2000n, max: 2000n }).map((n) => String(2n ** 53n + n));
    const limit = fc.bigInt({ min: -2000n, max: 2000n }).map((n) => String(2n ** 63n + n));
    const minus = fc.constantFrom('', '-');
    const signed = fc.tuple(minus, fc.oneof(edge, limit)).map(([sign, text]) => sign + text);
    fc.assert(
      fc.property(fc.oneof(nearly, long, signed), (text) => {
        const expected = modelInt64(text);
        const actual = inside(parseInt64, text);
        expect(actual === undefined ? undefined : BigInt(actual)).toBe(expected);
        expect(typeof actual === 'bigint').toBe(
          expected !== undefined && !Number.isSafeInteger(Number(expected)),
        );
        expect(inside(isInt64Text, text)).toBe(expected !== undefined);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('writeInt()', () => {
  function written(value: number): string {
    const buf = Buffer.alloc(24, 'x');
    const end = writeInt(buf, 3, value);
    expect(buf.toString('latin1', 0, 3)).toBe('xxx');
    expect(buf.toString('latin1', end)).toBe('x'.repeat(24 - end));
    expect(intLength(value)).toBe(end - 3);
    return buf.toString('latin1', 3, end);
  }

  it('writes powers of ten, their neighbours and the ends of the safe range', () => {
    for (let power = 1; power < 1e16; power *= 10) {
      for (const n of [power - 1, power, power + 1]) {
        if (!Number.isSafeInteger(n)) continue;
        expect(written(n)).toBe(String(n));
        expect(written(-n)).toBe(n === 0 ? '0' : `-${n}`);
      }
    }
    for (const n of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 9, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(written(n)).toBe(String(n));
      expect(written(-n)).toBe(`-${n}`);
    }
  });

  it('writes any safe integer as String does', () => {
    const digits = fc
      .integer({ min: 0, max: 53 })
      .chain((bits) => fc.maxSafeNat().map((n) => Math.floor(n / 2 ** bits)));
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), digits), (n) => {
        expect(written(n)).toBe(String(n));
        expect(inside(parseInt64, String(n))).toBe(Object.is(n, -0) ? 0 : n);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('parseDouble()', () => {
  it.each(spellings)('%j is %s', (text, zscore) => {
    const value = inside(parseDouble, text);
    if (zscore === undefined) expect(value).toBeNaN();
    else expect(isSpelled(zscore, formatDouble17g(value))).toBe(true);
  });

  it('reads back every double from any of its spellings', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((d) => d !== 0);
    fc.assert(
      fc.property(double, (value) => {
        for (const text of [
          String(value),
          value.toExponential(),
          value.toPrecision(17),
          formatDouble(value),
          formatDouble17g(value),
          hexText(value),
        ]) {
          expect(inside(parseDouble, text), text).toBe(value);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('reads decimals as Number does', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[-+]?[0-9]{1,18}(\.[0-9]{0,18})?(e-?[0-9]{1,2})?$/),
        (text) => {
          expect(inside(parseDouble, text)).toBe(Number(text));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('rounds long hex digits half to even', () => {
    const fixed = fc.tuple(
      fc.bigInt({ min: 1n, max: 2n ** 60n }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 40 }),
    );
    fc.assert(
      fc.property(fixed, ([digits, shift, zeros]) => {
        const n = digits << BigInt(shift);
        const text = `0x${n.toString(16)}.${'0'.repeat(zeros)}`;
        // Number(BigInt) rounds half to even.
        expect(inside(parseDouble, text)).toBe(Number(n));
      }),
      { numRuns: 2000 },
    );
  });
});

/** %a, in effect. */
function hexText(value: number): string {
  let n = Math.abs(value);
  let power = 0;
  for (; !Number.isInteger(n); n *= 2) power--;
  return `${value < 0 ? '-' : ''}0x${BigInt(n).toString(16)}p${power}`;
}

describe('formatDouble()', () => {
  it.each([
    [0, '0', '0'],
    [-0, '-0', '-0'],
    [Number.POSITIVE_INFINITY, 'inf', 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf', '-inf'],
    [Number.NaN, 'nan', 'nan'],
    [3, '3', '3'],
    [-3.5, '-3.5', '-3.5'],
    [0.1, '0.1', '0.10000000000000001'],
    [0.001, '0.001', '0.001'],
    [1e-5, '0.00001', '1.0000000000000001e-05'],
    [1e-7, '1e-7', '9.9999999999999995e-08'],
    [0.0001234, '1.234e-4', '0.00012339999999999999'],
    [2 ** -11, '4.8828125e-4', '0.00048828125'],
    [1.5e-6, '1.5e-6', '1.5e-06'],
    [12345.678901, '12345.678901', '12345.678900999999'],
    [123456.78901234, '1.2345678901234e+5', '123456.78901234'],
    [-123456.78901234, '-1.2345678901234e+5', '-123456.78901234'],
    [1e15, '1000000000000000', '1000000000000000'],
    [2 ** 53, '9007199254740992', '9007199254740992'],
    [1e16, '10000000000000000', '10000000000000000'],
    [1e17, '100000000000000000', '1e+17'],
    [-123456789012345680, '-123456789012345680', '-1.2345678901234568e+17'],
    [2 ** 60, '1152921504606846976', '1.152921504606847e+18'],
    [2 ** 62, '4611686018427387904', '4.6116860184273879e+18'],
    [5e18, '5e+18', '5e+18'],
    [2 ** 63, '9223372036854776000', '9.2233720368547758e+18'],
    [1e21, '1e+21', '1e+21'],
    [1.2345678901234568e22, '12345678901234568000000', '1.2345678901234568e+22'],
    [1e100, '1e+100', '1e+100'],
    [5e-324, '5e-324', '4.9406564584124654e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e+308', '1.7976931348623157e+308'],
    [1e7 + 2 ** -10, '1.0000000000976562e+7', '10000000.000976562'],
    [1e7 + 3 * 2 ** -10, '1.0000000002929688e+7', '10000000.002929688'],
  ])('%d is %s since 7.2, %s in 7.0', (value, shortest, seventeen) => {
    expect(formatDouble17g(value)).toBe(seventeen);
    expect(formatDouble(value)).toBe(shortest);
  });

  it('has as few digits as JavaScript', () => {
    const digits = (text: string) =>
      text
        .replace(/^-/, '')
        .replace(/e.*/, '')
        .replace('.', '')
        .replace(/^0+|0+$/g, '');
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatDouble(value);
        if (Math.abs(value) < 2 ** 53 || !Number.isInteger(value)) {
          expect(digits(text)).toBe(digits(String(value)));
        }
        expect(Object.is(Number(text), value)).toBe(true);
        expect(Object.is(Number(formatDouble17g(value)), value)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
