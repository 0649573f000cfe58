/**
 * Reading a string and changing its time to live, or removing it: GETEX, GETDEL.
 */
import { positiveExpireAt, removedAsExpired, TIME_FORMS, TimeOption } from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { command, keyAt } from '../spec.ts';
import { removeKey } from './string-value.ts';

const options = grammar(`[${TIME_FORMS} | PERSIST]`);
const PERSIST = options.word('PERSIST');
const time = new TimeOption(options);

/** GETEX key [EX seconds | PX milliseconds | EXAT … | PXAT … | PERSIST] */
export const getex = command({
  name: 'getex',
  arity: -2,
  group: 'string',
  since: '6.2.0',
  summary: 'Returns the string at a key and sets, or takes away, its time to live.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: `key ${options.line}`,

  run(ctx, args, reply) {
    options.read(args, 2);
    const { form } = time;
    const { db } = ctx;
    const entry = db.readString(args, 1);
    if (entry === 0) {
      reply.null();
      return;
    }
    const expireAt = form === undefined ? 0 : positiveExpireAt(ctx, args, time.at, form);
    reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
    if (form !== undefined) {
      if (ctx.isOver(expireAt)) {
        removeKey(ctx, args, entry);
        removedAsExpired(ctx, args, 1);
      } else {
        db.setExpiry(entry, expireAt);
        ctx.changed('expire', args, 1);
        ctx.instead('PEXPIREAT')?.argument(args, 1).integer(expireAt);
      }
    } else if (options.has(PERSIST) && db.isVolatile(entry)) {
      db.persist(entry);
      ctx.changed('persist', args, 1);
      ctx.instead('PERSIST')?.argument(args, 1);
    }
  },
});

/** GETDEL key */
export const getdel = command({
  name: 'getdel',
  arity: 2,
  group: 'string',
  since: '6.2.0',
  summary: 'Returns the string at a key and removes the key.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.readString(args, 1);
    if (entry === 0) {
      reply.null();
      return;
    }
    reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
    removeKey(ctx, args, entry);
    ctx.instead('DEL')?.argument(args, 1);
  },
});
