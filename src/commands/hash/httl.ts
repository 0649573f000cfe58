/**
 * Reading times to live of fields (Redis 7.4): HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { FIELDS, firstField } from './field-arguments.ts';

/** What is answered for a field that is missing, and for one without a time to live. */
const NO_FIELD = -2;
const NO_TIME = -1;

/** Answers for each field what `of` makes of the time at which it expires. */
function replyTimes(
  ctx: Context,
  args: Args,
  reply: Reply,
  of: (expireAt: number, nowMs: number) => number,
): void {
  const first = firstField(args, 2);
  const { hashes } = ctx.keyspace;
  const entry = ctx.db.readValue(args, 1, hashes);
  reply.array(args.argc - first);
  for (let i = first; i < args.argc; i++) {
    if (entry === 0 || !hashes.findArgument(args, i)) reply.int(NO_FIELD);
    else {
      const expireAt = hashes.fieldExpiry;
      reply.int(expireAt === 0 ? NO_TIME : of(expireAt, ctx.nowMs));
    }
  }
}

/** Milliseconds to seconds, rounded up: unlike TTL, a field that is there never has 0. */
function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

const common = {
  arity: -5,
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of fields named.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: `key ${FIELDS}`,
} as const;

/** HTTL key FIELDS numfields field [field ...] */
export const httl = command({
  ...common,
  name: 'httl',
  summary: 'Returns the time to live of fields in seconds.',
  tips: ['nondeterministic_output'],

  run(ctx, args, reply) {
    replyTimes(ctx, args, reply, (at, now) => wholeSeconds(at - now));
  },
});

/** HPTTL key FIELDS numfields field [field ...] */
export const hpttl = command({
  ...common,
  name: 'hpttl',
  summary: 'Returns the time to live of fields in milliseconds.',
  tips: ['nondeterministic_output'],

  run(ctx, args, reply) {
    replyTimes(ctx, args, reply, (at, now) => at - now);
  },
});

/** HEXPIRETIME key FIELDS numfields field [field ...] */
export const hexpiretime = command({
  ...common,
  name: 'hexpiretime',
  summary: 'Returns when fields expire, as a Unix time in seconds.',

  run(ctx, args, reply) {
    replyTimes(ctx, args, reply, wholeSeconds);
  },
});

/** HPEXPIRETIME key FIELDS numfields field [field ...] */
export const hpexpiretime = command({
  ...common,
  name: 'hpexpiretime',
  summary: 'Returns when fields expire, as a Unix time in milliseconds.',

  run(ctx, args, reply) {
    replyTimes(ctx, args, reply, (at) => at);
  },
});
