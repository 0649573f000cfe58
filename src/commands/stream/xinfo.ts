/**
 * Looking into streams: XINFO.
 */
import type { StreamValue } from '../../datatypes/stream.ts';
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { isUnknown, lagOf } from '../../datatypes/stream-progress.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { helpCommand, wrongSubcommand } from '../help.ts';
import { int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { replyEntries, replyInt } from './entries.ts';
import { noGroupOfKey } from './group-arguments.ts';
import { replyId } from './ids.ts';

const FULL_COUNT = 10;

const id = new StreamId();
const lowest = new StreamId();
const highest = new StreamId();
highest.setMax();

/** Opens the stream at argument 2; throws when there is none. */
function openStream(ctx: Context, args: Args): StreamValue {
  const { streams } = ctx.keyspace;
  if (ctx.db.readValue(args, 2, streams) === 0) throw errors.noSuchKey;
  return streams;
}

/** A field's name as the reply that it is: encoded once, for there may be ten thousand groups. */
function label(text: string): Buffer {
  return Buffer.from(`$${text.length}\r\n${text}\r\n`, 'latin1');
}

const NAME = label('name');
const CONSUMERS = label('consumers');
const PENDING = label('pending');
const PEL_COUNT = label('pel-count');
const LAST_DELIVERED = label('last-delivered-id');
const ENTRIES_READ = label('entries-read');
const LAG = label('lag');
const SEEN_TIME = label('seen-time');
const IDLE = label('idle');
const ACTIVE_TIME = label('active-time');
const INACTIVE = label('inactive');

function name(reply: Reply, text: string): void {
  reply.bulkLatin1(text);
}

function replyEdgeEntry(reply: Reply, stream: StreamValue, last: boolean): void {
  name(reply, last ? 'last-entry' : 'first-entry');
  if (stream.size === 0) {
    reply.null();
    return;
  }
  stream.seek(lowest, highest, last);
  const mark = reply.beginDeferred();
  replyEntries(reply, stream.cursor, 1);
  unwrap(reply, mark);
}

/** Takes the header of an array of one element, `*1` and a line end, away again. */
function unwrap(reply: Reply, mark: number): void {
  reply.buf.copyWithin(mark, mark + 4, reply.pos);
  reply.rollback(reply.pos - 4);
}

function replyFacts(reply: Reply, stream: StreamValue): void {
  name(reply, 'length');
  reply.int(stream.size);
  name(reply, 'radix-tree-keys');
  reply.int(stream.nodes);
  name(reply, 'radix-tree-nodes');
  reply.int(stream.radixTreeNodes());
  name(reply, 'last-generated-id');
  stream.readLastId(id);
  replyId(reply, id);
  name(reply, 'max-deleted-entry-id');
  stream.readMaxDeletedId(id);
  replyId(reply, id);
  name(reply, 'entries-added');
  replyInt(reply, stream.entriesAdded);
  name(reply, 'recorded-first-entry-id');
  stream.readFirstId(id);
  replyId(reply, id);
}

/** Number of fields that `replyProducers` writes. */
const PRODUCER_FIELDS = 6;

/**
 * What is known of producers (XADD IDMP, Redis 8.6). Only for streams that use them: others are
 * shown exactly as redis-server 7.0.15 does.
 */
function replyProducers(reply: Reply, { producers }: StreamValue): void {
  if (!producers.inUse) return;
  name(reply, 'idmp-duration');
  reply.int(producers.durationSeconds);
  name(reply, 'idmp-maxsize');
  reply.int(producers.sizeMax);
  name(reply, 'pids-tracked');
  reply.int(producers.size);
  name(reply, 'iids-tracked');
  reply.int(producers.records);
  name(reply, 'iids-added');
  reply.int(producers.added);
  name(reply, 'iids-duplicates');
  reply.int(producers.duplicates);
}

function replyText(reply: Reply, text: { buf: Uint8Array; off: number; len: number }): void {
  reply.bulk(text.buf, text.off, text.len);
}

/** Entries read and lag of a group, null where they are not known. */
function replyProgress(reply: Reply, stream: StreamValue, group: GroupRef): void {
  reply.raw(ENTRIES_READ);
  const read = stream.groups.entriesRead(group);
  if (isUnknown(read)) reply.null();
  else replyInt(reply, read);
  reply.raw(LAG);
  const lag = lagOf(stream, group);
  if (lag === undefined) reply.null();
  else replyInt(reply, lag);
}

/** Up to `count` (0: all) pending entries; with `owner` of a group, else of a consumer. */
function replyPending(
  reply: Reply,
  stream: StreamValue,
  owner: GroupRef,
  isGroup: boolean,
  count: number,
): void {
  const { groups } = stream;
  const { pending } = groups;
  const mark = reply.beginDeferred();
  let n = 0;
  let found = isGroup ? groups.seekPending(owner, lowest) : groups.seekOwnPending(owner, lowest);
  for (; found; found = pending.next()) {
    const { at } = pending;
    reply.array(isGroup ? 4 : 3);
    pending.readId(at, id);
    replyId(reply, id);
    if (isGroup) replyText(reply, groups.consumerName(pending.consumer(at)));
    reply.int(pending.deliveredAt(at));
    replyInt(reply, pending.deliveries(at));
    if (++n === count) break;
  }
  reply.endArray(mark, n);
}

function replyGroupInFull(
  ctx: Context,
  reply: Reply,
  stream: StreamValue,
  group: GroupRef,
  count: number,
): void {
  const { groups } = stream;
  const { tellsActiveTimes } = ctx.server.lifecycle;
  // Redis 8.8 has one field more; as above it is shown where there is something to show.
  const released = groups.hadReleased(group);
  reply.map(released ? 8 : 7);
  reply.raw(NAME);
  replyText(reply, groups.name(group));
  reply.raw(LAST_DELIVERED);
  groups.readLastId(group, id);
  replyId(reply, id);
  replyProgress(reply, stream, group);
  reply.raw(PEL_COUNT);
  reply.int(groups.pendingCount(group));
  if (released) {
    name(reply, 'nacked-count');
    reply.int(groups.releasedCount(group));
  }
  reply.raw(PENDING);
  replyPending(reply, stream, group, true, count);
  reply.raw(CONSUMERS);
  const consumers = groups.listConsumers(group);
  reply.array(consumers.length);
  for (const consumer of consumers) {
    reply.map(tellsActiveTimes ? 5 : 4);
    reply.raw(NAME);
    replyText(reply, groups.consumerName(consumer));
    reply.raw(SEEN_TIME);
    reply.int(groups.seenAt(consumer));
    if (tellsActiveTimes) {
      reply.raw(ACTIVE_TIME);
      reply.int(groups.activeAt(consumer));
    }
    reply.raw(PEL_COUNT);
    reply.int(groups.ownPendingCount(consumer));
    reply.raw(PENDING);
    replyPending(reply, stream, consumer, false, count);
  }
}

/** The count of XINFO STREAM key [FULL [COUNT count]]; undefined without FULL. */
function fullCount(args: Args): number | undefined {
  if (args.argc === 3) return undefined;
  if (!args.is(3, 'FULL')) throw wrongSubcommand(args, 'XINFO');
  if (args.argc === 4) return FULL_COUNT;
  if (args.argc !== 6 || !args.is(4, 'COUNT')) throw wrongSubcommand(args, 'XINFO');
  const count = Number(int64Argument(args, 5));
  return count < 0 ? FULL_COUNT : count;
}

/** XINFO STREAM key [FULL [COUNT count]] */
const stream = command({
  name: 'stream',
  arity: -3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns facts about a stream; FULL adds its groups and their pending entries.',
  complexity: 'O(N) where N is the number of nodes, plus what is returned.',
  flags: ['readonly'],
  keys: [keyAt(2, 'RO', 'access')],
  syntax: 'key [FULL [COUNT count:integer]]',

  run(ctx, args, reply) {
    const open = openStream(ctx, args);
    const count = fullCount(args);
    open.producers.expire(ctx.nowMs);
    const more = open.producers.inUse ? PRODUCER_FIELDS : 0;
    reply.map((count === undefined ? 10 : 9) + more);
    replyFacts(reply, open);
    replyProducers(reply, open);
    if (count === undefined) {
      name(reply, 'groups');
      reply.int(open.groups.size);
      replyEdgeEntry(reply, open, false);
      replyEdgeEntry(reply, open, true);
      return;
    }
    name(reply, 'entries');
    open.seek(lowest, highest);
    replyEntries(reply, open.cursor, count);
    name(reply, 'groups');
    reply.array(open.groups.size);
    for (const group of open.groups.list()) replyGroupInFull(ctx, reply, open, group, count);
  },
});

/** XINFO GROUPS key */
const groupsOf = command({
  name: 'groups',
  arity: 3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the consumer groups of a stream.',
  complexity: 'O(N log N) where N is the number of groups.',
  flags: ['readonly'],
  keys: [keyAt(2, 'RO', 'access')],
  syntax: 'key',

  run(ctx, args, reply) {
    const open = openStream(ctx, args);
    const { groups } = open;
    reply.array(groups.size);
    for (const group of groups.list()) {
      reply.map(6);
      reply.raw(NAME);
      replyText(reply, groups.name(group));
      reply.raw(CONSUMERS);
      reply.int(groups.consumerCount(group));
      reply.raw(PENDING);
      reply.int(groups.pendingCount(group));
      reply.raw(LAST_DELIVERED);
      groups.readLastId(group, id);
      replyId(reply, id);
      replyProgress(reply, open, group);
    }
  },
});

/** XINFO CONSUMERS key group */
const consumers = command({
  name: 'consumers',
  arity: 4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the consumers of a group.',
  complexity: 'O(N log N) where N is the number of consumers.',
  flags: ['readonly'],
  keys: [keyAt(2, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key group',

  run(ctx, args, reply) {
    const { groups } = openStream(ctx, args);
    const group = groups.find(args.buf, args.off[3]!, args.len[3]!);
    if (group === 0) throw noGroupOfKey(args);
    const { tellsActiveTimes } = ctx.server.lifecycle;
    reply.array(groups.consumerCount(group));
    for (const consumer of groups.listConsumers(group)) {
      reply.map(tellsActiveTimes ? 4 : 3);
      reply.raw(NAME);
      replyText(reply, groups.consumerName(consumer));
      reply.raw(PENDING);
      reply.int(groups.ownPendingCount(consumer));
      reply.raw(IDLE);
      reply.int(Math.max(0, ctx.nowMs - groups.seenAt(consumer)));
      if (!tellsActiveTimes) continue;
      reply.raw(INACTIVE);
      const activeAt = groups.activeAt(consumer);
      reply.int(activeAt < 0 ? -1 : Math.max(0, ctx.nowMs - activeAt));
    }
  },
});

const help = helpCommand('stream', '5.0.0', [
  'CONSUMERS <key> <group>',
  '    Answer the consumers of a group.',
  'GROUPS <key>',
  '    Answer the groups of a stream.',
  'STREAM <key> [FULL [COUNT <count>]]',
  '    Answer facts about a stream, in full with its groups.',
]);

/** XINFO, the container. */
export const xinfo = command({
  name: 'xinfo',
  arity: -2,
  group: 'stream',
  since: '5.0.0',
  summary: 'A container for commands that look into streams.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [consumers, groupsOf, help, stream],
});
