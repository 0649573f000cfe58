/**
 * Bytes of an RDB file in the making: lengths, strings and numbers appended to one buffer. Without
 * a sink it grows (a payload); with one it is emptied into the sink whenever it is full (a file),
 * so that a value of any size passes through it in pieces.
 *
 *     00nnnnnn                      length below 64
 *     01nnnnnn n                    below 16384
 *     10000000 n n n n              below 2^32, big endian
 *     10000001 n n n n n n n n      64 bits, big endian
 *     110000tt                      not a length: a string that is an integer of 8, 16, 32 bits
 *                                   (little endian), or tt 11: LZF, two lengths and the bytes
 *
 * Sources: redis-server 7.0.15's files and payloads; the fields are described in `types.ts`.
 */
import { lzfCompress } from '../../util/lzf.ts';
import { parseInt64 } from '../../util/numbers.ts';
import { INT_8, INT_16, INT_32, LENGTH_14, LENGTH_32, LENGTH_64, LZF } from './types.ts';

const INITIAL_BYTES = 4096;
/** A buffer that grew past this is given up by `clear`. */
const KEEP_BYTES = 1024 * 1024;
/** A byte loop beats `set` below this. */
const SMALL = 48;
/** Longest text that is tried as an integer of 32 bits. */
const INT_TEXT_MAX = 11;
/** Strings up to this length are never compressed. */
const PLAIN_MAX = 20;
/** Longer ones neither: compressing needs as much memory again. */
const COMPRESS_MAX = 64 * 1024 * 1024;
const TWO_32 = 0x100000000;
/** What a sink gets at a time, about. */
const PIECE_BYTES = 64 * 1024;

/** Takes bytes, which are valid during the call only. What it throws goes to who writes. */
export type Sink = (bytes: Uint8Array) => void;

export class RdbOutput {
  buf: Buffer;
  /** Bytes in `buf`. */
  pos = 0;
  /** Bytes that the sink has got. */
  drained = 0;
  /** Whether long strings are compressed (rdbcompression). */
  compress = true;
  private readonly sink: Sink | undefined;

  constructor(sink?: Sink) {
    this.sink = sink;
    this.buf = Buffer.allocUnsafe(sink === undefined ? INITIAL_BYTES : PIECE_BYTES);
  }

  clear(): void {
    this.pos = 0;
    if (this.buf.length > KEEP_BYTES) this.buf = Buffer.allocUnsafe(INITIAL_BYTES);
  }

  /** What was written, a view valid until the next write. */
  view(): Buffer {
    return this.buf.subarray(0, this.pos);
  }

  byte(n: number): void {
    this.reserve(1);
    this.buf[this.pos++] = n;
  }

  /** Bytes as they are; with a sink piece by piece. O(len). */
  raw(buf: Uint8Array, off: number, len: number): void {
    if (this.sink !== undefined && this.pos + len > this.buf.length) {
      this.rawInPieces(buf, off, len);
      return;
    }
    this.reserve(len);
    const { buf: to, pos } = this;
    if (len < SMALL) for (let i = 0; i < len; i++) to[pos + i] = buf[off + i]!;
    else to.set(buf.subarray(off, off + len), pos);
    this.pos += len;
  }

  private rawInPieces(buf: Uint8Array, off: number, len: number): void {
    let p = off;
    const end = off + len;
    while (p < end) {
      if (this.pos === this.buf.length) this.flush();
      const piece = Math.min(end - p, this.buf.length - this.pos);
      this.buf.set(buf.subarray(p, p + piece), this.pos);
      this.pos += piece;
      p += piece;
    }
  }

  /** Hands everything over to the sink. */
  flush(): void {
    const { sink } = this;
    if (sink === undefined || this.pos === 0) return;
    const bytes = this.view();
    this.drained += this.pos;
    this.pos = 0;
    sink(bytes);
    if (this.buf.length > KEEP_BYTES) this.buf = Buffer.allocUnsafe(PIECE_BYTES);
  }

  /** Bytes written in all. */
  get total(): number {
    return this.drained + this.pos;
  }

  /** A length, or another number that is not negative. */
  length(n: number | bigint): void {
    this.reserve(9);
    const { buf } = this;
    if (typeof n === 'bigint' || n >= TWO_32) {
      buf[this.pos] = LENGTH_64;
      buf.writeBigUInt64BE(BigInt.asUintN(64, BigInt(n)), this.pos + 1);
      this.pos += 9;
    } else if (n < 64) buf[this.pos++] = n;
    else if (n < 16384) {
      buf[this.pos++] = LENGTH_14 | (n >> 8);
      buf[this.pos++] = n;
    } else {
      buf[this.pos] = LENGTH_32;
      buf.writeUInt32BE(n, this.pos + 1);
      this.pos += 5;
    }
  }

  /** A string: as an integer or compressed where that is shorter. O(len). */
  string(buf: Uint8Array, off: number, len: number): void {
    if (len <= INT_TEXT_MAX && this.shortInt(buf, off, len)) return;
    if (this.compress && len > PLAIN_MAX && len <= COMPRESS_MAX) {
      if (this.compressed(buf, off, len)) return;
    }
    this.length(len);
    this.raw(buf, off, len);
  }

  /** A double, 8 bytes little endian. */
  double(n: number): void {
    this.reserve(8);
    this.pos = this.buf.writeDoubleLE(n, this.pos);
  }

  /** An integer of 64 bits, little endian; times in ms. */
  int64(n: number | bigint): void {
    this.reserve(8);
    this.pos = this.buf.writeBigInt64LE(BigInt.asIntN(64, BigInt(n)), this.pos);
  }

  /** Makes room for `n` bytes in one piece. */
  reserve(n: number): void {
    if (this.pos + n <= this.buf.length) return;
    this.flush();
    const need = this.pos + n;
    if (need <= this.buf.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(need, this.buf.length * 2));
    bigger.set(this.buf.subarray(0, this.pos));
    this.buf = bigger;
  }

  private shortInt(text: Uint8Array, off: number, len: number): boolean {
    const n = parseInt64(text, off, len);
    if (typeof n !== 'number' || n !== (n | 0)) return false;
    this.reserve(5);
    const { buf } = this;
    if (n >= -128 && n <= 127) {
      buf[this.pos++] = INT_8;
      buf[this.pos++] = n;
    } else if (n >= -32768 && n <= 32767) {
      buf[this.pos++] = INT_16;
      this.pos = buf.writeInt16LE(n, this.pos);
    } else {
      buf[this.pos++] = INT_32;
      this.pos = buf.writeInt32LE(n, this.pos);
    }
    return true;
  }

  /** Compresses past the largest possible header, then writes header and moves the bytes up. */
  private compressed(text: Uint8Array, off: number, len: number): boolean {
    this.reserve(len + 11);
    const start = this.pos;
    const from = start + 11;
    const count = lzfCompress(text, off, len, this.buf, from, len - 4);
    if (count === 0) return false;
    this.byte(LZF);
    this.length(count);
    this.length(len);
    this.buf.copyWithin(this.pos, from, from + count);
    this.pos += count;
    return true;
  }
}
