/**
 * Removing fields: HDEL.
 */
import { command, keyAt } from '../spec.ts';

/** HDEL key field [field ...] */
export const hdel = command({
  name: 'hdel',
  arity: -3,
  group: 'hash',
  since: '2.0.0',
  summary: 'Removes fields and returns how many there were; the key goes with the last one.',
  complexity: 'O(N) where N is the number of fields to remove.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  member: 2,
  syntax: 'key field [field ...]',

  run(ctx, args, reply) {
    const { hashes } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, hashes);
    let removed = 0;
    if (entry !== 0) {
      for (let i = 2; i < args.argc; i++) {
        if (hashes.deleteArgument(args, i)) removed++;
      }
      if (removed > 0) ctx.changedValue('hdel', entry, hashes, args, 1, removed);
    }
    reply.int(removed);
  },
});
