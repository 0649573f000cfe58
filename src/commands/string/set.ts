/**
 * SET and its older kin, which share one core: SETNX, SETEX, PSETEX, GETSET.
 */
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import {
  positiveExpireAt,
  TIME_FORMS,
  type TimeForm,
  TimeOption,
  timeForms,
} from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { keyUse } from '../key-list.ts';
import { command, keyAt } from '../spec.ts';
import { namesTest, passes, TEST_WORDS, VALUE_TESTS, ValueTestOption } from './condition.ts';
import { storeArgument, writeLifetime } from './string-value.ts';

const options = grammar(`[NX | XX | ${VALUE_TESTS}] [GET] [${TIME_FORMS} | KEEPTTL]`, {
  once: TEST_WORDS,
});
const NX = options.word('NX');
const XX = options.word('XX');
const GET = options.word('GET');
const KEEPTTL = options.word('KEEPTTL');
const time = new TimeOption(options);
const valueTest = new ValueTestOption(options);

/** Whether the conditions let SET go on. `entry` is the key's find. */
function allowed(ctx: Context, args: Args, entry: Entry): boolean {
  if (options.has(NX)) return entry === 0;
  if (options.has(XX)) return entry !== 0;
  const { test } = valueTest;
  return test === undefined || passes(ctx, entry, test, args, valueTest.at);
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
  if (expireAt > 0 || valueTest.test !== undefined) {
    const line = ctx.instead('SET')?.argumentsFrom(args, 1, 3);
    if (line !== undefined) writeLifetime(line, expireAt);
  } else if (options.has(GET)) {
    const line = ctx.instead(args.latin1(0))?.argumentsFrom(args, 1, 3);
    for (let i = 3; i < args.argc; i++) if (!args.is(i, 'GET')) line?.argument(args, i);
  }
}

/** SET with options: reads them, and changes the key unless a condition is not met. */
function setWithOptions(ctx: Context, args: Args, reply: Reply): void {
  options.read(args, 3);
  const { form } = time;
  let expireAt: UnixMs = options.has(KEEPTTL) ? KEEP_TTL : NO_TTL;
  if (form !== undefined) expireAt = positiveExpireAt(ctx, args, time.at, form);
  const get = options.has(GET);
  const entry = get ? ctx.db.readString(args, 1) : ctx.db.write(args, 1);
  const met = allowed(ctx, args, entry);
  if (get) replyPrevious(ctx, entry, reply);
  else if (!met) reply.null();
  if (!met) return;
  storeArgument(ctx, entry, args, 1, 2, expireAt);
  ctx.changed('set', args, 1);
  if (expireAt > 0) ctx.changed('expire', args, 1, 0);
  noteSet(ctx, args, expireAt);
  if (!get) reply.ok();
}

const readsAndWrites = keyUse('RW', 'access', 'update');
const writes = keyUse('OW', 'update');

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
  keyUse(args) {
    // As Redis: the words are looked for, not read; the command itself refuses wrong ones.
    let reads = namesTest(args, 3);
    for (let i = 3; i < args.argc; i++) reads ||= args.is(i, 'GET');
    return reads ? readsAndWrites : writes;
  },
  syntax: `key value ${options.line}`,

  run(ctx, args, reply) {
    if (args.argc > 3) {
      setWithOptions(ctx, args, reply);
      return;
    }
    storeArgument(ctx, ctx.db.write(args, 1), args, 1, 2, NO_TTL);
    ctx.changed('set', args, 1);
    reply.ok();
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
  summary: 'Stores a string and returns the one it replaced.',
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
