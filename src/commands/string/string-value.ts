/**
 * What the string commands share: storing argument bytes, removing a key, and how long a string
 * may be.
 */
import { stringEncoding } from '../../datatypes/string-encoding.ts';
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { EffectLine } from '../../keyspace/journal.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import type { ConfigPort } from '../ports/config.ts';

/** Longest string whatever the configuration says: lengths share 32 bits with two flags. */
const STRING_MAX = 0x3fffffff;

/** Stores argument `valueAt` under the key that is argument `keyAt`; `entry` is its find. */
export function storeArgument(
  ctx: Context,
  entry: Entry,
  args: Args,
  keyAt: number,
  valueAt: number,
  expireAt: UnixMs,
): Entry {
  const encoding = stringEncoding(args.buf, args.off[valueAt]!, args.len[valueAt]!);
  return ctx.db.setArgument(args, keyAt, entry, valueAt, encoding, expireAt);
}

/** Removes the key that is argument 1; `entry` is its find. */
export function removeKey(ctx: Context, args: Args, entry: Entry): void {
  ctx.db.remove(entry);
  ctx.changed('del', args, 1);
}

/** Ends the journal's line of a SET with what becomes of the time to live. */
export function writeLifetime(line: EffectLine, expireAt: UnixMs): void {
  if (expireAt === KEEP_TTL) line.text('KEEPTTL');
  else if (expireAt !== NO_TTL) line.text('PXAT').integer(expireAt);
}

/** Bytes of the longest string: proto-max-bulk-len, as far as lengths go. */
export function maxStringBytes(config: Pick<ConfigPort, 'number'>): number {
  return Math.min(config.number('proto-max-bulk-len'), STRING_MAX);
}

/** Throws when a string would grow past the longest one. */
export function checkStringLength(ctx: Context, length: number): void {
  if (length > maxStringBytes(ctx.server.config)) throw errors.stringTooLong;
}
