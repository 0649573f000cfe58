/**
 * A listpack: many small elements in one block of the arena, in Redis's byte format, so that files
 * and DUMP payloads are byte copies.
 *
 *     +0 uint32 bytes in all | +4 uint16 elements (65535: more, count them) | elements | 0xff
 *
 * A position is an element's offset inside the listpack; 0 is none, and `end` is where the 0xff
 * is. What changes a listpack returns its ref, which may be another one. No method keeps state
 * between calls except `entry`, whose registers hold the element read last.
 * Source: the listpack format, github.com/antirez/listpack (specification, public domain).
 */
import { type Arena, NO_BYTES, type Ref } from './arena.ts';
import { countElements, ListpackEntry } from './listpack-entry.ts';

/** Bytes before the first element. */
export const LISTPACK_HEADER = 6;
const END = 0xff;
/** The count that says "more than this". */
const COUNT_MAX = 65535;
/** Bytes of a listpack without elements. */
export const EMPTY_BYTES = LISTPACK_HEADER + 1;
/** Redis refuses to grow a listpack past this. */
export const LISTPACK_MAX = 1 << 30;

export class Listpack {
  /** The element read last: `entry.buf/off/len` is its text. */
  readonly entry = new ListpackEntry();
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** An empty listpack with room for `bytes` in all. */
  create(bytes = EMPTY_BYTES): Ref {
    const ref = this.arena.alloc(Math.max(bytes, EMPTY_BYTES));
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = (ref & 0x7fff) << 3;
    this.setHeader(ref, EMPTY_BYTES, 0);
    u8[at + LISTPACK_HEADER] = END;
    return ref;
  }

  /** A listpack of bytes that are valid: all of them, or `bytes[off .. off + len)`. */
  from(bytes: Uint8Array, off = 0, len = bytes.length): Ref {
    const ref = this.arena.alloc(len);
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = (ref & 0x7fff) << 3;
    if (len < 96) for (let i = 0; i < len; i++) u8[at + i] = bytes[off + i]!;
    else u8.set(bytes.subarray(off, off + len), at);
    return ref;
  }

  /** Bytes in all. O(1). */
  bytes(ref: Ref): number {
    return this.arena.i32[ref >>> 15]![(ref & 0x7fff) << 1]!;
  }

  /** The listpack's bytes, a view valid until the next write. */
  view(ref: Ref): Uint8Array {
    const at = (ref & 0x7fff) << 3;
    return this.arena.u8[ref >>> 15]!.subarray(at, at + this.bytes(ref));
  }

  /** Number of elements. O(1) below 65535. */
  count(ref: Ref): number {
    const at = (ref & 0x7fff) << 3;
    const u8 = this.arena.u8[ref >>> 15]!;
    const count = u8[at + 4]! | (u8[at + 5]! << 8);
    if (count < COUNT_MAX) return count;
    return countElements(u8, at + LISTPACK_HEADER, at + this.bytes(ref) - 1);
  }

  // ---- moving about ------------------------------------------------------------------------

  /** Position of the first element, 0 when there is none. */
  first(ref: Ref): number {
    return this.bytes(ref) === EMPTY_BYTES ? 0 : LISTPACK_HEADER;
  }

  last(ref: Ref): number {
    return this.previous(ref, this.end(ref));
  }

  /** Position of the closing 0xff: what is inserted there is appended. */
  end(ref: Ref): number {
    return this.bytes(ref) - 1;
  }

  next(ref: Ref, position: number): number {
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = (ref & 0x7fff) << 3;
    const next = position + this.entry.sizeAt(u8, at + position);
    return u8[at + next] === END ? 0 : next;
  }

  previous(ref: Ref, position: number): number {
    if (position <= LISTPACK_HEADER) return 0;
    const at = (ref & 0x7fff) << 3;
    return this.entry.previousOf(this.arena.u8[ref >>> 15]!, at + position) - at;
  }

