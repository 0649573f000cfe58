/**
 * What blocking commands share: their timeout, and the keys they wait for.
 */
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { parseDouble } from '../util/numbers.ts';

const notFloat = new CommandError('ERR timeout is not a float or out of range');
const negative = new CommandError('ERR timeout is negative');
const outOfRange = new CommandError('ERR timeout is out of range');
const INT64_LIMIT = 2 ** 63;

/** Argument i, seconds with a fraction, as the time at which to give up; 0 for never. */
export function timeoutArgument(args: Args, i: number, nowMs: number): number {
  const seconds = parseDouble(args.buf, args.off[i]!, args.len[i]!);
  if (Number.isNaN(seconds)) throw notFloat;
  const ms = seconds * 1000;
  if (ms >= INT64_LIMIT) throw outOfRange;
  if (ms < 0) throw negative;
  if (ms === 0) return 0;
  if (Math.ceil(ms) + nowMs >= INT64_LIMIT) throw outOfRange;
  return nowMs + Math.ceil(ms);
}

/** Arguments [from, to) as keys to wait for. */
export function keysToWaitFor(args: Args, from: number, to: number): string[] {
  const keys: string[] = [];
  for (let i = from; i < to; i++) keys.push(args.latin1(i));
  return keys;
}
