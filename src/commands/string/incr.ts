/**
 * Integer counters: INCR, DECR, INCRBY, DECRBY. 64-bit exact.
 */
import { Encoding } from '../../datatypes/value-types.ts';
import { KEEP_TTL } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseInt64, writeInt } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { addInt64, INT64_MIN, type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

/** The decimal text of the integer that is being stored. */
const text = { buf: Buffer.alloc(24), off: 0, len: 0 };

/** Replaces the string at the key that is argument 1 by an integer; keeps its time to live. */
function storeInteger(ctx: Context, entry: Entry, args: Args, value: Int64): void {
  const { buf } = text;
  if (typeof value === 'number') text.len = writeInt(buf, 0, value);
  else text.len = buf.write(value.toString(), 0, 'latin1');
  ctx.db.setText(args, 1, entry, text, Encoding.int, KEEP_TTL);
}

function incrementBy(ctx: Context, args: Args, reply: Reply, by: Int64): void {
  const { db } = ctx;
  const entry = db.writeString(args, 1);
  let value: Int64 | undefined = 0;
  if (entry !== 0) value = parseInt64(db.valueBuf, db.valueOff, db.valueLen);
  if (value === undefined) throw errors.notInteger;
  const sum = addInt64(value, by);
  if (sum === undefined) throw errors.overflow;
  storeInteger(ctx, entry, args, sum);
  ctx.changed('incrby', args, 1);
  if (typeof sum === 'number') reply.int(sum);
  else reply.bigint(sum);
}

/** INCR key */
export const incr = command({
  name: 'incr',
  arity: 2,
  group: 'string',
  since: '1.0.0',
  summary: 'Adds one to the integer at a key; a missing key counts as 0.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key',

  run(ctx, args, reply) {
    incrementBy(ctx, args, reply, 1);
  },
});

/** DECR key */
export const decr = command({
  name: 'decr',
  arity: 2,
  group: 'string',
  since: '1.0.0',
  summary: 'Takes one from the integer at a key; a missing key counts as 0.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key',

  run(ctx, args, reply) {
    incrementBy(ctx, args, reply, -1);
  },
});

/** INCRBY key increment */
export const incrby = command({
  name: 'incrby',
  arity: 3,
  group: 'string',
  since: '1.0.0',
  summary: 'Adds a given amount to the integer at a key.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key increment:integer',

  run(ctx, args, reply) {
    incrementBy(ctx, args, reply, int64Argument(args, 2));
  },
});

const decrementOverflow = new CommandError('ERR decrement would overflow');

/** DECRBY key decrement */
export const decrby = command({
  name: 'decrby',
  arity: 3,
  group: 'string',
  since: '1.0.0',
  summary: 'Takes a given amount from the integer at a key.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key decrement:integer',

  run(ctx, args, reply) {
    const by = int64Argument(args, 2);
    if (by === INT64_MIN) throw decrementOverflow;
    incrementBy(ctx, args, reply, -by);
  },
});
