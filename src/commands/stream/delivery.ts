/**
 * Handing entries to the consumers of a group.
 */
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { readOneMore } from '../../datatypes/stream-progress.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { noteClaim, noteProgress } from './effects.ts';
import { replyEntry, replyInt } from './entries.ts';
import { replyId } from './ids.ts';

const lastId = new StreamId();
const id = new StreamId();
const highest = new StreamId();
highest.setMax();

/**
 * Entries that a group has had pending for at least so long, the longest first and released ones
 * before them; at most `max`, 0 for all. Pending entries whose entry is gone are removed on the
 * way, as XCLAIM does.
 */
export function findIdle(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  minIdleMs: number,
  max: number,
): readonly GroupRef[] {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  const { pending } = groups;
  const idle: GroupRef[] = [];
  const gone: GroupRef[] = [];
  for (let found = groups.seekOldest(group); found; found = pending.next()) {
    const { at } = pending;
    if (ctx.nowMs - pending.deliveredAt(at) < minIdleMs && pending.consumer(at) !== 0) break;
    pending.readId(at, id);
    if (!streams.has(id)) gone.push(at);
    else if (idle.push(at) === max) break;
  }
  for (const entry of gone) {
    noteClaim(ctx, args, key, group, entry);
    groups.removePending(group, entry);
  }
  ctx.wrote(gone.length);
  return idle;
}

/** When the entry that a group has had pending longest will have been so for a time; 0: none is. */
export function nextIdleAt(ctx: Context, group: GroupRef, minIdleMs: number): number {
  const { groups } = ctx.keyspace.streams;
  const { pending } = groups;
  return groups.seekOldest(group) ? Math.max(1, pending.deliveredAt(pending.at) + minIdleMs) : 0;
}

/** How entries are delivered. */
export interface Delivery {
  /** The most entries, 0 for all. */
  readonly count: number;
  readonly noAck: boolean;
  /** Of entries that are to be claimed; below 0 when none are. */
  readonly minIdleMs: number;
}

/**
 * Delivers what `findIdle` found, then entries that nobody of the group has read. With CLAIM each
 * tells for how long it was pending and how often it was delivered before.
 */
export function deliver(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  consumer: GroupRef,
  idle: readonly GroupRef[],
  delivery: Delivery,
  reply: Reply,
): void {
  const { groups } = ctx.keyspace.streams;
  const mark = reply.beginDeferred();
  for (const entry of idle) {
    claimIdle(ctx, group, consumer, entry, reply);
    noteClaim(ctx, args, key, group, entry);
  }
  const isFull = delivery.count > 0 && idle.length === delivery.count;
  const fresh = isFull
    ? 0
    : deliverNew(ctx, args, key, group, consumer, idle.length, delivery, reply);
  const n = idle.length + fresh;
  if (n > 0) groups.setActive(consumer, ctx.nowMs);
  reply.endArray(mark, n);
}

function claimIdle(
  ctx: Context,
  group: GroupRef,
  consumer: GroupRef,
  entry: GroupRef,
  reply: Reply,
): void {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  const { pending } = groups;
  pending.readId(entry, id);
  streams.find(id);
  replyEntry(reply, streams.cursor, 2);
  reply.int(Math.max(0, ctx.nowMs - pending.deliveredAt(entry)));
  replyInt(reply, pending.deliveries(entry));
  groups.deliverAgain(group, entry, consumer, ctx.nowMs);
}

/**
 * Delivers entries above the group's last id until there are `count`, `before` included. How many?
 */
function deliverNew(
  ctx: Context,
  args: Args,
  key: number,
  group: GroupRef,
  consumer: GroupRef,
  before: number,
  { count, noAck, minIdleMs }: Delivery,
  reply: Reply,
): number {
  const { streams } = ctx.keyspace;
  const { cursor, groups } = streams;
  groups.readLastId(group, lastId);
  id.set(lastId);
  if (!id.increment()) return 0;
  streams.seek(id, highest);
  let read = groups.entriesRead(group);
  let n = 0;
  while (cursor.next()) {
    if (cursor.id.compare(lastId) > 0) {
      read = readOneMore(streams, read, cursor.id);
      lastId.set(cursor.id);
    }
    if (minIdleMs < 0) replyEntry(reply, cursor);
    else {
      replyEntry(reply, cursor, 2);
      reply.int(0);
      reply.int(0);
    }
    if (!noAck) {
      const entry = addPending(ctx, group, consumer, cursor.id);
      noteClaim(ctx, args, key, group, entry, lastId);
    }
    n++;
    if (before + n === count) break;
  }
  groups.setLastId(group, lastId);
  groups.setEntriesRead(group, read);
  // Claims do not tell how many entries were read (as Redis 7.4; 7.0.15 forgets it).
  if (n > 0) noteProgress(ctx, args, key, group);
  return n;
}

/** The entry may be pending already: XGROUP SETID can go back. It changes hands then. */
function addPending(
  ctx: Context,
  group: GroupRef,
  consumer: GroupRef,
  entryId: StreamId,
): GroupRef {
  const { groups } = ctx.keyspace.streams;
  const entry = groups.findPending(group, entryId);
  if (entry === 0) return groups.addPending(group, entryId, consumer, ctx.nowMs, 1);
  groups.deliver(group, entry, consumer, ctx.nowMs, 1);
  return entry;
}

/**
 * Replies with a consumer's pending entries from an id on; those still there are delivered again.
 */
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
