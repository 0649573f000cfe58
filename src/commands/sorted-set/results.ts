/**
 * What sorted set commands do with their results: reply with elements, store a new sorted set.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { KeyEvent } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

/** Begins a reply of `count` elements for `replyElement`. */
export function replyElements(reply: Reply, count: number, withScores: boolean): void {
  if (withScores) reply.pairs(count);
  else reply.array(count);
}

/** Writes the element just read; with its score as a pair of its own in RESP3. */
export function replyElement(set: SortedSetValue, reply: Reply, withScore: boolean): void {
  const { member } = set;
  if (withScore) reply.pair();
  reply.bulk(member.buf, member.off, member.len);
  if (withScore) reply.double(set.score);
}

/** Stores a sorted set that belongs to no key as argument i; an empty one removes the key. */
export function storeResult(
  ctx: Context,
  args: Args,
  i: number,
  result: SortedSetValue | undefined,
  event: KeyEvent,
  reply: Reply,
): void {
  const { db } = ctx;
  if (result === undefined || result.size === 0) {
    if (result !== undefined) ctx.keyspace.freeValue(result.type, result.ref, result.encoding);
    if (db.removeKey(args, i)) ctx.changed('del', args, i);
    reply.int(0);
    return;
  }
  const { size } = result;
  db.putValue(args, i, result);
  ctx.changed(event, args, i);
  reply.int(size);
}
