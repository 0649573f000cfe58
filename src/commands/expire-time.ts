/**
 * Times to live in arguments (EX, PX, EXAT, PXAT, EXPIRE …), with Redis's limits and errors.
 * Source: redis-server 7.0.15, getExpireMillisecondsOrReply and expireGenericCommand (behaviour).
 */
import type { UnixMs } from '../keyspace/entry.ts';
import type { Args } from '../util/args.ts';
import { invalidExpire } from '../util/errors.ts';
import type { Context } from './context.ts';
import { addInt64, type Int64, int64Argument, toInt64 } from './integers.ts';

/** How an argument gives a time. */
export interface TimeForm {
  /** Milliseconds in one unit: 1000 or 1. */
  readonly unitMs: 1 | 1000;
  readonly absolute: boolean;
}

export const timeForms = {
  EX: { unitMs: 1000, absolute: false },
  PX: { unitMs: 1, absolute: false },
  EXAT: { unitMs: 1000, absolute: true },
  PXAT: { unitMs: 1, absolute: true },
} as const satisfies Record<string, TimeForm>;

/** The form that argument i names, or undefined. No allocation. */
export function timeFormOf(args: Args, i: number): TimeForm | undefined {
  if (args.is(i, 'EX')) return timeForms.EX;
  if (args.is(i, 'PX')) return timeForms.PX;
  if (args.is(i, 'EXAT')) return timeForms.EXAT;
  if (args.is(i, 'PXAT')) return timeForms.PXAT;
  return undefined;
}

/**
 * Argument i as a point in time, ms since the epoch. Zero and negative values, and results past 64
 * bits, throw `invalid expire time in '<command>' command`.
 */
export function positiveExpireAt(ctx: Context, args: Args, i: number, form: TimeForm): UnixMs {
  const value = int64Argument(args, i);
  if (value <= 0) throw invalidExpire(ctx.command.name);
  return expireAt(ctx, value, form);
}

/** As `positiveExpireAt`, for EXPIRE and its kin: zero and the past are allowed. */
export function anyExpireAt(ctx: Context, args: Args, i: number, form: TimeForm): UnixMs {
  return expireAt(ctx, int64Argument(args, i), form);
}

/**
 * The key that is argument i ended because its time to live did: the journal gets its removal, as
 * for a key that expires, in place of the command.
 */
export function removedAsExpired(ctx: Context, args: Args, i: number): void {
  ctx.instead(ctx.keyspace.changes.journal.removalOfExpired)?.argument(args, i);
}

function expireAt(ctx: Context, value: Int64, form: TimeForm): UnixMs {
  let ms: Int64 | undefined = value;
  if (form.unitMs === 1000) {
    const scaled = typeof value === 'number' ? value * 1000 : Number.NaN;
    ms = Number.isSafeInteger(scaled) ? scaled : toInt64(BigInt(value) * 1000n);
  }
  if (ms !== undefined && !form.absolute) ms = addInt64(ms, ctx.nowMs);
  if (ms === undefined) throw invalidExpire(ctx.command.name);
  return ms;
}
