/**
 * Floating-point text as C's strtod and strtold read it, taken apart but not yet rounded: both the
 * doubles of `numbers.ts` and the long doubles of `long-double.ts` start here. The helpers that
 * round exact binary values are here for the same reason. Nothing in this file loses a digit.
 * Source: behaviour of redis-server 7.0.15 on glibc 2.36, probed with ZADD and INCRBYFLOAT.
 */

/**
 * `digits` is empty for an infinity. The value is digits * 10^scale, or digits * 2^scale if hex.
 */
export interface FloatText {
  readonly negative: boolean;
  readonly hex: boolean;
  /** Digits without point and without leading zeros; '0' for zero. */
  readonly digits: string;
  /** Finite, but as large as the text says; it may lie beyond every float's range. */
  readonly scale: number;
}

const CASE = 32;
const DOT = 46;
const MINUS = 45;
const PLUS = 43;
const LOWER_E = 101;
const LOWER_P = 112;
const LOWER_X = 120;

/**
 * Takes a whole text apart; undefined when it is not exactly one number. Accepted: an optional
 * sign, then decimal digits with an optional point and exponent, or `0x` hex digits with an
 * optional point and binary exponent, or `inf` / `infinity` in any case. Refused, as in Redis: the
 * empty text, blanks anywhere, trailing bytes, `nan` in all its spellings. O(length).
 */
export function readFloatText(text: string): FloatText | undefined {
  const sign = text.charCodeAt(0);
  const negative = sign === MINUS;
  const at = negative || sign === PLUS ? 1 : 0;
  if (text.charCodeAt(at) === 48 && (text.charCodeAt(at + 1) | CASE) === LOWER_X) {
    return readDigits(text, at + 2, negative, true);
  }
  const first = text.charCodeAt(at);
  if (first === DOT || isDecimal(first)) return readDigits(text, at, negative, false);
  const word = text.slice(at).toLowerCase();
  if (word !== 'inf' && word !== 'infinity') return undefined;
  return { negative, hex: false, digits: '', scale: 0 };
}

function readDigits(
  text: string,
  at: number,
  negative: boolean,
  hex: boolean,
): FloatText | undefined {
  const wholeEnd = skipDigits(text, at, hex);
  let end = wholeEnd;
  let digits = text.slice(at, wholeEnd);
  let places = 0;
  if (text.charCodeAt(end) === DOT) {
    end = skipDigits(text, wholeEnd + 1, hex);
    places = end - wholeEnd - 1;
    digits += text.slice(wholeEnd + 1, end);
  }
  if (digits === '') return undefined;
  let exponent = 0;
  if (end < text.length) {
    if ((text.charCodeAt(end) | CASE) !== (hex ? LOWER_P : LOWER_E)) return undefined;
    const sign = text.charCodeAt(end + 1);
    const from = sign === MINUS || sign === PLUS ? end + 2 : end + 1;
    if (from >= text.length || skipDigits(text, from, false) !== text.length) return undefined;
    // Clamped: past any digits that the text could hold to make up for it.
    exponent = Math.min(Number(text.slice(from)), Number.MAX_SAFE_INTEGER / 2);
    if (sign === MINUS) exponent = -exponent;
  }
  let zeros = 0;
  while (zeros < digits.length - 1 && digits.charCodeAt(zeros) === 48) zeros++;
  digits = digits.slice(zeros);
  return { negative, hex, digits, scale: exponent - (hex ? 4 * places : places) };
}

function skipDigits(text: string, at: number, hex: boolean): number {
  let i = at;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isDecimal(c)) continue;
    if (!hex || (c | CASE) < 97 || (c | CASE) > 102) break;
  }
  return i;
}

function isDecimal(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** Bits of a positive BigInt. O(its size). */
export function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}

/**
 * n / 2^bits as an integer, rounded half to even. `n` >= 0, `bits` > 0; `sticky` says that the
 * exact value is a little more than n. O(size of n).
 */
export function shiftRounded(n: bigint, bits: number, sticky = false): bigint {
  const shift = BigInt(bits);
  const quotient = n >> shift;
  const rest = n - (quotient << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (sticky || (quotient & 1n) === 1n));
  return up ? quotient + 1n : quotient;
}
