/**
 * INCRBYFLOAT's arithmetic: x87 long doubles (64-bit mantissa), so that 0.1 + 0.2 is 0.3 and every
 * digit is the one that redis-server on x86-64 prints. A value is mantissa * 2^exponent, exact in
 * BigInt; reading, adding and printing round once each, half to even.
 * Invariant: a finite mantissa has at most 64 bits, and its lowest bit counts 2^-16445 or more.
 * Source: behaviour of redis-server 7.0.15 on glibc (strtold, long double addition, printf
 * %.17Lf), compared in test/util/long-double-oracle.test.ts.
 */
import { bitLength, readFloatText, shiftRounded } from './float-text.ts';

const MANTISSA_BITS = 64;
/** Values of 2^16384 and more do not fit. */
const EXPONENT_MAX = 16384;
/** What the lowest bit of a subnormal counts. */
const EXPONENT_MIN = -16445;
/** Decimal places that are printed, before trailing zeros go. */
const PLACES = 17;
/** Longest text that Redis looks at (MAX_LONG_DOUBLE_CHARS is 5 KiB with the final NUL). */
const TEXT_MAX = 5 * 1024 - 1;

/** A finite value, or an infinity (mantissa undefined). */
interface LongDouble {
  readonly negative: boolean;
  readonly mantissa: bigint | undefined;
  readonly exponent: number;
}

export type FloatSum =
  | { readonly kind: 'sum'; readonly text: string }
  /** The first or the second operand is no float. */
  | { readonly kind: 'notFloat'; readonly operand: 1 | 2 }
  /** An operand is an infinity, or the sum is none that fits. */
  | { readonly kind: 'notFinite' };

const NOT_FLOAT_1: FloatSum = { kind: 'notFloat', operand: 1 };
const NOT_FLOAT_2: FloatSum = { kind: 'notFloat', operand: 2 };
const NOT_FINITE: FloatSum = { kind: 'notFinite' };

/**
 * The sum of two numbers written as Redis accepts them, in Redis's spelling: up to 17 decimals,
 * no exponent, no trailing zeros, never `-0`. Both operands are read before either counts as
 * infinite, as INCRBYFLOAT does. O(digits); well below a microsecond for short decimals, some
 * microseconds else, up to about a millisecond for the 5000 digits of an extreme value.
 */
export function addLongDoubles(a: string, b: string): FloatSum {
  const short = shortSum(a, b);
  if (short !== undefined) return { kind: 'sum', text: short };
  const x = parse(a);
  if (x === undefined) return NOT_FLOAT_1;
  const y = parse(b);
  if (y === undefined) return NOT_FLOAT_2;
  if (x.mantissa === undefined || y.mantissa === undefined) return NOT_FINITE;
  const exponent = Math.min(x.exponent, y.exponent);
  const sum = scaled(x, exponent) + scaled(y, exponent);
  const rounded = round(sum < 0n, sum < 0n ? -sum : sum, exponent, false);
  return rounded.mantissa === undefined ? NOT_FINITE : { kind: 'sum', text: print(rounded) };
}

/** 1000 times a number that is finite, rounded up to an integer. O(digits). */
export function thousandfoldCeil(text: string): bigint | undefined {
  const value = parse(text);
  if (value?.mantissa === undefined) return undefined;
  const { mantissa, exponent } = round(
    value.negative,
    value.mantissa * 1000n,
    value.exponent,
    false,
  );
  if (mantissa === undefined) return undefined;
  if (exponent >= 0) return (value.negative ? -mantissa : mantissa) << BigInt(exponent);
  const signed = value.negative ? -mantissa : mantissa;
  // A shift of BigInt rounds down, and what is negative up is what was positive down.
  return -(-signed >> BigInt(-exponent));
}

