/**
 * Positions as scores: longitude and latitude, 26 bits each, interleaved to one integer of 52 bits
 * that a double holds exactly. Even bits are the latitude's, so scores that lie close are positions
 * that lie close, and a square cell of the grid is one range of scores.
 *
 * A cell of step s is one of 2^s columns and 2^s rows. At the very rim (longitude 180, latitude
 * 85.05112878) Redis's division yields column or row 2^s, one too many; scores then reach up to
 * 2^54, rounded as any double. Nothing here may "repair" that: such scores are stored and compared.
 * Source: behaviour of redis-server 7.0.15, compared in test/datatypes/geohash-oracle.test.ts.
 */

export const LONGITUDE_MAX = 180;
/** Where the square Mercator projection ends. */
export const LATITUDE_MAX = 85.05112878;
/** Bits of a coordinate. */
export const STEP_MAX = 26;

const LONGITUDES = 2 * LONGITUDE_MAX;
const LATITUDES = 2 * LATITUDE_MAX;
const HALF_BITS = 13;
const HALF_MASK = 0x1fff;
const TWO_TO_26 = 2 ** 26;
/** Cells in a row or column of the grid of a step, and the exact share of one: `**` is slow. */
const CELLS = Float64Array.from({ length: STEP_MAX + 1 }, (_, step) => 2 ** step);
const SHARES = CELLS.map((cells) => 1 / cells);

/** Filled by `decodeScore`; callers keep one and reuse it. */
export interface Position {
  longitude: number;
  latitude: number;
}

/** Whether a position can be stored. NaN cannot. */
export function isPosition(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= LONGITUDE_MAX && Math.abs(latitude) <= LATITUDE_MAX;
}

/** Column of a longitude in the grid of a step: 0 to 2^step. O(1). */
export function columnOf(longitude: number, step: number): number {
  return Math.floor(((longitude + LONGITUDE_MAX) / LONGITUDES) * CELLS[step]!);
}

/** Row of a latitude in the grid of a step: 0 (south) to 2^step. O(1). */
export function rowOf(latitude: number, step: number): number {
  return Math.floor(((latitude + LATITUDE_MAX) / LATITUDES) * CELLS[step]!);
}

/** Western edge of a column; the eastern one is that of the next. O(1). */
export function westOf(column: number, step: number): number {
  return -LONGITUDE_MAX + column * SHARES[step]! * LONGITUDES;
}

/** Southern edge of a row. O(1). */
export function southOf(row: number, step: number): number {
  return -LATITUDE_MAX + row * SHARES[step]! * LATITUDES;
}

/** The score of a position that `isPosition` accepts. O(1), no allocation. */
export function encodeScore(longitude: number, latitude: number): number {
  return interleave(columnOf(longitude, STEP_MAX), rowOf(latitude, STEP_MAX), 0);
}

/**
 * The score of a cell's first position, or with `after` 1 the first one behind it. Column and row
 * may be 2^step. One rounding at most, so scores past 2^53 are what Redis's conversion yields.
 * O(1).
 */
export function cellScore(column: number, row: number, step: number, after: 0 | 1): number {
  return interleave(column, row, after) * 4 ** (STEP_MAX - step);
}

/** The position in the middle of a score's cell. Any double is decoded as Redis does it. O(1). */
export function decodeScore(score: number, into: Position): void {
  let column: number;
  let row: number;
  if (score > -1 && score <= Number.MAX_SAFE_INTEGER) {
    const bits = Math.trunc(score);
    const high = Math.floor(bits / TWO_TO_26);
    const low = bits - high * TWO_TO_26;
    column = (everySecond(high >>> 1) << HALF_BITS) | everySecond(low >>> 1);
    row = (everySecond(high) << HALF_BITS) | everySecond(low);
  } else {
    const bits = strangeBits(score);
    column = everySecondOf64(bits >> 1n);
    row = everySecondOf64(bits);
  }
  // The next column and row are 32-bit counters in Redis.
  const east = westOf((column + 1) >>> 0, STEP_MAX);
  const north = southOf((row + 1) >>> 0, STEP_MAX);
  const longitude = (westOf(column, STEP_MAX) + east) / 2;
  const latitude = (southOf(row, STEP_MAX) + north) / 2;
  into.longitude = Math.max(-LONGITUDE_MAX, Math.min(LONGITUDE_MAX, longitude));
  into.latitude = Math.max(-LATITUDE_MAX, Math.min(LATITUDE_MAX, latitude));
}

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';

/**
 * The usual geohash text of a position: 10 characters of 5 bits over latitudes from -90 to 90, and
 * an eleventh that is always `0`, for 52 bits are not enough for it. O(1).
 */
export function geohashText(longitude: number, latitude: number): string {
  const column = columnOf(longitude, STEP_MAX) % TWO_TO_26;
  const row = Math.floor(((latitude + 90) / 180) * TWO_TO_26);
  let bits = Math.floor(interleave(column, row, 0) / 4);
  let text = '0';
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[bits % 32]! + text;
    bits = Math.floor(bits / 32);
  }
  return text;
}

/** Row to the even bits and column to the odd ones, plus `after`. */
function interleave(column: number, row: number, after: number): number {
  const high = spread(row >>> HALF_BITS) + 2 * spread(column >>> HALF_BITS);
  const low = spread(row & HALF_MASK) + 2 * spread(column & HALF_MASK);
  return high * TWO_TO_26 + (low + after);
}

/** Bit i of 14 bits goes to bit 2i. */
function spread(bits: number): number {
  let n = bits;
  n = (n | (n << 8)) & 0x00ff00ff;
  n = (n | (n << 4)) & 0x0f0f0f0f;
  n = (n | (n << 2)) & 0x33333333;
  return (n | (n << 1)) & 0x55555555;
}

/** Bit 2i of 32 bits goes to bit i. */
function everySecond(bits: number): number {
  let n = bits & 0x55555555;
  n = (n | (n >>> 1)) & 0x33333333;
  n = (n | (n >>> 2)) & 0x0f0f0f0f;
  n = (n | (n >>> 4)) & 0x00ff00ff;
  return (n | (n >>> 8)) & 0x0000ffff;
}

// ---- scores that no position has ------------------------------------------------------------

/**
 * The 64 bits to which C on x86-64 converts a double: a negative number as a signed integer, what
 * fits neither way as 2^63 or 0. ZADD can store such scores; GEOPOS then answers something.
 */
function strangeBits(score: number): bigint {
  const half = 1n << 63n;
  if (score >= 2 ** 63) return score < 2 ** 64 ? BigInt(score) : 0n;
  if (score >= -(2 ** 63)) return BigInt.asUintN(64, BigInt(Math.trunc(score)));
  return half;
}

function everySecondOf64(bits: bigint): number {
  const low = everySecond(Number(bits & 0xffffffffn));
  const high = everySecond(Number((bits >> 32n) & 0xffffffffn));
  return high * 0x10000 + low;
}
