/**
 * Taking from the ends: LPOP, RPOP, LMPOP and the blocking BLPOP, BRPOP, BLMPOP.
 */
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
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

const notPositive = new CommandError('ERR value is out of range, must be positive');

/** Removes `count` elements at an end of the list just opened and replies with them. */
function popMany(
  ctx: Context,
  args: Args,
  i: number,
  entry: Entry,
  atTail: boolean,
  count: number,
  reply: Reply,
): void {
  const { lists } = ctx.keyspace;
  const { element } = lists;
  reply.array(count);
  if (atTail) {
    lists.seek(-1);
    for (let k = 0; k < count; k++) {
      lists.read();
      reply.bulk(element.buf, element.off, element.len);
      lists.previous();
    }
  } else lists.sendRange(0, count, reply);
  lists.removeRange(atTail, count);
  ctx.changedValue(atTail ? 'rpop' : 'lpop', entry, lists, args, i, count);
}

function popOne(
  ctx: Context,
  args: Args,
  i: number,
  entry: Entry,
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

const lists: PopFamily = {
  names: ['LPOP', 'RPOP'],
  ends: ['LEFT', 'RIGHT'],
  oneLength: 1,
  cursor: (ctx) => ctx.keyspace.lists,
  popOne,
  popMany,
};

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
  else popMany(ctx, args, 1, entry, atTail, Math.min(count, lists.size), reply);
}

/** LPOP key [count] */
export const lpop = command({
  name: 'lpop',
  arity: -2,
  group: 'list',
  since: '1.0.0',
  summary: 'Removes the first element or elements of a list and returns them.',
  complexity: 'O(N) where N is the number of elements returned.',
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
  summary: 'Removes the last element or elements of a list and returns them.',
  complexity: 'O(N) where N is the number of elements returned.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete')],
  member: 0,
  syntax: 'key [count:integer]',
  run: (ctx, args, reply) => pop(ctx, args, reply, true),
});

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
  run: (ctx, args, reply) => blockingPop(lists, ctx, args, reply, false),
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
  run: (ctx, args, reply) => blockingPop(lists, ctx, args, reply, true),
});

/** LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export const lmpop = command({
  name: 'lmpop',
  arity: -4,
  group: 'list',
  since: '7.0.0',
  summary: 'Removes elements at an end of the first list that has any and returns them.',
  complexity: 'O(N+M) where N is the number of keys and M the number of elements returned.',
  flags: ['write', 'movablekeys'],
  keys: [keyCount(1, 'RW', 'access', 'delete')],
  syntax: multiPopSyntax(lists),
  run: (ctx, args, reply) => multiPop(lists, ctx, args, reply),
});

/** BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export const blmpop = command({
  name: 'blmpop',
  arity: -5,
  group: 'list',
  since: '7.0.0',
  summary: 'As LMPOP; waits until one of the lists has elements.',
  complexity: 'O(N+M) where N is the number of keys and M the number of elements returned.',
  flags: ['write', 'blocking', 'movablekeys'],
  keys: [keyCount(2, 'RW', 'access', 'delete')],
  syntax: `timeout:double ${multiPopSyntax(lists)}`,
  run: (ctx, args, reply) => blockingMultiPop(lists, ctx, args, reply),
});
