/**
 * HyperLogLog: a string value that estimates how many different elements it was shown. This file
 * reads such values, sets dense registers and counts; `hyperloglog-draft.ts` edits sparse ones.
 *
 *     +0   "HYLL"
 *     +4   encoding: 0 dense, 1 sparse; then three bytes that are kept as they are
 *     +8   the estimate of the latest count, uint64 little endian; its top bit says "out of date"
 *     +16  16384 registers of 0 to 63
 *            dense   6 bits each, from the lowest bit of the first byte upwards: 12288 bytes
 *            sparse  runs:  00nnnnnn            n + 1 zeros
 *                           01nnnnnn nnnnnnnn   n + 1 zeros, high bits first
 *                           1vvvvvnn            n + 1 times the value v + 1
 *
 * The hash is MurmurHash64A in 32-bit halves (BigInt would cost microseconds an element); its low
 * 14 bits choose a register, which keeps the highest rank (place of the lowest 1) of the other 50.
 * Positions travel as one integer, `index | rank << 14`, so that nothing is allocated.
 * Nothing here believes a value: any client can SET one. Reads end at its last byte.
 *
 * Sources: Flajolet and others 2007; Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017; Appleby's MurmurHash; behaviour of redis-server 7.0.15.
 */

export const HEADER_BYTES = 16;
export const REGISTERS = 16384;
export const DENSE_BYTES = HEADER_BYTES + (REGISTERS * 6) / 8;
export const ENCODING_AT = 4;
export const DENSE = 0;
export const SPARSE = 1;

const INDEX_BITS = 14;
const INDEX_MASK = REGISTERS - 1;
/** The highest rank: none of the 50 bits is set. */
const RANK_MAX = 64 - INDEX_BITS + 1;
const CACHE_AT = 8;
const STALE = 0x80;

const SEED = 0xadc83b19 | 0;
/** MurmurHash64A's multiplier 0xc6a4a7935bd1e995 in halves, the lower one halved again. */
const M_HIGH = 0xc6a4a793 | 0;
const M_LOW = 0x5bd1e995;
const M_LOW_0 = 0xe995;
const M_LOW_1 = 0x5bd1;

/** Registers per one-byte run; 0 for the first byte of the two-byte run. */
export const RUN_LENGTH = Uint8Array.from({ length: 256 }, (_, op) => {
  if ((op & 0x80) !== 0) return (op & 3) + 1;
  return (op & 0x40) !== 0 ? 0 : op + 1;
});

// ---- header --------------------------------------------------------------------------------

/** Whether a string may be worked on as a HyperLogLog: header and, if dense, length. O(1). */
export function isHyperLogLog(buf: Uint8Array, off: number, len: number): boolean {
  if (len < HEADER_BYTES) return false;
  if (buf[off] !== 0x48 || buf[off + 1] !== 0x59) return false;
  if (buf[off + 2] !== 0x4c || buf[off + 3] !== 0x4c) return false;
  const encoding = buf[off + ENCODING_AT]!;
  return encoding === SPARSE || (encoding === DENSE && len === DENSE_BYTES);
}

export function isDense(buf: Uint8Array, off: number): boolean {
  return buf[off + ENCODING_AT] === DENSE;
}

