/**
 * SET and its older kin, which share one core: SETNX, SETEX, PSETEX, GETSET.
 */
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { positiveExpireAt, type TimeForm, timeFormOf, timeForms } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';
import { passes, type ValueTest, valueTestOf } from './condition.ts';
import { storeArgument, writeLifetime } from './string-value.ts';

/** The options of one SET call; one object serves all calls. */
const options = {
  nx: false,
  xx: false,
  test: undefined as ValueTest | undefined,
  operandAt: 0,
  get: false,
  keepTtl: false,
  form: undefined as TimeForm | undefined,
  timeAt: 0,
};

function readOptions(args: Args, from: number): void {
  options.nx = false;
  options.xx = false;
  options.test = undefined;
  options.get = false;
  options.keepTtl = false;
  options.form = undefined;
  for (let i = from; i < args.argc; i++) {
    if (args.is(i, 'NX')) options.nx = true;
    else if (args.is(i, 'XX')) options.xx = true;
    else if (args.is(i, 'GET')) options.get = true;
    else if (args.is(i, 'KEEPTTL')) options.keepTtl = true;
    else i = readOperand(args, i);
    const conditions = Number(options.nx) + Number(options.xx) + Number(options.test !== undefined);
    const lifetimes = Number(options.keepTtl) + Number(options.form !== undefined);
    if (conditions > 1 || lifetimes > 1) throw errors.syntax;
  }
}

/** An option that takes an argument; returns the argument's position. */
function readOperand(args: Args, i: number): number {
  const form = timeFormOf(args, i);
  const test = form === undefined ? valueTestOf(args, i) : undefined;
  if ((form ?? test) === undefined || i + 1 === args.argc) throw errors.syntax;
  if (form !== undefined) {
    if (options.form !== undefined && options.form !== form) throw errors.syntax;
    options.form = form;
    options.timeAt = i + 1;
  } else {
    if (options.test !== undefined) throw errors.syntax;
    options.test = test;
    options.operandAt = i + 1;
  }
  return i + 1;
}

/** Whether the conditions let SET go on. `entry` is the key's find. */
function allowed(ctx: Context, args: Args, entry: Entry): boolean {
  if (options.nx) return entry === 0;
  if (options.xx) return entry !== 0;
  if (options.test === undefined) return true;
  return passes(ctx, entry, options.test, args, options.operandAt);
}

function replyPrevious(ctx: Context, entry: Entry, reply: Reply): void {
  if (entry === 0) {
    reply.null();
    return;
  }
  const { db } = ctx;
  db.locateString(entry);
  reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
}

/**
 * What the journal gets: with a time or a test of the value neither conditions nor GET, otherwise
 * the command without GET.
 */
function noteSet(ctx: Context, args: Args, expireAt: UnixMs): void {
  if (expireAt > 0 || options.test !== undefined) {
    const line = ctx.instead('SET')?.argumentsFrom(args, 1, 3);
    if (line !== undefined) writeLifetime(line, expireAt);
  } else if (options.get) {
    const line = ctx.instead(args.latin1(0))?.argumentsFrom(args, 1, 3);
    for (let i = 3; i < args.argc; i++) if (!args.is(i, 'GET')) line?.argument(args, i);
  }
}

/** SET key value [NX | XX | IF… operand] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] */
export const set = command({
  name: 'set',
  arity: -3,
  group: 'string',
  since: '1.0.0',
  summary: 'Stores a string under a key, whatever the key held before.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'access', 'update', 'variable_flags')],
  keyFlags(args) {
    readOptions(args, 3);
    const reads = options.get || options.test !== undefined;
    return reads ? ['RW', 'access', 'update'] : ['OW', 'update'];
  },
  syntax:
    'key value [NX | XX | IFEQ ifeq-value | IFNE ifne-value | IFDEQ ifdeq-digest | IFDNE ifdne-digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]',

  run(ctx, args, reply) {
    let expireAt: UnixMs = NO_TTL;
    let get = false;
    let entry: Entry;
    if (args.argc === 3) entry = ctx.db.write(args, 1);
    else {
      readOptions(args, 3);
      if (options.form !== undefined) {
        expireAt = positiveExpireAt(ctx, args, options.timeAt, options.form);
      } else if (options.keepTtl) expireAt = KEEP_TTL;
      get = options.get;
      entry = get ? ctx.db.read(args, 1) : ctx.db.write(args, 1);
      if (get && entry !== 0) ctx.db.locateString(entry); // throws WRONGTYPE
      if (!allowed(ctx, args, entry)) {
        if (get) replyPrevious(ctx, entry, reply);
        else reply.null();
        return;
      }
    }
    if (get) replyPrevious(ctx, entry, reply);
    storeArgument(ctx, entry, args, 1, 2, expireAt);
    ctx.changed('set', args, 1);
    if (expireAt > 0) ctx.changed('expire', args, 1, 0);
    if (args.argc > 3) noteSet(ctx, args, expireAt);
    if (!get) reply.ok();
  },
});

/** SETNX key value */
export const setnx = command({
  name: 'setnx',
  arity: 3,
  group: 'string',
  since: '1.0.0',
  summary: 'Stores a string only when the key does not exist.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'OW', 'insert')],
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `NX` argument' },
  syntax: 'key value',

  run(ctx, args, reply) {
    if (ctx.db.write(args, 1) !== 0) {
      reply.int(0);
      return;
    }
    storeArgument(ctx, 0, args, 1, 2, NO_TTL);
    ctx.changed('set', args, 1);
    reply.int(1);
  },
});

function setWithExpiry(ctx: Context, args: Args, reply: Reply, form: TimeForm): void {
  const expireAt = positiveExpireAt(ctx, args, 2, form);
  storeArgument(ctx, ctx.db.write(args, 1), args, 1, 3, expireAt);
  ctx.changed('set', args, 1);
  ctx.changed('expire', args, 1, 0);
  const line = ctx.instead('SET')?.argument(args, 1).argument(args, 3);
  line?.text('PXAT').integer(expireAt);
  reply.ok();
}

/** SETEX key seconds value */
export const setex = command({
  name: 'setex',
  arity: 4,
  group: 'string',
  since: '2.0.0',
  summary: 'Stores a string together with a time to live in seconds.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update')],
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `EX` argument' },
  syntax: 'key seconds value',

  run(ctx, args, reply) {
    setWithExpiry(ctx, args, reply, timeForms.EX);
  },
});

/** PSETEX key milliseconds value */
export const psetex = command({
  name: 'psetex',
  arity: 4,
  group: 'string',
  since: '2.6.0',
  summary: 'Stores a string together with a time to live in milliseconds.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update')],
  deprecated: { since: '2.6.12', replacedBy: '`SET` with the `PX` argument' },
  syntax: 'key milliseconds value',

  run(ctx, args, reply) {
    setWithExpiry(ctx, args, reply, timeForms.PX);
  },
});

/** GETSET key value */
export const getset = command({
  name: 'getset',
  arity: 3,
  group: 'string',
  since: '1.0.0',
  summary: 'Stores a string and answers the one it replaced.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  deprecated: { since: '6.2.0', replacedBy: '`SET` with the `!GET` argument' },
  syntax: 'key value',

  run(ctx, args, reply) {
    const entry = ctx.db.readString(args, 1);
    replyPrevious(ctx, entry, reply);
    storeArgument(ctx, entry, args, 1, 2, NO_TTL);
    ctx.changed('set', args, 1);
    ctx.instead('SET')?.argumentsFrom(args, 1, 3);
  },
});
