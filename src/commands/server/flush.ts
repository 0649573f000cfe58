/**
 * Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int32Argument } from '../integers.ts';
import { command } from '../spec.ts';

/** DBSIZE */
export const dbsize = command({
  name: 'dbsize',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Returns how many keys the database has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'response_policy:agg_sum'],

  run(ctx, _args, reply) {
    reply.int(ctx.db.size);
  },
});

const FREED_AT_ONCE = 4096;

/** Whether the memory may be given back later; throws on anything but ASYNC and SYNC. */
function flushesLater(ctx: Context, args: Args): boolean {
  if (args.argc > 2) throw errors.syntax;
  if (args.argc === 1) return ctx.server.config.bool('lazyfree-lazy-user-flush');
  if (args.is(1, 'ASYNC')) return true;
  if (!args.is(1, 'SYNC')) throw errors.syntax;
  return false;
}

/** Empties databases; asked to do so at once, gives their memory back before it returns. */
function flush(ctx: Context, indexes: readonly number[], later: boolean): void {
  const { keyspace } = ctx;
  keyspace.flush(indexes);
  ctx.forceEffect();
  if (!later) while (keyspace.freeGarbage(FREED_AT_ONCE));
}

/** FLUSHDB [ASYNC | SYNC] */
export const flushdb = command({
  name: 'flushdb',
  arity: -1,
  group: 'server',
  since: '1.0.0',
  summary: 'Removes every key of the database.',
  complexity: 'O(N) where N is the number of keys; with ASYNC in slices.',
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  syntax: '[ASYNC | SYNC]',

  run(ctx, args, reply) {
    const later = flushesLater(ctx, args);
    flush(ctx, [ctx.db.index], later);
    reply.ok();
  },
});

/** FLUSHALL [ASYNC | SYNC] */
export const flushall = command({
  name: 'flushall',
  arity: -1,
  group: 'server',
  since: '1.0.0',
  summary: 'Removes every key of every database.',
  complexity: 'O(N) where N is the number of keys; with ASYNC in slices.',
  flags: ['write'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  syntax: '[ASYNC | SYNC]',

  run(ctx, args, reply) {
    const later = flushesLater(ctx, args);
    flush(ctx, [...ctx.keyspace.dbs.keys()], later);
    ctx.server.persistence.allFlushed();
    reply.ok();
  },
});

const invalidFirst = new CommandError('ERR invalid first DB index');
const invalidSecond = new CommandError('ERR invalid second DB index');

/** SWAPDB index1 index2 */
export const swapdb = command({
  name: 'swapdb',
  arity: 3,
  group: 'server',
  since: '4.0.0',
  summary: 'Exchanges two databases; connected clients see the other one at once.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  categories: ['keyspace', 'dangerous'],
  syntax: 'index1:integer index2:integer',

  run(ctx, args, reply) {
    const first = int32Argument(args, 1, invalidFirst, invalidFirst);
    const second = int32Argument(args, 2, invalidSecond, invalidSecond);
    const { dbs } = ctx.keyspace;
    if (dbs[first] === undefined || dbs[second] === undefined) throw errors.dbIndexOutOfRange;
    ctx.keyspace.swap(first, second);
    reply.ok();
  },
});
