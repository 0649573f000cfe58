/**
 * Reading single elements and counting: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCOUNT, ZLEXCOUNT.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors, wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { lexBounds, lexRanks, scoreBounds, scoreRanks } from './bounds.ts';

/** ZCARD key */
export const zcard = command({
  name: 'zcard',
  arity: 2,
  group: 'sorted-set',
  since: '1.2.0',
  summary: 'Returns how many members a sorted set has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { zsets } = ctx.keyspace;
    reply.int(ctx.db.readValue(args, 1, zsets) === 0 ? 0 : zsets.size);
  },
});

/** ZSCORE key member */
export const zscore = command({
  name: 'zscore',
  arity: 3,
  group: 'sorted-set',
  since: '1.2.0',
  summary: "Returns a member's score.",
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key member',

  run(ctx, args, reply) {
    const { zsets } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, zsets);
    if (entry === 0 || !zsets.find(args.buf, args.off[2]!, args.len[2]!)) reply.null();
    else reply.double(zsets.score);
  },
});

/** ZMSCORE key member [member ...] */
export const zmscore = command({
  name: 'zmscore',
  arity: -3,
  group: 'sorted-set',
  since: '6.2.0',
  summary: 'Returns the scores of several members.',
  complexity: 'O(N) where N is the number of members.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const { zsets } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, zsets);
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) {
      if (entry === 0 || !zsets.find(args.buf, args.off[i]!, args.len[i]!)) reply.null();
      else reply.double(zsets.score);
    }
  },
});

function replyRank(ctx: Context, args: Args, reply: Reply, backwards: boolean): void {
  const withScore = args.argc > 3;
  if (args.argc > 4) throw wrongArity(ctx.command.name);
  if (withScore && !args.is(3, 'WITHSCORE')) throw errors.syntax;
  const { zsets } = ctx.keyspace;
  const entry = ctx.db.readValue(args, 1, zsets);
  if (entry === 0 || !zsets.find(args.buf, args.off[2]!, args.len[2]!)) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  const { score } = zsets;
  const rank = zsets.rankOfFound();
  if (withScore) reply.array(2);
  reply.int(backwards ? zsets.size - 1 - rank : rank);
  if (withScore) reply.double(score);
}

/** ZRANK key member [WITHSCORE] */
export const zrank = command({
  name: 'zrank',
  arity: -3,
  group: 'sorted-set',
  since: '2.0.0',
  summary: 'Returns how many members come before a member.',
  complexity: 'O(log(N))',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key member [WITHSCORE]',
  run: (ctx, args, reply) => replyRank(ctx, args, reply, false),
});

/** ZREVRANK key member [WITHSCORE] */
export const zrevrank = command({
  name: 'zrevrank',
  arity: -3,
  group: 'sorted-set',
  since: '2.0.0',
  summary: 'Returns how many members come after a member.',
  complexity: 'O(log(N))',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  member: 2,
  syntax: 'key member [WITHSCORE]',
  run: (ctx, args, reply) => replyRank(ctx, args, reply, true),
});

/** ZCOUNT key min max */
export const zcount = command({
  name: 'zcount',
  arity: 4,
  group: 'sorted-set',
  since: '2.0.0',
  summary: 'Counts the members whose scores lie between two bounds.',
  complexity: 'O(log(N))',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key min:double max:double',

  run(ctx, args, reply) {
    const bounds = scoreBounds(args, 2, 3);
    const { zsets } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, zsets) === 0) reply.int(0);
    else reply.int(scoreRanks(zsets, bounds).count);
  },
});

/** ZLEXCOUNT key min max */
export const zlexcount = command({
  name: 'zlexcount',
  arity: 4,
  group: 'sorted-set',
  since: '2.8.9',
  summary: 'Counts the members that lie between two texts, where all scores are equal.',
  complexity: 'O(log(N))',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key min:string max:string',

  run(ctx, args, reply) {
    const bounds = lexBounds(args, 2, 3);
    const { zsets } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, zsets) === 0) reply.int(0);
    else reply.int(lexRanks(zsets, args, bounds).count);
  },
});
