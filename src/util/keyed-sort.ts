/**
 * Sorts positions by numbers: a radix sort of the numbers' bits, six passes of 10 or 11 bits, of
 * which those are left out in which no two numbers differ. Array.prototype.sort with a comparison
 * takes five to ten times as long and makes an object of each number.
 */
import type { Compare } from './partial-sort.ts';

/** So few are sorted without any counting, whose tables take 20 us to make. */
const FEW = 64;
/** Up to so many positions are sorted by insertion. */
const INSERTION_MAX = 12;
/** The digits of a key, lowest first: which 32-bit word of it, and where in the word. */
const DIGITS = [
  { word: 0, shift: 0, bits: 11 },
  { word: 0, shift: 11, bits: 11 },
  { word: 0, shift: 22, bits: 10 },
  { word: 1, shift: 0, bits: 11 },
  { word: 1, shift: 11, bits: 11 },
  { word: 1, shift: 22, bits: 10 },
] as const;

/** Keys as pairs of words, low one first, that order as the keys do, and the positions they had. */
interface Keyed {
  readonly words: Uint32Array;
  readonly order: Int32Array;
}

/**
 * The positions 0 ... keys.length - 1 by their keys, smallest first; where keys are equal as `tie`
 * decides, and else as they were. `keys` must hold no NaN; what it holds afterwards is of no use.
 * O(n), and O(m log m) where m keys are equal; 28 bytes per key besides.
 */
export function sortByKeys(keys: Float64Array<ArrayBuffer>, tie: Compare): Int32Array {
  const n = keys.length;
  // -0 and 0 are equal.
  for (let i = 0; i < n; i++) keys[i] = keys[i]! + 0;
  if (n <= FEW) return orderOfFew(keys, tie);
  let from: Keyed = { words: new Uint32Array(keys.buffer, keys.byteOffset, 2 * n), order: upTo(n) };
  let spare: Keyed | undefined;
  makeComparable(from.words);
  for (const { word, shift, bits } of DIGITS) {
    const ends = countDigits(from.words, word, shift, bits);
    if (ends === undefined) continue;
    spare ??= { words: new Uint32Array(2 * n), order: new Int32Array(n) };
    distribute(from, spare, ends, word, shift);
    [from, spare] = [spare, from];
  }
  settleTies(from, tie, spare?.order ?? new Int32Array(n));
  return from.order;
}

/** By insertion. */
function orderOfFew(keys: Float64Array, tie: Compare): Int32Array {
  const order = upTo(keys.length);
  for (let i = 1; i < order.length; i++) {
    const key = keys[i]!;
    let at = i;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      const other = keys[before]!;
      if (other < key || (other === key && tie(before, i) <= 0)) break;
      order[at] = before;
    }
    order[at] = i;
  }
  return order;
}

function upTo(n: number): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  return order;
}

/** Turns the bits of doubles into pairs of words that order as unsigned integers. */
function makeComparable(words: Uint32Array): void {
  for (let i = 0; i < words.length; i += 2) {
    if (words[i + 1]! >>> 31 === 0) words[i + 1] = words[i + 1]! ^ 0x80000000;
    else {
      words[i] = ~words[i]!;
      words[i + 1] = ~words[i + 1]!;
    }
  }
}

/** Where the keys with each value of a digit begin; undefined when all have the same. */
function countDigits(
  words: Uint32Array,
  word: number,
  shift: number,
  bits: number,
): Int32Array | undefined {
  const counts = new Int32Array(1 << bits);
  const mask = counts.length - 1;
  for (let i = word; i < words.length; i += 2) counts[(words[i]! >>> shift) & mask]!++;
  let begin = 0;
  for (let digit = 0; digit < counts.length; digit++) {
    const count = counts[digit]!;
    if (2 * count === words.length) return undefined;
    counts[digit] = begin;
    begin += count;
  }
  return counts;
}

/** One pass: moves all keys to their places by one digit; `begins` is used up. */
function distribute(from: Keyed, to: Keyed, begins: Int32Array, word: number, shift: number): void {
  const { words, order } = from;
  const toWords = to.words;
  const toOrder = to.order;
  const mask = begins.length - 1;
  for (let i = 0; i < order.length; i++) {
    const digit = (words[2 * i + word]! >>> shift) & mask;
    const at = begins[digit]!;
    begins[digit] = at + 1;
    toWords[2 * at] = words[2 * i]!;
    toWords[2 * at + 1] = words[2 * i + 1]!;
    toOrder[at] = order[i]!;
  }
}

/** Puts each run of equal keys in the order of `tie`. */
function settleTies({ words, order }: Keyed, tie: Compare, spare: Int32Array): void {
  const same = (i: number, k: number) =>
    words[2 * i] === words[2 * k] && words[2 * i + 1] === words[2 * k + 1];
  const n = order.length;
  for (let i = 1; i < n; i++) {
    if (!same(i, i - 1)) continue;
    const start = i - 1;
    while (i < n && same(i, start)) i++;
    sortRun(order, start, i, tie, spare);
  }
}

/** A stable merge sort of order[start .. end) by comparisons. */
function sortRun(
  order: Int32Array,
  start: number,
  end: number,
  compare: Compare,
  spare: Int32Array,
): void {
  if (end - start <= INSERTION_MAX) {
    for (let i = start + 1; i < end; i++) {
      const position = order[i]!;
      let at = i;
      for (; at > start && compare(order[at - 1]!, position) > 0; at--) order[at] = order[at - 1]!;
      order[at] = position;
    }
    return;
  }
  const middle = (start + end) >>> 1;
  sortRun(order, start, middle, compare, spare);
  sortRun(order, middle, end, compare, spare);
  if (compare(order[middle - 1]!, order[middle]!) <= 0) return;
  spare.set(order.subarray(start, middle), start);
  let left = start;
  let right = middle;
  let at = start;
  while (left < middle && right < end) {
    order[at++] = compare(spare[left]!, order[right]!) <= 0 ? spare[left++]! : order[right++]!;
  }
  while (left < middle) order[at++] = spare[left++]!;
}
