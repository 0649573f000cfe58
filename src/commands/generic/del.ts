/**
 * Whether keys are there, and removing them: DEL, UNLINK, EXISTS, TOUCH, TYPE.
 */
import { typeName } from '../../datatypes/value-types.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt, keyRange } from '../spec.ts';

const perShard = ['request_policy:multi_shard', 'response_policy:agg_sum'];

function removeKeys(ctx: Context, args: Args, reply: Reply): void {
  let removed = 0;
  for (let i = 1; i < args.argc; i++) {
    const entry = ctx.db.findKey(args, i);
    if (entry === 0) continue;
    ctx.db.remove(entry);
    ctx.changed('del', args, i);
    removed++;
  }
  reply.int(removed);
}

/** DEL key [key ...] */
export const del = command({
  name: 'del',
  arity: -2,
  group: 'generic',
  since: '1.0.0',
  summary: 'Removes keys and answers how many there were.',
  complexity: 'O(N) where N is the number of keys, plus the elements of large values.',
  flags: ['write'],
  keys: [keyRange(1, -1, 1, 'RM', 'delete')],
  tips: perShard,
  syntax: 'key [key ...]',
  run: removeKeys,
});

/** UNLINK key [key ...] */
export const unlink = command({
  name: 'unlink',
  arity: -2,
  group: 'generic',
  since: '4.0.0',
  summary: 'Removes keys; the memory of large values is given back later, in slices.',
  complexity: 'O(1) for each key.',
  flags: ['write', 'fast'],
  keys: [keyRange(1, -1, 1, 'RM', 'delete')],
  tips: perShard,
  syntax: 'key [key ...]',
  run: removeKeys,
});

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
  summary: 'Renews the access time of keys and answers how many exist.',
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
  summary: 'Answers the type of the value at a key, or none.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const entry = ctx.db.peek(args, 1);
    reply.simple(entry === 0 ? 'none' : typeName(ctx.db.typeOf(entry)));
  },
});
