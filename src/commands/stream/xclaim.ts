/**
 * Taking over what another consumer has pending: XCLAIM, XAUTOCLAIM.
 */
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { noteClaim, noteProgress } from './effects.ts';
import { replyEntry } from './entries.ts';
import { consumerForUse, noGroup, openGroup } from './group-arguments.ts';
import { idArgument, intervalStart, readId, replyId } from './ids.ts';

const badCount = new CommandError('ERR COUNT must be > 0');
/** Redis refuses a COUNT whose 16-byte ids would overflow a 63-bit size. */
const COUNT_MAX = 9223372036854775807n / 16n;
/** More than an address space holds, Redis notices when it asks for the memory. */
const TRANSIENT_IDS_MAX = 2 ** 43;
const tooManyIds = new CommandError(
  'ERR Insufficient memory, failed allocating transient memory, COUNT too high.',
);
const ATTEMPTS_FOR_EACH = 10;

const id = new StreamId();
const groupLast = new StreamId();

function badArgument(command: string, what: string): CommandError {
  return new CommandError(`ERR Invalid ${what} argument for ${command}`);
}

const badIdle = badArgument('XCLAIM', 'min-idle-time');
const badIdleOption = badArgument('XCLAIM', 'IDLE option');
const badTime = badArgument('XCLAIM', 'TIME option');
const badRetryCount = badArgument('XCLAIM', 'RETRYCOUNT option');
const badAutoIdle = badArgument('XAUTOCLAIM', 'min-idle-time');

/** What a claim is about: made for one command. */
class ClaimOptions {
  group: GroupRef = 0;
  /** The claiming consumer; as in Redis it is looked up, or made, for the first entry it gets. */
  consumer: GroupRef = 0;
  /** The first argument that is no id. */
  end = 5;
  minIdleMs = 0;
  /** When the entries count as delivered, ms; -1 for now. */
  deliveredAt = -1;
  /** The number of deliveries to set, or below 0. */
  retryCount: Int64 = -1;
  force = false;
  justId = false;
  readonly lastId = new StreamId();
}

function claimOptions(args: Args, nowMs: number): ClaimOptions {
  const options = new ClaimOptions();
  options.minIdleMs = Math.max(0, Number(int64Argument(args, 4, badIdle)));
  let i = 5;
  while (i < args.argc && readId(args, i, id)) i++;
  options.end = i;
  for (; i < args.argc; i++) {
    const more = i + 1 < args.argc;
    if (args.is(i, 'FORCE')) options.force = true;
    else if (args.is(i, 'JUSTID')) options.justId = true;
    else if (more && args.is(i, 'IDLE')) {
      options.deliveredAt = nowMs - Number(int64Argument(args, ++i, badIdleOption));
    } else if (more && args.is(i, 'TIME')) {
      options.deliveredAt = Number(int64Argument(args, ++i, badTime));
    } else if (more && args.is(i, 'RETRYCOUNT')) {
      options.retryCount = int64Argument(args, ++i, badRetryCount);
    } else if (more && args.is(i, 'LASTID')) idArgument(args, ++i, options.lastId);
    else throw new CommandError(`ERR Unrecognized XCLAIM option '${args.cString(i)}'`);
  }
  if (options.deliveredAt < 0 || options.deliveredAt > nowMs) options.deliveredAt = nowMs;
  return options;
}

/**
 * Claims the entry with an id, which is pending as `entry` (0: it is not), for the consumer that is
 * argument 3. Returns whether it did.
 */
function claim(
  ctx: Context,
  args: Args,
  id: StreamId,
  entry: GroupRef,
  options: ClaimOptions,
  reply: Reply,
): boolean {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  const { group } = options;
  if (!streams.find(id)) {
    if (entry !== 0) {
      noteClaim(ctx, args, 1, group, entry);
      groups.removePending(group, entry);
      ctx.wrote();
    }
    return false;
  }
  if (entry === 0 && !options.force) return false;
  if (entry !== 0 && isIdleTooShort(ctx, entry, options.minIdleMs)) return false;
  if (options.consumer === 0) options.consumer = consumerForUse(ctx, args, 1, group, 3);
  const { consumer } = options;
  const claimed = entry !== 0 ? entry : groups.addPending(group, id, consumer, ctx.nowMs, 1);
  setDelivery(ctx, claimed, options);
  if (options.justId) replyId(reply, id);
  else replyEntry(reply, streams.cursor);
  groups.setActive(consumer, ctx.nowMs);
  ctx.wrote();
  noteClaim(ctx, args, 1, group, claimed);
  return true;
}

