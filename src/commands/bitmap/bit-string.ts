/**
 * What the bitmap commands share: bit offsets, bit arguments, and strings that are written in bits.
 */
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { parseInt64 } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { maxStringBytes } from '../string/string-value.ts';

export const badOffset = new CommandError('ERR bit offset is not an integer or out of range');

/** The smallest value that proto-max-bulk-len takes, in bits. */
const ALWAYS_ALLOWED_BITS = 8 * 1024 * 1024;

const HASH = 35;

/** Argument i as a bit offset inside the longest string that proto-max-bulk-len allows. */
export function bitOffset(ctx: Context, args: Args, i: number): number {
  return checkedOffset(ctx, parseInt64(args.buf, args.off[i]!, args.len[i]!));
}

/** As bitOffset; `#n` is the offset of the n-th field of `bits` bits. */
export function fieldOffset(ctx: Context, args: Args, i: number, bits: number): number {
  const off = args.off[i]!;
  const len = args.len[i]!;
  if (len === 0 || args.buf[off] !== HASH) return bitOffset(ctx, args, i);
  const index = parseInt64(args.buf, off + 1, len - 1);
  if (index === undefined) throw badOffset;
  // Redis multiplies in 64 bits and looks at what is left: u8 at #2305843009213693952 is at 0.
  const product = typeof index === 'number' ? index * bits : undefined;
  if (product !== undefined && Number.isSafeInteger(product)) return checkedOffset(ctx, product);
  return checkedOffset(ctx, Number(BigInt.asIntN(64, BigInt(index) * BigInt(bits))));
}

function checkedOffset(ctx: Context, offset: number | bigint | undefined): number {
  if (typeof offset !== 'number' || offset < 0) throw badOffset;
  if (offset >= ALWAYS_ALLOWED_BITS) {
    if (offset >= maxStringBytes(ctx.server.config) * 8) throw badOffset;
  }
  return offset;
}

/**
 * Readies the string that is argument 1 for writing: it has at least `length` bytes, new ones are
 * zero, and valueBuf/valueOff/valueLen of the database are at it. `entry` is the result of the
 * writeString just made. Returns whether the string is new or longer than it was.
 */
export function openBits(ctx: Context, args: Args, entry: Entry, length: number): boolean {
  const { db } = ctx;
  const before = entry === 0 ? 0 : db.valueLen;
  db.growOrAdd(args, 1, entry, length);
  return entry === 0 || length > before;
}
