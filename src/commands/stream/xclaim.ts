/**
 * Taking over what another consumer has pending: XCLAIM, XAUTOCLAIM.
 */
import type { GroupRef } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
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

function unknownOption(args: Args, i: number): CommandError {
  return new CommandError(`ERR Unrecognized XCLAIM option '${args.cString(i)}'`);
}

const options = grammar(
  '[IDLE ms:integer] [TIME unix-time-milliseconds:unix-time] [RETRYCOUNT count:integer] ' +
    '[FORCE] [JUSTID] [LASTID lastid]',
  { unknown: unknownOption, missing: unknownOption },
);
const IDLE = options.word('IDLE');
const TIME = options.word('TIME');
const RETRYCOUNT = options.word('RETRYCOUNT');
const FORCE = options.word('FORCE');
const JUSTID = options.word('JUSTID');
const LASTID = options.word('LASTID');

const autoOptions = grammar('[COUNT count:integer] [JUSTID]');
const AUTO_COUNT = autoOptions.word('COUNT');
const AUTO_JUSTID = autoOptions.word('JUSTID');

/** What a claim is about: made for one command. */
class Claim {
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

function readClaim(args: Args, nowMs: number): Claim {
  const request = new Claim();
  request.minIdleMs = Math.max(0, Number(int64Argument(args, 4, badIdle)));
  let i = 5;
  while (i < args.argc && readId(args, i, id)) i++;
  request.end = i;
  options.begin();
  while (i < args.argc) {
    i = options.next(args, i);
    const { last } = options;
    if (last === IDLE) {
      request.deliveredAt = nowMs - Number(int64Argument(args, i - 1, badIdleOption));
    } else if (last === TIME) request.deliveredAt = Number(int64Argument(args, i - 1, badTime));
    else if (last === RETRYCOUNT) request.retryCount = int64Argument(args, i - 1, badRetryCount);
    else if (last === LASTID) idArgument(args, i - 1, request.lastId);
  }
  request.force = options.has(FORCE);
  request.justId = options.has(JUSTID);
  if (request.deliveredAt < 0 || request.deliveredAt > nowMs) request.deliveredAt = nowMs;
  return request;
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
  request: Claim,
  reply: Reply,
): boolean {
  const { streams } = ctx.keyspace;
  const { groups } = streams;
  const { group } = request;
  if (!streams.find(id)) {
    if (entry !== 0) {
      noteClaim(ctx, args, 1, group, entry);
      groups.removePending(group, entry);
      ctx.wrote();
    }
    return false;
  }
  if (entry === 0 && !request.force) return false;
  if (entry !== 0 && isIdleTooShort(ctx, entry, request.minIdleMs)) return false;
  if (request.consumer === 0) request.consumer = consumerForUse(ctx, args, 1, group, 3);
  const { consumer } = request;
  const claimed = entry !== 0 ? entry : groups.addPending(group, id, consumer, ctx.nowMs, 1);
  setDelivery(ctx, claimed, request);
  if (request.justId) replyId(reply, id);
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

function setDelivery(ctx: Context, entry: GroupRef, request: Claim): void {
  const { groups } = ctx.keyspace.streams;
  const { group, consumer, deliveredAt, retryCount, justId } = request;
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
  summary: 'Makes pending entries those of a consumer and returns them.',
  complexity: 'O(M log N) where M is the number of ids and N that of pending entries.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  tips: ['nondeterministic_output'],
  syntax: `key group consumer min-idle-time id [id ...] ${options.line}`,

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    const request = readClaim(args, ctx.nowMs);
    const { groups } = ctx.keyspace.streams;
    groups.readLastId(group, groupLast);
    const advances = request.lastId.compare(groupLast) > 0;
    if (advances) groups.setLastId(group, request.lastId);
    const dirtyBefore = ctx.keyspace.changes.dirty;
    request.group = group;
    const mark = reply.beginDeferred();
    let claimed = 0;
    for (let i = 5; i < request.end; i++) {
      readId(args, i, id);
      if (claim(ctx, args, id, groups.findPending(group, id), request, reply)) claimed++;
    }
    reply.endArray(mark, claimed);
    // Otherwise the claims tell of it.
    if (advances && ctx.keyspace.changes.dirty === dirtyBefore) {
      ctx.wrote();
      noteProgress(ctx, args, 1, group);
    }
  },
});

interface AutoClaim extends Claim {
  count: number;
}

/** What XAUTOCLAIM is asked for; `start` becomes the id to begin at. */
function readAutoClaim(args: Args, nowMs: number, start: StreamId): AutoClaim {
  const request = Object.assign(new Claim(), { count: 100 });
  request.deliveredAt = nowMs;
  request.minIdleMs = Math.max(0, Number(int64Argument(args, 4, badAutoIdle)));
  intervalStart(args, 5, start);
  autoOptions.begin();
  for (let i = 6; i < args.argc; ) {
    i = autoOptions.next(args, i);
    if (autoOptions.last !== AUTO_COUNT) continue;
    const count = int64Argument(args, i - 1, badCount);
    if (count < 1 || count > COUNT_MAX) throw badCount;
    request.count = Number(count);
  }
  request.justId = autoOptions.has(AUTO_JUSTID);
  return request;
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
  syntax: `key group consumer min-idle-time start ${autoOptions.line}`,

  run(ctx, args, reply) {
    const request = readAutoClaim(args, ctx.nowMs, id);
    const group = openGroup(ctx, args);
    if (group === 0) throw noGroup(args, 1, 2);
    if (request.count > TRANSIENT_IDS_MAX) throw tooManyIds;
    request.group = group;
    const { streams } = ctx.keyspace;
    const { groups } = streams;
    const { pending } = groups;
    let { count } = request;
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
      if (claim(ctx, args, id, entry, request, reply)) {
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
