/**
 * One element of a listpack: reading and writing its bytes wherever they lie. A list's nodes hold
 * the same elements without a listpack's header, so both build on this.
 *
 *     0xxxxxxx                 0 to 127                    10xxxxxx              up to 63 bytes
 *     110xxxxx b               13 bits, signed             1110xxxx b            up to 4095 bytes
 *     11110001 .. 11110100     16, 24, 32, 64 bits LE      11110000 b b b b      32-bit length, LE
 *     then the length of all that, in 7-bit groups that are read from the right
 *
 * Text that is the canonical form of a 64-bit integer is kept as one. Methods leave their result
 * in fields ("registers"), valid until the next call.
 * Source: the listpack format, github.com/antirez/listpack (specification, public domain).
 */
import { copyBytes } from '../util/bytes.ts';
import { parseInt64, writeInt } from '../util/numbers.ts';
import { NO_BYTES } from './arena.ts';

/** Longest text of a 64-bit integer. */
const INT_TEXT_MAX = 20;
const NOT_INT = undefined;

export class ListpackEntry {
  /** Text of the element located last: a view of the element, or of the digits of an integer. */
  buf: Uint8Array = NO_BYTES;
  off = 0;
  len = 0;
  /** Bytes of the element measured last, its trailing length included. */
  bytes = 0;
  private readonly digits = new Uint8Array(24);
  /** The measured element as an integer, or undefined for text. */
  private int: number | bigint | undefined = NOT_INT;
  /** Bytes of encoding and data. */
  private body = 0;

  // ---- reading -----------------------------------------------------------------------------

  /** Bytes of the element at p, its trailing length included. O(1). */
  sizeAt(u8: Uint8Array, p: number): number {
    const first = u8[p]!;
    if (first < 0x80) return 2;
    if (first < 0xc0) {
      const body = (first & 0x3f) + 1;
      return body + 1;
    }
    const body = bodyBytes(u8, p);
    return body + trailerBytes(body);
  }

  /** Start of the element that ends right before p. O(1). */
  previousOf(u8: Uint8Array, p: number): number {
    let q = p - 1;
    let length = u8[q]! & 127;
    let shift = 7;
    while ((u8[q]! & 128) !== 0) {
      q--;
      length += (u8[q]! & 127) * 2 ** shift;
      shift += 7;
    }
    return q - length;
  }

  /** Lets go of the text, so that its memory can be given back. */
  forget(): void {
    this.buf = NO_BYTES;
  }

  /** Points buf/off/len at the text of the element at p. O(1). */
  locate(u8: Uint8Array, p: number): void {
    const first = u8[p]!;
    if (first < 0x80) {
      this.digitsOf(first);
    } else if (first < 0xc0) {
      this.buf = u8;
      this.off = p + 1;
      this.len = first & 0x3f;
    } else if (first < 0xe0) {
      const n = ((first & 0x1f) << 8) | u8[p + 1]!;
      this.digitsOf(n >= 4096 ? n - 8192 : n);
    } else if (first < 0xf0) {
      this.buf = u8;
      this.off = p + 2;
      this.len = ((first & 0xf) << 8) | u8[p + 1]!;
    } else if (first === 0xf0) {
      this.buf = u8;
      this.off = p + 5;
      this.len = read32(u8, p + 1) >>> 0;
    } else {
      const n = this.integer(u8, p);
      if (typeof n === 'number') this.digitsOf(n);
      else this.textOf(n);
    }
  }

  /**
   * Puts the text located last behind the first `prefix` bytes of `buf`, which has room for it, and
   * points there: elements of packed runs. O(len).
   */
  behind(buf: Uint8Array, prefix: number): void {
    const { buf: from, off, len } = this;
    copyBytes(from, off, buf, prefix, len);
    this.buf = buf;
    this.off = 0;
    this.len = prefix + len;
  }

  /** Whether the element at p is kept as an integer. */
  isInteger(u8: Uint8Array, p: number): boolean {
    const first = u8[p]!;
    return first < 0x80 || (first >= 0xc0 && first < 0xe0) || (first >= 0xf1 && first <= 0xf4);
  }

