/**
 * Random elements that may repeat (negative counts of SRANDMEMBER, HRANDFIELD, ZRANDMEMBER):
 * nothing but the reply's limit bounds how many are asked for.
 */
import type { Value } from '../datatypes/value.ts';
import type { Reply } from '../resp/reply.ts';

/** A bulk string's bytes without its text, at least. */
const BULK_BYTES = 6;

interface Elements extends Value {
  forEach(emit: () => void): void;
}

/**
 * Throws before anything is written when `count` elements cannot fit the reply, even if each were
 * the shortest; `length` is that of the present one's text. O(size), O(1) for fewer than all.
 */
export function checkRepetitions(
  reply: Reply,
  count: number,
  elements: Elements,
  length: () => number,
): void {
  if (count < elements.size) return;
  let shortest = Number.POSITIVE_INFINITY;
  elements.forEach(() => {
    shortest = Math.min(shortest, length());
  });
  reply.checkFits(count * (shortest + BULK_BYTES));
}
