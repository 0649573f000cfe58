/**
 * Adding at the ends: LPUSH, RPUSH, LPUSHX, RPUSHX.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';

function pushAll(ctx: Context, args: Args, reply: Reply, atTail: boolean, create: boolean): void {
  const { lists } = ctx.keyspace;
  if (ctx.db.writeValue(args, 1, lists) === 0) {
    if (!create) {
      reply.int(0);
      return;
    }
    lists.create();
    ctx.db.addValue(args, 1, lists);
  }
  lists.pushAll(atTail, args, 2, args.argc);
  reply.int(lists.size);
  ctx.changed(atTail ? 'rpush' : 'lpush', args, 1, args.argc - 2);
}

/** LPUSH key element [element ...] */
export const lpush = command({
  name: 'lpush',
  arity: -3,
  group: 'list',
  since: '1.0.0',
  summary: 'Adds elements before the first one of a list and returns its length.',
  complexity: 'O(N) where N is the number of elements to add.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  member: 0,
  syntax: 'key element [element ...]',
  run: (ctx, args, reply) => pushAll(ctx, args, reply, false, true),
});

/** RPUSH key element [element ...] */
export const rpush = command({
  name: 'rpush',
  arity: -3,
  group: 'list',
  since: '1.0.0',
  summary: 'Adds elements after the last one of a list and returns its length.',
  complexity: 'O(N) where N is the number of elements to add.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  member: 0,
  syntax: 'key element [element ...]',
  run: (ctx, args, reply) => pushAll(ctx, args, reply, true, true),
});

/** LPUSHX key element [element ...] */
export const lpushx = command({
  name: 'lpushx',
  arity: -3,
  group: 'list',
  since: '2.2.0',
  summary: 'As LPUSH, but only to a list that exists.',
  complexity: 'O(N) where N is the number of elements to add.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  syntax: 'key element [element ...]',
  run: (ctx, args, reply) => pushAll(ctx, args, reply, false, false),
});

/** RPUSHX key element [element ...] */
export const rpushx = command({
  name: 'rpushx',
  arity: -3,
  group: 'list',
  since: '2.2.0',
  summary: 'As RPUSH, but only to a list that exists.',
  complexity: 'O(N) where N is the number of elements to add.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  syntax: 'key element [element ...]',
  run: (ctx, args, reply) => pushAll(ctx, args, reply, true, false),
});
