/**
 * INCRBYFLOAT's arithmetic: x87 long doubles (64-bit mantissa), so that 0.1 + 0.2 is 0.3 and every
 * digit is the one that redis-server on x86-64 prints. A value is mantissa * 2^exponent, exact in
 * BigInt; rounding is half to even.
 * Source: behaviour of redis-server 7.0.15 (strtold, long double addition, printf %.17Lf).
 */

const MANTISSA_BITS = 64;
/** Values of 2^16384 and more do not fit; values below 2^-16446 round to zero. */
const EXPONENT_MAX = 16384;
const EXPONENT_MIN = -16446;
/** Decimal places that are printed, before trailing zeros go. */
const PLACES = 17;
const SCALE = 10n ** BigInt(PLACES);
/** Longest text that Redis looks at. */
const TEXT_MAX = 5 * 1024;

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
  | { readonly kind: 'notFinite' };

/** The sum of two numbers written as Redis accepts them, in Redis's spelling. O(digits). */
export function addLongDoubles(a: string, b: string): FloatSum {
  const x = parse(a);
  if (x === undefined) return { kind: 'notFloat', operand: 1 };
  const y = parse(b);
  if (y === undefined) return { kind: 'notFloat', operand: 2 };
  if (x.mantissa === undefined || y.mantissa === undefined) return { kind: 'notFinite' };
  const exponent = Math.min(x.exponent, y.exponent);
  const sum = scaled(x, exponent) + scaled(y, exponent);
  const rounded = round(sum < 0n, sum < 0n ? -sum : sum, exponent, false);
  if (rounded.mantissa === undefined) return { kind: 'notFinite' };
  return { kind: 'sum', text: print(rounded) };
}

function scaled(value: LongDouble, exponent: number): bigint {
  const n = (value.mantissa ?? 0n) << BigInt(value.exponent - exponent);
  return value.negative ? -n : n;
}

/** mantissa * 2^exponent to 64 bits; `sticky` says that a bit below was lost before. */
function round(negative: boolean, mantissa: bigint, exponent: number, sticky: boolean): LongDouble {
  if (mantissa === 0n) return { negative, mantissa, exponent: 0 };
  const excess = bitLength(mantissa) - MANTISSA_BITS;
  let m = mantissa;
  let e = exponent;
  if (excess > 0) {
    m = shiftRounded(mantissa, excess, sticky);
    e += excess;
  }
  if (bitLength(m) + e > EXPONENT_MAX) return { negative, mantissa: undefined, exponent: 0 };
  return { negative, mantissa: m, exponent: e };
}

/** n / 2^bits, rounded half to even; `sticky`: n is a little more than given. */
function shiftRounded(n: bigint, bits: number, sticky: boolean): bigint {
  const shift = BigInt(bits);
  const quotient = n >> shift;
  const rest = n - (quotient << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (sticky || (quotient & 1n) === 1n));
  return up ? quotient + 1n : quotient;
}

function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}

function print(value: LongDouble): string {
  const { mantissa = 0n, exponent } = value;
  const whole =
    exponent >= 0
      ? (mantissa * SCALE) << BigInt(exponent)
      : shiftRounded(mantissa * SCALE, -exponent, false);
  if (whole === 0n) return '0';
  const digits = whole.toString().padStart(PLACES + 1, '0');
  let end = digits.length;
  const point = digits.length - PLACES;
  while (end > point && digits[end - 1] === '0') end--;
  const fraction = end > point ? `.${digits.slice(point, end)}` : '';
  return `${value.negative ? '-' : ''}${digits.slice(0, point)}${fraction}`;
}

// ---- reading -------------------------------------------------------------------------------

/** What C's strtold makes of the whole text, or undefined where Redis refuses it. */
function parse(text: string): LongDouble | undefined {
  if (text.length === 0 || text.length > TEXT_MAX) return undefined;
  const negative = text[0] === '-';
  const body = negative || text[0] === '+' ? text.slice(1) : text;
  const lower = body.toLowerCase();
  if (lower === 'inf' || lower === 'infinity')
    return { negative, mantissa: undefined, exponent: 0 };
  const hex = lower.startsWith('0x');
  return hex ? parseHex(lower.slice(2), negative) : parseDecimal(lower, negative);
}

interface Digits {
  /** The digits without the point. */
  readonly digits: string;
  /** How many of them stand behind the point. */
  readonly places: number;
  /** The exponent behind `e` or `p`. */
  readonly exponent: number;
}

/** Splits `digits[.digits][mark[sign]digits]`; undefined when the text is not of that form. */
function split(text: string, mark: string, isDigit: (c: number) => boolean): Digits | undefined {
  let i = 0;
  const from = (at: number, test: (c: number) => boolean): number => {
    let k = at;
    while (k < text.length && test(text.charCodeAt(k))) k++;
    return k;
  };
  i = from(0, isDigit);
  const whole = text.slice(0, i);
  let fraction = '';
  if (text[i] === '.') {
    const end = from(i + 1, isDigit);
    fraction = text.slice(i + 1, end);
    i = end;
  }
  if (whole === '' && fraction === '') return undefined;
  let exponent = 0;
  if (text[i] === mark) {
    const sign = text[i + 1] === '-' || text[i + 1] === '+' ? 1 : 0;
    const end = from(i + 1 + sign, isDecimal);
    if (end === i + 1 + sign) return undefined;
    exponent = Number(text.slice(i + 1, end));
    i = end;
  }
  if (i !== text.length) return undefined;
  return { digits: whole + fraction, places: fraction.length, exponent };
}

function isDecimal(c: number): boolean {
  return c >= 48 && c <= 57;
}

function isHex(c: number): boolean {
  return isDecimal(c) || (c >= 97 && c <= 102);
}

function parseDecimal(text: string, negative: boolean): LongDouble | undefined {
  const parts = split(text, 'e', isDecimal);
  if (parts === undefined) return undefined;
  const n = BigInt(parts.digits);
  if (n === 0n) return { negative, mantissa: 0n, exponent: 0 };
  const power = parts.exponent - parts.places;
  // Far outside the range: refused before a huge power of ten is worked out.
  if (n.toString().length + power > 5000 || n.toString().length + power < -5000) return undefined;
  if (power >= 0) return accepted(round(negative, n * 10n ** BigInt(power), 0, false));
  const divisor = 10n ** BigInt(-power);
  const shift = Math.max(0, bitLength(divisor) - bitLength(n) + MANTISSA_BITS + 2);
  const dividend = n << BigInt(shift);
  const quotient = dividend / divisor;
  return accepted(round(negative, quotient, -shift, quotient * divisor !== dividend));
}

function parseHex(text: string, negative: boolean): LongDouble | undefined {
  const parts = split(text, 'p', isHex);
  if (parts === undefined) return undefined;
  const n = BigInt(`0x${parts.digits}`);
  if (n === 0n) return { negative, mantissa: 0n, exponent: 0 };
  const exponent = parts.exponent - parts.places * 4;
  if (Math.abs(exponent) > 100_000) return undefined;
  return accepted(round(negative, n, exponent, false));
}

/** Refuses what overflowed or underflowed to zero while being read. */
function accepted(value: LongDouble): LongDouble | undefined {
  if (value.mantissa === undefined) return undefined;
  if (value.mantissa !== 0n && bitLength(value.mantissa) + value.exponent < EXPONENT_MIN) {
    return undefined;
  }
  return value;
}
