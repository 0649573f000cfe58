/**
 * Counting and finding bits, in the whole of a string or in a part of it: BITCOUNT, BITPOS.
 *
 * As in redis-server 7.0.15 the key is looked up first: where there is none, or one of another
 * type, the range is not read, and a mistake in it is not seen.
 */
import { findBit, popcount, popcountRange } from '../../datatypes/bitmap.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { int64Argument, intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

const badBit = new CommandError('ERR The bit argument must be 1 or 0.');

/** Whether argument i, BYTE or BIT, says that positions are those of bits. */
function unitIsBit(args: Args, i: number): boolean {
  if (args.is(i, 'BIT')) return true;
  if (args.is(i, 'BYTE')) return false;
  throw errors.syntax;
}

/** A position that may count from the end, as one from the beginning. */
function fromStart(position: number, total: number): number {
  return position < 0 ? Math.max(0, total + position) : position;
}

/** BITCOUNT key [start end [BYTE | BIT]] */
export const bitcount = command({
  name: 'bitcount',
  arity: -2,
  group: 'bitmap',
  since: '2.6.0',
  summary: 'Counts the bits that are set in a string or in a part of it.',
  complexity: 'O(N) where N is the length of the part.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key [start:integer end:integer [BYTE | BIT]]',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = db.readString(args, 1);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    const { valueBuf, valueOff, valueLen } = db;
    if (args.argc === 2) {
      reply.int(popcount(valueBuf, valueOff, valueLen));
      return;
    }
    if (args.argc !== 4 && args.argc !== 5) throw errors.syntax;
    const from = int64Argument(args, 2);
    const to = int64Argument(args, 3);
    if (from < 0 && to < 0 && from > to) {
      reply.int(0);
      return;
    }
    const unit = args.argc === 5 && unitIsBit(args, 4) ? 1 : 8;
    const total = (valueLen * 8) / unit;
    const start = fromStart(Number(from), total);
    const end = Math.min(fromStart(Number(to), total), total - 1);
    if (start > end) reply.int(0);
    else {
      const last = (end + 1) * unit - 1;
      reply.int(popcountRange(valueBuf, valueOff, start * unit, last));
    }
  },
});

/** BITPOS key bit [start [end [BYTE | BIT]]] */
export const bitpos = command({
  name: 'bitpos',
  arity: -3,
  group: 'bitmap',
  since: '2.8.7',
  summary: 'Finds the first set or the first clear bit of a string or of a part of it.',
  complexity: 'O(N) where N is the length of the part.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key bit:integer [start:integer [end:integer [BYTE | BIT]]]',

  run(ctx, args, reply) {
    const bit = intArgument(args, 2);
    if (bit !== 0 && bit !== 1) throw badBit;
    const { db } = ctx;
    const entry = db.readString(args, 1);
    if (entry === 0) {
      reply.int(bit === 0 ? 0 : -1);
      return;
    }
    const { argc } = args;
    if (argc > 6) throw errors.syntax;
    const { valueBuf, valueOff, valueLen } = db;
    const from = argc > 3 ? intArgument(args, 3) : 0;
    const unit = argc > 5 && unitIsBit(args, 5) ? 1 : 8;
    const total = (valueLen * 8) / unit;
    const to = argc > 4 ? intArgument(args, 4) : total - 1;
    const start = fromStart(from, total);
    const end = Math.min(fromStart(to, total), total - 1);
    if (start > end) {
      reply.int(-1);
      return;
    }
    const found = findBit(valueBuf, valueOff, bit, start * unit, (end + 1) * unit - 1);
    // Without an end the string goes on with zeros, so there always is a clear bit.
    if (found < 0 && bit === 0 && argc < 5) reply.int(valueLen * 8);
    else reply.int(found);
  },
});
