/**
 * What the stream commands share: the COUNT option, and writing entries into a reply.
 */
import type { StreamCursor } from '../../datatypes/stream-cursor.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { type Int64, int64Argument } from '../integers.ts';
import { replyId } from './ids.ts';

/** Writes the entry that a cursor is at: id and fields; `more` elements are to follow. */
export function replyEntry(reply: Reply, cursor: StreamCursor, more = 0): void {
  const { node } = cursor;
  const { fields, field, value } = node;
  reply.array(2 + more);
  replyId(reply, node.id);
  reply.array(fields * 2);
  for (let i = 0; i < fields; i++) {
    node.nextField();
    reply.bulk(field.buf, field.off, field.len);
    reply.bulk(value.buf, value.off, value.len);
  }
}

/** Writes up to `count` (0: all) of the entries that a cursor visits, as an array. */
export function replyEntries(reply: Reply, cursor: StreamCursor, count: number): number {
  const mark = reply.beginDeferred();
  let n = 0;
  while (cursor.next()) {
    replyEntry(reply, cursor);
    if (++n === count) break;
  }
  reply.endArray(mark, n);
  return n;
}

/** Argument i as a COUNT: what is negative becomes 0. */
export function countOption(args: Args, i: number): number {
  return Math.max(0, Number(int64Argument(args, i)));
}

/** An integer of 64 bits. */
export function replyInt(reply: Reply, n: Int64): void {
  if (typeof n === 'number') reply.int(n);
  else reply.bigint(BigInt.asIntN(64, n));
}
