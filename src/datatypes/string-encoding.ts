/** Which encoding a string has: what OBJECT ENCODING says of it. */
import { isInt64Text } from '../util/numbers.ts';
import { Encoding } from './value-types.ts';

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
