/**
 * What blocking commands share: their timeout, and the keys they wait for.
 */

import type { Value } from '../datatypes/value.ts';
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { longDoubleKind } from '../util/long-double.ts';
import { parseDoubleText } from '../util/numbers.ts';
import type { Context } from './context.ts';

const notFloat = new CommandError('ERR timeout is not a float or out of range');
const negative = new CommandError('ERR timeout is negative');
const outOfRange = new CommandError('ERR timeout is out of range');
const INT64_LIMIT = 2 ** 63;

/** Argument i, seconds with a fraction, as the time at which to give up; 0 for never. */
export function timeoutArgument(args: Args, i: number, nowMs: number): number {
  const text = args.latin1(i);
  if (longDoubleKind(text) === 'notFloat') throw notFloat;
  let seconds = parseDoubleText(text);
  // Past the range of a double, but not of the long double that redis-server reads.
  if (Number.isNaN(seconds)) seconds = Number(text);
  const ms = Math.ceil(seconds * 1000);
  // As redis-server 7.0.15, where what does not fit 64 bits becomes the least integer.
  if (ms < 0 || ms >= INT64_LIMIT) throw negative;
  if (ms + nowMs >= INT64_LIMIT) throw outOfRange;
  return ms === 0 ? 0 : nowMs + ms;
}

/** Arguments [from, to) as keys to wait for. */
export function keysToWaitFor(args: Args, from: number, to: number): string[] {
  const keys: string[] = [];
  for (let i = from; i < to; i++) keys.push(args.latin1(i));
  return keys;
}

/** Runs the command again when one of the keys holds a value of a type; a null array in the end. */
export function waitFor(
  ctx: Context,
  args: Args,
  keys: readonly string[],
  type: number,
  untilMs: number,
  reply: Reply,
): void {
  ctx.block({ args, keys, type, untilMs, onTimeout: (r) => r.nullArray() }, reply);
}

/** The first of arguments [from, to) whose key holds a value like `value`, opened; 0 for none. */
export function firstValue(
  ctx: Context,
  args: Args,
  from: number,
  to: number,
  value: Value,
): number {
  for (let i = from; i < to; i++) {
    if (ctx.openAwaited(args, i, value) !== 0) return i;
  }
  return 0;
}
