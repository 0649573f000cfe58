/**
 * HalfSipHash: a keyed hash of 32 bits in 32-bit arithmetic, so that nobody who does not know the
 * key can flood a dict with colliding keys. One compression and three finalisation rounds, the
 * trade that Redis makes with SipHash-1-2.
 * Source: Aumasson and Bernstein, SipHash reference (HalfSipHash variant, 32-bit output).
 */
import { wordsOf } from '../util/word-view.ts';

/** The hash of `buf[off .. off + len)` under the key (k0, k1), an int32. O(len), no allocation. */
export function halfSipHash13(
  buf: Uint8Array,
  off: number,
  len: number,
  k0: number,
  k1: number,
): number {
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656463 ^ k1;
  const wordsEnd = off + (len & ~3);
  const words = wordsOf(buf);
  let i = off;
  for (; i < wordsEnd; i += 4) {
    const m =
      words !== undefined
        ? words.getInt32(i, true)
        : buf[i]! | (buf[i + 1]! << 8) | (buf[i + 2]! << 16) | (buf[i + 3]! << 24);
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= m;
  }
  let last = len << 24;
  const rest = len & 3;
  if (rest > 2) last |= buf[i + 2]! << 16;
  if (rest > 1) last |= buf[i + 1]! << 8;
  if (rest > 0) last |= buf[i]!;
  v3 ^= last;
  for (let round = 0; round < 4; round++) {
    if (round === 1) {
      v0 ^= last;
      v2 ^= 0xff;
    }
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}
