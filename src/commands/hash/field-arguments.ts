/**
 * What the commands about times to live of fields share: the `FIELDS numfields field ...` block and
 * the times. Source: documentation and behaviour of Redis 7.4 and 8.0.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, invalidExpire } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import type { TimeForm } from '../expire-time.ts';
import { int64Argument } from '../integers.ts';

const noFields = new CommandError(
  'ERR Mandatory argument FIELDS is missing or not at the right position',
);
const otherCount = new CommandError(
  'ERR The `numfields` parameter must match the number of arguments',
);
const notPositive = new CommandError('ERR Number of fields must be a positive integer');
const negativeTime = new CommandError('ERR invalid expire time, must be >= 0');

/** The latest time at which a field may expire, ms: Redis keeps 46 bits. */
export const FIELD_EXPIRE_AT_MAX = 2 ** 46 - 1;
const COUNT_MAX = 2 ** 31 - 1;

/** What `firstField` reads, in the notation of syntax lines. */
export const FIELDS = 'FIELDS numfields:integer field [field ...]';

/** Argument i as the number of fields; throws `error` unless it is one. */
export function fieldCount(args: Args, i: number, error: CommandError): number {
  const count = int64Argument(args, i, error);
  if (count < 1 || count > COUNT_MAX) throw error;
  return Number(count);
}

/**
 * Reads `FIELDS numfields field [field ...]`, which begins at argument i and is all that is left;
 * `badCount` is thrown for a count that is none. Returns the place of the first field.
 */
export function firstField(args: Args, i: number, badCount: CommandError = notPositive): number {
  if (i + 1 >= args.argc || !args.is(i, 'FIELDS')) throw noFields;
  const first = i + 2;
  if (fieldCount(args, i + 1, badCount) !== args.argc - first) throw otherCount;
  return first;
}

/**
 * Argument i as the time at which fields expire, ms since the epoch. Negative and later times than
 * 46 bits hold throw.
 */
export function fieldExpireAt(ctx: Context, args: Args, i: number, form: TimeForm): number {
  const value = int64Argument(args, i);
  if (value < 0) throw negativeTime;
  const start = form.absolute ? 0 : ctx.nowMs;
  // Past 2^53 the product is rounded, but too large anyhow.
  const at = Number(value) * form.unitMs + start;
  if (at > FIELD_EXPIRE_AT_MAX) throw invalidExpire(ctx.command.name);
  return at;
}
