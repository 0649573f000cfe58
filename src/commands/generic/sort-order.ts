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
import { type Compare, partialSort } from '../../util/partial-sort.ts';

const notNumber = new CommandError("ERR One or more scores can't be converted into double");

/** Doubles below this, zero apart, are subnormal: strtod reports them out of range. */
const NORMAL_MIN = 2 ** -1022;
const LETTER_X = 120;

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
