/**
 * Removing ranges: ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { KeyEvent } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { indexRanks, lexBounds, lexRanks, type Ranks, scoreBounds, scoreRanks } from './bounds.ts';

/** Removes what lies between two bounds of the sorted set at argument 1; replies how many. */
function removeRange(
  ctx: Context,
  args: Args,
  reply: Reply,
  event: KeyEvent,
  ranksOf: (set: SortedSetValue) => Ranks,
): void {
  const { zsets } = ctx.keyspace;
  const entry = ctx.db.writeValue(args, 1, zsets);
  let removed = 0;
  if (entry !== 0) {
    const { from, count } = ranksOf(zsets);
    removed = count;
    zsets.removeRange(from, count);
    if (count > 0) ctx.changedValue(event, entry, zsets, args, 1, count);
  }
  reply.int(removed);
}

const removal = {
  arity: 4,
  group: 'sorted-set',
  complexity: 'O(M*log(N)) where N is the size of the sorted set and M the number removed.',
  flags: ['write'],
  keys: [keyAt(1, 'RW', 'delete')],
} as const;

/** ZREMRANGEBYRANK key start stop */
export const zremrangebyrank = command({
  ...removal,
  name: 'zremrangebyrank',
  since: '2.0.0',
  summary: 'Removes the members between two ranks and returns how many they were.',
  syntax: 'key start:integer stop:integer',

  run(ctx, args, reply) {
    const start = intArgument(args, 2);
    const stop = intArgument(args, 3);
    removeRange(ctx, args, reply, 'zremrangebyrank', (set) => indexRanks(set.size, start, stop));
  },
});

/** ZREMRANGEBYSCORE key min max */
export const zremrangebyscore = command({
  ...removal,
  name: 'zremrangebyscore',
  since: '1.2.0',
  summary: 'Removes the members whose scores lie between two bounds and returns how many.',
  syntax: 'key min:double max:double',

  run(ctx, args, reply) {
    const bounds = scoreBounds(args, 2, 3);
    removeRange(ctx, args, reply, 'zremrangebyscore', (set) => scoreRanks(set, bounds));
  },
});

/** ZREMRANGEBYLEX key min max */
export const zremrangebylex = command({
  ...removal,
  name: 'zremrangebylex',
  since: '2.8.9',
  summary: 'Removes the members that lie between two texts and returns how many they were.',
  syntax: 'key min:string max:string',

  run(ctx, args, reply) {
    const bounds = lexBounds(args, 2, 3);
    removeRange(ctx, args, reply, 'zremrangebylex', (set) => lexRanks(set, args, bounds));
  },
});
