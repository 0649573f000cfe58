/**
 * Setting times to live: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.
 */
import type { UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { anyExpireAt, removedAsExpired, type TimeForm, timeForms } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';

const nxClash = new CommandError(
  'ERR NX and XX, GT or LT options at the same time are not compatible',
);
const gtLtClash = new CommandError('ERR GT and LT options at the same time are not compatible');

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

function readConditions(args: Args): number {
  let conditions = 0;
  for (let i = 3; i < args.argc; i++) {
    if (args.is(i, 'NX')) conditions |= NX;
    else if (args.is(i, 'XX')) conditions |= XX;
    else if (args.is(i, 'GT')) conditions |= GT;
    else if (args.is(i, 'LT')) conditions |= LT;
    else throw new CommandError(`ERR Unsupported option ${args.cString(i)}`);
  }
  if ((conditions & NX) !== 0 && conditions !== NX) throw nxClash;
  if ((conditions & GT) !== 0 && (conditions & LT) !== 0) throw gtLtClash;
  return conditions;
}

/** Whether the conditions let `next` replace `current` (-1: no time to live). */
function allowed(conditions: number, current: UnixMs, next: UnixMs): boolean {
  if (conditions === 0) return true;
  const has = current !== -1;
  if ((conditions & NX) !== 0) return !has;
  if ((conditions & XX) !== 0 && !has) return false;
  // No time to live counts as an infinite one.
  if ((conditions & GT) !== 0) return has && next > current;
  if ((conditions & LT) !== 0) return !has || next < current;
  return true;
}

function expireKey(ctx: Context, args: Args, reply: Reply, form: TimeForm): void {
  const conditions = readConditions(args);
  const expireAt = anyExpireAt(ctx, args, 2, form);
  const { db } = ctx;
  const entry = db.write(args, 1);
  if (entry === 0 || !allowed(conditions, db.expireAt(entry), expireAt)) {
    reply.int(0);
    return;
  }
  if (expireAt <= ctx.nowMs) {
    db.remove(entry);
    ctx.changed('del', args, 1);
    removedAsExpired(ctx, args, 1);
  } else {
    db.setExpiry(entry, expireAt);
    ctx.changed('expire', args, 1);
    if (form !== timeForms.PXAT) {
      const line = ctx.instead('PEXPIREAT')?.argument(args, 1).integer(expireAt);
      line?.argumentsFrom(args, 3, args.argc);
    }
  }
  reply.int(1);
}

const common = {
  arity: -3,
  group: 'generic',
  complexity: 'O(log N) where N is the number of keys with a time to live.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
} as const;

/** EXPIRE key seconds [NX | XX | GT | LT] */
export const expire = command({
  ...common,
  name: 'expire',
  since: '1.0.0',
  summary: 'Sets the time to live of a key in seconds.',
  syntax: 'key seconds [NX | XX | GT | LT]',

  run(ctx, args, reply) {
    expireKey(ctx, args, reply, timeForms.EX);
  },
});

/** PEXPIRE key milliseconds [NX | XX | GT | LT] */
export const pexpire = command({
  ...common,
  name: 'pexpire',
  since: '2.6.0',
  summary: 'Sets the time to live of a key in milliseconds.',
  syntax: 'key milliseconds [NX | XX | GT | LT]',

  run(ctx, args, reply) {
    expireKey(ctx, args, reply, timeForms.PX);
  },
});

/** EXPIREAT key unix-time-seconds [NX | XX | GT | LT] */
export const expireat = command({
  ...common,
  name: 'expireat',
  since: '1.2.0',
  summary: 'Sets when a key expires, as a Unix time in seconds.',
  syntax: 'key unix-time-seconds [NX | XX | GT | LT]',

  run(ctx, args, reply) {
    expireKey(ctx, args, reply, timeForms.EXAT);
  },
});

/** PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] */
export const pexpireat = command({
  ...common,
  name: 'pexpireat',
  since: '2.6.0',
  summary: 'Sets when a key expires, as a Unix time in milliseconds.',
  syntax: 'key unix-time-milliseconds [NX | XX | GT | LT]',

  run(ctx, args, reply) {
    expireKey(ctx, args, reply, timeForms.PXAT);
  },
});

/** PERSIST key */
export const persist = command({
  name: 'persist',
  arity: 2,
  group: 'generic',
  since: '2.2.0',
  summary: 'Takes the time to live of a key away.',
  complexity: 'O(log N) where N is the number of keys with a time to live.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.write(args, 1);
    if (entry === 0 || !db.isVolatile(entry)) {
      reply.int(0);
      return;
    }
    db.persist(entry);
    ctx.changed('persist', args, 1);
    reply.int(1);
  },
});
