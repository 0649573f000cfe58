/**
 * Setting times to live: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { EXPIRE_CONDITIONS, mayReplace, readConditions } from '../expire-conditions.ts';
import { anyExpireAt, removedAsExpired, type TimeForm, timeForms } from '../expire-time.ts';
import { command, keyAt } from '../spec.ts';

function expireKey(ctx: Context, args: Args, reply: Reply, form: TimeForm): void {
  readConditions(args, 3);
  const expireAt = anyExpireAt(ctx, args, 2, form);
  const { db } = ctx;
  const entry = db.write(args, 1);
  if (entry === 0 || !mayReplace(db.expireAt(entry), expireAt)) {
    reply.int(0);
    return;
  }
  if (ctx.isOver(expireAt)) {
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
  syntax: `key seconds ${EXPIRE_CONDITIONS}`,

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
  syntax: `key milliseconds ${EXPIRE_CONDITIONS}`,

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
  syntax: `key unix-time-seconds ${EXPIRE_CONDITIONS}`,

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
  syntax: `key unix-time-milliseconds ${EXPIRE_CONDITIONS}`,

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
