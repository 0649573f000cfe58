/**
 * Integers of 1 to 64 bits at any bit of a byte string, and the arithmetic that keeps them inside
 * their width. Highest bit first, two's complement, as BITFIELD has them.
 *
 * A value is a number while it is safe and a BigInt past 2^53; fields are read and written in
 * pieces of at most 32 bits, so that no BigInt is made for a value that a number holds.
 * Source: behaviour of redis-server 7.0.15.
 */
import { byteOfBit } from './bitmap.ts';

/** A 64-bit integer: a number while safe, a BigInt past 2^53. */
export type FieldValue = number | bigint;

/** `i8`, `u16`: 1 to 64 bits signed, 1 to 63 unsigned. */
export interface FieldType {
  readonly signed: boolean;
  readonly bits: number;
}

/** What becomes of a value that does not fit: its low bits, the nearest that fits, or nothing. */
export type Overflow = 'wrap' | 'saturate' | 'fail';

const TWO_32 = 2 ** 32;
/** Sums of two values of this width and less are exact as numbers. */
const NUMBER_BITS = 52;
const NUMBER_MAX = 2 ** NUMBER_BITS;
const INT64_MAX = 2n ** 63n - 1n;

/** The field at bit `at` of `buf[off .. off + len)`; bits behind the end are zero. O(1). */
export function readField(
  buf: Uint8Array,
  off: number,
  len: number,
  at: number,
  type: FieldType,
): FieldValue {
  const { signed, bits } = type;
  if (bits <= 32) {
    const value = readBits(buf, off, len, at, bits);
    return signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  }
  const highBits = bits - 32;
  let high = readBits(buf, off, len, at, highBits);
  const low = readBits(buf, off, len, at + highBits, 32);
  if (signed && high >= 2 ** (highBits - 1)) high -= 2 ** highBits;
  const value = high * TWO_32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** Writes the low `bits` bits of a value at bit `at`; the string is long enough. O(1). */
export function writeField(
  buf: Uint8Array,
  off: number,
  at: number,
  bits: number,
  value: FieldValue,
): void {
  let high: number;
  let low: number;
  if (typeof value === 'number') {
    high = Math.floor(value / TWO_32);
    low = value - high * TWO_32;
  } else {
    high = Number(value >> 32n);
    low = Number(value & 0xffffffffn);
  }
  if (bits <= 32) writeBits(buf, off, at, bits, low);
  else {
    writeBits(buf, off, at, bits - 32, high);
    writeBits(buf, off, at + bits - 32, 32, low);
  }
}

/**
 * `value + increment` kept inside the type; undefined when it does not fit and `overflow` is
 * `fail`. Any 64-bit integers will do, so with increment 0 it fits a new value. O(1).
 */
export function addToField(
  type: FieldType,
  value: FieldValue,
  increment: FieldValue,
  overflow: Overflow,
): FieldValue | undefined {
  const fast = type.bits <= NUMBER_BITS && isSmall(value) && isSmall(increment);
  return fast
    ? addNumbers(type, value as number, increment as number, overflow)
    : addBigInts(type, BigInt(value), BigInt(increment), overflow);
}

function isSmall(value: FieldValue): boolean {
  return typeof value === 'number' && value <= NUMBER_MAX && value >= -NUMBER_MAX;
}

function addNumbers(
  { signed, bits }: FieldType,
  value: number,
  increment: number,
  overflow: Overflow,
): number | undefined {
  const span = 2 ** bits;
  const min = signed ? -span / 2 : 0;
  const max = min + span - 1;
  const sum = value + increment;
  // A new unsigned value below zero is to Redis a very large one.
  const over = sum > max || (!signed && value < 0);
  if (!over && sum >= min) return sum;
  if (overflow === 'fail') return undefined;
  if (overflow === 'saturate') return over ? max : min;
  const wrapped = sum % span;
  if (wrapped > max) return wrapped - span;
  // Adding 0 makes 0 of -0.
  return wrapped < min ? wrapped + span : wrapped + 0;
}

function addBigInts(
  { signed, bits }: FieldType,
  value: bigint,
  increment: bigint,
  overflow: Overflow,
): FieldValue | undefined {
  const span = 1n << BigInt(bits);
  const min = signed ? -span / 2n : 0n;
  const max = min + span - 1n;
  const sum = value + increment;
  // Redis takes a value so low that its distance from the largest leaves 64 bits for one too high.
  const wraps = bits < 64 && max - value > INT64_MAX;
  const over = sum > max || (signed ? wraps : value < 0n);
  if (!over && sum >= min) return narrow(sum);
  if (overflow === 'fail') return undefined;
  if (overflow === 'saturate') return narrow(over ? max : min);
  return narrow(signed ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum));
}

function narrow(value: bigint): FieldValue {
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : value;
}

/** At most 32 bits from bit `at` on, as an unsigned number. */
function readBits(buf: Uint8Array, off: number, len: number, at: number, bits: number): number {
  let byte = byteOfBit(at);
  let skip = at - byte * 8;
  let left = bits;
  let value = 0;
  while (left > 0) {
    const take = Math.min(8 - skip, left);
    const present = byte < len ? buf[off + byte]! : 0;
    const part = (present >> (8 - skip - take)) & ((1 << take) - 1);
    value = value * (1 << take) + part;
    left -= take;
    skip = 0;
    byte++;
  }
  return value;
}

/** Writes the low `bits` bits, at most 32, of an integer below 2^32 in magnitude. */
function writeBits(buf: Uint8Array, off: number, at: number, bits: number, value: number): void {
  let byte = byteOfBit(at);
  let skip = at - byte * 8;
  let left = bits;
  while (left > 0) {
    const take = Math.min(8 - skip, left);
    const shift = 8 - skip - take;
    const mask = ((1 << take) - 1) << shift;
    left -= take;
    const part = (value >>> left) << shift;
    buf[off + byte] = (buf[off + byte]! & ~mask) | (part & mask);
    skip = 0;
    byte++;
  }
}
