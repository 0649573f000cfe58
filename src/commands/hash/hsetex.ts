/**
 * HSETEX (Redis 8.0): several fields with one time to live and one condition.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { TIME_FORMS, TimeOption } from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { command, keyAt } from '../spec.ts';
import { fieldCount, fieldExpireAt } from './field-arguments.ts';
import { hashForWriting } from './hash-value.ts';

const oneCondition = new CommandError('ERR Only one of FXX or FNX arguments can be specified');
const oneTime = new CommandError(
  'ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified',
);
const badCount = new CommandError('ERR invalid number of fields');

const options = grammar(`[FNX | FXX] [${TIME_FORMS} | KEEPTTL]`, {
  once: true,
  clash: (word) => (word === 'FNX' || word === 'FXX' ? oneCondition : oneTime),
  missing: () => wrongArity('hsetex'),
});
const FNX = options.word('FNX');
const FXX = options.word('FXX');
const KEEPTTL = options.word('KEEPTTL');
const time = new TimeOption(options);

/** What HSETEX was asked for; its condition is in `options`. */
interface Request {
  readonly keepTtl: boolean;
  /** When the fields expire, ms since the epoch; -1 for never. */
  readonly expireAt: number;
  /** The first field. */
  readonly first: number;
}

/** The options in any order, up to FIELDS; what follows that must be all pairs there are. */
function readRequest(ctx: Context, args: Args): Request {
  options.begin();
  let i = 2;
  let expireAt = -1;
  while (options.wordAt(args, i) >= 0) {
    i = options.next(args, i);
    if (i >= args.argc) throw wrongArity('hsetex');
  }
  const { form } = time;
  if (form !== undefined) expireAt = fieldExpireAt(ctx, args, time.at, form);
  if (!args.is(i, 'FIELDS')) throw new CommandError(`ERR unknown argument: ${args.cString(i)}`);
  return { keepTtl: options.has(KEEPTTL), expireAt, first: firstPair(ctx, args, i) };
}

/** Where the pairs of `FIELDS numfields field value ...` at argument i begin. */
function firstPair(ctx: Context, args: Args, i: number): number {
  const first = i + 2;
  if (first + 2 > args.argc) throw wrongArity(ctx.command.name);
  const count = fieldCount(args, i + 1, badCount);
  if (count * 2 !== args.argc - first) throw wrongArity(ctx.command.name);
  return first;
}

/** Whether none (FNX) or all (FXX) of the fields are there. */
function isMet(ctx: Context, args: Args, first: number): boolean {
  if (!options.has(FNX) && !options.has(FXX)) return true;
  const { hashes } = ctx.keyspace;
  if (ctx.db.writeValue(args, 1, hashes) === 0) return options.has(FNX);
  for (let i = first; i < args.argc; i += 2) {
    const there = hashes.findArgument(args, i);
    if (there !== options.has(FXX)) return false;
  }
  return true;
}

/** Sets the pairs; with a time in the past they are gone as soon as they are set. */
function setPairs(ctx: Context, args: Args, request: Request): void {
  const { keepTtl, expireAt, first } = request;
  const { hashes } = ctx.keyspace;
  const entry = hashForWriting(ctx, args, 1);
  const timed = expireAt >= 0;
  const past = timed && ctx.isOver(expireAt);
  for (let i = first; i < args.argc; i += 2) {
    // An old time to live that gets a new one stays until then: no block is moved twice.
    hashes.setArgument(args, i, i + 1, keepTtl || timed);
    if (!timed || !hashes.findArgument(args, i)) continue;
    if (past) hashes.deleteFound();
    else hashes.setExpiry(expireAt);
  }
  const count = (args.argc - first) >> 1;
  if (timed) ctx.changed('hset', args, 1, 0);
  const last = past ? 'hdel' : timed ? 'hexpire' : 'hset';
  ctx.changedValue(last, entry, hashes, args, 1, count);
  noteEffect(ctx, args, request, past);
}

/**
 * The journal's lines, without a condition and in a form that older versions know if there is one.
 */
function noteEffect(ctx: Context, args: Args, request: Request, past: boolean): void {
  const { keepTtl, expireAt, first } = request;
  if (past) {
    ctx.noEffect();
    for (let i = first; i < args.argc; i += 2) {
      ctx.instead('HDEL')?.argument(args, 1).argument(args, i);
    }
    return;
  }
  const timed = expireAt >= 0;
  const line = ctx.instead(timed || keepTtl ? 'HSETEX' : 'HSET')?.argument(args, 1);
  if (line === undefined) return;
  if (timed) line.text('PXAT').integer(expireAt);
  else if (keepTtl) line.text('KEEPTTL');
  line.argumentsFrom(args, timed || keepTtl ? first - 2 : first, args.argc);
}

/**
 * HSETEX key [FNX | FXX] [EX … | PX … | EXAT … | PXAT … | KEEPTTL] FIELDS numfields field value …
 */
export const hsetex = command({
  name: 'hsetex',
  arity: -6,
  group: 'hash',
  since: '8.0.0',
  summary: 'Sets fields of a hash with a common time to live, if asked on a condition.',
  complexity: 'O(N) where N is the number of fields to set.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: `key ${options.line} FIELDS numfields:integer field value [field value ...]`,

  run(ctx, args, reply) {
    const request = readRequest(ctx, args);
    const met = isMet(ctx, args, request.first);
    if (met) setPairs(ctx, args, request);
    reply.int(met ? 1 : 0);
  },
});
