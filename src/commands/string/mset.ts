/**
 * Several strings at once: MGET, MSET, MSETNX.
 */
import { ValueType } from '../../datatypes/value-types.ts';
import { NO_TTL } from '../../keyspace/db.ts';
import type { Args } from '../../util/args.ts';
import { wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyRange } from '../spec.ts';
import { storeArgument } from './string-value.ts';

/** MGET key [key ...] */
export const mget = command({
  name: 'mget',
  arity: -2,
  group: 'string',
  since: '1.0.0',
  summary: 'Returns the strings at several keys; null for each key without one.',
  complexity: 'O(N) where N is the number of keys to retrieve.',
  flags: ['readonly', 'fast'],
  keys: [keyRange(1, -1, 1, 'RO', 'access')],
  tips: ['request_policy:multi_shard'],
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    const { db } = ctx;
    reply.array(args.argc - 1);
    for (let i = 1; i < args.argc; i++) {
      const entry = db.read(args, i);
      if (entry === 0 || db.typeOf(entry) !== ValueType.string) reply.null();
      else {
        db.locateString(entry);
        reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
      }
    }
  },
});

function storePairs(ctx: Context, args: Args): void {
  for (let i = 1; i < args.argc; i += 2) {
    storeArgument(ctx, ctx.db.write(args, i), args, i, i + 1, NO_TTL);
    ctx.changed('set', args, i);
  }
}

/** MSET key value [key value ...] */
export const mset = command({
  name: 'mset',
  arity: -3,
  group: 'string',
  since: '1.0.1',
  summary: 'Stores several strings at once; no one sees only some of them.',
  complexity: 'O(N) where N is the number of keys to set.',
  flags: ['write', 'denyoom'],
  keys: [keyRange(1, -1, 2, 'OW', 'update')],
  tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
  syntax: 'key value [key value ...]',

  run(ctx, args, reply) {
    if (args.argc % 2 === 0) throw wrongArity('mset');
    storePairs(ctx, args);
    reply.ok();
  },
});

/** MSETNX key value [key value ...] */
export const msetnx = command({
  name: 'msetnx',
  arity: -3,
  group: 'string',
  since: '1.0.1',
  summary: 'Stores several strings only when none of the keys exists.',
  complexity: 'O(N) where N is the number of keys to set.',
  flags: ['write', 'denyoom'],
  keys: [keyRange(1, -1, 2, 'OW', 'insert')],
  tips: ['request_policy:multi_shard', 'response_policy:agg_min'],
  syntax: 'key value [key value ...]',

  run(ctx, args, reply) {
    if (args.argc % 2 === 0) throw wrongArity('msetnx');
    for (let i = 1; i < args.argc; i += 2) {
      if (ctx.db.write(args, i) !== 0) {
        reply.int(0);
        return;
      }
    }
    storePairs(ctx, args);
    reply.int(1);
  },
});
