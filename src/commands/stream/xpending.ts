/**
 * What groups have pending: XPENDING. Its arguments are read by hand: each has its place.
 */
import type { GroupRef, StreamGroups } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { countOption, replyInt } from './entries.ts';
import { noGroup, openGroup } from './group-arguments.ts';
import { intervalEnd, intervalStart, replyId } from './ids.ts';

const low = new StreamId();
const high = new StreamId();
const id = new StreamId();

interface PendingOptions {
  readonly minIdleMs: number;
  readonly count: number;
  /** Argument with the consumer's name, 0 for all consumers. */
  readonly consumer: number;
}

/** Reads [IDLE min-idle] start end count [consumer] from argument 3 on, into `low` and `high`. */
function pendingOptions(args: Args): PendingOptions {
  let minIdleMs = 0;
  let at = 3;
  if (args.is(3, 'IDLE')) {
    minIdleMs = Number(int64Argument(args, 4));
    if (args.argc < 8) throw errors.syntax;
    at = 5;
  }
  const count = countOption(args, at + 2);
  intervalStart(args, at, low);
  intervalEnd(args, at + 1, high);
  return { minIdleMs, count, consumer: at + 3 < args.argc ? at + 3 : 0 };
}

/** How many are pending, from where to where, and of whom. */
function replySummary(reply: Reply, groups: StreamGroups, group: GroupRef): void {
  const { pending } = groups;
  reply.array(4);
  reply.int(groups.pendingCount(group));
  if (groups.pendingCount(group) === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  for (const last of [false, true]) {
    groups.seekPendingEdge(group, last);
    pending.readId(pending.at, id);
    replyId(reply, id);
  }
  const owners = groups.listConsumers(group).filter((c) => groups.ownPendingCount(c) > 0);
  reply.array(owners.length);
  for (const consumer of owners) {
    reply.array(2);
    const name = groups.consumerName(consumer);
    reply.bulk(name.buf, name.off, name.len);
    reply.bulkLatin1(String(groups.ownPendingCount(consumer)));
  }
}

function replyDetails(
  ctx: Context,
  reply: Reply,
  found: boolean,
  { minIdleMs, count }: PendingOptions,
): void {
  const { groups } = ctx.keyspace.streams;
  const { pending } = groups;
  const mark = reply.beginDeferred();
  let n = 0;
  for (let more = found; more && n < count; more = pending.next()) {
    const { at } = pending;
    pending.readId(at, id);
    if (id.compare(high) > 0) break;
    const idleMs = ctx.nowMs - pending.deliveredAt(at);
    if (minIdleMs !== 0 && idleMs < minIdleMs) continue;
    n++;
    reply.array(4);
    replyId(reply, id);
    const name = groups.consumerName(pending.consumer(at));
    reply.bulk(name.buf, name.off, name.len);
    // Released ones (XNACK) count as idle from the start of time, but show this.
    reply.int(pending.consumer(at) === 0 ? -1 : Math.max(0, idleMs));
    replyInt(reply, pending.deliveries(at));
  }
  reply.endArray(mark, n);
}

/** XPENDING key group [[IDLE min-idle] start end count [consumer]] */
export const xpending = command({
  name: 'xpending',
  arity: -3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns what is pending in a group: a summary, or the entries of an interval.',
  complexity: 'O(log N + M) where M is the number of entries looked at.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key group [[IDLE min-idle-time:integer] start end count:integer [consumer]]',

  run(ctx, args, reply) {
    const summary = args.argc === 3;
    if (!summary && (args.argc < 6 || args.argc > 9)) throw errors.syntax;
    const options = summary ? undefined : pendingOptions(args);
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    const { groups } = ctx.keyspace.streams;
    if (options === undefined) {
      replySummary(reply, groups, group);
      return;
    }
    const { consumer } = options;
    if (consumer === 0) {
      replyDetails(ctx, reply, groups.seekPending(group, low), options);
      return;
    }
    const owner = groups.findConsumer(group, args.buf, args.off[consumer]!, args.len[consumer]!);
    const found = owner !== 0 && groups.seekOwnPending(owner, low);
    replyDetails(ctx, reply, found, options);
  },
});
