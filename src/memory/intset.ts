/**
 * An intset: a sorted array of 64-bit integers in one block, each kept in 2, 4 or 8 bytes according
 * to the widest one. Redis's byte format, so files and DUMP payloads are byte copies.
 *
 *     +0 uint32 bytes of one integer (2, 4, 8) | +4 uint32 count | the integers, ascending, LE
 *
 * Integers come and go as two halves (high int32, low int32): no BigInt, exact to 64 bits. What
 * changes an intset returns its ref, which may be another one.
 * Source: behaviour and format of redis-server 7.0.15.
 */
import type { Arena, Ref } from './arena.ts';

const HEADER = 8;

export class Intset {
  /** The integer read last. */
  high = 0;
  low = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  create(): Ref {
    const ref = this.arena.alloc(16);
    const i32 = this.arena.i32[ref >>> 15]!;
    const at = (ref & 0x7fff) << 1;
    i32[at] = 2;
    i32[at + 1] = 0;
    return ref;
  }

  /** An intset of bytes that `isValid`. */
  from(bytes: Uint8Array): Ref {
    const ref = this.arena.alloc(bytes.length);
    this.arena.u8[ref >>> 15]!.set(bytes, (ref & 0x7fff) << 3);
    return ref;
  }

  count(ref: Ref): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + 1]!;
  }

  /** The intset's bytes, a view valid until the next write. */
  view(ref: Ref): Uint8Array {
    const at = (ref & 0x7fff) << 3;
    const bytes = HEADER + this.count(ref) * this.width(ref);
    return this.arena.u8[ref >>> 15]!.subarray(at, at + bytes);
  }

  /** Reads integer i (0 <= i < count) into high and low. O(1). */
  read(ref: Ref, i: number): void {
    this.readWidth(ref, i, this.width(ref));
  }

  /** Position of an integer, or where it belongs as -1 - position. O(log n). */
  find(ref: Ref, high: number, low: number): number {
    const width = this.width(ref);
    let from = 0;
    let to = this.count(ref);
    while (from < to) {
      const middle = (from + to) >>> 1;
      this.readWidth(ref, middle, width);
      if (this.high < high || (this.high === high && this.low >>> 0 < low >>> 0)) from = middle + 1;
      else to = middle;
    }
    if (from < this.count(ref)) {
      this.readWidth(ref, from, width);
      if (this.high === high && this.low === low) return from;
    }
    return -1 - from;
  }

  /** Adds an integer at the place that `find` gave (-1 - position). O(n). */
  insert(ref: Ref, place: number, high: number, low: number): Ref {
    const count = this.count(ref);
    const width = this.width(ref);
    const wanted = widthOf(high, low);
    if (wanted > width) return this.widen(ref, wanted, high, low);
    const position = -1 - place;
    const to = this.arena.realloc(ref, HEADER + count * width, HEADER + (count + 1) * width);
    this.arena.touch(to);
    const u8 = this.arena.u8[to >>> 15]!;
    const at = ((to & 0x7fff) << 3) + HEADER;
    u8.copyWithin(at + (position + 1) * width, at + position * width, at + count * width);
    this.write(to, position, width, high, low);
    this.setCount(to, count + 1);
    return to;
  }

  /** Removes the integer at a position. O(n). */
  removeAt(ref: Ref, position: number): Ref {
    const count = this.count(ref);
    const width = this.width(ref);
    this.arena.touch(ref);
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = ((ref & 0x7fff) << 3) + HEADER;
    u8.copyWithin(at + position * width, at + (position + 1) * width, at + count * width);
    this.setCount(ref, count - 1);
    const bytes = HEADER + (count - 1) * width;
    return this.arena.realloc(ref, bytes, bytes);
  }

  /** Whether bytes are a sound intset. O(n). */
  static isValid(bytes: Uint8Array): boolean {
    if (bytes.length < HEADER) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const width = view.getUint32(0, true);
    const count = view.getUint32(4, true);
    if (width !== 2 && width !== 4 && width !== 8) return false;
    if (count === 0 || HEADER + count * width !== bytes.length) return false;
    const at = (i: number): bigint => {
      if (width === 2) return BigInt(view.getInt16(HEADER + i * 2, true));
      if (width === 4) return BigInt(view.getInt32(HEADER + i * 4, true));
      return view.getBigInt64(HEADER + i * 8, true);
    };
    for (let i = 1; i < count; i++) if (at(i) <= at(i - 1)) return false;
    return true;
  }

  private width(ref: Ref): number {
    return this.arena.i32[ref >>> 15]![(ref & 0x7fff) << 1]!;
  }

  private readWidth(ref: Ref, i: number, width: number): void {
    const i32 = this.arena.i32[ref >>> 15]!;
    const at = (ref & 0x7fff) << 1;
    if (width === 8) {
      this.low = i32[at + 2 + i * 2]!;
      this.high = i32[at + 3 + i * 2]!;
      return;
    }
    if (width === 4) this.low = i32[at + 2 + i]!;
    else {
      const word = i32[at + 2 + (i >> 1)]!;
      this.low = (i & 1) === 0 ? (word << 16) >> 16 : word >> 16;
    }
    this.high = this.low >> 31;
  }

  private write(ref: Ref, i: number, width: number, high: number, low: number): void {
    const i32 = this.arena.i32[ref >>> 15]!;
    const at = (ref & 0x7fff) << 1;
    if (width === 8) {
      i32[at + 2 + i * 2] = low;
      i32[at + 3 + i * 2] = high;
    } else if (width === 4) i32[at + 2 + i] = low;
    else {
      const u8 = this.arena.u8[ref >>> 15]!;
      const p = ((ref & 0x7fff) << 3) + HEADER + i * 2;
      u8[p] = low;
      u8[p + 1] = low >> 8;
    }
  }

  /**
   * A copy with wider integers and one more, which is the least or the greatest: it did not fit.
   */
  private widen(ref: Ref, width: number, high: number, low: number): Ref {
    const count = this.count(ref);
    const to = this.arena.alloc(HEADER + (count + 1) * width);
    this.arena.i32[to >>> 15]![(to & 0x7fff) << 1] = width;
    this.setCount(to, count + 1);
    const shift = high < 0 ? 1 : 0;
    this.copyWider(ref, to, count, shift * (width >> 2), width);
    this.write(to, high < 0 ? 0 : count, width, high, low);
    this.arena.free(ref);
    return to;
  }

  /** Copies the integers to 32-bit word `at` of a wider intset. A loop for each pair of widths. */
  private copyWider(ref: Ref, to: Ref, count: number, at: number, width: number): void {
    const from = this.arena.i32[ref >>> 15]!;
    const out = this.arena.i32[to >>> 15]!;
    const p = ((ref & 0x7fff) << 1) + 2;
    const q = ((to & 0x7fff) << 1) + 2 + at;
    if (this.width(ref) === 4) {
      for (let i = 0; i < count; i++) {
        const n = from[p + i]!;
        out[q + i * 2] = n;
        out[q + i * 2 + 1] = n >> 31;
      }
      return;
    }
    for (let i = 0; i < count; i++) {
      const word = from[p + (i >> 1)]!;
      const n = (i & 1) === 0 ? (word << 16) >> 16 : word >> 16;
      if (width === 4) out[q + i] = n;
      else {
        out[q + i * 2] = n;
        out[q + i * 2 + 1] = n >> 31;
      }
    }
  }

  private setCount(ref: Ref, count: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + 1] = count;
  }
}

function widthOf(high: number, low: number): number {
  if (high !== low >> 31) return 8;
  return low >= -32768 && low <= 32767 ? 2 : 4;
}
