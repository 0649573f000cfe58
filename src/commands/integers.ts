/**
 * Integer arguments with Redis's rules and error texts.
 */
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { parseInt64 } from '../util/numbers.ts';

/** A 64-bit integer: a number while safe, a BigInt past 2^53. */
export type Int64 = number | bigint;

export const INT64_MAX = 9223372036854775807n;
export const INT64_MIN = -9223372036854775808n;

/** Argument i as a 64-bit integer; throws `error` when it is none. */
export function int64Argument(
  args: Args,
  i: number,
  error: CommandError = errors.notInteger,
): Int64 {
  const value = parseInt64(args.buf, args.off[i]!, args.len[i]!);
  if (value === undefined) throw error;
  return value;
}

/**
 * Argument i as an integer that JavaScript holds exactly. A 64-bit integer past 2^53 becomes the
 * nearest number, which callers that compare or clamp may use; what is no integer throws.
 */
export function intArgument(
  args: Args,
  i: number,
  error: CommandError = errors.notInteger,
): number {
  return Number(int64Argument(args, i, error));
}

const notInt32 = new CommandError(
  'ERR value is out of range, value must between -2147483648 and 2147483647',
);

/** Argument i as a 32-bit integer: database numbers and the like. */
export function int32Argument(
  args: Args,
  i: number,
  notInteger: CommandError = errors.notInteger,
  outOfRange: CommandError = notInt32,
): number {
  const value = intArgument(args, i, notInteger);
  if (value !== (value | 0)) throw outOfRange;
  return value;
}

const noKeys = new CommandError('ERR numkeys should be greater than 0');
const tooManyKeys = new CommandError("ERR Number of keys can't be greater than number of args");

/** Argument i as the number of keys that follow it; throws unless so many arguments do. */
export function numKeysArgument(args: Args, i: number): number {
  const count = intArgument(args, i, noKeys);
  if (count < 1) throw noKeys;
  if (count > args.argc - i - 1) throw tooManyKeys;
  return count;
}

const notCount = new CommandError(
  'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
);
const PAIRS_MAX = 4611686018427387903n;

/**
 * Argument i as a count that may be negative. `pairs`: two replies for each are to fit 63 bits.
 */
export function countArgument(args: Args, i: number, pairs = false): number {
  const value = int64Argument(args, i);
  if (typeof value === 'number') return value;
  if (value === INT64_MIN) throw notCount;
  if (pairs && (value > PAIRS_MAX || value < -PAIRS_MAX)) throw errors.outOfRange;
  return Number(value);
}

/** The sum, as a number while safe; undefined when it leaves 64 bits. */
export function addInt64(a: Int64, b: Int64): Int64 | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toInt64(BigInt(a) + BigInt(b));
}

/** A BigInt as Int64; undefined when it leaves 64 bits. */
export function toInt64(value: bigint): Int64 | undefined {
  if (value > INT64_MAX || value < INT64_MIN) return undefined;
  const n = Number(value);
  return Number.isSafeInteger(n) ? n : value;
}
