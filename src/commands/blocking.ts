/**
 * What blocking commands share: their timeout, and the keys they wait for.
 */
import type { Value } from '../datatypes/value.ts';
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { longDoubleKind, thousandfoldCeil } from '../util/long-double.ts';
import { parseDoubleText } from '../util/numbers.ts';
import { type Context, WAITING_KEY_BYTES } from './context.ts';

const notFloat = new CommandError('ERR timeout is not a float or out of range');
const negative = new CommandError('ERR timeout is negative');
/** Timeouts from here on are read exactly, ms. */
const LARGE = 2 ** 62;
const INT64_MAX = (1n << 63n) - 1n;

/** Argument i, seconds with a fraction, as the time at which to give up; 0 for never. */
export function timeoutArgument(args: Args, i: number, nowMs: number): number {
  const text = args.latin1(i);
  if (longDoubleKind(text) === 'notFloat') throw notFloat;
  let seconds = parseDoubleText(text);
  // Past the range of a double, but not of the long double that redis-server reads.
  if (Number.isNaN(seconds)) seconds = Number(text);
  const ms = Math.ceil(seconds * 1000);
  // As redis-server 7.0.15, where what does not fit 64 bits becomes the least integer, and the end
  // of a long wait may lie beyond them.
  if (ms < 0 || (ms >= LARGE && (thousandfoldCeil(text) ?? INT64_MAX + 1n) > INT64_MAX))
    throw negative;
  return ms === 0 ? 0 : nowMs + ms;
}

/** Arguments [from, to) as keys to wait for. */
export function keysToWaitFor(args: Args, from: number, to: number): string[] {
  heapGuard.require(WAITING_KEY_BYTES * (to - from));
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
