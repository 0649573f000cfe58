/**
 * What the string commands share: choosing an encoding and storing argument bytes.
 */

import { Encoding } from '../../datatypes/value-types.ts';
import { KEEP_TTL, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { EffectLine } from '../../keyspace/journal.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { isInt64Text } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import type { ConfigPort } from '../ports/config.ts';

/** Longest string that OBJECT ENCODING calls embstr (redis-server 7.0.15, object.c). */
const EMBSTR_MAX = 44;
/** Longest string whatever the configuration says: lengths share 32 bits with two flags. */
const STRING_MAX = 0x3fffffff;
/** Longest text of a 64-bit integer. */
const INT_TEXT_MAX = 20;

/** The encoding Redis gives a string that SET stores. O(length), at most 20 bytes are read. */
export function stringEncoding(buf: Uint8Array, off: number, len: number): number {
  if (len <= INT_TEXT_MAX && isInt64Text(buf, off, len)) return Encoding.int;
  return len <= EMBSTR_MAX ? Encoding.embstr : Encoding.raw;
}

/** The encoding of a string that is not looked at for being a number. */
export function plainEncoding(len: number): number {
  return len <= EMBSTR_MAX ? Encoding.embstr : Encoding.raw;
}

/** Stores argument `valueAt` under the key that is argument `keyAt`; `entry` is its find. */
export function storeArgument(
  ctx: Context,
  entry: Entry,
  args: Args,
  keyAt: number,
  valueAt: number,
  expireAt: UnixMs,
): Entry {
  const off = args.off[valueAt]!;
  const len = args.len[valueAt]!;
  return ctx.db.setString(
    entry,
    args.buf,
    args.off[keyAt]!,
    args.len[keyAt]!,
    args.buf,
    off,
    len,
    stringEncoding(args.buf, off, len),
    expireAt,
  );
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
