/**
 * Taking elements from the ends of lists and sorted sets: what the blocking pops (BLPOP, BZPOPMIN
 * and their like) and the pops from the first of several keys (LMPOP, ZMPOP, BLMPOP, BZMPOP) share.
 * To the journal each is the plain pop of the key that was served.
 */
import type { Value } from '../datatypes/value.ts';
import type { Entry } from '../keyspace/entry.ts';
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { firstValue, keysToWaitFor, timeoutArgument, waitFor } from './blocking.ts';
import type { Context } from './context.ts';
import { grammar } from './grammar.ts';
import { intArgument } from './integers.ts';

const noKeys = new CommandError('ERR numkeys should be greater than 0');
const badCount = new CommandError('ERR count should be greater than 0');

const options = grammar('[COUNT count:integer]', { once: true });

/** One of the two types whose elements have an order. */
export interface PopFamily {
  /** The plain pops at the start and at the end. */
  readonly names: readonly [start: string, end: string];
  /** The words for the start and the end. */
  readonly ends: readonly [start: string, end: string];
  /** Elements of a reply that `popOne` writes. */
  readonly oneLength: number;

  /** The cursor of the type. */
  cursor(ctx: Context): Value & { readonly size: number };

  /** Removes the element at an end of the value that argument i has opened; replies with it. */
  popOne(ctx: Context, args: Args, i: number, entry: Entry, atEnd: boolean, reply: Reply): void;

  /** Removes `count` elements that are there; replies with an array of them. */
  popMany(
    ctx: Context,
    args: Args,
    i: number,
    entry: Entry,
    atEnd: boolean,
    count: number,
    reply: Reply,
  ): void;
}

/** The arguments of LMPOP and its like, for a spec's `syntax`. */
export function multiPopSyntax({ ends }: PopFamily): string {
  return `numkeys:integer key [key ...] <${ends.join(' | ')}> ${options.line}`;
}

/** `key [key ...] timeout`: pops one element from the first key that has any, or waits. */
export function blockingPop(
  family: PopFamily,
  ctx: Context,
  args: Args,
  reply: Reply,
  atEnd: boolean,
): void {
  const last = args.argc - 1;
  const untilMs = timeoutArgument(args, last, ctx.nowMs);
  const value = family.cursor(ctx);
  const i = firstValue(ctx, args, 1, last, value);
  if (i === 0) {
    waitFor(ctx, args, keysToWaitFor(args, 1, last), value.type, untilMs, reply);
    return;
  }
  const entry = ctx.db.writeValue(args, i, value);
  reply.array(1 + family.oneLength);
  reply.bulk(args.buf, args.off[i]!, args.len[i]!);
  family.popOne(ctx, args, i, entry, atEnd, reply);
  ctx.instead(family.names[atEnd ? 1 : 0])?.argument(args, i);
}

/** LMPOP and its like. */
export function multiPop(family: PopFamily, ctx: Context, args: Args, reply: Reply): void {
  const request = readMultiPop(family, args, 1);
  if (!popFirst(family, ctx, args, 2, request, reply)) reply.nullArray();
}

/** BLMPOP and its like: a timeout precedes the arguments. */
export function blockingMultiPop(family: PopFamily, ctx: Context, args: Args, reply: Reply): void {
  const request = readMultiPop(family, args, 2);
  const untilMs = timeoutArgument(args, 1, ctx.nowMs);
  if (popFirst(family, ctx, args, 3, request, reply)) return;
  const keys = keysToWaitFor(args, 3, request.end);
  waitFor(ctx, args, keys, family.cursor(ctx).type, untilMs, reply);
}

interface MultiPop {
  /** The argument after the last key. */
  readonly end: number;
  /** Whether it is the tail, or the highest score, that is popped. */
  readonly atEnd: boolean;
  /** How many elements at most. */
  readonly count: number;
}

/** Reads `numkeys key [key ...] start | end [COUNT count]` from argument `at` on. */
function readMultiPop({ ends }: PopFamily, args: Args, at: number): MultiPop {
  const numKeys = intArgument(args, at, noKeys);
  if (numKeys < 1) throw noKeys;
  if (numKeys > args.argc - at - 2) throw errors.syntax;
  const end = at + 1 + numKeys;
  const atEnd = args.is(end, ends[1]);
  if (!atEnd && !args.is(end, ends[0])) throw errors.syntax;
  let count = 1;
  options.begin();
  for (let i = end + 1; i < args.argc; ) {
    i = options.next(args, i);
    count = intArgument(args, i - 1, badCount);
    if (count < 1) throw badCount;
  }
  return { end, atEnd, count };
}

/** Pops from the first key from argument `from` on that has elements; false when none has. */
function popFirst(
  family: PopFamily,
  ctx: Context,
  args: Args,
  from: number,
  { end, atEnd, count: most }: MultiPop,
  reply: Reply,
): boolean {
  const value = family.cursor(ctx);
  const i = firstValue(ctx, args, from, end, value);
  if (i === 0) return false;
  const entry = ctx.db.writeValue(args, i, value);
  const count = Math.min(most, value.size);
  reply.array(2);
  reply.bulk(args.buf, args.off[i]!, args.len[i]!);
  family.popMany(ctx, args, i, entry, atEnd, count, reply);
  ctx
    .instead(family.names[atEnd ? 1 : 0])
    ?.argument(args, i)
    .integer(count);
  return true;
}
