/**
 * Integers and doubles as text, with Redis's strictness and spelling. The rule for 64-bit integers
 * lives here: a `number` while |n| <= 2^53 - 1, a BigInt past that. Ranges are (buf, off, len);
 * nothing here keeps a view, reads outside the range or allocates on its common paths.
 * Source: behaviour of redis-server 7.0.15, probed (test/util/numbers-oracle.test.ts).
 */
import { readFloatText, shiftRounded } from './float-text.ts';

const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const ZERO = 48;
/** Digits that any double holds exactly. */
const EXACT_DIGITS = 15;
const INT64_TEXT_MAX = 20;
const INT64_MAX = 9223372036854775807n;

// ---- integers ------------------------------------------------------------------------------

/**
 * The 64-bit integer whose canonical decimal text this is, else undefined. Refused as by Redis's
 * string2ll: empty text, blanks, '+', leading zeros, '-0', anything past 64 bits. A number while
 * safe, a BigInt past 2^53. O(len), at most 20 bytes are read; allocates only for the BigInt.
 */
export function parseInt64(buf: Uint8Array, off: number, len: number): number | bigint | undefined {
  if (len === 1) {
    const digit = buf[off]! - ZERO;
    return digit >= 0 && digit <= 9 ? digit : undefined;
  }
  if (len === 0 || len > INT64_TEXT_MAX) return undefined;
  const negative = buf[off] === MINUS;
  const end = off + len;
  let i = negative ? off + 1 : off;
  if (buf[i]! === ZERO) return undefined;
  if (end - i > EXACT_DIGITS) return parseLongInt64(buf, i, end, negative);
  let n = 0;
  for (; i < end; i++) {
    const d = buf[i]! - ZERO;
    if (d < 0 || d > 9) return undefined;
    n = n * 10 + d;
  }
  return negative ? -n : n;
}

/** 16 to 20 digits: two parts that are exact as doubles. */
function parseLongInt64(
  buf: Uint8Array,
  off: number,
  end: number,
  negative: boolean,
): number | bigint | undefined {
  const split = end - 9;
  let high = 0;
  let low = 0;
  for (let i = off; i < end; i++) {
    const d = buf[i]! - ZERO;
    if (d < 0 || d > 9) return undefined;
    if (i < split) high = high * 10 + d;
    else low = low * 10 + d;
  }
  // Exact when the true value is safe; when it is not, rounding cannot bring it below 2^53.
  const n = high * 1e9 + low;
  if (n <= Number.MAX_SAFE_INTEGER) return negative ? -n : n;
  const value = BigInt(high) * 1_000_000_000n + BigInt(low);
  if (value > INT64_MAX + (negative ? 1n : 0n)) return undefined;
  return negative ? -value : value;
}

/**
 * The integer that a text is, NaN when it is none **or lies outside -(2^53 - 1) .. 2^53 - 1**; for
 * callers to whom a larger one is an error anyway. Same strictness as parseInt64; never allocates
 * except for 64-bit integers past 2^53. O(len).
 */
export function parseSafeInt(buf: Uint8Array, off: number, len: number): number {
  const value = parseInt64(buf, off, len);
  return typeof value === 'number' ? value : Number.NaN;
}

/**
 * Whether a text is the canonical decimal form of a 64-bit integer: what SET stores with encoding
 * "int". Reads at most 20 bytes and never allocates.
 */
export function isInt64Text(buf: Uint8Array, off: number, len: number): boolean {
  if (len === 0 || len > INT64_TEXT_MAX) return false;
  const negative = buf[off] === MINUS;
  const from = negative ? off + 1 : off;
  const digits = off + len - from;
  if (digits === 0 || (buf[from] === ZERO && len > 1)) return false;
  for (let i = from; i < off + len; i++) {
    const c = buf[i]!;
    if (c < ZERO || c > 57) return false;
  }
  if (digits !== 19) return digits < 19;
  for (let i = 0; i < 19; i++) {
    const excess = buf[from + i]! - INT64_LIMIT[i]!;
    if (excess !== 0) return excess < 0;
  }
  return negative;
}

/** The digits of 2^63: the first magnitude that only a negative number may have. */
const INT64_LIMIT = Buffer.from('9223372036854775808', 'latin1');

