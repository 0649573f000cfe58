/**
 * Changing lists in the middle: LSET, LINSERT, LREM, LTRIM.
 */
import { CommandError, errors } from '../../util/errors.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

const indexOutOfRange = new CommandError('ERR index out of range');

/** LSET key index element */
export const lset = command({
  name: 'lset',
  arity: 4,
  group: 'list',
  since: '1.0.0',
  summary: 'Replaces the element at an index.',
  complexity: 'O(N) where N is the distance from the nearer end, a node at a time.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key index:integer element',

  run(ctx, args, reply) {
    const { lists } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, lists);
    if (entry === 0) throw errors.noSuchKey;
    if (!lists.seek(intArgument(args, 2))) throw indexOutOfRange;
    lists.replace(args.buf, args.off[3]!, args.len[3]!);
    ctx.changedValue('lset', entry, lists, args, 1);
    reply.ok();
  },
});

/** LINSERT key BEFORE | AFTER pivot element */
export const linsert = command({
  name: 'linsert',
  arity: 5,
  group: 'list',
  since: '2.2.0',
  summary: 'Puts an element before or after the first one that equals a pivot.',
  complexity: 'O(N) where N is the number of elements before the pivot.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'insert')],
  syntax: 'key <BEFORE | AFTER> pivot element',

  run(ctx, args, reply) {
    const after = args.is(2, 'AFTER');
    if (!after && !args.is(2, 'BEFORE')) throw errors.syntax;
    const { lists } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, lists);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    const { buf } = args;
    const off = args.off[3]!;
    const len = args.len[3]!;
    lists.probe(buf, off, len);
    let there = lists.seek(0);
    while (there && !lists.matches(buf, off, len)) there = lists.next();
    if (!there) {
      reply.int(-1);
      return;
    }
    lists.insert(after, buf, args.off[4]!, args.len[4]!);
    ctx.changedValue('linsert', entry, lists, args, 1);
    reply.int(lists.size);
  },
});

/** LREM key count element */
export const lrem = command({
  name: 'lrem',
  arity: 4,
  group: 'list',
  since: '1.0.0',
  summary: 'Removes elements that equal a value: the first ones, the last ones or all.',
  complexity: 'O(N) where N is the length of the list.',
  flags: ['write'],
  keys: [keyAt(1, 'RW', 'delete')],
  syntax: 'key count:integer element',

  run(ctx, args, reply) {
    const count = intArgument(args, 2);
    const { lists } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, lists);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    const { buf } = args;
    const off = args.off[3]!;
    const len = args.len[3]!;
    const most = count === 0 ? lists.size : Math.abs(count);
    const removed =
      count < 0
        ? lists.removeBackwards(buf, off, len, most)
        : lists.removeForwards(buf, off, len, most);
    if (removed > 0) {
      lists.mergeSmall();
      ctx.changedValue('lrem', entry, lists, args, 1, removed);
    }
    reply.int(removed);
  },
});

/** LTRIM key start stop */
export const ltrim = command({
  name: 'ltrim',
  arity: 4,
  group: 'list',
  since: '1.0.0',
  summary: 'Removes the elements outside of two indexes.',
  complexity: 'O(N) where N is the number of elements to remove, a node at a time.',
  flags: ['write'],
  keys: [keyAt(1, 'RW', 'delete')],
  syntax: 'key start:integer stop:integer',

  run(ctx, args, reply) {
    let start = intArgument(args, 2);
    let stop = intArgument(args, 3);
    const { lists } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, lists);
    if (entry !== 0) {
      const { size } = lists;
      if (start < 0) start = Math.max(0, size + start);
      if (stop < 0) stop += size;
      if (stop >= size) stop = size - 1;
      const before = start > stop ? size : start;
      const fromEnd = start > stop ? 0 : size - 1 - stop;
      lists.removeRange(false, before);
      lists.removeRange(true, fromEnd);
      ctx.changedValue('ltrim', entry, lists, args, 1, before + fromEnd);
    }
    reply.ok();
  },
});
