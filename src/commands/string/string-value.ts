/**
 * What the string commands share: choosing an encoding and storing argument bytes.
 */

import { Encoding } from '../../datatypes/value-types.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import { isInt64Text } from '../../util/numbers.ts';
import type { Context } from '../context.ts';

/** Longest string that OBJECT ENCODING calls embstr (redis-server 7.0.15, object.c). */
const EMBSTR_MAX = 44;
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

/** Throws when a string would grow past proto-max-bulk-len. */
export function checkStringLength(ctx: Context, length: number): void {
  if (length > ctx.server.config.number('proto-max-bulk-len')) throw errors.stringTooLong;
}