/** addLongDoubles for two byte ranges: the current value and the increment. */
export function incrByFloat(
  current: Uint8Array,
  currentOff: number,
  currentLen: number,
  increment: Uint8Array,
  incrementOff: number,
  incrementLen: number,
): FloatSum {
  return addLongDoubles(
    latin1(current, currentOff, currentLen),
    latin1(increment, incrementOff, incrementLen),
  );
}

/**
 * What a text is to Redis's string2ld. HINCRBYFLOAT asks this of the increment before it looks at
 * the field: 'notFloat' is "value is not a valid float", 'infinite' is "value is NaN or Infinity".
 */
export function longDoubleKind(text: string): 'finite' | 'infinite' | 'notFloat' {
  if (readShort(text, shortA)) return 'finite';
  const value = parse(text);
  if (value === undefined) return 'notFloat';
  return value.mantissa === undefined ? 'infinite' : 'finite';
}

/**
 * A double with up to 17 exact decimals and no trailing zeros, as GEOPOS prints coordinates in
 * redis-server 7.0.15 (%.17Lf). `value` must be finite. O(digits).
 */
export function formatHumanDouble(value: number): string {
  const magnitude = Math.abs(value);
  let exponent = 0;
  let mantissa = magnitude;
  // Scaling by powers of two is exact; 2^53 keeps every bit of a normal double.
  while (mantissa !== 0 && !Number.isInteger(mantissa)) {
    mantissa *= 2 ** 53;
    exponent -= 53;
  }
  return print({ negative: value < 0, mantissa: BigInt(mantissa), exponent });
}

function latin1(buf: Uint8Array, off: number, len: number): string {
  return Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1');
}

function scaled(value: LongDouble, exponent: number): bigint {
  const n = (value.mantissa ?? 0n) << BigInt(value.exponent - exponent);
  return value.negative ? -n : n;
}

/** mantissa * 2^exponent as a long double; `sticky`: the exact value is a little more. */
function round(negative: boolean, mantissa: bigint, exponent: number, sticky: boolean): LongDouble {
  if (mantissa === 0n) return { negative, mantissa, exponent: 0 };
  const bits = bitLength(mantissa);
  const excess = Math.max(bits - MANTISSA_BITS, EXPONENT_MIN - exponent);
  let m = mantissa;
  let e = exponent;
  if (excess > 0) {
    m = shiftRounded(mantissa, excess, sticky);
    e += excess;
  }
  if (m === 0n) return { negative, mantissa: m, exponent: 0 };
  if (bitLength(m) + e > EXPONENT_MAX) return { negative, mantissa: undefined, exponent: 0 };
  return { negative, mantissa: m, exponent: e };
}

function print(value: LongDouble): string {
  const { mantissa = 0n, exponent } = value;
  const decimals = mantissa * tenTo(PLACES);
  const whole = exponent >= 0 ? decimals << BigInt(exponent) : shiftRounded(decimals, -exponent);
  return whole === 0n ? '0' : placed(value.negative, whole.toString(), PLACES);
}

/** `digits` with a point before the last `places` of them and without zeros at the end. */
function placed(negative: boolean, digits: string, places: number): string {
  const all = digits.padStart(places + 1, '0');
  const point = all.length - places;
  let end = all.length;
  while (end > point && all.charCodeAt(end - 1) === 48) end--;
  const whole = negative ? `-${all.slice(0, point)}` : all.slice(0, point);
  return end > point ? `${whole}.${all.slice(point, end)}` : whole;
}

// ---- the short way -------------------------------------------------------------------------

/** Digits that may be added as doubles without a thought. */
const SHORT_DIGITS = 15;
/**
 * Below this the decimal sum is what the long way prints. Reading a and b and adding them each err
 * by at most 2^-64 of the value rounded, in all by less than 2^-63 * (|a| + |b|); printing goes to
 * the nearest multiple of 10^-17, which is the decimal sum itself if the error is below half of
 * that: |a| + |b| < 0.5 * 10^-17 * 2^63 = 46.1.
 */
