/**
 * Sine, cosine and arcsine rounded correctly but for about one result in a million.
 * Math.sin and its like are off by one unit in the last place for 2 to 6 percent of the arguments
 * that distances on a globe bring, and V8 may change them; C libraries of today are off for about
 * one in a thousand. So this is the nearest that portable code comes to the digits that
 * redis-server answers (test/datatypes/geohash-oracle.test.ts counts what is left).
 *
 * Method: the nearest multiple of 1/256 with its sine and cosine in two doubles each, and a short
 * series for the rest; the leading product is exact (Dekker), so what is neglected is 2^-70 of the
 * result. The table is worked out in BigInt when first needed, in about a millisecond.
 */

const STEPS = 256;
/** Multiples of 1/256 up to a little over a quarter of a turn. */
const ENTRIES = 404;
/** Up to here a cosine is larger than what its series adds to the table's. */
const COSINE_MAX = 1.5;
/** pi and pi / 2, each as a double and the double nearest to the rest. */
const PI = Math.PI;
const PI_REST = 1.2246467991473532e-16;
const HALF_PI = PI / 2;
const HALF_PI_REST = PI_REST / 2;
/** 2^27 + 1: splits a double into halves of 26 bits. */
const SPLITTER = 134217729;

/** For each entry: sine, its rest, cosine, its rest. */
let table: Float64Array | undefined;

/** What the result of `sinSum` and `cosSum` lacks. */
let rest = 0;

/** The sine. Correctly rounded up to pi, else Math.sin's. O(1), no allocation. */
export function sin(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude <= HALF_PI) return x < 0 ? -sinSum(magnitude, 0) : sinSum(x, 0);
  if (!(magnitude <= PI + HALF_PI)) return Math.sin(x);
  // The first difference is exact.
  const high = PI - magnitude;
  const sine = high < 0 ? -sinSum(-high, -PI_REST) : sinSum(high, PI_REST);
  return x < 0 ? -sine : sine;
}

/** The cosine. Correctly rounded up to pi / 2, else Math.cos's. O(1), no allocation. */
export function cos(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude <= COSINE_MAX) return cosSum(magnitude);
  // The difference is exact.
  return magnitude <= HALF_PI ? sinSum(HALF_PI - magnitude, HALF_PI_REST) : Math.cos(x);
}

/** The arcsine of 0 to 1; NaN for anything else. O(1), no allocation. */
export function asin(x: number): number {
  if (!(x >= 0 && x <= 1)) return Number.NaN;
  if (x <= 0.7) {
    const guess = Math.asin(x);
    return guess + arcCorrection(guess, x, 0);
  }
  // asin(x) = pi / 2 - 2 * asin(sqrt((1 - x) / 2)): near 1 the slope is too steep for the above.
  const square = (1 - x) / 2;
  if (square === 0) return HALF_PI;
  const root = Math.sqrt(square);
  const rootRest = (square - root * root - productRest(root, root)) / (2 * root);
  const guess = Math.asin(root);
  const correction = arcCorrection(guess, root, rootRest);
  const high = HALF_PI - 2 * guess;
  const highRest = HALF_PI - high - 2 * guess;
  return high + (highRest + HALF_PI_REST - 2 * correction);
}

/** What brings `guess`, which is off by little, to the arcsine of `x + xRest`: a Newton step. */
function arcCorrection(guess: number, x: number, xRest: number): number {
  const sine = sinSum(guess, 0);
  return (x - sine - rest + xRest) / Math.sqrt((1 - sine) * (1 + sine));
}

/** Sine of `x + low`, 0 <= x <= pi / 2 and `low` tiny; leaves in `rest` what it lacks. */
function sinSum(x: number, low: number): number {
  const entry = Math.round(x * STEPS);
  // Exact: entry / 256 has few bits and lies near x.
  const b = x - entry / STEPS;
  const square = b * b;
  if (entry === 0) {
    const tail = low - b * square * (1 / 6 - square * (1 / 120 - square / 5040));
    return sum(b, tail);
  }
  const angles = table ?? tableOnce();
  const at = entry << 2;
  const s = angles[at]!;
  const c = angles[at + 2]!;
  const odd = square * (1 / 6 - square / 120);
  const even = square * (1 / 2 - square * (1 / 24 - square / 720));
  const product = c * b;
  const high = s + product;
  // |s| is the larger one, so this is what the addition lost.
  const lost = s - high + product;
  const slope = c - s * b;
  const small = angles[at + 1]! + productRest(c, b) + angles[at + 3]! * b + slope * low;
  return sum(high, lost + (small - s * even - product * odd));
}

/** Cosine of x, 0 <= x <= COSINE_MAX. */
function cosSum(x: number): number {
  const entry = Math.round(x * STEPS);
  const b = x - entry / STEPS;
  const square = b * b;
  const angles = table ?? tableOnce();
  const at = entry << 2;
  const s = angles[at]!;
  const c = angles[at + 2]!;
  const odd = square * (1 / 6 - square / 120);
  const even = square * (1 / 2 - square * (1 / 24 - square / 720));
  const product = -s * b;
  const high = c + product;
  const lost = c - high + product;
  const small = angles[at + 3]! - productRest(s, b) - angles[at + 1]! * b;
  return sum(high, lost + (small - c * even - product * odd));
}

/** `high + low`, rounded; `rest` becomes what the rounding took. |high| must be the larger. */
function sum(high: number, low: number): number {
  const total = high + low;
  rest = high - total + low;
  return total;
}

/** `a * b` exactly, less the double `a * b`. */
function productRest(a: number, b: number): number {
  const product = a * b;
  const aWide = SPLITTER * a;
  const aHigh = aWide - (aWide - a);
  const aLow = a - aHigh;
  const bWide = SPLITTER * b;
  const bHigh = bWide - (bWide - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

// ---- the table -----------------------------------------------------------------------------

/** Bits behind the point of the BigInts. */
const FRACTION_BITS = 160n;

function tableOnce(): Float64Array {
  table = makeTable();
  return table;
}

function makeTable(): Float64Array {
  const one = 1n << FRACTION_BITS;
  // Series for the sine and the cosine of 1/256: each term is the one before by x / n.
  let stepSin = 0n;
  let stepCos = 0n;
  let term = one;
  for (let n = 0n; term !== 0n; n++) {
    const signed = n % 4n < 2n ? term : -term;
    if (n % 2n === 0n) stepCos += signed;
    else stepSin += signed;
    term /= 256n * (n + 1n);
  }
  const angles = new Float64Array(ENTRIES * 4);
  let s = 0n;
  let c = one;
  for (let entry = 0; entry < ENTRIES; entry++) {
    putPair(angles, entry * 4, s);
    putPair(angles, entry * 4 + 2, c);
    const next = (s * stepCos + c * stepSin) >> FRACTION_BITS;
    c = (c * stepCos - s * stepSin) >> FRACTION_BITS;
    s = next;
  }
  return angles;
}

/** A fixed-point number as the nearest double and the double nearest to the rest. */
function putPair(angles: Float64Array, at: number, value: bigint): void {
  const scale = 2 ** Number(FRACTION_BITS);
  const high = Number(value) / scale;
  angles[at] = high;
  angles[at + 1] = Number(value - BigInt(high * scale)) / scale;
}
