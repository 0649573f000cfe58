/**
 * Reading times to live: TTL, PTTL, EXPIRETIME, PEXPIRETIME.
 */
import type { UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';

/** Answers -2 for no key, -1 for no time to live, else what `of` makes of its end. */
function replyTime(
  ctx: Context,
  args: Args,
  reply: Reply,
  of: (expireAt: UnixMs, nowMs: number) => UnixMs,
): void {
  const { db } = ctx;
  const entry = db.peek(args, 1);
  if (entry === 0) {
    reply.int(-2);
    return;
  }
  const expireAt = db.expireAt(entry);
  if (expireAt === -1) {
    reply.int(-1);
    return;
  }
  const value = of(expireAt, ctx.nowMs);
  if (typeof value === 'number') reply.int(value);
  else reply.bigint(value);
}

function remaining(expireAt: UnixMs, nowMs: number): UnixMs {
  if (typeof expireAt === 'bigint') return expireAt - BigInt(nowMs);
  return expireAt > nowMs ? expireAt - nowMs : 0;
}

/** Milliseconds to seconds, rounded to the nearest. */
function roundedSeconds(ms: UnixMs): UnixMs {
  return typeof ms === 'bigint' ? (ms + 500n) / 1000n : Math.floor((ms + 500) / 1000);
}

const common = {
  arity: 2,
  group: 'generic',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key',
} as const;

/** TTL key */
export const ttl = command({
  ...common,
  name: 'ttl',
  since: '1.0.0',
  summary: 'Returns the time to live of a key in seconds.',
  tips: ['nondeterministic_output'],

  run(ctx, args, reply) {
    replyTime(ctx, args, reply, (at, now) => roundedSeconds(remaining(at, now)));
  },
});

/** PTTL key */
export const pttl = command({
  ...common,
  name: 'pttl',
  since: '2.6.0',
  summary: 'Returns the time to live of a key in milliseconds.',
  tips: ['nondeterministic_output'],

  run(ctx, args, reply) {
    replyTime(ctx, args, reply, remaining);
  },
});

/** EXPIRETIME key */
export const expiretime = command({
  ...common,
  name: 'expiretime',
  since: '7.0.0',
  summary: 'Returns when a key expires, as a Unix time in seconds.',

  run(ctx, args, reply) {
    replyTime(ctx, args, reply, roundedSeconds);
  },
});

/** PEXPIRETIME key */
export const pexpiretime = command({
  ...common,
  name: 'pexpiretime',
  since: '7.0.0',
  summary: 'Returns when a key expires, as a Unix time in milliseconds.',

  run(ctx, args, reply) {
    replyTime(ctx, args, reply, (at) => at);
  },
});
