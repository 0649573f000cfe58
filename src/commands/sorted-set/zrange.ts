/**
 * Ranges: ZRANGE with all its options, ZRANGESTORE, and the older forms.
 */
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { KeyEvent } from '../../keyspace/events.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { indexRanks, lexBounds, lexRanks, type Ranks, scoreBounds, scoreRanks } from './bounds.ts';
import { replyElement, replyElements, storeResult } from './results.ts';

const limitByRank = new CommandError(
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
);
const lexWithScores = new CommandError(
  'ERR syntax error, WITHSCORES not supported in combination with BYLEX',
);

type By = 'rank' | 'score' | 'lex';

/** What a command name settles; `undefined` is for the options to say. */
interface Form {
  readonly by?: By;
  readonly reverse?: boolean;
  /** Position of the key that is read; the bounds follow it. */
  readonly keyAt: number;
  readonly store: boolean;
}

/** What was asked for; `ranksOf` looks it up in an open sorted set. */
interface Range {
  readonly byRank: boolean;
  readonly reverse: boolean;
  readonly withScores: boolean;
  ranksOf(set: SortedSetValue): Ranks;
}

function parseRange(args: Args, form: Form): Range {
  let by = form.by;
  let { reverse } = form;
  let withScores = false;
  let offset = 0;
  let limit = -1;
  for (let i = form.keyAt + 3; i < args.argc; i++) {
    if (!form.store && args.is(i, 'WITHSCORES')) withScores = true;
    else if (args.is(i, 'LIMIT') && i + 2 < args.argc) {
      offset = intArgument(args, i + 1);
      limit = intArgument(args, i + 2);
      i += 2;
    } else if (reverse === undefined && args.is(i, 'REV')) reverse = true;
    else if (by === undefined && args.is(i, 'BYLEX')) by = 'lex';
    else if (by === undefined && args.is(i, 'BYSCORE')) by = 'score';
    else throw errors.syntax;
  }
  by ??= 'rank';
  reverse ??= false;
  if (limit !== -1 && by === 'rank') throw limitByRank;
  if (withScores && by === 'lex') throw lexWithScores;
  const first = form.keyAt + 1;
  if (by === 'rank') {
    const start = intArgument(args, first);
    const stop = intArgument(args, first + 1);
    const ranksOf = (set: SortedSetValue) => {
      const { from, count } = indexRanks(set.size, start, stop);
      return reverse ? { from: set.size - from - count, count } : { from, count };
    };
    return { byRank: true, reverse, withScores, ranksOf };
  }
  const minAt = reverse ? first + 1 : first;
  const maxAt = reverse ? first : first + 1;
  const limited = (ranks: Ranks) => limitRanks(ranks, offset, limit, reverse);
  if (by === 'score') {
    const bounds = scoreBounds(args, minAt, maxAt);
    const ranksOf = (set: SortedSetValue) => limited(scoreRanks(set, bounds));
    return { byRank: false, reverse, withScores, ranksOf };
  }
  const bounds = lexBounds(args, minAt, maxAt);
  const ranksOf = (set: SortedSetValue) => limited(lexRanks(set, args, bounds));
  return { byRank: false, reverse, withScores, ranksOf };
}

/** What LIMIT leaves of a stretch of ranks that is walked from its start, or its end. */
function limitRanks(ranks: Ranks, offset: number, limit: number, reverse: boolean): Ranks {
  if (offset === 0 && limit < 0) return ranks;
  if (offset < 0 || offset >= ranks.count) return { from: 0, count: 0 };
  const left = ranks.count - offset;
  const count = limit < 0 ? left : Math.min(limit, left);
  const from = reverse ? ranks.from + left - count : ranks.from + offset;
  return { from, count };
}

function replyRange(ctx: Context, args: Args, reply: Reply, form: Form): void {
  const range = parseRange(args, form);
  const { zsets } = ctx.keyspace;
  if (ctx.db.readValue(args, form.keyAt, zsets) === 0) {
    reply.array(0);
    return;
  }
  const { from, count } = range.ranksOf(zsets);
  const { reverse, withScores } = range;
  replyElements(reply, count, withScores);
  if (count <= 0) return;
  // Not `forRange`: without a call through a function for each element it takes a third less.
  zsets.seek(reverse ? from + count - 1 : from);
  replyElement(zsets, reply, withScores);
  if (withScores) {
    for (let left = count - 1; left > 0; left--) {
      zsets.step(reverse);
      replyElement(zsets, reply, true);
    }
    return;
  }
  const { member } = zsets;
  for (let left = count - 1; left > 0; left--) {
    zsets.stepMember(reverse);
    reply.bulk(member.buf, member.off, member.len);
  }
}

const zrangeKeys = [keyAt(1, 'RO', 'access')];
const complexity = 'O(log(N)+M) where N is the size of the sorted set and M that of the answer.';

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
  syntax:
    'key start:string stop:string [BYSCORE | BYLEX] [REV] ' +
    '[LIMIT offset:integer count:integer] [WITHSCORES]',
  run: (ctx, args, reply) => replyRange(ctx, args, reply, { keyAt: 1, store: false }),
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
  run: (ctx, args, reply) =>
    replyRange(ctx, args, reply, { by: 'rank', reverse: true, keyAt: 1, store: false }),
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
    replyRange(ctx, args, reply, { by: 'score', reverse: false, keyAt: 1, store: false }),
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
  run: (ctx, args, reply) =>
    replyRange(ctx, args, reply, { by: 'score', reverse: true, keyAt: 1, store: false }),
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
  run: (ctx, args, reply) =>
    replyRange(ctx, args, reply, { by: 'lex', reverse: false, keyAt: 1, store: false }),
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
  run: (ctx, args, reply) =>
    replyRange(ctx, args, reply, { by: 'lex', reverse: true, keyAt: 1, store: false }),
});

/** ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] */
export const zrangestore = command({
  name: 'zrangestore',
  arity: -5,
  group: 'sorted-set',
  since: '6.2.0',
  summary: 'Stores what ZRANGE would answer, with the scores.',
  complexity: 'O(log(N)+M) where N is the size of the sorted set and M that of the result.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update'), keyAt(2, 'RO', 'access')],
  syntax:
    'dst:key src:key min:string max:string [BYSCORE | BYLEX] [REV] ' +
    '[LIMIT offset:integer count:integer]',

  run(ctx, args, reply) {
    const range = parseRange(args, { keyAt: 2, store: true });
    const { zsets, tools, limits } = ctx.keyspace;
    let result: SortedSetValue | undefined;
    if (ctx.db.readValue(args, 2, zsets) !== 0) {
      const { from, count } = range.ranksOf(zsets);
      result = ctx.keyspace.build(new SortedSetValue(tools), (stored) => {
        // A listpack turns -0 into 0. As redis-server 7.0.15: many elements never pass through one,
        // but only ranks tell beforehand how many they are.
        if (range.byRank && count > limits.zsetListpackEntries) stored.createLarge();
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
  summary: 'Removes the members between two ranks and answers how many they were.',
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
  summary: 'Removes the members whose scores lie between two bounds and answers how many.',
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
  summary: 'Removes the members that lie between two texts and answers how many they were.',
  syntax: 'key min:string max:string',

  run(ctx, args, reply) {
    const bounds = lexBounds(args, 2, 3);
    removeRange(ctx, args, reply, 'zremrangebylex', (set) => lexRanks(set, args, bounds));
  },
});