  /** The integer at p, where `isInteger`; a BigInt only past 2^53. */
  integer(u8: Uint8Array, p: number): number | bigint {
    const first = u8[p]!;
    if (first < 0x80) return first;
    if (first < 0xe0) {
      const n = ((first & 0x1f) << 8) | u8[p + 1]!;
      return n >= 4096 ? n - 8192 : n;
    }
    if (first === 0xf1) return ((u8[p + 1]! | (u8[p + 2]! << 8)) << 16) >> 16;
    if (first === 0xf2) {
      return ((u8[p + 1]! | (u8[p + 2]! << 8) | (u8[p + 3]! << 16)) << 8) >> 8;
    }
    const low = read32(u8, p + 1);
    if (first === 0xf3) return low;
    const high = read32(u8, p + 5);
    const n = high * 0x100000000 + (low >>> 0);
    if (Number.isSafeInteger(n)) return n;
    return (BigInt(high) << 32n) | BigInt(low >>> 0);
  }

  /** Whether the element at p has this text. `probe` was called with the same text. O(len). */
  matches(u8: Uint8Array, p: number, buf: Uint8Array, off: number, len: number): boolean {
    const first = u8[p]!;
    let at: number;
    if (first >= 0x80 && first < 0xc0) {
      if ((first & 0x3f) !== len) return false;
      at = p + 1;
    } else if (first >= 0xe0 && first <= 0xf0) {
      this.locate(u8, p);
      if (this.len !== len) return false;
      at = this.off;
    } else {
      return this.int !== NOT_INT && this.int === this.integer(u8, p);
    }
    let i = 0;
    while (i < len && u8[at + i] === buf[off + i]) i++;
    return i === len;
  }

  // ---- writing -----------------------------------------------------------------------------

  /** Gets ready to compare elements with a text. */
  probe(buf: Uint8Array, off: number, len: number): void {
    const c = len > 0 && len <= INT_TEXT_MAX ? buf[off]! : 0;
    this.int = (c >= 48 && c <= 57) || c === 45 ? parseInt64(buf, off, len) : NOT_INT;
  }

  /** Works out how a text will be kept; `bytes` is its size then. O(1). */
  measure(buf: Uint8Array, off: number, len: number): void {
    this.probe(buf, off, len);
    if (this.int !== NOT_INT) this.body = integerBytes(this.int);
    else this.body = len + (len < 64 ? 1 : len < 4096 ? 2 : 5);
    this.bytes = this.body + trailerBytes(this.body);
  }

  /** As `measure`, for an integer. */
  measureInt(n: number | bigint): void {
    this.int = n;
    this.body = integerBytes(n);
    this.bytes = this.body + trailerBytes(this.body);
  }

  /**
   * Writes the element measured last at p; `buf/off/len` is its text (not looked at for an
   * integer). The text must not overlap what is written.
   */
  put(u8: Uint8Array, p: number, buf: Uint8Array, off: number, len: number): void {
    let q: number;
    if (this.int !== NOT_INT) q = putInteger(u8, p, this.int, this.body);
    else {
      if (len < 64) {
        u8[p] = 0x80 | len;
        q = p + 1;
      } else if (len < 4096) {
        u8[p] = 0xe0 | (len >> 8);
        u8[p + 1] = len;
        q = p + 2;
      } else {
        u8[p] = 0xf0;
        write32(u8, p + 1, len);
        q = p + 5;
      }
      if (len < 48) for (let i = 0; i < len; i++) u8[q + i] = buf[off + i]!;
      else u8.set(buf.subarray(off, off + len), q);
      q += len;
    }
    putTrailer(u8, q, this.body);
  }

  private digitsOf(n: number): void {
    this.buf = this.digits;
    this.off = 0;
    this.len = writeInt(this.digits, 0, n);
  }

  private textOf(n: bigint): void {
    const text = n.toString();
    for (let i = 0; i < text.length; i++) this.digits[i] = text.charCodeAt(i);
    this.buf = this.digits;
    this.off = 0;
    this.len = text.length;
  }
}

