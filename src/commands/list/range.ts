/**
 * Reading lists: LLEN, LRANGE, LINDEX, LPOS.
 */
import { CommandError } from '../../util/errors.ts';
import { grammar } from '../grammar.ts';
import { INT64_MIN, int64Argument, intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

/** LLEN key */
export const llen = command({
  name: 'llen',
  arity: 2,
  group: 'list',
  since: '1.0.0',
  summary: 'Returns how many elements a list has.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { lists } = ctx.keyspace;
    reply.int(ctx.db.readValue(args, 1, lists) === 0 ? 0 : lists.size);
  },
});

/** LRANGE key start stop */
export const lrange = command({
  name: 'lrange',
  arity: 4,
  group: 'list',
  since: '1.0.0',
  summary: 'Returns the elements between two indexes, both included.',
  complexity: 'O(S+N) where S is the distance from the nearer end and N the number of elements.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key start:integer stop:integer',

  run(ctx, args, reply) {
    let start = intArgument(args, 2);
    let stop = intArgument(args, 3);
    const { lists } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, lists) === 0) {
      reply.array(0);
      return;
    }
    const { size } = lists;
    if (start < 0) start = Math.max(0, size + start);
    if (stop < 0) stop += size;
    if (stop >= size) stop = size - 1;
    if (start > stop) {
      reply.array(0);
      return;
    }
    reply.array(stop - start + 1);
    lists.sendRange(start, stop - start + 1, reply);
  },
});

/** LINDEX key index */
export const lindex = command({
  name: 'lindex',
  arity: 3,
  group: 'list',
  since: '1.0.0',
  summary: 'Returns the element at an index; negative ones count from the end.',
  complexity: 'O(N) where N is the distance from the nearer end, a node at a time.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key index:integer',

  run(ctx, args, reply) {
    const { lists } = ctx.keyspace;
    const entry = ctx.db.readValue(args, 1, lists);
    if (entry === 0) {
      reply.null();
      return;
    }
    if (!lists.seek(intArgument(args, 2))) {
      reply.null();
      return;
    }
    lists.read();
    reply.bulk(lists.element.buf, lists.element.off, lists.element.len);
  },
});

const zeroRank = new CommandError(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use " +
    'negative to start from the end of the list',
);
const negativeCount = new CommandError("ERR COUNT can't be negative");
const negativeMaxLen = new CommandError("ERR MAXLEN can't be negative");

const options = grammar('[RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]');
const RANK = options.word('RANK');
const COUNT = options.word('COUNT');

/** LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len] */
export const lpos = command({
  name: 'lpos',
  arity: -3,
  group: 'list',
  since: '6.0.6',
  summary: 'Returns at which indexes an element is.',
  complexity: 'O(N) where N is the number of elements looked at.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: `key element ${options.line}`,

  run(ctx, args, reply) {
    let rank = 1;
    let count = -1;
    let maxLen = 0;
    options.begin();
    for (let i = 3; i < args.argc; ) {
      i = options.next(args, i);
      if (options.last === RANK) {
        // As redis-server 7.0.15, whose negation of the least integer is that integer.
        const given = int64Argument(args, i - 1);
        rank = given === INT64_MIN ? -1 : Number(given);
        if (rank === 0) throw zeroRank;
      } else if (options.last === COUNT) {
        count = intArgument(args, i - 1, negativeCount);
        if (count < 0) throw negativeCount;
      } else {
        maxLen = intArgument(args, i - 1, negativeMaxLen);
        if (maxLen < 0) throw negativeMaxLen;
      }
    }
    const { lists } = ctx.keyspace;
    if (ctx.db.readValue(args, 1, lists) === 0) {
      if (count >= 0) reply.array(0);
      else reply.null();
      return;
    }
    const { buf } = args;
    const off = args.off[2]!;
    const len = args.len[2]!;
    const backwards = rank < 0;
    const { size } = lists;
    const wanted = count === 0 ? size : Math.max(count, 1);
    const limit = maxLen === 0 ? size : Math.min(maxLen, size);
    const found: number[] = [];
    let toSkip = Math.abs(rank) - 1;
    lists.seek(backwards ? -1 : 0);
    lists.probe(buf, off, len);
    for (let i = 0; i < limit && found.length < wanted; i++) {
      if (lists.matches(buf, off, len) && toSkip-- <= 0) found.push(backwards ? size - 1 - i : i);
      if (backwards) lists.previous();
      else lists.next();
    }
    if (count < 0) {
      if (found.length === 0) reply.null();
      else reply.int(found[0]!);
      return;
    }
    reply.array(found.length);
    for (const index of found) reply.int(index);
  },
});