/** Characters of a safe integer's decimal text, with its sign. O(digits), no allocation. */
export function intLength(value: number): number {
  let n = value;
  let digits = 1;
  if (n < 0) {
    n = -n;
    digits = 2;
  }
  for (; n >= 10_000; n /= 10_000) digits += 4;
  if (n >= 1000) return digits + 3;
  if (n >= 100) return digits + 2;
  return n >= 10 ? digits + 1 : digits;
}

/**
 * Writes a safe integer's decimal text at `pos` (room for up to 17 bytes is the caller's care) and
 * returns the position behind it; -0 is written as 0. O(digits), no allocation.
 */
export function writeInt(buf: Uint8Array, pos: number, value: number): number {
  if (value >= 0 && value < 10) {
    buf[pos] = ZERO + value;
    return pos + 1;
  }
  const end = pos + intLength(value);
  let n = value;
  if (n < 0) {
    buf[pos] = MINUS;
    n = -n;
  }
  let p = end;
  while (n > 0x7fffffff) {
    const q = Math.floor(n / 1e9);
    let nine = (n - q * 1e9) | 0;
    for (let i = 0; i < 9; i++) {
      const tenth = (nine / 10) | 0;
      buf[--p] = ZERO + (nine - tenth * 10);
      nine = tenth;
    }
    n = q;
  }
  let m = n | 0;
  do {
    const q = (m / 10) | 0;
    buf[--p] = ZERO + (m - q * 10);
    m = q;
  } while (m > 0);
  return end;
}

// ---- reading doubles -----------------------------------------------------------------------

/** Powers of ten that doubles hold exactly, as far as they are needed. */
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => Number(`1e${i}`));

/**
 * The double that a text is, or NaN where Redis answers "value is not a valid float" (it never
 * accepts a text for NaN, so the two cannot be mixed up). As strtod in redis-server 7.0.15:
 * decimal and hex (`0x1.8p3`) floats, `.5`, `5.`, `+1`, leading zeros, `inf` and `infinity` in any
 * case are accepted; blanks, trailing bytes and `nan` are refused, and so is what overflows
 * (1e309) or underflows to zero (1e-400; subnormals pass). -0 stays -0. Correctly rounded.
 * O(len); no allocation up to 15 digits without an exponent.
 */
export function parseDouble(buf: Uint8Array, off: number, len: number): number {
  const end = off + len;
  const sign = buf[off];
  const from = len > 0 && (sign === MINUS || sign === PLUS) ? off + 1 : off;
  if (end - from > EXACT_DIGITS + 1) return parseDoubleText(latin1(buf, off, len));
  let n = 0;
  let point = -1;
  for (let i = from; i < end; i++) {
    const d = buf[i]! - ZERO;
    if (d >= 0 && d <= 9) n = n * 10 + d;
    else if (buf[i] === DOT && point < 0) point = i;
    else return parseDoubleText(latin1(buf, off, len));
  }
  const digits = end - from - (point < 0 ? 0 : 1);
  if (digits === 0) return Number.NaN;
  if (digits > EXACT_DIGITS) return parseDoubleText(latin1(buf, off, len));
  // Both operands are exact, so the division is the only rounding.
  if (point >= 0) n /= POWERS[end - point - 1]!;
  return sign === MINUS ? -n : n;
}

/** parseDouble on a text whose bytes are its characters. O(length). */
export function parseDoubleText(text: string): number {
  const parts = readFloatText(text);
  if (parts === undefined) return Number.NaN;
  const { negative, hex, digits } = parts;
  if (digits === '') return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (digits === '0') return negative ? -0 : 0;
  // For decimals JavaScript rounds as strtod does, and its grammar is wider than what got here.
  const value = hex ? hexMagnitude(digits, parts.scale) : Math.abs(Number(text));
  if (value === 0 || value === Number.POSITIVE_INFINITY) return Number.NaN;
  return negative ? -value : value;
}

/** digits * 2^scale rounded half to even; 0 or Infinity where it leaves the range. */
function hexMagnitude(digits: string, scale: number): number {
  const top = 4 * digits.length - Math.clz32(Number.parseInt(digits[0]!, 16)) + 28 + scale;
  if (top > 1024) return Number.POSITIVE_INFINITY;
  if (top < -1074) return 0;
  const n = BigInt(`0x${digits}`);
  const bits = top - scale;
  const excess = bits - Math.min(53, top + 1074);
  if (excess <= 0) return Number(n) * 2 ** scale;
  return Number(shiftRounded(n, excess)) * 2 ** (scale + excess);
}