/** The estimate kept in the header, an unsigned number; undefined when it is out of date. */
export function cachedCount(buf: Uint8Array, off: number): number | bigint | undefined {
  const at = off + CACHE_AT;
  if ((buf[at + 7]! & STALE) !== 0) return undefined;
  const low = readInt32(buf, at) >>> 0;
  const high = readInt32(buf, at + 4);
  if (high < 0x200000) return high * 0x100000000 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Keeps an estimate in the header; that of `count()`, whose -2^63 is "out of date" as well. */
export function cacheCount(buf: Uint8Array, off: number, count: number): void {
  const high = Math.floor(count / 0x100000000);
  writeInt32(buf, off + CACHE_AT, count - high * 0x100000000);
  writeInt32(buf, off + CACHE_AT + 4, high);
}

/** Marks the estimate as out of date; its other bits stay, as they do in Redis. */
export function forgetCount(buf: Uint8Array, off: number): void {
  buf[off + CACHE_AT + 7]! |= STALE;
}

// ---- elements ------------------------------------------------------------------------------

/** Where an element counts: `index | rank << 14`. O(len), no allocation. */
export function positionOf(buf: Uint8Array, off: number, len: number): number {
  let low = Math.imul(len, M_LOW) ^ SEED;
  let high = (timesLowHigh(len) + Math.imul(len, M_HIGH)) | 0;
  let at = off;
  for (const end = off + (len & ~7); at < end; at += 8) {
    const a = readInt32(buf, at);
    const b = readInt32(buf, at + 4);
    let kHigh = (timesLowHigh(a) + Math.imul(a, M_HIGH) + Math.imul(b, M_LOW)) | 0;
    const kLow = Math.imul(a, M_LOW) ^ (kHigh >>> 15);
    kHigh = (timesLowHigh(kLow) + Math.imul(kLow, M_HIGH) + Math.imul(kHigh, M_LOW)) | 0;
    low ^= Math.imul(kLow, M_LOW);
    high ^= kHigh;
    high = (timesLowHigh(low) + Math.imul(low, M_HIGH) + Math.imul(high, M_LOW)) | 0;
    low = Math.imul(low, M_LOW);
  }
  const rest = len & 7;
  if (rest !== 0) {
    if (rest < 4) low ^= readTail(buf, at, rest);
    else {
      low ^= readInt32(buf, at);
      high ^= readTail(buf, at + 4, rest - 4);
    }
    high = (timesLowHigh(low) + Math.imul(low, M_HIGH) + Math.imul(high, M_LOW)) | 0;
    low = Math.imul(low, M_LOW);
  }
  low ^= high >>> 15;
  high = (timesLowHigh(low) + Math.imul(low, M_HIGH) + Math.imul(high, M_LOW)) | 0;
  low = Math.imul(low, M_LOW);
  low ^= high >>> 15;

  const upper = low >>> INDEX_BITS;
  let rank = RANK_MAX;
  if (upper !== 0) rank = 32 - Math.clz32(upper & -upper);
  else if (high !== 0) rank = 32 - INDEX_BITS + 32 - Math.clz32(high & -high);
  return (low & INDEX_MASK) | (rank << INDEX_BITS);
}

export function indexOf(position: number): number {
  return position & INDEX_MASK;
}

export function rankOf(position: number): number {
  return position >>> INDEX_BITS;
}

export function position(index: number, rank: number): number {
  return index | (rank << INDEX_BITS);
}

/** The upper 32 bits of the unsigned product `a * M_LOW`, from products of 16 by 16 bits. */
function timesLowHigh(a: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const low = Math.imul(a0, M_LOW_0) >>> 16;
  const cross0 = Math.imul(a1, M_LOW_0);
  const cross1 = Math.imul(a0, M_LOW_1);
  const middle = low + (cross0 & 0xffff) + (cross1 & 0xffff);
  return (Math.imul(a1, M_LOW_1) + (cross0 >>> 16) + (cross1 >>> 16) + (middle >>> 16)) | 0;
}

// ---- dense registers -----------------------------------------------------------------------

/** One register of a dense value. */
export function denseRegister(buf: Uint8Array, off: number, index: number): number {
  const bit = index * 6;
  const at = off + HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  if (shift <= 2) return (buf[at]! >>> shift) & 63;
  return ((buf[at]! | (buf[at + 1]! << 8)) >>> shift) & 63;
}

/** Sets one register of a dense value, which the caller may write to. */
export function setDenseRegister(buf: Uint8Array, off: number, index: number, rank: number): void {
  const bit = index * 6;
  const at = off + HEADER_BYTES + (bit >>> 3);
  const shift = bit & 7;
  const mask = 63 << shift;
  const value = rank << shift;
  buf[at] = (buf[at]! & ~mask) | value;
  // The last register ends with the last byte: only one that crosses has a second byte.
  if (shift > 2) buf[at + 1] = (buf[at + 1]! & ~(mask >>> 8)) | (value >>> 8);
}

/**
 * Sets all registers of a dense value, which the caller may write to, from a byte each.
 * O(registers).
 */
export function setDenseRegisters(buf: Uint8Array, off: number, registers: Uint8Array): void {
  let at = off + HEADER_BYTES;
  for (let i = 0; i < REGISTERS; i += 4, at += 3) {
    const low = registers[i]! | (registers[i + 1]! << 6);
    const high = registers[i + 2]! | (registers[i + 3]! << 6);
    buf[at] = low;
    buf[at + 1] = (low >>> 8) | (high << 4);
    buf[at + 2] = high >>> 4;
  }
}

// ---- whole values --------------------------------------------------------------------------

/**
 * Raises each of the 16384 `registers`, a byte each, to that of the value. False when the value's
 * runs do not make up exactly all registers; some were raised then. O(registers).
 */
export function mergeInto(
  registers: Uint8Array,
  buf: Uint8Array,
  off: number,
  len: number,
): boolean {
  if (!isDense(buf, off)) return mergeSparse(registers, buf, off + HEADER_BYTES, off + len);
  let at = off + HEADER_BYTES;
  for (let i = 0; i < REGISTERS; i += 4, at += 3) {
    const four = buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16);
    const a = four & 63;
    const b = (four >>> 6) & 63;
    const c = (four >>> 12) & 63;
    const d = four >>> 18;
    if (a > registers[i]!) registers[i] = a;
    if (b > registers[i + 1]!) registers[i + 1] = b;
    if (c > registers[i + 2]!) registers[i + 2] = c;
    if (d > registers[i + 3]!) registers[i + 3] = d;
  }
  return true;
}

