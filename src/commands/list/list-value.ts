/**
 * What list commands share: the list they write into, and the words for its ends.
 */
import type { ListValue } from '../../datatypes/list.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';

/** Opens the list at argument i for writing, made when the key is missing. Throws WRONGTYPE. */
export function listForWriting(ctx: Context, list: ListValue, args: Args, i: number): Entry {
  const entry = ctx.db.writeValue(args, i, list);
  if (entry !== 0) return entry;
  list.create();
  return ctx.db.addValue(args, i, list);
}

/** Which end LEFT or RIGHT at argument i means: true for the tail. */
export function endArgument(args: Args, i: number): boolean {
  if (args.is(i, 'LEFT')) return false;
  if (args.is(i, 'RIGHT')) return true;
  throw errors.syntax;
}