function latin1(buf: Uint8Array, off: number, len: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1');
}

// ---- printing doubles ----------------------------------------------------------------------

/** Largest magnitude that Redis 7.2 prints as a 64-bit integer. */
const PRINTED_AS_INTEGER_MAX = 2 ** 62;

/**
 * The shortest text that reads back as the same double, laid out as Redis 7.2 and later do
 * (d2string: whole numbers up to 2^62 digit for digit, else fpconv's choice between `123.45`,
 * `12300` and `1.23e-7`); `inf`, `-inf`, `nan`, `-0`. formatDouble17g says where 7.0 differs.
 * Redis's Grisu2 is not always the shortest (by its author about one double in a thousand); this
 * is. O(1); a few hundred nanoseconds at most.
 */
export function formatDouble(value: number): string {
  const magnitude = Math.abs(value);
  // Here JavaScript's layout is fpconv's, which keeps all decimals while the exponent is small.
  if (magnitude < 10_000 && magnitude >= 0.001) return String(value);
  if (Number.isInteger(value)) {
    if (magnitude <= Number.MAX_SAFE_INTEGER) return Object.is(value, -0) ? '-0' : String(value);
    if (magnitude <= PRINTED_AS_INTEGER_MAX) return BigInt(value).toString();
  } else if (!Number.isFinite(value)) return notFinite(value);
  return layOut(value.toExponential());
}

/** fpconv's layout of `d.ddde±x`. */
function layOut(text: string): string {
  const mark = text.indexOf('e');
  const sign = text.charCodeAt(0) === MINUS ? '-' : '';
  const digits = text.slice(sign.length, sign.length + 1) + text.slice(sign.length + 2, mark);
  const exponent = Number(text.slice(mark + 1));
  /** Zeros behind the digits, or when negative how many of the digits are decimals. */
  const scale = exponent - digits.length + 1;
  if (scale >= 0 && scale < 8) return sign + digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
    const whole = digits.length + scale;
    if (whole <= 0) return `${sign}0.${'0'.repeat(-whole)}${digits}`;
    return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  return text;
}

function notFinite(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

/**
 * A double as redis-server 7.0.15 replies with it (C's %.17g) in RESP2 and RESP3: `inf`, `-inf`,
 * `nan`, `-0`. The same as formatDouble for whole numbers below 10^17 and for fractions whose
 * exact value needs no more than 17 digits, if neither is in exponent form; else different:
 * 0.1 is `0.10000000000000001` (formatDouble: `0.1`), 1e17 is `1e+17` (`100000000000000000`),
 * 1e-7 is `9.9999999999999995e-08` (`1e-7`), 123456.78901234 stays (`1.2345678901234e+5`).
 * O(1); about a microsecond.
 */
export function formatDouble17g(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude < 1e17 && Number.isInteger(value)) {
    return Object.is(value, -0) ? '-0' : value.toFixed(0);
  }
  if (!Number.isFinite(value)) return notFinite(value);
  const text = exponential17(magnitude);
  const mark = text.indexOf('e');
  let digits = text[0]! + text.slice(2, mark);
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === ZERO) end--;
  digits = digits.slice(0, end);
  const exponent = Number(text.slice(mark + 1));
  const sign = value < 0 ? '-' : '';
  if (exponent < -4 || exponent >= 17) {
    const fraction = end > 1 ? `.${digits.slice(1)}` : '';
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return end > exponent + 1 ? `${sign}${whole}.${digits.slice(exponent + 1)}` : sign + whole;
}

/**
 * `d.dddde±x` with 17 digits, half to even as C has it. JavaScript rounds a tie up, so an exact
 * expansion of 18 digits that ends in 5 (10000000.0009765625) is looked at again.
 */
function exponential17(magnitude: number): string {
  const up = magnitude.toExponential(16);
  const longer = magnitude.toExponential(17);
  const mark = longer.indexOf('e');
  if (longer.charCodeAt(mark - 1) !== 53 || longer.charCodeAt(mark - 2) % 2 === 1) return up;
  // 100 digits are all that JavaScript prints; no double has zeros from the 19th up to there and
  // then others: that takes more zeros in a row than a 53-bit factor can bring about by chance.
  const exact = magnitude.toExponential(99);
  if (!/^.{19}0+e/.test(exact)) return up;
  return longer.slice(0, mark - 1) + longer.slice(mark);
}
