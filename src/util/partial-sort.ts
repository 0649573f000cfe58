/**
 * Sorts only a window of a list: quicksort that skips partitions outside of it (SORT with LIMIT,
 * GEOSEARCH with COUNT). Elements that compare equal end up in no obvious order, and clients see
 * which of them a limit cuts off. So this is not any quicksort but the one that Redis has chosen:
 * Bentley and McIlroy, "Engineering a Sort Function" (1993), with their thresholds: pivots from a
 * median of three or a pseudo-median of nine, elements equal to the pivot kept at both ends, then
 * moved to the middle; insertion sort below seven elements.
 */

/** Negative, 0 or positive, as Array.prototype.sort has it; of two elements of the list. */
export type Compare = (a: number, b: number) => number;

/** Fewer elements than this are sorted by insertion. */
const INSERTION_MAX = 7;
/** More elements than this get the pseudo-median of nine. */
const MEDIAN_OF_THREE_MAX = 40;

/**
 * Reorders `list[0 .. length)` so that positions `first` to `last` (included) hold what they would
 * if all were sorted. O(length + window * log(window)) on average, no allocation.
 */
export function partialSort(
  list: Int32Array,
  length: number,
  first: number,
  last: number,
  compare: Compare,
): void {
  sortRange(list, 0, length, first, last, compare);
}

function sortRange(
  list: Int32Array,
  from: number,
  length: number,
  first: number,
  last: number,
  compare: Compare,
): void {
  let start = from;
  let count = length;
  for (;;) {
    if (count < INSERTION_MAX) {
      insertionSort(list, start, start + count, compare);
      return;
    }
    swap(list, start, choosePivot(list, start, count, compare));
    const end = start + count;
    // From left to right: equal to the pivot, smaller, not seen yet, larger, equal to the pivot.
    let equalLeft = start + 1;
    let left = start + 1;
    let right = end - 1;
    let equalRight = end - 1;
    for (;;) {
      let order: number;
      while (left <= right) {
        order = compare(list[left]!, list[start]!);
        if (order > 0) break;
        if (order === 0) swap(list, equalLeft++, left);
        left++;
      }
      while (left <= right) {
        order = compare(list[right]!, list[start]!);
        if (order < 0) break;
        if (order === 0) swap(list, right, equalRight--);
        right--;
      }
      if (left > right) break;
      swap(list, left++, right--);
    }
    const smaller = left - equalLeft;
    const larger = equalRight - right;
    swapRuns(list, start, left, Math.min(equalLeft - start, smaller));
    swapRuns(list, left, end, Math.min(larger, end - equalRight - 1));
    if (smaller > 1 && first < start + smaller && last >= start) {
      sortRange(list, start, smaller, first, last, compare);
    }
    if (larger <= 1 || first >= end || last < end - larger) return;
    start = end - larger;
    count = larger;
  }
}

function choosePivot(list: Int32Array, start: number, count: number, compare: Compare): number {
  let middle = start + (count >> 1);
  // Seven elements: their middle one will do.
  if (count === INSERTION_MAX) return middle;
  let low = start;
  let high = start + count - 1;
  if (count > MEDIAN_OF_THREE_MAX) {
    const gap = count >> 3;
    low = median(list, low, low + gap, low + 2 * gap, compare);
    middle = median(list, middle - gap, middle, middle + gap, compare);
    high = median(list, high - 2 * gap, high - gap, high, compare);
  }
  return median(list, low, middle, high, compare);
}

/** Which of three places holds the middle element; of equal ones the paper's choice. */
function median(list: Int32Array, a: number, b: number, c: number, compare: Compare): number {
  if (compare(list[a]!, list[b]!) < 0) {
    if (compare(list[b]!, list[c]!) < 0) return b;
    return compare(list[a]!, list[c]!) < 0 ? c : a;
  }
  if (compare(list[b]!, list[c]!) > 0) return b;
  return compare(list[a]!, list[c]!) < 0 ? a : c;
}

function insertionSort(list: Int32Array, start: number, end: number, compare: Compare): void {
  for (let i = start + 1; i < end; i++) {
    for (let at = i; at > start && compare(list[at - 1]!, list[at]!) > 0; at--) {
      swap(list, at - 1, at);
    }
  }
}

/** Exchanges `count` elements from `a` on with as many before `end`. */
function swapRuns(list: Int32Array, a: number, end: number, count: number): void {
  for (let i = 0; i < count; i++) swap(list, a + i, end - count + i);
}

function swap(list: Int32Array, a: number, b: number): void {
  const held = list[a]!;
  list[a] = list[b]!;
  list[b] = held;
}