const SHORT_MAX = 46;
/** Powers of ten, exact. */
const POWERS = Array.from({ length: SHORT_DIGITS }, (_, i) => Number(`1e${i}`));

interface ShortDecimal {
  /** The signed digits as one integer; NaN when the text is no short decimal. */
  units: number;
  places: number;
}

/** Filled anew by every call of addLongDoubles: no allocation. */
const shortA: ShortDecimal = { units: 0, places: 0 };
const shortB: ShortDecimal = { units: 0, places: 0 };

/** The sum of two integers or short decimals, where it provably equals the long way's. */
function shortSum(a: string, b: string): string | undefined {
  if (!readShort(a, shortA) || !readShort(b, shortB)) return undefined;
  const places = Math.max(shortA.places, shortB.places);
  if (places === 0) return String(shortA.units + shortB.units || 0);
  if (places >= SHORT_DIGITS) return undefined;
  const x = shortA.units * POWERS[places - shortA.places]!;
  const y = shortB.units * POWERS[places - shortB.places]!;
  // Both are integers, exact where they are below this: 46 * 10^14 is less than 2^53.
  if (Math.abs(x) + Math.abs(y) >= SHORT_MAX * POWERS[places]!) return undefined;
  const sum = x + y;
  return sum === 0 ? '0' : placed(sum < 0, String(Math.abs(sum)), places);
}

/** Reads `[-+]digits[.digits]` of at most 15 digits into `into`; false when it is not that. */
function readShort(text: string, into: ShortDecimal): boolean {
  const { length } = text;
  if (length > SHORT_DIGITS + 2) return false;
  const sign = text.charCodeAt(0);
  let units = 0;
  let digits = 0;
  let point = -1;
  for (let i = sign === 45 || sign === 43 ? 1 : 0; i < length; i++) {
    const d = text.charCodeAt(i) - 48;
    if (d >= 0 && d <= 9) {
      units = units * 10 + d;
      digits++;
    } else if (d === -2 && point < 0) point = i;
    else return false;
  }
  if (digits === 0 || digits > SHORT_DIGITS) return false;
  into.units = sign === 45 ? -units : units;
  into.places = point < 0 ? 0 : length - point - 1;
  return true;
}

// ---- reading -------------------------------------------------------------------------------

/** What C's strtold makes of the whole text, or undefined where Redis refuses it. */
function parse(text: string): LongDouble | undefined {
  if (text.length > TEXT_MAX) return undefined;
  const parts = readFloatText(text);
  if (parts === undefined) return undefined;
  const { negative, digits, scale } = parts;
  if (digits === '') return { negative, mantissa: undefined, exponent: 0 };
  if (digits === '0') return { negative, mantissa: 0n, exponent: 0 };
  // Far outside the range: refused before a huge power is worked out.
  const span = parts.hex ? 4 : 1;
  if (Math.abs(digits.length * span + scale) > 5000 * span) return undefined;
  const value = parts.hex
    ? round(negative, BigInt(`0x${digits}`), scale, false)
    : roundDecimal(negative, BigInt(digits), scale);
  // What overflowed or underflowed to zero is refused (ERANGE).
  return value.mantissa === undefined || value.mantissa === 0n ? undefined : value;
}

/** n * 10^power as a long double. */
function roundDecimal(negative: boolean, n: bigint, power: number): LongDouble {
  if (power >= 0) return round(negative, n * tenTo(power), 0, false);
  const divisor = tenTo(-power);
  const shift = Math.max(0, bitLength(divisor) - bitLength(n) + MANTISSA_BITS + 2);
  const dividend = n << BigInt(shift);
  const quotient = dividend / divisor;
  return round(negative, quotient, -shift, quotient * divisor !== dividend);
}

const powersOfTen: readonly bigint[] = Array.from({ length: 64 }, (_, i) => 10n ** BigInt(i));

function tenTo(power: number): bigint {
  return powersOfTen[power] ?? 10n ** BigInt(power);
}