  /** Position of element `index`, negative ones counted from the end; 0 when there is none. */
  seek(ref: Ref, index: number): number {
    const count = this.count(ref);
    const i = index < 0 ? count + index : index;
    if (i < 0 || i >= count) return 0;
    if (i > count >>> 1) {
      let p = this.last(ref);
      for (let k = count - 1; k > i; k--) p = this.previous(ref, p);
      return p;
    }
    let p = LISTPACK_HEADER;
    for (let k = 0; k < i; k++) p = this.next(ref, p);
    return p;
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Reads the element at a position into `entry`. */
  locate(ref: Ref, position: number): void {
    this.entry.locate(this.arena.u8[ref >>> 15]!, ((ref & 0x7fff) << 3) + position);
  }

  isInteger(ref: Ref, position: number): boolean {
    return this.entry.isInteger(this.arena.u8[ref >>> 15]!, ((ref & 0x7fff) << 3) + position);
  }

  /** The element at a position where `isInteger`. */
  integer(ref: Ref, position: number): number | bigint {
    return this.entry.integer(this.arena.u8[ref >>> 15]!, ((ref & 0x7fff) << 3) + position);
  }

  /** Whether the element at a position has this text. */
  equals(ref: Ref, position: number, buf: Uint8Array, off: number, len: number): boolean {
    this.entry.probe(buf, off, len);
    const at = (ref & 0x7fff) << 3;
    return this.entry.matches(this.arena.u8[ref >>> 15]!, at + position, buf, off, len);
  }

  /**
   * Position of the first element with this text among every `stride`-th one from `from` on, or 0.
   * `from` may be 0: nothing is found. O(n).
   */
  find(ref: Ref, from: number, stride: number, buf: Uint8Array, off: number, len: number): number {
    if (from === 0) return 0;
    const { entry } = this;
    entry.probe(buf, off, len);
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = (ref & 0x7fff) << 3;
    let p = at + from;
    for (;;) {
      if (entry.matches(u8, p, buf, off, len)) return p - at;
      for (let i = 0; i < stride; i++) {
        p += entry.sizeAt(u8, p);
        if (u8[p] === END) return 0;
      }
    }
  }

  // ---- writing -----------------------------------------------------------------------------

  /** Appends a text. The text may lie anywhere but in this listpack. Amortised O(len + bytes). */
  append(ref: Ref, buf: Uint8Array, off: number, len: number): Ref {
    return this.insert(ref, this.end(ref), buf, off, len);
  }

  appendInt(ref: Ref, n: number | bigint): Ref {
    return this.insertInt(ref, this.end(ref), n);
  }

  /** Puts a text before the element at a position, which is the new element's then. O(bytes). */
  insert(ref: Ref, position: number, buf: Uint8Array, off: number, len: number): Ref {
    this.entry.measure(buf, off, len);
    return this.splice(ref, position, 0, 0, buf, off, len);
  }

  insertInt(ref: Ref, position: number, n: number | bigint): Ref {
    this.entry.measureInt(n);
    return this.splice(ref, position, 0, 0, NO_BYTES, 0, 0);
  }

  /** Puts a text in the place of the element at a position. O(bytes). */
  replace(ref: Ref, position: number, buf: Uint8Array, off: number, len: number): Ref {
    this.entry.measure(buf, off, len);
    return this.splice(ref, position, this.sizeAt(ref, position), 1, buf, off, len);
  }

  replaceInt(ref: Ref, position: number, n: number | bigint): Ref {
    this.entry.measureInt(n);
    return this.splice(ref, position, this.sizeAt(ref, position), 1, NO_BYTES, 0, 0);
  }

  /** Removes `count` elements from a position on; fewer when there are fewer. O(bytes). */
  remove(ref: Ref, position: number, count: number): Ref {
    const u8 = this.arena.u8[ref >>> 15]!;
    const at = (ref & 0x7fff) << 3;
    let p = at + position;
    let removed = 0;
    while (removed < count && u8[p] !== END) {
      p += this.entry.sizeAt(u8, p);
      removed++;
    }
    this.entry.bytes = 0;
    return this.splice(ref, position, p - at - position, removed, NO_BYTES, 0, 0);
  }

  /**
   * The caller has written `added` elements and the closing 0xff behind the last element: the
   * listpack, which was touched and has the room, is `bytes` long now. For whoever appends many
   * elements at a time. O(1).
   */
  appended(ref: Ref, bytes: number, added: number): void {
    const at = (ref & 0x7fff) << 3;
    const u8 = this.arena.u8[ref >>> 15]!;
    const count = Math.min((u8[at + 4]! | (u8[at + 5]! << 8)) + added, COUNT_MAX);
    this.arena.i32[ref >>> 15]![at >> 2] = bytes;
    u8[at + 4] = count;
    u8[at + 5] = count >> 8;
  }

  /** Moves a listpack that has much more room than it needs; its ref then. O(bytes). */
  shrink(ref: Ref): Ref {
    const bytes = this.bytes(ref);
    if (this.arena.capacity(ref) <= bytes + (bytes >> 3) + 8) return ref;
    const to = this.arena.alloc(bytes);
    this.arena.u8[to >>> 15]!.set(this.view(ref), (to & 0x7fff) << 3);
    this.arena.free(ref);
    return to;
  }

  /** Whether bytes are a whole, sound listpack. O(bytes). */
  static isValid(bytes: Uint8Array): boolean {
    return Listpack.elementsOf(bytes, 0, bytes.length) >= 0;
  }

  /**
   * Number of elements of `buf[off .. off + len)`, -1 unless it is a whole, sound listpack. O(len).
   */
  static elementsOf(buf: Uint8Array, off: number, len: number): number {
    if (len < EMPTY_BYTES) return -1;
    const low = buf[off]! | (buf[off + 1]! << 8) | (buf[off + 2]! << 16);
    if (low + buf[off + 3]! * 0x1000000 !== len || buf[off + len - 1] !== END) return -1;
    const said = buf[off + 4]! | (buf[off + 5]! << 8);
    const count = countElements(buf, off + LISTPACK_HEADER, off + len - 1);
    return said === COUNT_MAX || said === count ? count : -1;
  }

  private sizeAt(ref: Ref, position: number): number {
    return this.entry.sizeAt(this.arena.u8[ref >>> 15]!, ((ref & 0x7fff) << 3) + position);
  }

  /**
   * Replaces `removed` bytes (`elements` elements) at a position by the element measured last;
   * with `entry.bytes` 0 by nothing.
   */
  private splice(
    ref: Ref,
    position: number,
    removed: number,
    elements: number,
    buf: Uint8Array,
    off: number,
    len: number,
  ): Ref {
    const added = this.entry.bytes;
    const before = this.bytes(ref);
    const after = before + added - removed;
    const count = this.storedCount(ref);
    const to = after > before ? this.arena.realloc(ref, before, after) : ref;
    this.arena.touch(to);
    const u8 = this.arena.u8[to >>> 15]!;
    const at = (to & 0x7fff) << 3;
    const from = at + position + removed;
    if (added !== removed && from < at + before)
      moveBytes(u8, at + position + added, from, at + before);
    if (added > 0) this.entry.put(u8, at + position, buf, off, len);
    if (count < COUNT_MAX) {
      const now = count - elements + (added > 0 ? 1 : 0);
      this.setHeader(to, after, Math.min(now, COUNT_MAX));
    } else this.arena.i32[to >>> 15]![(to & 0x7fff) << 1] = after;
    return after < before ? this.arena.realloc(to, after, after) : to;
  }

  private storedCount(ref: Ref): number {
    const at = (ref & 0x7fff) << 3;
    const u8 = this.arena.u8[ref >>> 15]!;
    return u8[at + 4]! | (u8[at + 5]! << 8);
  }

  private setHeader(ref: Ref, bytes: number, count: number): void {
    const at = (ref & 0x7fff) << 3;
    const u8 = this.arena.u8[ref >>> 15]!;
    this.arena.i32[ref >>> 15]![at >> 2] = bytes;
    u8[at + 4] = count;
    u8[at + 5] = count >> 8;
  }
}

/** Moves [from, end) to `to`; a loop wins over copyWithin for a few bytes. */
function moveBytes(u8: Uint8Array, to: number, from: number, end: number): void {
  const n = end - from;
  if (n > 24) u8.copyWithin(to, from, end);
  else if (to > from) for (let i = n - 1; i >= 0; i--) u8[to + i] = u8[from + i]!;
  else for (let i = 0; i < n; i++) u8[to + i] = u8[from + i]!;
}
