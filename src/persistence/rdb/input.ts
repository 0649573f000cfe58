/**
 * Reads the parts of RDB values from bytes that anybody may have sent: every length is checked
 * against what is left before it is used, nothing is allocated because it was announced. Whatever
 * is wrong throws `badData`. See `output.ts` for the format.
 *
 * The bytes may be a window on a longer input. What reaches past its end throws `needMore` and
 * goes back to the mark: once more bytes are there, the same read is tried again from it. So
 * between a mark and the end of a read nothing may be changed.
 */
import { EMPTY_BYTES } from '../../util/bytes.ts';
import { lzfDecompress, lzfLength } from '../../util/lzf.ts';
import { parseDouble, writeInt } from '../../util/numbers.ts';
import { badData, noCompression, noNumber, withoutStack } from './bad-data.ts';
import {
  INT_8,
  INT_16,
  INT_32,
  LENGTH_6,
  LENGTH_14,
  LENGTH_32,
  LENGTH_64,
  LENGTH_SPECIAL,
  LZF,
} from './types.ts';

/** Longest string: what fits the length field of a key's entry with ease. */
const STRING_MAX = 0x3fffffff;
/** Things that room is made for when nobody knows how many bytes come. */
const PLAUSIBLE_MAX = 1 << 20;
/** Decompressed strings up to this length share a buffer. */
const KEEP_BYTES = 1024 * 1024;
const SCORE_NAN = 253;
const SCORE_INF = 254;
const SCORE_MINUS_INF = 255;

/** Not an error: the window ends too early. Thrown as one object. */
export class NeedMore extends Error {
  override readonly name = 'NeedMore';
}

export const needMore: NeedMore = withoutStack(() => new NeedMore('more bytes are needed'));

export class RdbInput {
  /** The string read last; a view of the input or of a buffer of its own. */
  text: Uint8Array = EMPTY_BYTES;
  off = 0;
  len = 0;
  /** Where the next byte is read. */
  pos = 0;
  /** Where reading goes on after `needMore`. */
  marked = 0;
  /** After `needMore`: the window must reach so far behind the mark. */
  wanted = 0;
  /** After `badData`: the input ends too early. */
  isCutOff = false;
  buf: Uint8Array = EMPTY_BYTES;
  private data: DataView = new DataView(EMPTY_BYTES.buffer);
  private end = 0;
  /** Bytes that come behind the window; Infinity when nobody knows. */
  private beyond = 0;
  private inflated: Buffer = Buffer.allocUnsafe(0);
  private readonly digits = new Uint8Array(24);

  /** Reads `buf[from .. to)` from now on, a window when `beyond` more bytes come behind it. */
  open(buf: Uint8Array, from: number, to: number, beyond = 0): void {
    if (buf !== this.buf) {
      this.buf = buf;
      this.data = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    }
    this.pos = from;
    this.marked = from;
    this.end = to;
    this.beyond = beyond;
    this.isCutOff = false;
  }

  /** Lets go of the bytes. */
  close(): void {
    this.open(EMPTY_BYTES, 0, 0);
    this.text = EMPTY_BYTES;
  }

  /** What was read so far was dealt with: after `needMore` reading goes on here. */
  mark(): void {
    this.marked = this.pos;
  }

  /** Bytes left, those behind the window included. */
  get left(): number {
    return this.end - this.pos + this.beyond;
  }

  /** Bytes left in the window. */
  get available(): number {
    return this.end - this.pos;
  }

  byte(): number {
    return this.buf[this.take(1)]!;
  }

  /** Passes `n` bytes over; where they begin. */
  take(n: number): number {
    const at = this.pos;
    if (n > this.end - at) this.endsTooEarly(n);
    this.pos = at + n;
    return at;
  }

  private endsTooEarly(n: number): never {
    if (n > this.left) {
      this.isCutOff = true;
      throw badData;
    }
    this.wanted = this.pos + n - this.marked;
    this.pos = this.marked;
    throw needMore;
  }

  /** A number that is not negative; a BigInt only past 2^53. */
  number(): number | bigint {
    const first = this.byte();
    if (first < LENGTH_14) return first - LENGTH_6;
    if (first < LENGTH_32) return ((first & 0x3f) << 8) | this.byte();
    if (first === LENGTH_32) return this.data.getUint32(this.take(4));
    if (first !== LENGTH_64) throw badData;
    const n = this.data.getBigUint64(this.take(8));
    return n <= Number.MAX_SAFE_INTEGER ? Number(n) : n;
  }

