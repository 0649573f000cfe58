/**
 * Handing entries to the consumers of a group.
 */
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { readOneMore } from '../../datatypes/stream-progress.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { replyEntry } from './entries.ts';
import { replyId } from './ids.ts';

const lastId = new StreamId();
const id = new StreamId();

/**
 * The consumer whose name is argument i, made when missing: it was seen now. The stream at argument
 * `key` is open.
 */
export function consumerForUse(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  i: number,
): GroupRef {
  const { groups } = ctx.keyspace.streams;
  const { buf } = args;
  const off = args.off[i]!;
  const len = args.len[i]!;
  const found = groups.findConsumer(group, buf, off, len);
  if (found !== 0) {
    groups.setSeen(found, ctx.nowMs);
    return found;
  }
  const made = groups.createConsumer(group, buf, off, len, ctx.nowMs);
  ctx.changed('xgroup-createconsumer', args, key);
  return made;
}

/** Delivers up to `count` (0: all) of the entries that the stream's cursor visits. */
export function deliver(
  ctx: Context,
  group: GroupRef,
  consumer: GroupRef,
  count: number,
  noAck: boolean,
  reply: Reply,
): void {
  const { streams } = ctx.keyspace;
  const { cursor, groups } = streams;
  groups.readLastId(group, lastId);
  let read = groups.entriesRead(group);
  const mark = reply.beginDeferred();
  let n = 0;
  while (cursor.next()) {
    if (cursor.id.compare(lastId) > 0) {
      read = readOneMore(streams, read, cursor.id);
      lastId.set(cursor.id);
    }
    replyEntry(reply, cursor);
    if (!noAck) notePending(ctx, group, consumer, cursor.id);
    if (++n === count) break;
  }
  groups.setLastId(group, lastId);
  groups.setEntriesRead(group, read);
  if (n > 0) groups.setActive(consumer, ctx.nowMs);
  reply.endArray(mark, n);
}

/** The entry may be pending already: XGROUP SETID can go back. It changes hands then. */
function notePending(ctx: Context, group: GroupRef, consumer: GroupRef, entryId: StreamId): void {
  const { groups } = ctx.keyspace.streams;
  const entry = groups.findPending(group, entryId);
  if (entry === 0) {
    groups.addPending(group, entryId, consumer, ctx.nowMs, 1);
    return;
  }
  groups.deliver(group, entry, consumer, ctx.nowMs, 1);
}

/** Replies with a consumer's pending entries from an id on; those still there are delivered again. */
export function replyHistory(
  ctx: Context,
  group: GroupRef,
  consumer: GroupRef,
  from: StreamId,
  count: number,
  reply: Reply,
): void {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  const { pending } = groups;
  const mark = reply.beginDeferred();
  let n = 0;
  for (let found = groups.seekOwnPending(consumer, from); found; found = pending.next()) {
    pending.readId(pending.at, id);
    if (streams.find(id)) {
      replyEntry(reply, streams.cursor);
      groups.deliverAgain(group, pending.at, consumer, ctx.nowMs);
    } else {
      reply.array(2);
      replyId(reply, id);
      reply.nullArray();
    }
    if (++n === count) break;
  }
  reply.endArray(mark, n);
}
