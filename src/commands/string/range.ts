/**
 * Parts of strings: GETRANGE and its old name SUBSTR, SETRANGE, APPEND.
 */
import { Encoding } from '../../datatypes/value-types.ts';
import { NO_TTL } from '../../keyspace/db.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int64Argument, intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { checkStringLength, storeArgument } from './string-value.ts';

function replyRange(ctx: Context, args: Args, reply: Reply): void {
  const from = int64Argument(args, 2);
  const to = int64Argument(args, 3);
  let start = Number(from);
  let end = Number(to);
  const { db } = ctx;
  const length = db.readString(args, 1) === 0 ? 0 : db.valueLen;
  const backwards = from < 0 && to < 0 && from > to;
  if (length === 0 || backwards) {
    reply.bulk(args.buf, 0, 0);
    return;
  }
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  if (end >= length) end = length - 1;
  if (start > end) reply.bulk(args.buf, 0, 0);
  else reply.bulk(db.valueBuf, db.valueOff + start, end - start + 1);
}

/** GETRANGE key start end */
export const getrange = command({
  name: 'getrange',
  arity: 4,
  group: 'string',
  since: '2.4.0',
  summary: 'Returns the bytes of a string between two positions, both included.',
  complexity: 'O(N) where N is the length of the reply.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key start:integer end:integer',

  run(ctx, args, reply) {
    replyRange(ctx, args, reply);
  },
});

/** SUBSTR key start end */
export const substr = command({
  name: 'substr',
  arity: 4,
  group: 'string',
  since: '1.0.0',
  summary: 'The old name of GETRANGE.',
  complexity: 'O(N) where N is the length of the reply.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
  syntax: 'key start:integer end:integer',

  run(ctx, args, reply) {
    replyRange(ctx, args, reply);
  },
});

/** SETRANGE key offset value */
export const setrange = command({
  name: 'setrange',
  arity: 4,
  group: 'string',
  since: '2.2.0',
  summary: 'Overwrites a string from a position on, lengthening it with zero bytes as needed.',
  complexity: 'O(N) where N is the length of the value, plus the zero bytes that it needs.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: 'key offset:integer value',

  run(ctx, args, reply) {
    const offset = intArgument(args, 2);
    if (offset < 0) throw errors.offsetOutOfRange;
    const length = args.len[3]!;
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    const before = entry === 0 ? 0 : db.valueLen;
    if (length === 0) {
      reply.int(before);
      return;
    }
    checkStringLength(ctx, offset + length);
    db.growOrAdd(args, 1, entry, offset + length);
    const from = args.off[3]!;
    db.valueBuf.set(args.buf.subarray(from, from + length), db.valueOff + offset);
    ctx.changed('setrange', args, 1);
    reply.int(db.valueLen);
  },
});

/** APPEND key value */
export const append = command({
  name: 'append',
  arity: 3,
  group: 'string',
  since: '2.0.0',
  summary: 'Adds bytes to the end of a string; a missing key counts as empty.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  syntax: 'key value',

  run(ctx, args, reply) {
    const { db } = ctx;
    const length = args.len[2]!;
    const entry = db.writeString(args, 1);
    if (entry === 0) {
      storeArgument(ctx, 0, args, 1, 2, NO_TTL);
      ctx.changed('append', args, 1);
      reply.int(length);
      return;
    }
    const before = db.valueLen;
    checkStringLength(ctx, before + length);
    db.growString(entry, before + length, Encoding.raw);
    const from = args.off[2]!;
    db.valueBuf.set(args.buf.subarray(from, from + length), db.valueOff + before);
    ctx.changed('append', args, 1);
    reply.int(before + length);
  },
});
