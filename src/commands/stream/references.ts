/**
 * The words KEEPREF, DELREF and ACKED of XADD, XTRIM, XDELEX and XACKDEL, and the block of ids that
 * the latter two and XNACK have.
 */
import type { References } from '../../datatypes/stream.ts';
import type { Args } from '../../util/args.ts';
import type { CommandError } from '../../util/errors.ts';
import { intArgument } from '../integers.ts';

/** KEEPREF, DELREF or ACKED at argument i; undefined when it is something else. */
export function readReferences(args: Args, i: number): References | undefined {
  if (args.is(i, 'KEEPREF')) return 'keep';
  if (args.is(i, 'DELREF')) return 'drop';
  return args.is(i, 'ACKED') ? 'acked' : undefined;
}

/** Ids as arguments [from, end). */
export interface IdBlock {
  readonly from: number;
  readonly end: number;
}

/** Reads `numids id [id ...]` at argument i; the ids are not looked at. */
export function readIdBlock(
  args: Args,
  i: number,
  notPositive: CommandError,
  tooFew: CommandError,
): IdBlock {
  const count = intArgument(args, i, notPositive);
  if (count < 1) throw notPositive;
  if (count > args.argc - i - 1) throw tooFew;
  return { from: i + 1, end: i + 1 + count };
}
