/**
 * INCREX (Redis 8.8): a counter with bounds and a time to live in one step.
 * Source: the command's documentation; there is no such command in the reference server.
 */

import { stringEncoding } from '../../datatypes/string-encoding.ts';
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { addLongDoubles } from '../../util/long-double.ts';
import { parseInt64 } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { positiveExpireAt, type TimeForm, timeFormOf } from '../expire-time.ts';
import { addInt64, INT64_MAX, INT64_MIN, type Int64, int64Argument, toInt64 } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { writeLifetime } from './string-value.ts';

const crossedBounds = new CommandError('ERR LBOUND can not be greater than UBOUND');

/** Positions of the arguments behind the options; 0 where an option is absent. */
interface Options {
  byAt: number;
  float: boolean;
  lowerAt: number;
  upperAt: number;
  saturate: boolean;
  form: TimeForm | undefined;
  timeAt: number;
  persist: boolean;
  onlyWithoutTtl: boolean;
}

function readOptions(args: Args): Options {
  const found: Options = {
    byAt: 0,
    float: false,
    lowerAt: 0,
    upperAt: 0,
    saturate: false,
    form: undefined,
    timeAt: 0,
    persist: false,
    onlyWithoutTtl: false,
  };
  for (let i = 2; i < args.argc; i++) {
    if (args.is(i, 'SATURATE')) found.saturate = true;
    else if (args.is(i, 'PERSIST')) found.persist = true;
    else if (args.is(i, 'ENX')) found.onlyWithoutTtl = true;
    else {
      if (i + 1 === args.argc) throw errors.syntax;
      readOperand(args, i++, found);
    }
  }
  if (found.persist && (found.form !== undefined || found.onlyWithoutTtl)) throw errors.syntax;
  if (found.onlyWithoutTtl && found.form === undefined) throw errors.syntax;
  return found;
}

function readOperand(args: Args, i: number, found: Options): void {
  const form = timeFormOf(args, i);
  if (form !== undefined && found.form === undefined) {
    found.form = form;
    found.timeAt = i + 1;
  } else if ((args.is(i, 'BYINT') || args.is(i, 'BYFLOAT')) && found.byAt === 0) {
    found.float = args.is(i, 'BYFLOAT');
    found.byAt = i + 1;
  } else if (args.is(i, 'LBOUND') && found.lowerAt === 0) found.lowerAt = i + 1;
  else if (args.is(i, 'UBOUND') && found.upperAt === 0) found.upperAt = i + 1;
  else throw errors.syntax;
}

/** A counter's next value and the step that led there; `refused`: nothing changes. */
interface Outcome {
  readonly value: string;
  readonly applied: string;
  readonly refused: boolean;
}

function nextInteger(args: Args, options: Options, current: Int64): Outcome {
  const by = options.byAt === 0 ? 1 : int64Argument(args, options.byAt);
  const lower = options.lowerAt === 0 ? INT64_MIN : int64Argument(args, options.lowerAt);
  const upper = options.upperAt === 0 ? INT64_MAX : int64Argument(args, options.upperAt);
  if (lower > upper) throw crossedBounds;
  const sum = addInt64(current, by);
  let next = sum ?? (by > 0 ? upper : lower);
  const outside = sum === undefined || sum > upper || sum < lower;
  if (outside && !options.saturate) {
    return { value: String(current), applied: '0', refused: true };
  }
  if (next > upper) next = upper;
  if (next < lower) next = lower;
  const applied = toInt64(BigInt(next) - BigInt(current));
  if (applied === undefined) throw errors.overflow;
  return { value: String(next), applied: String(applied), refused: false };
}

function floatSum(a: string, b: string): string {
  const sum = addLongDoubles(a, b);
  if (sum.kind === 'notFloat') throw errors.notFloat;
  if (sum.kind === 'notFinite') throw errors.nanOrInfinity;
  return sum.text;
}

function negated(number: string): string {
  return number.startsWith('-') ? number.slice(1) : `-${number}`;
}

function nextFloat(args: Args, options: Options, currentText: string): Outcome {
  const current = floatSum(currentText, '0');
  const lower = options.lowerAt === 0 ? undefined : floatSum(args.latin1(options.lowerAt), '0');
  const upper = options.upperAt === 0 ? undefined : floatSum(args.latin1(options.upperAt), '0');
  if (lower !== undefined && upper !== undefined && Number(lower) > Number(upper)) {
    throw crossedBounds;
  }
  let value = floatSum(current, args.latin1(options.byAt));
  const over = upper !== undefined && Number(value) > Number(upper);
  const under = lower !== undefined && Number(value) < Number(lower);
  if ((over || under) && !options.saturate) return { value: current, applied: '0', refused: true };
  if (over) value = upper;
  else if (under) value = lower;
  return { value, applied: floatSum(value, negated(current)), refused: false };
}

function replyNumber(reply: Reply, text: string, float: boolean): void {
  if (float) reply.doubleText(text);
  else reply.bigint(BigInt(text));
}

/** What becomes of the time to live. */
function expiryOf(ctx: Context, args: Args, entry: Entry, options: Options): UnixMs {
  if (options.persist) return NO_TTL;
  if (options.form === undefined) return KEEP_TTL;
  const expireAt = positiveExpireAt(ctx, args, options.timeAt, options.form);
  const has = entry !== 0 && ctx.db.isVolatile(entry);
  return options.onlyWithoutTtl && has ? KEEP_TTL : expireAt;
}

/** INCREX key [BYINT n | BYFLOAT x] [LBOUND n] [UBOUND n] [SATURATE] [EX … | PERSIST] [ENX] */
export const increx = command({
  name: 'increx',
  arity: -2,
  group: 'string',
  since: '8.8.0',
  summary: 'Adds to a counter within bounds and sets its time to live.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax:
    'key [BYFLOAT float:double | BYINT integer] [LBOUND lowerbound] [UBOUND upperbound] [SATURATE] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] [ENX]',

  run(ctx, args, reply) {
    const options = readOptions(args);
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    const expireAt = expiryOf(ctx, args, entry, options);
    let outcome: Outcome;
    if (options.float) {
      const { valueBuf, valueOff, valueLen } = db;
      const current =
        entry === 0
          ? '0'
          : Buffer.from(valueBuf.subarray(valueOff, valueOff + valueLen)).toString('latin1');
      outcome = nextFloat(args, options, current);
    } else {
      const current = entry === 0 ? 0 : parseInt64(db.valueBuf, db.valueOff, db.valueLen);
      if (current === undefined) throw errors.notInteger;
      outcome = nextInteger(args, options, current);
    }
    if (!outcome.refused) {
      const text = Buffer.from(outcome.value, 'latin1');
      const encoding = stringEncoding(text, 0, text.length);
      const key = args.off[1]!;
      db.setString(entry, args.buf, key, args.len[1]!, text, 0, text.length, encoding, expireAt);
      ctx.changed(options.float ? 'incrbyfloat' : 'incrby', args, 1);
      if (expireAt > 0) ctx.changed('expire', args, 1, 0);
      const line = ctx.instead('SET')?.argument(args, 1).text(outcome.value);
      if (line !== undefined) writeLifetime(line, expireAt);
    }
    reply.array(2);
    replyNumber(reply, outcome.value, options.float);
    replyNumber(reply, outcome.applied, options.float);
  },
});
