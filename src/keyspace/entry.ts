/**
 * What a keyspace entry looks like, and how to read one. Writing is `db.ts`'s.
 *
 * An entry is one arena block (see `src/memory/dict.ts` for its first 12 bytes):
 *
 *     +0  next | +4 info: type 4 bits, encoding 4 bits, LRU or LFU 24 bits |
 *     +8  flags and key length
 *     [+12 heap position, +16 expiry in ms, int64 little endian]     when EXTENDED
 *     key bytes
 *     inline string:    u8 length, bytes                             when INLINE
 *     anything else:    padding to 4, int32 value ref, int32 length of a string or encoding of
 *                       another value
 */
import type { Value } from '../datatypes/value.ts';
import { ValueType } from '../datatypes/value-types.ts';
import { type Arena, NO_BYTES, type Ref } from '../memory/arena.ts';
import { EXTENDED_HEADER, HEADER, KEY_LENGTH, OWNERS_FLAG } from '../memory/dict.ts';
import { errors } from '../util/errors.ts';

/** In the key word: the value is a string beside its key. */
export const INLINE = OWNERS_FLAG;
/** Longest string kept beside its key; one length byte. */
export const INLINE_MAX = 255;

/** Names a key's entry until the next call that writes; 0 is none. */
export type Entry = Ref;

/** Milliseconds since the epoch; a BigInt only past 2^53. */
export type UnixMs = number | bigint;

/** Reads entries of an arena; located bytes are views, valid until the next write. */
export class EntryReader {
  /** Where the bytes located last are: `valueBuf[valueOff .. valueOff + valueLen)`. */
  valueBuf: Uint8Array = NO_BYTES;
  valueOff = 0;
  valueLen = 0;
  protected readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Points valueBuf/valueOff/valueLen at an entry's string; throws WRONGTYPE on another type. */
  locateString(entry: Ref): void {
    if (this.typeOf(entry) !== ValueType.string) throw errors.wrongType;
    const segment = entry >>> 15;
    const at = (entry & 0x7fff) << 3;
    const keyWord = this.arena.i32[segment]![(at >> 2) + 2]!;
    const end = at + (keyWord < 0 ? EXTENDED_HEADER : HEADER) + (keyWord & KEY_LENGTH);
    if ((keyWord & INLINE) !== 0) {
      const u8 = this.arena.u8[segment]!;
      this.valueBuf = u8;
      this.valueLen = u8[end]!;
      this.valueOff = end + 1;
      return;
    }
    const slot = (end + 3) >> 2;
    const i32 = this.arena.i32[segment]!;
    const value = i32[slot]!;
    this.valueLen = i32[slot + 1]!;
    this.valueBuf = this.arena.u8[value >>> 15]!;
    this.valueOff = (value & 0x7fff) << 3;
  }

  /** Lets go of the bytes located last, so that their memory can be given back. */
  forget(): void {
    this.valueBuf = NO_BYTES;
  }

  typeOf(entry: Ref): number {
    return this.info(entry) & 0xf;
  }

  encodingOf(entry: Ref): number {
    const info = this.info(entry);
    if ((info & 0xf) === ValueType.string) return (info >>> 4) & 0xf;
    return this.arena.i32[entry >>> 15]![this.valueSlot(entry) + 1]!;
  }

  /** Opens an entry's value, which has the right type, on a cursor. */
  open(entry: Ref, value: Value): void {
    value.open(entry, this.valueSlot(entry));
  }

  /** The 24 bits of access data (`src/keyspace/access-time.ts`). */
  accessOf(entry: Ref): number {
    return this.info(entry) >>> 8;
  }

  /** Int32 index, in its segment, of the words that hold ref and encoding of a collection. */
  valueSlot(entry: Ref): number {
    return (((entry & 0x7fff) << 3) + this.keyEnd(entry) + 3) >> 2;
  }

  /** Whether the entry has a time to live. */
  isVolatile(entry: Ref): boolean {
    return this.keyWord(entry) < 0 && this.heapIndex(entry) >= 0;
  }

  /** When it expires, in ms since the epoch; -1 when it does not. */
  expireAt(entry: Ref): UnixMs {
    if (!this.isVolatile(entry)) return -1;
    const i32 = this.arena.i32[entry >>> 15]!;
    const at = (entry & 0x7fff) << 1;
    const low = i32[at + 4]! >>> 0;
    const high = i32[at + 5]!;
    if (high < 0x200000 && high >= 0) return high * 0x100000000 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** The key's bytes, copied. */
  keyOf(entry: Ref): Buffer {
    const keyWord = this.keyWord(entry);
    const from = ((entry & 0x7fff) << 3) + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
    const u8 = this.arena.u8[entry >>> 15]!;
    return Buffer.from(u8.subarray(from, from + (keyWord & KEY_LENGTH)));
  }

  /** Points valueBuf/valueOff/valueLen at an entry's key. */
  locateKey(entry: Ref): void {
    const keyWord = this.keyWord(entry);
    this.valueBuf = this.arena.u8[entry >>> 15]!;
    this.valueOff = ((entry & 0x7fff) << 3) + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
    this.valueLen = keyWord & KEY_LENGTH;
  }

  protected info(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 1]!;
  }

  protected keyWord(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 2]!;
  }

  protected heapIndex(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 3]!;
  }

  /** Offset inside the entry just behind the key. */
  protected keyEnd(entry: Ref): number {
    const keyWord = this.keyWord(entry);
    return (keyWord < 0 ? EXTENDED_HEADER : HEADER) + (keyWord & KEY_LENGTH);
  }

  /** Ref of a value kept outside its entry, or 0. */
  protected valueRef(entry: Ref): Ref {
    if ((this.keyWord(entry) & INLINE) !== 0) return 0;
    return this.arena.i32[entry >>> 15]![this.valueSlot(entry)]!;
  }
}
