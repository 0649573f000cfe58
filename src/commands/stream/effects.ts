/**
 * What commands that hand entries to consumers put into the journal in their own place.
 * Source: replication stream of redis-server 7.0.15.
 */
import { type GroupRef, READ_UNKNOWN } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

const entryId = new StreamId();
const groupLast = new StreamId();

/**
 * A pending entry as it is now: its consumer, made when missing, time and number of deliveries,
 * and up to where the group has read. Where the stream has no such entry, it is pending no more.
 * `key` is the argument with the key of the stream that is open.
 */
export function noteClaim(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  entry: GroupRef,
  lastId?: StreamId,
): void {
  const line = ctx.instead('XCLAIM');
  if (line === undefined) return;
  const { groups } = ctx.keyspace.streams;
  const { pending } = groups;
  pending.readId(entry, entryId);
  if (lastId === undefined) groups.readLastId(group, groupLast);
  const name = groups.name(group);
  line.argument(args, key).bytes(name.buf, name.off, name.len);
  const consumer = groups.consumerName(pending.consumer(entry));
  line.bytes(consumer.buf, consumer.off, consumer.len).integer(0).text(entryId.toString());
  line.text('TIME').integer(pending.deliveredAt(entry));
  line.text('RETRYCOUNT').integer(pending.deliveries(entry));
  line
    .text('FORCE')
    .text('JUSTID')
    .text('LASTID')
    .text((lastId ?? groupLast).toString());
}

/** Up to where a group has read, and how many entries. */
export function noteProgress(ctx: Context, args: Args, key: number, group: GroupRef): void {
  const line = ctx.instead('XGROUP');
  if (line === undefined) return;
  const { groups } = ctx.keyspace.streams;
  groups.readLastId(group, groupLast);
  const name = groups.name(group);
  line.text('SETID').argument(args, key).bytes(name.buf, name.off, name.len);
  const read = groups.entriesRead(group);
  // What a damaged file has brought may be below -1, which no command takes.
  line
    .text(groupLast.toString())
    .text('ENTRIESREAD')
    .integer(read < 0 ? READ_UNKNOWN : read);
}

/** A consumer that was made though nothing was given to it; its name is argument i. */
export function noteConsumer(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  i: number,
): void {
  const line = ctx.instead('XGROUP');
  if (line === undefined) return;
  const name = ctx.keyspace.streams.groups.name(group);
  line.text('CREATECONSUMER').argument(args, key).bytes(name.buf, name.off, name.len);
  line.argument(args, i);
}
