/**
 * Taking from the ends: LPOP, RPOP, LMPOP and the blocking BLPOP, BRPOP, BLMPOP.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
import { firstValue, keysToWaitFor, timeoutArgument, waitFor } from '../blocking.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { type MultiPop, multiPopArguments } from '../multi-pop.ts';
import { command, keyAt, keyCount, keyRange } from '../spec.ts';

const notPositive = new CommandError('ERR value is out of range, must be positive');

/** Removes up to `count` elements at an end of the list just opened and replies with them. */
function popMany(
  ctx: Context,
  args: Args,
  i: number,
  entry: number,
  atTail: boolean,
  count: number,
  reply: Reply,
): void {
  const { lists } = ctx.keyspace;
  const { element } = lists;
  const n = Math.min(count, lists.size);
  reply.array(n);
  if (atTail) {
    lists.seek(-1);
    for (let k = 0; k < n; k++) {
      lists.read();
      reply.bulk(element.buf, element.off, element.len);
      lists.previous();
    }
  } else {
    lists.forRange(0, n, () => {
      reply.bulk(element.buf, element.off, element.len);
    });
  }
  lists.removeRange(atTail, n);
  ctx.changedValue(atTail ? 'rpop' : 'lpop', entry, lists, args, i, n);
}

function popOne(
  ctx: Context,
  args: Args,
  i: number,
  entry: number,
  atTail: boolean,
  reply: Reply,
): void {
  const { lists } = ctx.keyspace;
  const { element } = lists;
  lists.readEnd(atTail);
  reply.bulk(element.buf, element.off, element.len);
  lists.removeEnd(atTail);
  ctx.changedValue(atTail ? 'rpop' : 'lpop', entry, lists, args, i, 1);
}

function pop(ctx: Context, args: Args, reply: Reply, atTail: boolean): void {
  if (args.argc > 3) {
    throw wrongArity(ctx.command.name);
  }
  const counted = args.argc === 3;
  let count = 1;
  if (counted) {
    count = intArgument(args, 2, notPositive);
    if (count < 0) throw notPositive;
  }
  const { lists } = ctx.keyspace;
  const entry = ctx.db.writeValue(args, 1, lists);
  if (!counted) {
    if (entry === 0) reply.null();
    else popOne(ctx, args, 1, entry, atTail, reply);
  } else if (entry === 0) reply.nullArray();
  else if (count === 0) reply.array(0);
  else popMany(ctx, args, 1, entry, atTail, count, reply);
}

/** LPOP key [count] */
export const lpop = command({
  name: 'lpop',
  arity: -2,
  group: 'list',
  since: '1.0.0',
  summary: 'Removes the first element or elements of a list and answers them.',
  complexity: 'O(N) where N is the number of elements answered.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  member: 0,
  syntax: 'key [count:integer]',
  run: (ctx, args, reply) => pop(ctx, args, reply, false),
});

/** RPOP key [count] */
export const rpop = command({
  name: 'rpop',
  arity: -2,
  group: 'list',
  since: '1.0.0',
  summary: 'Removes the last element or elements of a list and answers them.',
  complexity: 'O(N) where N is the number of elements answered.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  member: 0,
  syntax: 'key [count:integer]',
  run: (ctx, args, reply) => pop(ctx, args, reply, true),
});

function blockingPop(ctx: Context, args: Args, reply: Reply, atTail: boolean): void {
  const last = args.argc - 1;
  const untilMs = timeoutArgument(args, last, ctx.nowMs);
  const i = firstValue(ctx, args, 1, last, ctx.keyspace.lists);
  if (i === 0) {
    const keys = keysToWaitFor(args, 1, last);
    waitFor(ctx, args, keys, ctx.keyspace.lists.type, untilMs, reply);
    return;
  }
  const entry = ctx.db.writeValue(args, i, ctx.keyspace.lists);
  reply.array(2);
  reply.bulk(args.buf, args.off[i]!, args.len[i]!);
  popOne(ctx, args, i, entry, atTail, reply);
  ctx.instead(atTail ? 'RPOP' : 'LPOP')?.argument(args, i);
}

/** BLPOP key [key ...] timeout */
export const blpop = command({
  name: 'blpop',
  arity: -3,
  group: 'list',
  since: '2.0.0',
  summary: 'As LPOP of the first list that has elements; waits until one has.',
  complexity: 'O(N) where N is the number of keys.',
  flags: ['write', 'noscript', 'blocking'],
  keys: [keyRange(1, -2, 1, 'RW', 'access', 'delete')],
  syntax: 'key [key ...] timeout:double',
  run: (ctx, args, reply) => blockingPop(ctx, args, reply, false),
});

/** BRPOP key [key ...] timeout */
export const brpop = command({
  name: 'brpop',
  arity: -3,
  group: 'list',
  since: '2.0.0',
  summary: 'As RPOP of the first list that has elements; waits until one has.',
  complexity: 'O(N) where N is the number of keys.',
  flags: ['write', 'noscript', 'blocking'],
  keys: [keyRange(1, -2, 1, 'RW', 'access', 'delete')],
  syntax: 'key [key ...] timeout:double',
  run: (ctx, args, reply) => blockingPop(ctx, args, reply, true),
});

/** Pops from the first of the lists that has elements; false when none has. */
function multiPop(ctx: Context, args: Args, from: number, pop: MultiPop, reply: Reply): boolean {
  const i = firstValue(ctx, args, from, pop.end, ctx.keyspace.lists);
  if (i === 0) return false;
  const entry = ctx.db.writeValue(args, i, ctx.keyspace.lists);
  reply.array(2);
  reply.bulk(args.buf, args.off[i]!, args.len[i]!);
  const count = Math.min(pop.count, ctx.keyspace.lists.size);
  popMany(ctx, args, i, entry, pop.atEnd, count, reply);
  ctx
    .instead(pop.atEnd ? 'RPOP' : 'LPOP')
    ?.argument(args, i)
    .integer(count);
  return true;
}

/** LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export const lmpop = command({
  name: 'lmpop',
  arity: -4,
  group: 'list',
  since: '7.0.0',
  summary: 'Removes elements at an end of the first list that has any and answers them.',
  complexity: 'O(N+M) where N is the number of keys and M the number of elements answered.',
  flags: ['write', 'movablekeys'],
  keys: [keyCount(1, 'RW', 'access', 'delete')],
  syntax: 'numkeys:integer key [key ...] <LEFT | RIGHT> [COUNT count:integer]',

  run(ctx, args, reply) {
    if (!multiPop(ctx, args, 2, multiPopArguments(args, 1, 'LEFT', 'RIGHT'), reply))
      reply.nullArray();
  },
});

/** BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export const blmpop = command({
  name: 'blmpop',
  arity: -5,
  group: 'list',
  since: '7.0.0',
  summary: 'As LMPOP; waits until one of the lists has elements.',
  complexity: 'O(N+M) where N is the number of keys and M the number of elements answered.',
  flags: ['write', 'blocking', 'movablekeys'],
  keys: [keyCount(2, 'RW', 'access', 'delete')],
  syntax: 'timeout:double numkeys:integer key [key ...] <LEFT | RIGHT> [COUNT count:integer]',

  run(ctx, args, reply) {
    const pop = multiPopArguments(args, 2, 'LEFT', 'RIGHT');
    const untilMs = timeoutArgument(args, 1, ctx.nowMs);
    if (multiPop(ctx, args, 3, pop, reply)) return;
    const keys = keysToWaitFor(args, 3, pop.end);
    waitFor(ctx, args, keys, ctx.keyspace.lists.type, untilMs, reply);
  },
});
