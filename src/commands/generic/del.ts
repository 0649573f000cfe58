/**
 * Removing keys: DEL, UNLINK.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyRange } from '../spec.ts';

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
  summary: 'Removes keys and returns how many there were.',
  complexity: 'O(N) where N is the number of keys, plus the elements of large values.',
  flags: ['write'],
  keys: [keyRange(1, -1, 1, 'RM', 'delete')],
  tips: perShard,
  syntax: 'key [key ...]',

  run(ctx, args, reply) {
    removeKeys(ctx, args, reply);
  },
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

  run(ctx, args, reply) {
    removeKeys(ctx, args, reply);
  },
});
