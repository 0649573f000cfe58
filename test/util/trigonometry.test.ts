/**
 * Sine, cosine and arcsine beside series in 200-bit integers: correctly rounded, but for very
 * few results.
 */
import { describe, expect, it } from 'vitest';
import { asin, cos, sin } from '../../src/util/trigonometry.ts';
import { randomFrom } from './float-texts.ts';

const SAMPLES = process.env['RESPITE_FULL'] === '1' ? 200_000 : 4000;
const BITS = 200;
/** Share of the results that may be rounded to the other side; it is a tenth of this. */
const EXCEPTIONS = 1e-5;

/** A double whose lowest bit is 2^-200 or more, as an integer that counts those. */
function exact(x: number): bigint {
  return BigInt(x * 2 ** BITS);
}

/** Sine and cosine as integers that count 2^-200. */
function series(x: number): { sine: bigint; cosine: bigint } {
  const angle = exact(x);
  let sine = 0n;
  let cosine = 0n;
  let term = 1n << BigInt(BITS);
  for (let n = 0n; term !== 0n; n++) {
    const signed = n % 4n < 2n ? term : -term;
    if (n % 2n === 0n) cosine += signed;
    else sine += signed;
    term = ((term * angle) / (n + 1n)) >> BigInt(BITS);
  }
  return { sine, cosine };
}

/** Number() rounds a BigInt to the nearest double. */
const rounded = (n: bigint) => Number(n) / 2 ** BITS;

describe('trigonometry', () => {
  it('sin() from 0 to pi and cos() to pi / 2 are rounded correctly', () => {
    const random = randomFrom(1);
    let wrong = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const y = random() * (i % 2 === 0 ? 3.140625 : 1.5625);
      const { sine, cosine } = series(y);
      expect(sin(-y)).toBe(-sin(y));
      if (sin(y) !== rounded(sine)) wrong++;
      if (y <= Math.PI / 2 && cos(-y) !== rounded(cosine)) wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(SAMPLES * EXCEPTIONS);
  });

  it('asin() is rounded correctly', () => {
    const random = randomFrom(2);
    for (let i = 0; i < SAMPLES; i++) {
      const x = i % 3 === 0 ? 1 - random() ** 8 : random() ** (1 + (i % 3));
      const angle = asin(x);
      // The true arcsine lies between the middles of the neighbouring doubles.
      const half = 2 ** (Math.floor(Math.log2(angle)) - 53);
      const sineAt = (offset: number) => {
        const { sine, cosine } = series(angle);
        return sine + ((cosine * exact(offset)) >> BigInt(BITS));
      };
      const target = exact(x);
      expect(sineAt(half * 1.0001) >= target, `asin ${x}`).toBe(true);
      expect(sineAt(-half * 1.0001) <= target, `asin ${x}`).toBe(true);
    }
  });

  it('knows its limits', () => {
    expect(sin(0)).toBe(0);
    expect(cos(0)).toBe(1);
    expect(asin(0)).toBe(0);
    expect(asin(1)).toBe(Math.PI / 2);
    expect(asin(1 + 2 ** -52)).toBeNaN();
    expect(asin(Number.NaN)).toBeNaN();
    expect(sin(Math.PI)).toBe(1.2246467991473532e-16);
    expect(sin(5e-324)).toBe(5e-324);
    expect(sin(100)).toBe(Math.sin(100));
    expect(sin(Number.POSITIVE_INFINITY)).toBeNaN();
    expect(cos(Number.NaN)).toBeNaN();
  });
});
