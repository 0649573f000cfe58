/**
 * SHA-1 of short texts without an object for each. Node's `createHash` takes two microseconds for
 * twenty bytes, most of them not spent on hashing; where millions of elements are hashed one by one
 * (DEBUG DIGEST) that is all there is. Long texts still go to Node, which hashes faster.
 *
 * The result is left in `words`: five int32, the first holds the first four bytes, big end first.
 * Source: FIPS 180-4.
 */
import { crypto } from './crypto.ts';

/** From this length on Node's own is faster, its objects included (measured: 200 bytes). */
const NATIVE_FROM = 256;
const BLOCK = 64;

export class Sha1 {
  /** The hash of what was hashed last. */
  readonly words = new Int32Array(5);
  private readonly schedule = new Int32Array(80);

  /** Hashes `len` bytes at `off`. O(len). */
  hash(buf: Uint8Array, off: number, len: number): void {
    if (len >= NATIVE_FROM) {
      this.hashNatively(buf.subarray(off, off + len));
      return;
    }
    this.begin();
    const { schedule } = this;
    let at = off;
    const whole = off + len - (len % BLOCK);
    for (; at < whole; at += BLOCK) {
      for (let i = 0, p = at; i < 16; i++, p += 4) {
        schedule[i] = (buf[p]! << 24) | (buf[p + 1]! << 16) | (buf[p + 2]! << 8) | buf[p + 3]!;
      }
      this.block();
    }
    const rest = off + len - at;
    for (let i = 0; i < 16; i++) schedule[i] = 0;
    for (let i = 0; i < rest; i++) schedule[i >> 2]! |= buf[at + i]! << (24 - ((i & 3) << 3));
    schedule[rest >> 2]! |= 0x80 << (24 - ((rest & 3) << 3));
    // The length in bits ends the last block: in 64 bits, of which the upper ones are 0 here.
    if (rest >= BLOCK - 8) {
      this.block();
      for (let i = 0; i < 16; i++) schedule[i] = 0;
    }
    schedule[15] = len << 3;
    this.block();
  }

  /** Hashes five words, the bytes of another hash. O(1). */
  hashWords(words: Int32Array): void {
    this.begin();
    const { schedule } = this;
    for (let i = 0; i < 5; i++) schedule[i] = words[i]!;
    schedule[5] = 0x80000000 | 0;
    for (let i = 6; i < 15; i++) schedule[i] = 0;
    schedule[15] = 160;
    this.block();
  }

  private begin(): void {
    const { words } = this;
    words[0] = 0x67452301;
    words[1] = 0xefcdab89 | 0;
    words[2] = 0x98badcfe | 0;
    words[3] = 0x10325476;
    words[4] = 0xc3d2e1f0 | 0;
  }

  /** Takes the 16 words at the start of the schedule in: four loops of 20 rounds, as written. */
  private block(): void {
    const { schedule, words } = this;
    for (let i = 16; i < 80; i++) {
      const x = schedule[i - 3]! ^ schedule[i - 8]! ^ schedule[i - 14]! ^ schedule[i - 16]!;
      schedule[i] = (x << 1) | (x >>> 31);
    }
    let a = words[0]!;
    let b = words[1]!;
    let c = words[2]!;
    let d = words[3]!;
    let e = words[4]!;
    for (let i = 0; i < 20; i++) {
      const next =
        (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + schedule[i]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let i = 20; i < 40; i++) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + schedule[i]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let i = 40; i < 60; i++) {
      const next =
        (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + 0x8f1bbcdc + schedule[i]!) |
        0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let i = 60; i < 80; i++) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + schedule[i]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    words[0] = (words[0]! + a) | 0;
    words[1] = (words[1]! + b) | 0;
    words[2] = (words[2]! + c) | 0;
    words[3] = (words[3]! + d) | 0;
    words[4] = (words[4]! + e) | 0;
  }

  private hashNatively(data: Uint8Array): void {
    const bytes = crypto().createHash('sha1').update(data).digest();
    for (let i = 0; i < 5; i++) this.words[i] = bytes.readInt32BE(i * 4);
  }
}