/** Bytes of encoding and data of the element at p. */
function bodyBytes(u8: Uint8Array, p: number): number {
  const first = u8[p]!;
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 0x3f);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + (((first & 0xf) << 8) | u8[p + 1]!);
  if (first === 0xf0) return 5 + (read32(u8, p + 1) >>> 0);
  return first === 0xf1 ? 3 : first === 0xf2 ? 4 : first === 0xf3 ? 5 : 9;
}

/** Bytes that the trailing length of a body takes. */
export function trailerBytes(body: number): number {
  if (body < 128) return 1;
  if (body < 16384) return 2;
  if (body < 2097152) return 3;
  return body < 268435456 ? 4 : 5;
}

/** Writes the length of a body behind it. */
export function putTrailer(u8: Uint8Array, p: number, body: number): void {
  if (body < 128) {
    u8[p] = body;
    return;
  }
  const count = trailerBytes(body);
  let rest = body;
  for (let i = count - 1; i >= 0; i--) {
    u8[p + i] = (rest & 127) | (i > 0 ? 128 : 0);
    rest = rest >>> 7;
  }
}

function integerBytes(n: number | bigint): number {
  if (typeof n === 'bigint') return 9;
  if (n >= 0 && n <= 127) return 1;
  if (n >= -4096 && n <= 4095) return 2;
  if (n >= -32768 && n <= 32767) return 3;
  if (n >= -8388608 && n <= 8388607) return 4;
  return n >= -2147483648 && n <= 2147483647 ? 5 : 9;
}

/** Writes encoding and data of an integer; returns the position behind. */
function putInteger(u8: Uint8Array, p: number, n: number | bigint, body: number): number {
  if (body === 1) u8[p] = n as number;
  else if (body === 2) {
    const bits = (n as number) & 0x1fff;
    u8[p] = 0xc0 | (bits >> 8);
    u8[p + 1] = bits;
  } else if (body === 9) {
    u8[p] = 0xf4;
    if (typeof n === 'bigint') {
      write32(u8, p + 1, Number(BigInt.asIntN(32, n)));
      write32(u8, p + 5, Number(n >> 32n));
    } else {
      const high = Math.floor(n / 0x100000000);
      write32(u8, p + 1, (n - high * 0x100000000) | 0);
      write32(u8, p + 5, high);
    }
  } else {
    const v = n as number;
    u8[p] = body === 3 ? 0xf1 : body === 4 ? 0xf2 : 0xf3;
    u8[p + 1] = v;
    u8[p + 2] = v >> 8;
    if (body > 3) u8[p + 3] = v >> 16;
    if (body > 4) u8[p + 4] = v >> 24;
  }
  return p + body;
}

function read32(u8: Uint8Array, p: number): number {
  return u8[p]! | (u8[p + 1]! << 8) | (u8[p + 2]! << 16) | (u8[p + 3]! << 24);
}

function write32(u8: Uint8Array, p: number, n: number): void {
  u8[p] = n;
  u8[p + 1] = n >> 8;
  u8[p + 2] = n >> 16;
  u8[p + 3] = n >> 24;
}

/**
 * Whether the bytes [from, end) are whole elements, each with the right trailing length; the
 * number of elements, or -1. Reads nothing outside. O(elements).
 */
export function countElements(u8: Uint8Array, from: number, end: number): number {
  let p = from;
  let count = 0;
  while (p < end) {
    const first = u8[p]!;
    if (first > 0xf4) return -1;
    const prefix = first < 0xc0 ? 1 : first < 0xf0 ? 2 : first === 0xf0 ? 5 : 1;
    if (p + prefix > end) return -1;
    const body = bodyBytes(u8, p);
    const trailer = trailerBytes(body);
    const next = p + body + trailer;
    if (next > end) return -1;
    let rest = body;
    for (let i = trailer - 1; i >= 0; i--) {
      if (u8[p + body + i] !== ((rest & 127) | (i > 0 ? 128 : 0))) return -1;
      rest = rest >>> 7;
    }
    p = next;
    count++;
  }
  return count;
}
