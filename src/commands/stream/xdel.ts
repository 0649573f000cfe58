/**
 * Removing entries by id: XDEL.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import { command, keyAt } from '../spec.ts';
import { idArgument } from './ids.ts';

const id = new StreamId();

/** XDEL key id [id ...] */
export const xdel = command({
  name: 'xdel',
  arity: -3,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes entries by id and returns how many there were.',
  complexity: 'O(N) where N is the number of ids.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  syntax: 'key id [id ...]',

  run(ctx, args, reply) {
    const { streams } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, streams);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    for (let i = 2; i < args.argc; i++) idArgument(args, i, id);
    let removed = 0;
    for (let i = 2; i < args.argc; i++) {
      idArgument(args, i, id);
      if (streams.delete(id)) removed++;
    }
    if (removed > 0) {
      ctx.changed('xdel', args, 1, removed);
    }
    reply.int(removed);
  },
});