  /** How many things follow, each of at least `bytes` bytes; there is room for them. */
  count(bytes: number): number {
    const n = this.number();
    if (n > Math.floor(this.left / bytes)) {
      this.isCutOff = true;
      throw badData;
    }
    return Number(n);
  }

  /** A string, left in text, off and len. O(length). */
  string(): void {
    if (this.pos === this.end) this.endsTooEarly(1);
    const first = this.buf[this.pos]!;
    if (first < LENGTH_SPECIAL) {
      const length = this.count(1);
      if (length > STRING_MAX) throw badData;
      this.text = this.buf;
      this.len = length;
      this.off = this.take(length);
      return;
    }
    this.pos++;
    if (first === INT_8) this.integer(this.data.getInt8(this.take(1)));
    else if (first === INT_16) this.integer(this.data.getInt16(this.take(2), true));
    else if (first === INT_32) this.integer(this.data.getInt32(this.take(4), true));
    else if (first === LZF) this.compressed();
    else throw badData;
  }

  /**
   * The length of the string that comes, read over, when it is not compressed, at least `min` long
   * and not all in the window; else 0, with nothing read.
   */
  longString(min: number): number {
    const { pos } = this;
    if (this.available === 0 || this.buf[pos]! >= LENGTH_SPECIAL) return 0;
    const length = this.count(1);
    if (length > STRING_MAX) throw badData;
    if (length >= min && length > this.available) return length;
    this.pos = pos;
    return 0;
  }

  /** `n` bytes as characters. */
  characters(n: number): string {
    const at = this.take(n);
    return Buffer.from(this.buf.subarray(at, at + n)).toString('latin1');
  }

  /** As many of `n` announced things of at least so many bytes as room may be made for. */
  plausible(n: number, bytes: number): number {
    const { left } = this;
    return Math.min(n, left === Number.POSITIVE_INFINITY ? PLAUSIBLE_MAX : Math.ceil(left / bytes));
  }

  /** A string as bytes: a view as `string` leaves it. */
  bytes(): Uint8Array {
    this.string();
    return this.text.subarray(this.off, this.off + this.len);
  }

  double(): number {
    return this.data.getFloat64(this.take(8), true);
  }

  /** A signed integer of 32 bits, little endian. */
  int32(): number {
    return this.data.getInt32(this.take(4), true);
  }

  /** A signed integer of 64 bits, little endian. */
  int64(): bigint {
    return this.data.getBigInt64(this.take(8), true);
  }

  /** An unsigned integer of 64 bits, big endian: half of a stream id. */
  bigEndian64(): bigint {
    return this.data.getBigUint64(this.take(8));
  }

  /** A double written as text behind its length. NaN is refused. */
  textDouble(): number {
    const length = this.byte();
    if (length === SCORE_NAN) throw noNumber;
    if (length === SCORE_INF) return Number.POSITIVE_INFINITY;
    if (length === SCORE_MINUS_INF) return Number.NEGATIVE_INFINITY;
    const n = parseDouble(this.buf, this.take(length), length);
    if (Number.isNaN(n)) throw noNumber;
    return n;
  }

  private integer(n: number): void {
    this.text = this.digits;
    this.off = 0;
    this.len = writeInt(this.digits, 0, n);
  }

  private compressed(): void {
    const bytes = this.number();
    const length = this.number();
    if (length > STRING_MAX) throw badData;
    const count = Number(bytes);
    const from = this.take(count);
    const size = Number(length);
    // A long text is measured first: nothing is allocated because it was announced.
    if (size > KEEP_BYTES && lzfLength(this.buf, from, count) !== size) throw noCompression;
    const text = this.room(size);
    if (!lzfDecompress(this.buf, from, count, text, 0, size)) throw noCompression;
    this.text = text;
    this.off = 0;
    this.len = size;
  }

  /** Where a string of so many bytes is decompressed: valid until the next one is. */
  private room(bytes: number): Buffer {
    if (bytes > KEEP_BYTES) return Buffer.allocUnsafe(bytes);
    if (bytes > this.inflated.length) {
      this.inflated = Buffer.allocUnsafe(Math.min(KEEP_BYTES, bytes * 2));
    }
    return this.inflated;
  }
}
