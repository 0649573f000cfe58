/**
 * What the commands that write fields share: the hash they write into.
 */
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

/** The hash at argument i for writing, made when the key is missing. Throws WRONGTYPE. */
export function hashForWriting(ctx: Context, args: Args, i: number): Entry {
  const { db } = ctx;
  const { hashes } = ctx.keyspace;
  const entry = db.writeValue(args, i, hashes);
  if (entry !== 0) return entry;
  hashes.create();
  return db.addValue(args, i, hashes);
}
