/**
 * Taking from the ends: ZPOPMIN, ZPOPMAX, ZMPOP and the blocking BZPOPMIN, BZPOPMAX, BZMPOP.
 */
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import {
  blockingMultiPop,
  blockingPop,
  multiPop,
  multiPopSyntax,
  type PopFamily,
} from '../pop-family.ts';
import { command, keyAt, keyCount, keyRange } from '../spec.ts';

/** Writes the element read last. */
function replyElement({ member, score }: SortedSetValue, reply: Reply): void {
  reply.bulk(member.buf, member.off, member.len);
  reply.double(score);
}

/** Calls `emit` for each of the `count` elements at an end of the sorted set that is open. */
function forEnd(zsets: SortedSetValue, highest: boolean, count: number, emit: () => void): void {
  zsets.forRange(highest ? zsets.size - 1 : 0, count, highest, emit);
}

/** Removes these elements; the sorted set is that of argument i. */
function removeEnd(
  ctx: Context,
  args: Args,
  i: number,
  entry: Entry,
  highest: boolean,
  count: number,
): void {
  const { zsets } = ctx.keyspace;
  zsets.removeRange(highest ? zsets.size - count : 0, count);
  ctx.changedValue(highest ? 'zpopmax' : 'zpopmin', entry, zsets, args, i, count);
}

const sortedSets: PopFamily = {
  names: ['ZPOPMIN', 'ZPOPMAX'],
  ends: ['MIN', 'MAX'],
  oneLength: 2,
  cursor: (ctx) => ctx.keyspace.zsets,

  popOne(ctx, args, i, entry, highest, reply) {
    const { zsets } = ctx.keyspace;
    forEnd(zsets, highest, 1, () => replyElement(zsets, reply));
    removeEnd(ctx, args, i, entry, highest, 1);
  },

  popMany(ctx, args, i, entry, highest, count, reply) {
    const { zsets } = ctx.keyspace;
    reply.array(count);
    forEnd(zsets, highest, count, () => {
      reply.array(2);
      replyElement(zsets, reply);
    });
    removeEnd(ctx, args, i, entry, highest, count);
  },
};

function pop(ctx: Context, args: Args, reply: Reply, highest: boolean): void {
  if (args.argc > 3) throw errors.syntax;
  const counted = args.argc === 3;
  let count = 1;
  if (counted) {
    count = intArgument(args, 2, errors.outOfRangePositive);
    if (count < 0) throw errors.outOfRangePositive;
  }
  const { zsets } = ctx.keyspace;
  const entry = ctx.db.writeValue(args, 1, zsets);
  if (entry === 0 || count === 0) {
    reply.array(0);
    return;
  }
  const n = Math.min(count, zsets.size);
  if (counted) reply.pairs(n);
  else reply.array(2);
  forEnd(zsets, highest, n, () => {
    if (counted) reply.pair();
    replyElement(zsets, reply);
  });
  removeEnd(ctx, args, 1, entry, highest, n);
}

/** ZPOPMIN key [count] */
export const zpopmin = command({
  name: 'zpopmin',
  arity: -2,
  group: 'sorted-set',
  since: '5.0.0',
  summary: 'Removes the members with the lowest scores and returns them.',
  complexity: 'O(M*log(N)) where N is the size of the sorted set and M the count.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  syntax: 'key [count:integer]',
  run: (ctx, args, reply) => pop(ctx, args, reply, false),
});

/** ZPOPMAX key [count] */
export const zpopmax = command({
  name: 'zpopmax',
  arity: -2,
  group: 'sorted-set',
  since: '5.0.0',
  summary: 'Removes the members with the highest scores and returns them.',
  complexity: 'O(M*log(N)) where N is the size of the sorted set and M the count.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  syntax: 'key [count:integer]',
  run: (ctx, args, reply) => pop(ctx, args, reply, true),
});

/** BZPOPMIN key [key ...] timeout */
export const bzpopmin = command({
  name: 'bzpopmin',
  arity: -3,
  group: 'sorted-set',
  since: '5.0.0',
  summary: 'As ZPOPMIN of the first sorted set that has members; waits until one has.',
  complexity: 'O(log(N)) where N is the size of the sorted set.',
  flags: ['write', 'noscript', 'blocking', 'fast'],
  keys: [keyRange(1, -2, 1, 'RW', 'access', 'delete')],
  syntax: 'key [key ...] timeout:double',
  run: (ctx, args, reply) => blockingPop(sortedSets, ctx, args, reply, false),
});

/** BZPOPMAX key [key ...] timeout */
export const bzpopmax = command({
  name: 'bzpopmax',
  arity: -3,
  group: 'sorted-set',
  since: '5.0.0',
  summary: 'As ZPOPMAX of the first sorted set that has members; waits until one has.',
  complexity: 'O(log(N)) where N is the size of the sorted set.',
  flags: ['write', 'noscript', 'blocking', 'fast'],
  keys: [keyRange(1, -2, 1, 'RW', 'access', 'delete')],
  syntax: 'key [key ...] timeout:double',
  run: (ctx, args, reply) => blockingPop(sortedSets, ctx, args, reply, true),
});

/** ZMPOP numkeys key [key ...] MIN | MAX [COUNT count] */
export const zmpop = command({
  name: 'zmpop',
  arity: -4,
  group: 'sorted-set',
  since: '7.0.0',
  summary: 'Removes members at an end of the first sorted set that has any and returns them.',
  complexity: 'O(K+M*log(N)) where K is the number of keys, N the size and M the count.',
  flags: ['write', 'movablekeys'],
  keys: [keyCount(1, 'RW', 'access', 'delete')],
  syntax: multiPopSyntax(sortedSets),
  run: (ctx, args, reply) => multiPop(sortedSets, ctx, args, reply),
});

/** BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count] */
export const bzmpop = command({
  name: 'bzmpop',
  arity: -5,
  group: 'sorted-set',
  since: '7.0.0',
  summary: 'As ZMPOP; waits until one of the sorted sets has members.',
  complexity: 'O(K+M*log(N)) where K is the number of keys, N the size and M the count.',
  flags: ['write', 'blocking', 'movablekeys'],
  keys: [keyCount(2, 'RW', 'access', 'delete')],
  syntax: `timeout:double ${multiPopSyntax(sortedSets)}`,
  run: (ctx, args, reply) => blockingMultiPop(sortedSets, ctx, args, reply),
});
