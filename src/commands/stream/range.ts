/**
 * Reading entries by id: XLEN, XRANGE, XREVRANGE.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { countOption, replyEntries } from './entries.ts';
import { intervalEnd, intervalStart } from './ids.ts';

const low = new StreamId();
const high = new StreamId();

/** XLEN key */
export const xlen = command({
  name: 'xlen',
  arity: 2,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the number of entries of a stream.',
  complexity: 'O(1)',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { streams } = ctx.keyspace;
    reply.int(ctx.db.readValue(args, 1, streams) === 0 ? 0 : streams.size);
  },
});

function range(ctx: Context, args: Args, reply: Reply, reverse: boolean): void {
  intervalStart(args, reverse ? 3 : 2, low);
  intervalEnd(args, reverse ? 2 : 3, high);
  let count = -1;
  for (let i = 4; i < args.argc; i += 2) {
    if (!args.is(i, 'COUNT') || i + 1 === args.argc) throw errors.syntax;
    count = countOption(args, i + 1);
  }
  const { streams } = ctx.keyspace;
  if (ctx.db.readValue(args, 1, streams) === 0) reply.array(0);
  else if (count === 0) reply.nullArray();
  else {
    streams.seek(low, high, reverse);
    replyEntries(reply, streams.cursor, Math.max(count, 0));
  }
}

/** XRANGE key start end [COUNT count] */
export const xrange = command({
  name: 'xrange',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the entries of a stream from one id to another.',
  complexity: 'O(log N + M) where M is the number of entries returned.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key start end [COUNT count:integer]',
  run: (ctx, args, reply) => range(ctx, args, reply, false),
});

/** XREVRANGE key end start [COUNT count] */
export const xrevrange = command({
  name: 'xrevrange',
  arity: -4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Returns the entries of a stream from one id back to another.',
  complexity: 'O(log N + M) where M is the number of entries returned.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key end start [COUNT count:integer]',
  run: (ctx, args, reply) => range(ctx, args, reply, true),
});
