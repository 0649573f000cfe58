/**
 * The order of SORT: of elements as numbers or as texts, by themselves or by what BY names.
 *
 * Both become numbers first, one for each element: the score itself, or the bytes that follow what
 * all texts have in common. Only where these are equal are texts compared.
 * Source: redis-server 7.0.15 (sort.c).
 */
import { CommandError } from '../../util/errors.ts';
import { sortByKeys } from '../../util/keyed-sort.ts';
import { parseDouble } from '../../util/numbers.ts';
import type { PackedTexts } from '../../util/packed-texts.ts';
import { type Compare, partialSort } from '../../util/partial-sort.ts';

const notNumber = new CommandError("ERR One or more scores can't be converted into double");

/** Doubles below this, zero apart, are subnormal: strtod reports them out of range. */
const NORMAL_MIN = 2 ** -1022;
const LETTER_X = 120;
/** So many bytes of a text make its key: a double holds 6 exactly. */
const KEY_BYTES = 6;
/** Texts over this length are compared by a call, shorter ones by a loop. */
const LOOP_MAX = 64;

/** Positions of a sorted list: from `first` to `last`, which is included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** What C's strtod makes of a text: it passes blanks over and stops at a NUL. Throws. */
export function scoreOf(buf: Uint8Array, off: number, len: number): number {
  let end = off;
  while (end < off + len && buf[end] !== 0) end++;
  if (end === off) return 0;
  let from = off;
  while (from < end && (buf[from] === 32 || (buf[from]! >= 9 && buf[from]! <= 13))) from++;
  const score = parseDouble(buf, from, end - from);
  if (Number.isNaN(score)) throw notNumber;
  if (score !== 0 && Math.abs(score) < NORMAL_MIN) {
    const sign = buf[from] === 43 || buf[from] === 45 ? 1 : 0;
    // A decimal text for one is rounded, a hexadecimal one as a rule exact.
    if ((buf[from + sign + 1]! | 32) !== LETTER_X) throw notNumber;
  }
  return score;
}

/**
 * The positions of elements in order of `keys`, which it may reorder, and where those are equal of
 * `tie`. `window` asks only that positions inside of it are right; equal elements are then in the
 * order that redis-server's partial sort leaves them in.
 */
export function sortedOrder(
  keys: Float64Array<ArrayBuffer>,
  tie: Compare,
  descending: boolean,
  window: Range | undefined,
): Int32Array {
  const size = keys.length;
  const compareTies: Compare = descending ? (a, b) => -tie(a, b) : tie;
  if (descending) for (let i = 0; i < size; i++) keys[i] = -keys[i]!;
  if (window === undefined) return sortByKeys(keys, compareTies);
  const order = new Int32Array(size);
  for (let i = 0; i < size; i++) order[i] = i;
  const { first, last } = window;
  if (last < first) return order;
  partialSort(order, size, first, last, (a, b) => {
    const left = keys[a]!;
    const right = keys[b]!;
    return left < right ? -1 : left > right ? 1 : compareTies(a, b);
  });
  return order;
}

/** Compares texts by their bytes up to their `ends`, a shorter one first where it begins the longer. */
export function bytewise({ bytes, begins }: PackedTexts, ends: Uint32Array): Compare {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return (a, b) => {
    const aOff = begins[a]!;
    const bOff = begins[b]!;
    const aLen = ends[a]! - aOff;
    const bLen = ends[b]! - bOff;
    const common = Math.min(aLen, bLen);
    if (common > LOOP_MAX) {
      return buffer.compare(buffer, bOff, bOff + bLen, aOff, aOff + aLen);
    }
    for (let i = 0; i < common; i++) {
      const difference = bytes[aOff + i]! - bytes[bOff + i]!;
      if (difference !== 0) return difference;
    }
    return aLen - bLen;
  };
}

/** Where each text ends. */
export function endsOf({ begins, size }: PackedTexts): Uint32Array {
  return begins.subarray(1, size + 1);
}

/** Where each text ends for strcoll in the C locale: at a NUL, if it has one. O(total bytes). */
export function endsAtNul(texts: PackedTexts): Uint32Array {
  const { bytes, begins, size } = texts;
  const ends = endsOf(texts);
  const used = begins[size]!;
  let nul = bytes.indexOf(0);
  if (nul < 0 || nul >= used) return ends;
  const cut = ends.slice();
  for (let i = 0; i < size; i++) {
    for (nul = begins[i]!; nul < ends[i]! && bytes[nul] !== 0; ) nul++;
    cut[i] = nul;
  }
  return cut;
}

/**
 * A number for each text that orders them as far as it goes: the bytes after the beginning that all
 * have in common, NULs where a text has ended; -1 for a text that is missing. O(total bytes).
 */
export function textKeys(texts: PackedTexts, ends: Uint32Array): Float64Array<ArrayBuffer> {
  const { bytes, begins, size } = texts;
  const keys = new Float64Array(size);
  const common = commonBeginning(texts, ends);
  for (let i = 0; i < size; i++) {
    const from = begins[i]! + common;
    const end = ends[i]!;
    let key = 0;
    for (let at = from; at < from + KEY_BYTES; at++) key = key * 256 + (at < end ? bytes[at]! : 0);
    keys[i] = texts.isMissing(i) ? -1 : key;
  }
  return keys;
}

/** Length of the beginning that all texts have in common, missing ones apart. */
function commonBeginning(texts: PackedTexts, ends: Uint32Array): number {
  const { bytes, begins, size } = texts;
  let first = 0;
  while (first < size && texts.isMissing(first)) first++;
  if (first === size) return 0;
  const begin = begins[first]!;
  let common = ends[first]! - begin;
  for (let i = first + 1; i < size && common > 0; i++) {
    if (texts.isMissing(i)) continue;
    const off = begins[i]!;
    const most = Math.min(common, ends[i]! - off);
    let same = 0;
    while (same < most && bytes[off + same] === bytes[begin + same]) same++;
    common = same;
  }
  return common;
}
