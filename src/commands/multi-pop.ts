/**
 * What LMPOP, ZMPOP and their blocking forms share: their arguments.
 */
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { intArgument } from './integers.ts';

const noKeys = new CommandError('ERR numkeys should be greater than 0');
const badCount = new CommandError('ERR count should be greater than 0');

export interface MultiPop {
  /** The argument after the last key. */
  readonly end: number;
  /** Whether it is the tail, or the highest score, that is popped. */
  readonly atEnd: boolean;
  /** How many elements at most. */
  readonly count: number;
}

/** Reads `numkeys key [key ...] first | last [COUNT count]` from argument `at` on. */
export function multiPopArguments(args: Args, at: number, first: string, last: string): MultiPop {
  const numKeys = intArgument(args, at, noKeys);
  if (numKeys < 1) throw noKeys;
  if (numKeys > args.argc - at - 2) throw errors.syntax;
  const end = at + 1 + numKeys;
  const atEnd = args.is(end, last);
  if (!atEnd && !args.is(end, first)) throw errors.syntax;
  let count = -1;
  for (let i = end + 1; i < args.argc; i += 2) {
    if (count >= 0 || !args.is(i, 'COUNT') || i + 1 === args.argc) throw errors.syntax;
    count = intArgument(args, i + 1, badCount);
    if (count < 1) throw badCount;
  }
  return { end, atEnd, count: count < 0 ? 1 : count };
}
