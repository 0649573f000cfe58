/**
 * Integers of any width inside a string: BITFIELD, BITFIELD_RO. Their arguments are operations in
 * the order in which they run, not options: they are read by hand.
 */
import {
  addToField,
  type FieldType,
  type FieldValue,
  type Overflow,
  readField,
  writeField,
} from '../../datatypes/bitfield.ts';
import { byteOfBit } from '../../datatypes/bitmap.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { EMPTY_BYTES } from '../../util/bytes.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseSafeInt } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { int64Argument } from '../integers.ts';
import { keyUse } from '../key-list.ts';
import { command, keyAt } from '../spec.ts';
import { fieldOffset, openBits } from './bit-string.ts';

const badType = new CommandError(
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
);
const badOverflow = new CommandError('ERR Invalid OVERFLOW type specified');
const onlyGet = new CommandError('ERR BITFIELD_RO only supports the GET subcommand');

const LETTER_I = 105;
const LETTER_U = 117;

/** GET, SET or INCRBY with its arguments. */
interface Operation {
  readonly verb: 'get' | 'set' | 'incrby';
  readonly type: FieldType;
  readonly at: number;
  /** What SET stores, what INCRBY adds. */
  readonly operand: FieldValue;
  readonly overflow: Overflow;
}

/** Argument i as a type: `i1` to `i64`, `u1` to `u63`. */
function fieldType(args: Args, i: number): FieldType {
  const off = args.off[i]!;
  const len = args.len[i]!;
  const letter = len > 0 ? args.buf[off] : 0;
  if (letter !== LETTER_I && letter !== LETTER_U) throw badType;
  const signed = letter === LETTER_I;
  const bits = parseSafeInt(args.buf, off + 1, len - 1);
  // Written so that NaN, which is no integer, is refused.
  if (!(bits >= 1 && bits <= (signed ? 64 : 63))) throw badType;
  return { signed, bits };
}

function overflowArgument(args: Args, i: number): Overflow {
  if (args.is(i, 'WRAP')) return 'wrap';
  if (args.is(i, 'SAT')) return 'saturate';
  if (args.is(i, 'FAIL')) return 'fail';
  throw badOverflow;
}

/** Which operation argument i begins, with all arguments that it needs; undefined for none. */
function verbAt(args: Args, i: number): Operation['verb'] | undefined {
  const left = args.argc - i - 1;
  if (left >= 2 && args.is(i, 'GET')) return 'get';
  if (left < 3) return undefined;
  if (args.is(i, 'SET')) return 'set';
  return args.is(i, 'INCRBY') ? 'incrby' : undefined;
}

const reads = keyUse('RO', 'access');
const readsAndWrites = keyUse('RW', 'access', 'update');

/** Whether a command line, which may be wrong, does nothing but read. */
function onlyReads(args: Args): boolean {
  let i = 2;
  while (i < args.argc) {
    if (verbAt(args, i) === 'get') i += 3;
    else if (i + 1 < args.argc && args.is(i, 'OVERFLOW')) i += 2;
    else return false;
  }
  return true;
}

function readOperations(ctx: Context, args: Args): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = 'wrap';
  let i = 2;
  while (i < args.argc) {
    if (i + 1 < args.argc && args.is(i, 'OVERFLOW')) {
      overflow = overflowArgument(args, i + 1);
      i += 2;
      continue;
    }
    const verb = verbAt(args, i);
    if (verb === undefined) throw errors.syntax;
    const type = fieldType(args, i + 1);
    const at = fieldOffset(ctx, args, i + 2, type.bits);
    const operand = verb === 'get' ? 0 : int64Argument(args, i + 3);
    operations.push({ verb, type, at, operand, overflow });
    i += verb === 'get' ? 3 : 4;
  }
  return operations;
}

/** Bytes that the string must have for all that is written to it; 0 when nothing is. */
function bytesWritten(operations: readonly Operation[]): number {
  let bytes = 0;
  for (const { verb, type, at } of operations) {
    if (verb !== 'get') bytes = Math.max(bytes, byteOfBit(at + type.bits - 1) + 1);
  }
  return bytes;
}

function replyValue(reply: Reply, value: FieldValue): void {
  if (typeof value === 'number') reply.int(value);
  else reply.bigint(value);
}

/**
 * Runs operations on a string that is long enough for them; returns how many changes Redis counts:
 * all writes that fitted when the string became longer for them, else those that changed a field.
 */
function runOperations(
  ctx: Context,
  operations: readonly Operation[],
  longer: boolean,
  reply: Reply,
): number {
  const { valueBuf, valueOff, valueLen } = ctx.db;
  let changes = 0;
  reply.array(operations.length);
  for (const { verb, type, at, operand, overflow } of operations) {
    const before = readField(valueBuf, valueOff, valueLen, at, type);
    if (verb === 'get') {
      replyValue(reply, before);
      continue;
    }
    const after =
      verb === 'set'
        ? addToField(type, operand, 0, overflow)
        : addToField(type, before, operand, overflow);
    if (after === undefined) {
      reply.null();
      continue;
    }
    replyValue(reply, verb === 'set' ? before : after);
    writeField(valueBuf, valueOff, at, type.bits, after);
    if (longer || after !== before) changes++;
  }
  return changes;
}

/** Answers fields of a string that is not written to. */
function runGets(ctx: Context, args: Args, operations: readonly Operation[], reply: Reply): void {
  const { db } = ctx;
  const found = db.readString(args, 1) !== 0;
  const buf = found ? db.valueBuf : EMPTY_BYTES;
  const len = found ? db.valueLen : 0;
  reply.array(operations.length);
  for (const { type, at } of operations) {
    replyValue(reply, readField(buf, db.valueOff, len, at, type));
  }
}

/**
 * BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
 * INCRBY type offset increment] ...
 */
export const bitfield = command({
  name: 'bitfield',
  arity: -2,
  group: 'bitmap',
  since: '3.2.0',
  summary: 'Reads, stores and increments integers of any width at any bit of a string.',
  complexity: 'O(1) for each operation.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RW', 'access', 'update', 'variable_flags')],
  keyUse: (args) => (onlyReads(args) ? reads : readsAndWrites),
  syntax:
    'key [GET encoding offset:integer | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset:integer value:integer | INCRBY encoding offset:integer increment> ...]',

  run(ctx, args, reply) {
    const operations = readOperations(ctx, args);
    const bytes = bytesWritten(operations);
    if (bytes === 0) {
      runGets(ctx, args, operations, reply);
      return;
    }
    const entry = ctx.db.writeString(args, 1);
    const longer = openBits(ctx, args, entry, bytes);
    const changes = runOperations(ctx, operations, longer, reply);
    if (changes === 0) {
      // Redis keeps the longer string, but tells neither its replicas nor its file of it.
      if (longer) ctx.forceEffect();
      return;
    }
    ctx.changed('setbit', args, 1, changes);
  },
});

/** BITFIELD_RO key [GET type offset [GET type offset ...]] */
export const bitfieldRo = command({
  name: 'bitfield_ro',
  arity: -2,
  group: 'bitmap',
  since: '6.0.0',
  summary: 'Reads integers of any width at any bit of a string: BITFIELD with GET alone.',
  complexity: 'O(1) for each operation.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key [GET encoding offset:integer ...]',

  run(ctx, args, reply) {
    const operations = readOperations(ctx, args);
    if (bytesWritten(operations) > 0) throw onlyGet;
    runGets(ctx, args, operations, reply);
  },
});
