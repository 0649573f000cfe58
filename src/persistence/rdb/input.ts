/**
 * Reads the parts of RDB values from bytes that anybody may have sent: every length is checked
 * against what is left before it is used, nothing is allocated because it was announced. Whatever
 * is wrong throws `badData`. See `output.ts` for the format.
 */
import { lzfDecompress, lzfLength } from '../../util/lzf.ts';
import { parseDouble, writeInt } from '../../util/numbers.ts';
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
const SCORE_NAN = 253;
const SCORE_INF = 254;
const SCORE_MINUS_INF = 255;

/** The bytes are no value. Thrown as one object without a stack: whoever sends rubbish costs little. */
export class BadDataError extends Error {
  override readonly name = 'BadDataError';
}

export const badData: BadDataError = (() => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new BadDataError('bad data format');
  Error.stackTraceLimit = limit;
  return error;
})();

export class RdbInput {
  /** The string read last; a view of the input or of a buffer of its own. */
  text: Uint8Array = NOTHING;
  off = 0;
  len = 0;
  /** Where the next byte is read. */
  pos = 0;
  private buf: Uint8Array = NOTHING;
  private view: DataView = new DataView(NOTHING.buffer);
  private end = 0;
  private readonly digits = new Uint8Array(24);

  /** Reads `buf[from .. to)` from now on. */
  open(buf: Uint8Array, from: number, to: number): void {
    this.buf = buf;
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    this.pos = from;
    this.end = to;
  }

  /** Lets go of the bytes. */
  close(): void {
    this.open(NOTHING, 0, 0);
    this.text = NOTHING;
  }

  /** Bytes left. */
  get left(): number {
    return this.end - this.pos;
  }

  byte(): number {
    return this.buf[this.take(1)]!;
  }

  /** Passes `n` bytes over; where they begin. */
  take(n: number): number {
    const at = this.pos;
    if (n > this.end - at) throw badData;
    this.pos = at + n;
    return at;
  }

  /** A number that is not negative; a BigInt only past 2^53. */
  number(): number | bigint {
    const first = this.byte();
    if (first < LENGTH_14) return first - LENGTH_6;
    if (first < LENGTH_32) return ((first & 0x3f) << 8) | this.byte();
    if (first === LENGTH_32) return this.view.getUint32(this.take(4));
    if (first !== LENGTH_64) throw badData;
    const n = this.view.getBigUint64(this.take(8));
    return n <= Number.MAX_SAFE_INTEGER ? Number(n) : n;
  }

  /** How many things follow, each of at least `bytes` bytes; there is room for them. */
  count(bytes: number): number {
    const n = this.number();
    if (n > Math.floor(this.left / bytes)) throw badData;
    return Number(n);
  }

  /** A string, left in text, off and len. O(length). */
  string(): void {
    const first = this.left > 0 ? this.buf[this.pos]! : 0;
    if (first < LENGTH_SPECIAL) {
      const length = this.count(1);
      this.text = this.buf;
      this.len = length;
      this.off = this.take(length);
      return;
    }
    this.pos++;
    if (first === INT_8) this.integer(this.view.getInt8(this.take(1)));
    else if (first === INT_16) this.integer(this.view.getInt16(this.take(2), true));
    else if (first === INT_32) this.integer(this.view.getInt32(this.take(4), true));
    else if (first === LZF) this.compressed();
    else throw badData;
  }

  /** A string as bytes: a view as `string` leaves it. */
  bytes(): Uint8Array {
    this.string();
    return this.text.subarray(this.off, this.off + this.len);
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A signed integer of 64 bits, little endian. */
  int64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }

  /** An unsigned integer of 64 bits, big endian: half of a stream id. */
  bigEndian64(): bigint {
    return this.view.getBigUint64(this.take(8));
  }

  /** A double written as text behind its length. NaN is refused. */
  textDouble(): number {
    const length = this.byte();
    if (length === SCORE_NAN) throw badData;
    if (length === SCORE_INF) return Number.POSITIVE_INFINITY;
    if (length === SCORE_MINUS_INF) return Number.NEGATIVE_INFINITY;
    const n = parseDouble(this.buf, this.take(length), length);
    if (Number.isNaN(n)) throw badData;
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
    if (bytes > this.left || length > STRING_MAX) throw badData;
    const count = Number(bytes);
    const from = this.take(count);
    if (lzfLength(this.buf, from, count) !== Number(length)) throw badData;
    const text = Buffer.allocUnsafe(Number(length));
    lzfDecompress(this.buf, from, count, text, 0);
    this.text = text;
    this.off = 0;
    this.len = text.length;
  }
}

const NOTHING = new Uint8Array(0);
