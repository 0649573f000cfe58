/**
 * INCREX (Redis 8.8): a counter with bounds and a time to live in one step.
 * Source: the command's documentation; there is no such command in the reference server.
 */
import { stringEncoding } from '../../datatypes/string-encoding.ts';
import { textOf } from '../../datatypes/value.ts';
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { addLongDoubles } from '../../util/long-double.ts';
import { parseInt64 } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { positiveExpireAt, TIME_FORMS, TIME_WORDS, TimeOption } from '../expire-time.ts';
import { grammar } from '../grammar.ts';
import { addInt64, INT64_MAX, INT64_MIN, type Int64, int64Argument, toInt64 } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { writeLifetime } from './string-value.ts';

const crossedBounds = new CommandError('ERR LBOUND can not be greater than UBOUND');

const options = grammar(
  '[BYFLOAT float:double | BYINT integer] [LBOUND lowerbound] [UBOUND upperbound] [SATURATE] ' +
    `[${TIME_FORMS} | PERSIST] [ENX]`,
  { once: ['BYFLOAT', 'BYINT', 'LBOUND', 'UBOUND', ...TIME_WORDS] },
);
const BYFLOAT = options.word('BYFLOAT');
const BYINT = options.word('BYINT');
const LBOUND = options.word('LBOUND');
const UBOUND = options.word('UBOUND');
const SATURATE = options.word('SATURATE');
const PERSIST = options.word('PERSIST');
const ENX = options.word('ENX');
const time = new TimeOption(options);

/** A counter's next value and the step that led there; `refused`: nothing changes. */
interface Outcome {
  readonly value: string;
  readonly applied: string;
  readonly refused: boolean;
}

function nextInteger(args: Args, current: Int64): Outcome {
  const by = options.has(BYINT) ? int64Argument(args, options.at(BYINT)) : 1;
  const lower = options.has(LBOUND) ? int64Argument(args, options.at(LBOUND)) : INT64_MIN;
  const upper = options.has(UBOUND) ? int64Argument(args, options.at(UBOUND)) : INT64_MAX;
  if (lower > upper) throw crossedBounds;
  const sum = addInt64(current, by);
  let next = sum ?? (by > 0 ? upper : lower);
  const outside = sum === undefined || sum > upper || sum < lower;
  if (outside && !options.has(SATURATE)) {
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

/** A bound given as a float, in canonical form; undefined when it is not given. */
function boundArgument(args: Args, bound: number): string | undefined {
  return options.has(bound) ? floatSum(args.latin1(options.at(bound)), '0') : undefined;
}

function nextFloat(args: Args, currentText: string): Outcome {
  const current = floatSum(currentText, '0');
  const lower = boundArgument(args, LBOUND);
  const upper = boundArgument(args, UBOUND);
  if (lower !== undefined && upper !== undefined && Number(lower) > Number(upper)) {
    throw crossedBounds;
  }
  let value = floatSum(current, args.latin1(options.at(BYFLOAT)));
  const over = upper !== undefined && Number(value) > Number(upper);
  const under = lower !== undefined && Number(value) < Number(lower);
  if ((over || under) && !options.has(SATURATE))
    return { value: current, applied: '0', refused: true };
  if (over) value = upper;
  else if (under) value = lower;
  return { value, applied: floatSum(value, negated(current)), refused: false };
}

function replyNumber(reply: Reply, text: string, float: boolean): void {
  if (float) reply.doubleText(text);
  else reply.bigint(BigInt(text));
}

/** What becomes of the time to live. */
function expiryOf(ctx: Context, args: Args, entry: Entry): UnixMs {
  if (options.has(PERSIST)) return NO_TTL;
  const { form } = time;
  if (form === undefined) return KEEP_TTL;
  const expireAt = positiveExpireAt(ctx, args, time.at, form);
  const has = entry !== 0 && ctx.db.isVolatile(entry);
  return options.has(ENX) && has ? KEEP_TTL : expireAt;
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
  syntax: `key ${options.line}`,

  run(ctx, args, reply) {
    options.read(args, 2);
    // ENX is a condition for the new time.
    if (options.has(ENX) && time.form === undefined) throw errors.syntax;
    const { db } = ctx;
    const entry = db.writeString(args, 1);
    const expireAt = expiryOf(ctx, args, entry);
    const float = options.has(BYFLOAT);
    let outcome: Outcome;
    if (float) {
      const { valueBuf, valueOff, valueLen } = db;
      const current =
        entry === 0
          ? '0'
          : Buffer.from(valueBuf.subarray(valueOff, valueOff + valueLen)).toString('latin1');
      outcome = nextFloat(args, current);
    } else {
      const current = entry === 0 ? 0 : parseInt64(db.valueBuf, db.valueOff, db.valueLen);
      if (current === undefined) throw errors.notInteger;
      outcome = nextInteger(args, current);
    }
    if (!outcome.refused) {
      const text = textOf(outcome.value);
      db.setText(args, 1, entry, text, stringEncoding(text.buf, 0, text.len), expireAt);
      ctx.changed(float ? 'incrbyfloat' : 'incrby', args, 1);
      if (expireAt > 0) ctx.changed('expire', args, 1, 0);
      const line = ctx.instead('SET')?.argument(args, 1).text(outcome.value);
      if (line !== undefined) writeLifetime(line, expireAt);
    }
    reply.array(2);
    replyNumber(reply, outcome.value, float);
    replyNumber(reply, outcome.applied, float);
  },
});
