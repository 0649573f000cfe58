/**
 * Times to live in arguments (EX, PX, EXAT, PXAT, EXPIRE …), with Redis's limits and errors.
 * Source: redis-server 7.0.15, getExpireMillisecondsOrReply and expireGenericCommand (behaviour).
 */
import type { UnixMs } from '../keyspace/entry.ts';
import type { Args } from '../util/args.ts';
import { invalidExpire } from '../util/errors.ts';
import type { Context } from './context.ts';
import type { Grammar } from './grammar.ts';
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

/** The four forms as alternatives in the notation of syntax lines. */
export const TIME_FORMS =
  'EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds';

/** Their words, for grammars where none may stand twice. */
export const TIME_WORDS = Object.keys(timeForms);

/** The time that a grammar with `TIME_FORMS` has read. */
export class TimeOption {
  private readonly grammar: Grammar;
  /** One of the grammar's words of time; the others are alternatives to it. */
  private readonly ex: number;
  /** By word of the grammar. */
  private readonly forms: (TimeForm | undefined)[] = [];

  constructor(grammar: Grammar) {
    this.grammar = grammar;
    this.ex = grammar.word('EX');
    for (const [name, form] of Object.entries(timeForms)) this.forms[grammar.word(name)] = form;
  }

  /** How the time is given; undefined when none is. */
  get form(): TimeForm | undefined {
    const word = this.grammar.chosenWith(this.ex);
    return word < 0 ? undefined : this.forms[word];
  }

  /** The argument with the time. */
  get at(): number {
    return this.grammar.at(this.grammar.chosenWith(this.ex));
  }
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
