/**
 * Replying with ranges: ZRANGE with all its options, and the older forms.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { type RangeForm, rangeOptions, ranksOf, readRange } from './range-arguments.ts';
import { replyElement, replyElements } from './results.ts';

function replyRange(ctx: Context, args: Args, reply: Reply, form: RangeForm): void {
  const range = readRange(args, form);
  const { zsets } = ctx.keyspace;
  if (ctx.db.readValue(args, form.keyAt, zsets) === 0) {
    reply.array(0);
    return;
  }
  const { from, count } = ranksOf(zsets, args, range);
  const { reverse, withScores } = range;
  replyElements(reply, count, withScores);
  if (count <= 0) return;
  const rank = reverse ? from + count - 1 : from;
  if (!withScores) {
    zsets.sendMembers(rank, count, reverse, reply);
    return;
  }
  zsets.seek(rank);
  replyElement(zsets, reply, true);
  for (let left = count - 1; left > 0; left--) {
    zsets.step(reverse);
    replyElement(zsets, reply, true);
  }
}

const zrangeKeys = [keyAt(1, 'RO', 'access')];
const complexity = 'O(log(N)+M) where N is the size of the sorted set and M that of the reply.';

/** ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES] */
export const zrange = command({
  name: 'zrange',
  arity: -4,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Returns the members between two ranks, scores or texts.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  syntax: `key start:string stop:string ${rangeOptions.line}`,
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { keyAt: 1 }),
});

/** ZREVRANGE key start stop [WITHSCORES] */
export const zrevrange = command({
  name: 'zrevrange',
  arity: -4,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Returns the members between two ranks, counted from the end.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  deprecated: { since: '6.2.0', replacedBy: '`ZRANGE` with the `REV` argument' },
  syntax: 'key start:integer stop:integer [WITHSCORES]',
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { by: 'rank', reverse: true, keyAt: 1 }),
});

/** ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] */
export const zrangebyscore = command({
  name: 'zrangebyscore',
  arity: -4,
  group: 'sorted-set',
  since: '1.0.5',
  summary: 'Returns the members whose scores lie between two bounds.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  deprecated: { since: '6.2.0', replacedBy: '`ZRANGE` with the `BYSCORE` argument' },
  syntax: 'key min:double max:double [WITHSCORES] [LIMIT offset:integer count:integer]',
  run: (ctx, args, reply) =>
    replyRange(ctx, args, reply, { by: 'score', reverse: false, keyAt: 1 }),
});

/** ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] */
export const zrevrangebyscore = command({
  name: 'zrevrangebyscore',
  arity: -4,
  group: 'sorted-set',
  since: '2.2.0',
  summary: 'Returns the members whose scores lie between two bounds, the highest first.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  deprecated: { since: '6.2.0', replacedBy: '`ZRANGE` with the `REV` and `BYSCORE` arguments' },
  syntax: 'key max:double min:double [WITHSCORES] [LIMIT offset:integer count:integer]',
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { by: 'score', reverse: true, keyAt: 1 }),
});

/** ZRANGEBYLEX key min max [LIMIT offset count] */
export const zrangebylex = command({
  name: 'zrangebylex',
  arity: -4,
  group: 'sorted-set',
  since: '2.8.9',
  summary: 'Returns the members that lie between two texts, where all scores are equal.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  deprecated: { since: '6.2.0', replacedBy: '`ZRANGE` with the `BYLEX` argument' },
  syntax: 'key min:string max:string [LIMIT offset:integer count:integer]',
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { by: 'lex', reverse: false, keyAt: 1 }),
});

/** ZREVRANGEBYLEX key max min [LIMIT offset count] */
export const zrevrangebylex = command({
  name: 'zrevrangebylex',
  arity: -4,
  group: 'sorted-set',
  since: '2.8.9',
  summary: 'Returns the members that lie between two texts, the last first.',
  complexity,
  flags: ['readonly'],
  keys: zrangeKeys,
  deprecated: { since: '6.2.0', replacedBy: '`ZRANGE` with the `REV` and `BYLEX` arguments' },
  syntax: 'key max:string min:string [LIMIT offset:integer count:integer]',
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { by: 'lex', reverse: true, keyAt: 1 }),
});
