/**
 * SELECT.
 */
import { errors } from '../../util/errors.ts';
import { int32Argument } from '../integers.ts';
import { command } from '../spec.ts';

/** SELECT index */
export const select = command({
  name: 'select',
  arity: 2,
  group: 'connection',
  since: '1.0.0',
  summary: 'Chooses the database that the commands to come work on.',
  complexity: 'O(1)',
  flags: ['loading', 'stale', 'fast'],
  syntax: 'index:integer',

  run(ctx, args, reply) {
    const index = int32Argument(args, 1);
    if (ctx.keyspace.dbs[index] === undefined) throw errors.dbIndexOutOfRange;
    ctx.session.dbIndex = index;
    reply.ok();
  },
});
