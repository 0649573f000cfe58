/**
 * Reading strings: GET, STRLEN.
 */
import { command, keyAt } from '../spec.ts';

/** GET key */
export const get = command({
  name: 'get',
  arity: 2,
  group: 'string',
  since: '1.0.0',
  summary: 'Returns the string at a key.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { db } = ctx;
    if (db.readString(args, 1) === 0) reply.null();
    else reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
  },
});

/** STRLEN key */
export const strlen = command({
  name: 'strlen',
  arity: 2,
  group: 'string',
  since: '2.2.0',
  summary: 'Returns how many bytes the string at a key has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { db } = ctx;
    reply.int(db.readString(args, 1) === 0 ? 0 : db.valueLen);
  },
});
