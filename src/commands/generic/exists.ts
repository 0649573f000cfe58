/**
 * Whether keys are there, and what they hold: EXISTS, TOUCH, TYPE.
 */
import { typeName } from '../../datatypes/value-types.ts';
import { command, keyAt, keyRange } from '../spec.ts';

const perShard = ['request_policy:multi_shard', 'response_policy:agg_sum'];

/** EXISTS key [key ...] */
export const exists = command({
  name: 'exists',
  arity: -2,
  group: 'generic',
  since: '1.0.0',
  summary: 'Counts how many of the named keys exist; a key named twice counts twice.',
  complexity: 'O(N) where N is the number of keys to check.',
  flags: ['readonly', 'fast'],
  keys: [keyRange(1, -1, 1, 'RO')],
  tips: perShard,
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    let found = 0;
    for (let i = 1; i < args.argc; i++) if (ctx.db.peek(args, i) !== 0) found++;
    reply.int(found);
  },
});

/** TOUCH key [key ...] */
export const touch = command({
  name: 'touch',
  arity: -2,
  group: 'generic',
  since: '3.2.1',
  summary: 'Renews the access time of keys and returns how many exist.',
  complexity: 'O(N) where N is the number of keys.',
  flags: ['readonly', 'fast'],
  keys: [keyRange(1, -1, 1, 'RO')],
  tips: perShard,
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    let found = 0;
    for (let i = 1; i < args.argc; i++) if (ctx.db.read(args, i) !== 0) found++;
    reply.int(found);
  },
});

/** TYPE key */
export const type = command({
  name: 'type',
  arity: 2,
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns the type of the value at a key, or none.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const entry = ctx.db.peek(args, 1);
    reply.simple(entry === 0 ? 'none' : typeName(ctx.db.typeOf(entry)));
  },
});
