/**
 * MSETEX (Redis 8.4): several strings with one time to live and one condition.
 */
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { UnixMs } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { positiveExpireAt, TIME_FORMS, TIME_WORDS, TimeOption } from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { storeArgument, writeLifetime } from './string-value.ts';

const invalidNumkeys = new CommandError('ERR invalid numkeys value');

const options = grammar(`[NX | XX] [${TIME_FORMS} | KEEPTTL]`, { once: TIME_WORDS });
const NX = options.word('NX');
const XX = options.word('XX');
const KEEPTTL = options.word('KEEPTTL');
const time = new TimeOption(options);

/** The time at which the keys expire, or what else becomes of their time to live. */
function expiryOf(ctx: Context, args: Args): UnixMs {
  const { form } = time;
  if (form !== undefined) return positiveExpireAt(ctx, args, time.at, form);
  return options.has(KEEPTTL) ? KEEP_TTL : NO_TTL;
}

/** Puts the pairs up to argument `end` into the journal in a form that older versions know. */
function noteSets(ctx: Context, args: Args, end: number, expireAt: UnixMs): void {
  if (expireAt === NO_TTL) {
    ctx.instead('MSET')?.argumentsFrom(args, 2, end);
    return;
  }
  for (let i = 2; i < end; i += 2) {
    const line = ctx.instead('SET')?.argumentsFrom(args, i, i + 2);
    if (line !== undefined) writeLifetime(line, expireAt);
  }
}

/** MSETEX numkeys key value [key value ...] [NX | XX] [EX … | PX … | EXAT … | PXAT … | KEEPTTL] */
export const msetex = command({
  name: 'msetex',
  arity: -4,
  group: 'string',
  since: '8.4.0',
  summary: 'Stores several strings at once with a common time to live, if asked on a condition.',
  complexity: 'O(N) where N is the number of keys to set.',
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [
    {
      flags: ['OW', 'update'],
      begin: { type: 'index', index: 1 },
      find: { type: 'keynum', keynum: 0, first: 1, step: 2 },
    },
  ],
  syntax: `numkeys key value [key value ...] ${options.line}`,

  run(ctx, args, reply) {
    const count = intArgument(args, 1, invalidNumkeys);
    if (count <= 0 || count > 0x7fffffff) throw invalidNumkeys;
    const end = 2 + count * 2;
    if (end > args.argc) throw wrongArity('msetex');
    options.read(args, end);
    const expireAt = expiryOf(ctx, args);
    const exist = options.has(XX);
    for (let i = 2; (exist || options.has(NX)) && i < end; i += 2) {
      if ((ctx.db.write(args, i) !== 0) !== exist) {
        reply.int(0);
        return;
      }
    }
    for (let i = 2; i < end; i += 2) {
      storeArgument(ctx, ctx.db.write(args, i), args, i, i + 1, expireAt);
      ctx.changed('set', args, i);
      if (expireAt > 0) ctx.changed('expire', args, i, 0);
    }
    noteSets(ctx, args, end, expireAt);
    reply.int(1);
  },
});
