/**
 * The order of packed texts by their bytes: a number for each that orders them as far as its bits
 * go, and a comparison for what is left equal. `sortByKeys` takes both.
 */
import { sortByKeys } from './keyed-sort.ts';
import type { PackedTexts } from './packed-texts.ts';
import type { Compare } from './partial-sort.ts';

/** So many bytes of a text make its key: a double holds 6 exactly. */
const KEY_BYTES = 6;
/** Texts over this length are compared by a call, shorter ones by a loop. */
const LOOP_MAX = 64;

/** The positions of texts in the order of their bytes. O(total bytes) as a rule. */
export function byteOrder(texts: PackedTexts): Int32Array {
  const ends = endsOf(texts);
  return sortByKeys(textKeys(texts, ends), bytewise(texts, ends));
}

/**
 * Compares texts by their bytes up to their `ends`, a shorter one first where it begins the longer.
 */
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