function mergeSparse(registers: Uint8Array, buf: Uint8Array, from: number, end: number): boolean {
  let index = 0;
  for (let at = from; at < end; at++) {
    const op = buf[at]!;
    let length = RUN_LENGTH[op]!;
    if (length === 0) length = longRun(buf, at++, end);
    if (index + length > REGISTERS) return false;
    if (op >= 0x80) {
      const rank = runValue(op);
      for (let i = index; i < index + length; i++) {
        if (rank > registers[i]!) registers[i] = rank;
      }
    }
    index += length;
  }
  return index === REGISTERS;
}

/** Registers of the two-byte run at `at`; the value's end stands in for a missing second byte. */
export function longRun(buf: Uint8Array, at: number, end: number): number {
  return (((buf[at]! & 0x3f) << 8) | (at + 1 < end ? buf[at + 1]! : 0)) + 1;
}

/** The value of the registers of a run 1vvvvvnn. */
export function runValue(op: number): number {
  return ((op >>> 2) & 31) + 1;
}

/** How many registers have each value; filled by the functions below, one count at a time. */
const histogram = new Int32Array(64);

/** The estimate of one value, see `estimate`; undefined when its runs are damaged. */
export function count(buf: Uint8Array, off: number, len: number): number | undefined {
  histogram.fill(0);
  const from = off + HEADER_BYTES;
  const end = off + len;
  if (!isDense(buf, off)) return countSparse(buf, from, end) ? estimate(histogram) : undefined;
  for (let at = from; at < end; at += 3) {
    const four = buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16);
    histogram[four & 63]!++;
    histogram[(four >>> 6) & 63]!++;
    histogram[(four >>> 12) & 63]!++;
    histogram[four >>> 18]!++;
  }
  return estimate(histogram);
}

function countSparse(buf: Uint8Array, from: number, end: number): boolean {
  let index = 0;
  for (let at = from; at < end; at++) {
    const op = buf[at]!;
    let length = RUN_LENGTH[op]!;
    if (length === 0) length = longRun(buf, at++, end);
    index += length;
    if (index > REGISTERS) return false;
    histogram[op >= 0x80 ? runValue(op) : 0]! += length;
  }
  return index === REGISTERS;
}

/** The estimate of registers that lie a byte each, as `mergeInto` leaves them. */
export function countRegisters(registers: Uint8Array): number {
  histogram.fill(0);
  for (let i = 0; i < REGISTERS; i++) histogram[registers[i]! & 63]!++;
  return estimate(histogram);
}

/**
 * Ertl's improved raw estimator (his algorithm 6), rounded. What leaves 63 bits is -2^63, the
 * number that Redis's conversion makes of it on x86-64. The order of operations is Redis's: the
 * result must be equal to the last bit.
 */
export function estimate(counts: Int32Array): number {
  const m = REGISTERS;
  let z = m * tau((m - counts[RANK_MAX]!) / m);
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) z = 0.5 * (z + counts[rank]!);
  z += m * sigma(counts[0]! / m);
  // 1 / (2 ln 2) is the constant of infinitely many registers.
  const rounded = Math.round((0.7213475204444817 * m * m) / z);
  return rounded < 2 ** 63 ? rounded : -(2 ** 63);
}

/** Contribution of the registers that are still zero, x their share. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let sum = x;
  let before: number;
  let power = x;
  let weight = 1;
  do {
    power *= power;
    before = sum;
    sum += power * weight;
    weight += weight;
  } while (sum !== before);
  return sum;
}

/** Contribution of the registers that are at their limit, 1 - x their share. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let sum = 1 - x;
  let before: number;
  let weight = 1;
  do {
    root = Math.sqrt(root);
    before = sum;
    weight *= 0.5;
    sum -= (1 - root) * (1 - root) * weight;
  } while (sum !== before);
  return sum / 3;
}

function readInt32(buf: Uint8Array, at: number): number {
  return buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24);
}

/** At most three bytes as a number. */
function readTail(buf: Uint8Array, at: number, length: number): number {
  let value = 0;
  if (length > 0) value = buf[at]!;
  if (length > 1) value |= buf[at + 1]! << 8;
  if (length > 2) value |= buf[at + 2]! << 16;
  return value;
}

function writeInt32(buf: Uint8Array, at: number, value: number): void {
  buf[at] = value;
  buf[at + 1] = value / 0x100;
  buf[at + 2] = value / 0x10000;
  buf[at + 3] = value / 0x1000000;
}
