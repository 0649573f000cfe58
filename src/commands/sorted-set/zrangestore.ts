/**
 * Storing a range: ZRANGESTORE.
 */
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { command, keyAt } from '../spec.ts';
import { ranksOf, readRange } from './range-arguments.ts';
import { storeResult } from './results.ts';

/** ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] */
export const zrangestore = command({
  name: 'zrangestore',
  arity: -5,
  group: 'sorted-set',
  since: '6.2.0',
  summary: 'Stores what ZRANGE would return, with the scores.',
  complexity: 'O(log(N)+M) where N is the size of the sorted set and M that of the result.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update'), keyAt(2, 'RO', 'access')],
  syntax:
    'dst:key src:key min:string max:string [BYSCORE | BYLEX] [REV] ' +
    '[LIMIT offset:integer count:integer]',

  run(ctx, args, reply) {
    const range = readRange(args, { keyAt: 2, store: true });
    const { zsets, tools, limits } = ctx.keyspace;
    let result: SortedSetValue | undefined;
    if (ctx.db.readValue(args, 2, zsets) !== 0) {
      const { from, count } = ranksOf(zsets, args, range);
      result = ctx.keyspace.build(new SortedSetValue(tools), (stored) => {
        // A listpack turns -0 into 0. As redis-server 7.0.15: many elements never pass through one,
        // but only ranks tell beforehand how many they are.
        if (range.by === 'rank' && count > limits.zsetListpackEntries) stored.createLarge();
        else stored.create();
        zsets.forRange(from, count, false, () => {
          const { buf, off, len } = zsets.member;
          stored.insert(buf, off, len, zsets.score);
        });
      });
    }
    storeResult(ctx, args, 1, result, 'zrangestore', reply);
  },
});
