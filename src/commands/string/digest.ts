/**
 * Digests of string values: 16 lower-case hex digits of XXH3-64, as Redis 8.4's DIGEST gives them.
 */
import type { Args } from '../../util/args.ts';
import { xxh3Hex } from '../../util/xxh3.ts';

/** Whether argument i is the digest of a value, hex digits in any case. */
export function digestMatches(
  buf: Uint8Array,
  off: number,
  len: number,
  args: Args,
  i: number,
): boolean {
  return xxh3Hex(buf, off, len) === args.latin1(i).toLowerCase();
}