function isIdleTooShort(ctx: Context, entry: GroupRef, minIdleMs: number): boolean {
  const { pending } = ctx.keyspace.streams.groups;
  // Released ones (XNACK) may be claimed at once.
  if (pending.consumer(entry) === 0) return false;
  return minIdleMs > 0 && ctx.nowMs - pending.deliveredAt(entry) < minIdleMs;
}

function setDelivery(ctx: Context, entry: GroupRef, options: ClaimOptions): void {
  const { groups } = ctx.keyspace.streams;
  const { group, consumer, deliveredAt, retryCount, justId } = options;
  if (retryCount < 0 && !justId) {
    groups.deliverAgain(group, entry, consumer, deliveredAt);
    return;
  }
  const count = retryCount >= 0 ? retryCount : groups.pending.deliveries(entry);
  groups.deliver(group, entry, consumer, deliveredAt, count);
}

/**
 * XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms]
 * [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]
 */
export const xclaim = command({
  name: 'xclaim',
  arity: -6,
  group: 'stream',
  since: '5.0.0',
  summary: 'Makes pending entries those of a consumer and answers them.',
  complexity: 'O(M log N) where M is the number of ids and N that of pending entries.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  tips: ['nondeterministic_output'],
  syntax:
    'key group consumer min-idle-time id [id ...] [IDLE ms:integer] ' +
    '[TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID lastid]',

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    const options = claimOptions(args, ctx.nowMs);
    const { groups } = ctx.keyspace.streams;
    groups.readLastId(group, groupLast);
    const advances = options.lastId.compare(groupLast) > 0;
    if (advances) groups.setLastId(group, options.lastId);
    const dirtyBefore = ctx.keyspace.changes.dirty;
    options.group = group;
    const mark = reply.beginDeferred();
    let claimed = 0;
    for (let i = 5; i < options.end; i++) {
      readId(args, i, id);
      if (claim(ctx, args, id, groups.findPending(group, id), options, reply)) claimed++;
    }
    reply.endArray(mark, claimed);
    // Otherwise the claims tell of it.
    if (advances && ctx.keyspace.changes.dirty === dirtyBefore) {
      ctx.wrote();
      noteProgress(ctx, args, 1, group);
    }
  },
});

interface AutoClaimOptions extends ClaimOptions {
  count: number;
}

/** XAUTOCLAIM's options; `start` becomes the id to begin at. */
function autoClaimOptions(args: Args, nowMs: number, start: StreamId): AutoClaimOptions {
  const options = Object.assign(new ClaimOptions(), { count: 100 });
  options.deliveredAt = nowMs;
  options.minIdleMs = Math.max(0, Number(int64Argument(args, 4, badAutoIdle)));
  intervalStart(args, 5, start);
  for (let i = 6; i < args.argc; i++) {
    if (args.is(i, 'COUNT') && i + 1 < args.argc) {
      const count = int64Argument(args, ++i, badCount);
      if (count < 1 || count > COUNT_MAX) throw badCount;
      options.count = Number(count);
    } else if (args.is(i, 'JUSTID')) options.justId = true;
    else throw errors.syntax;
  }
  return options;
}

/** XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID] */
export const xautoclaim = command({
  name: 'xautoclaim',
  arity: -6,
  group: 'stream',
  since: '6.2.0',
  summary: 'Makes entries that have been pending for some time those of a consumer.',
  complexity: 'O(1) when COUNT is small.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  tips: ['nondeterministic_output'],
  syntax: 'key group consumer min-idle-time start [COUNT count:integer] [JUSTID]',

  run(ctx, args, reply) {
    const options = autoClaimOptions(args, ctx.nowMs, id);
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    if (options.count > TRANSIENT_IDS_MAX) throw tooManyIds;
    options.group = group;
    const { streams } = ctx.keyspace;
    const { groups } = streams;
    const { pending } = groups;
    let { count } = options;
    let attempts = count * ATTEMPTS_FOR_EACH;
    const gone: StreamId[] = [];
    reply.array(3);
    const mark = reply.beginDeferred();
    let claimed = 0;
    let found = groups.seekPending(group, id);
    while (attempts-- > 0 && count > 0 && found) {
      const entry = pending.at;
      pending.readId(entry, id);
      const exists = streams.has(id);
      if (claim(ctx, args, id, entry, options, reply)) {
        claimed++;
        count--;
      }
      if (exists) found = pending.next();
      else {
        const deleted = new StreamId();
        deleted.set(id);
        gone.push(deleted);
        count--;
        found = groups.seekPending(group, id);
      }
    }
    if (found) pending.readId(pending.at, id);
    else id.setMin();
    reply.endArray(mark, claimed);
    reply.insertBulk(mark, id.toString());
    reply.array(gone.length);
    for (const deleted of gone) replyId(reply, deleted);
  },
});
