/**
 * What is written into the entries of one database: new ones, longer values, times to live. It
 * knows the layout of an entry (`entry.ts`) and the table that links it; who may be written to, and
 * what follows from it, is for the layers above (`field-expiry.ts`, `db.ts`).
 *
 * Invariant: whatever moves an entry tells the table and the heaps that point at it.
 */
import { ValueType } from '../datatypes/value-types.ts';
import type { Ref } from '../memory/arena.ts';
import { type Dict, EXTENDED, EXTENDED_HEADER, HEADER, KEY_LENGTH } from '../memory/dict.ts';
import { copyBytes } from '../util/bytes.ts';
import { debugging } from '../util/debug.ts';
import type { Changes } from './changes.ts';
import { EntryReader, INLINE, INLINE_MAX, type UnixMs } from './entry.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import type { Values } from './values.ts';

export abstract class EntryWriter extends EntryReader {
  index: number;
  /** Keys with a time to live, by when it ends. */
  readonly expires: ExpiryHeap;
  /** The table of keys. */
  root: Ref;
  protected readonly space: Values;
  protected readonly changes: Changes;
  protected readonly dict: Dict;
  /** Hash of the key of the latest find; insertion after a miss needs it again. */
  protected hash = 0;

  constructor(space: Values, changes: Changes, index: number) {
    super(space.arena);
    this.space = space;
    this.changes = changes;
    this.index = index;
    this.dict = space.dict;
    this.root = this.dict.create();
    this.expires = new ExpiryHeap(space.arena, space);
  }

  /** What there is of a key, removing nothing: an expired key may be there still. */
  abstract presence(buf: Uint8Array, off: number, len: number): 'missing' | 'live' | 'expired';

  /** An entry is a new block: what else points at it follows. */
  protected abstract entryMoved(entry: Ref): void;

  /** The extra block of a hash whose fields may expire, or 0. */
  protected abstract fieldsOf(entry: Ref): Ref;

  /** Such a block is about to go: nothing points at it any more. */
  protected abstract forgetFieldsAt(root: Ref): void;

  /** Adds an entry for a string of `valueLen` bytes; its value is not written yet. */
  protected addEntry(
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    valueLen: number,
    extended: boolean,
  ): Ref {
    if (valueLen <= INLINE_MAX) return this.newEntry(key, keyOff, keyLen, valueLen, extended);
    // The value's block first: when the arena is full, nothing has changed yet.
    const outlined = this.arena.alloc(valueLen);
    let e: Ref;
    try {
      e = this.newEntry(key, keyOff, keyLen, -1, extended);
    } catch (error) {
      this.arena.free(outlined);
      throw error;
    }
    const slot = (((e & 0x7fff) << 3) + this.keyEnd(e) + 3) >> 2;
    this.arena.i32[e >>> 15]![slot] = outlined;
    return e;
  }

  /**
   * Adds a key, which must be absent by the find just made, with a string that is in a block of its
   * own already; longer than INLINE_MAX. `expireAt` is a time or NO_TTL. O(1).
   */
  addBlock(
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    block: Ref,
    length: number,
    encoding: number,
    expireAt: UnixMs,
  ): Ref {
    const e = this.newEntry(key, keyOff, keyLen, -1, expireAt > 0);
    this.announceNewKey(key, keyOff, keyLen);
    this.arena.i32[e >>> 15]![this.valueSlot(e)] = block;
    if (expireAt > 0) this.writeExpiry(e, expireAt);
    this.writeTypeAndLength(e, encoding, length);
    return e;
  }

  /** Links a fresh entry with room for an inline value, or with -1 for a ref to a value. */
  protected newEntry(
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    inlineLen: number,
    extended: boolean,
  ): Ref {
    const header = extended ? EXTENDED_HEADER : HEADER;
    const inline = inlineLen >= 0;
    const end = header + keyLen;
    const e = this.arena.alloc(inline ? end + 1 + inlineLen : ((end + 3) & ~3) + 8);
    const i32 = this.arena.i32[e >>> 15]!;
    const word = (e & 0x7fff) << 1;
    i32[word + 1] = this.space.freshAccess() << 8;
    i32[word + 2] = keyLen | (extended ? EXTENDED : 0) | (inline ? INLINE : 0);
    if (extended) i32[word + 3] = -1;
    copyBytes(key, keyOff, this.arena.u8[e >>> 15]!, (word << 2) + header, keyLen);
    try {
      this.dict.insert(this.root, this.hash, e);
    } catch (error) {
      this.arena.free(e);
      throw error;
    }
    return e;
  }

  /** Makes an existing entry hold a string of `valueLen` bytes; the old value may be lost. */
  protected roomFor(entry: Ref, valueLen: number, extended: boolean): Ref {
    let e = extended ? this.withExtendedHeader(entry) : entry;
    const keyWord = this.keyWord(e);
    const inline = valueLen <= INLINE_MAX;
    const end = this.keyEnd(e);
    if (inline && (keyWord & INLINE) !== 0) {
      e = this.reallocEntry(e, end, end + 1 + valueLen);
      this.arena.touch(e);
      return e;
    }
    if (!inline && (keyWord & INLINE) === 0 && this.typeOf(e) === ValueType.string) {
      this.growOutlined(e, 0, valueLen);
      this.arena.touch(e);
      return e;
    }
    // The old value goes last: when there is no room for the new one, it stays.
    const type = this.typeOf(e);
    const encoding = this.encodingOf(e);
    const old = this.valueRef(e);
    const fields = this.fieldsOf(e);
    const outlined = inline ? 0 : this.arena.alloc(valueLen);
    try {
      e = this.reallocEntry(e, end, inline ? end + 1 + valueLen : ((end + 3) & ~3) + 8);
    } catch (error) {
      if (outlined !== 0) this.arena.free(outlined);
      throw error;
    }
    if (fields !== 0) this.forgetFieldsAt(fields);
    this.freeValueAt(type, old, encoding);
    this.arena.touch(e);
    const i32 = this.arena.i32[e >>> 15]!;
    const word = (e & 0x7fff) << 1;
    i32[word + 2] = (i32[word + 2]! & ~INLINE) | (inline ? INLINE : 0);
    if (!inline) i32[((word << 2) + end + 3) >> 2] = outlined;
    return e;
  }

  /** Makes an entry's block hold `need` bytes, keeping the first `used`; it may move. */
  protected reallocEntry(entry: Ref, used: number, need: number): Ref {
    const capacity = this.arena.capacity(entry);
    if (need <= capacity && capacity <= need * 2 + 16) return entry;
    if (debugging) this.checkFound(entry);
    const e = this.arena.realloc(entry, used, need);
    if (e !== entry) {
      this.dict.replace(this.root, this.hash, entry, e);
      if (this.isVolatile(e)) this.expires.moved(this.heapIndex(e), e);
    }
    return e;
  }

  /** Sets type string, the encoding and the length field. The block was touched. */
  protected writeTypeAndLength(entry: Ref, encoding: number, length: number): void {
    const i32 = this.arena.i32[entry >>> 15]!;
    const word = (entry & 0x7fff) << 1;
    i32[word + 1] = (i32[word + 1]! & ~0xff) | ValueType.string | (encoding << 4);
    const keyWord = i32[word + 2]!;
    const end = (word << 2) + (keyWord < 0 ? EXTENDED_HEADER : HEADER) + (keyWord & KEY_LENGTH);
    if ((keyWord & INLINE) !== 0) this.arena.u8[entry >>> 15]![end] = length;
    else i32[((end + 3) >> 2) + 1] = length;
  }

  /** Moves an inline value of an entry to a block of its own with room for `length` bytes. */
  protected outline(entry: Ref, length: number): Ref {
    const outlined = this.arena.alloc(length);
    this.locateString(entry);
    const target = this.arena.u8[outlined >>> 15]!;
    copyBytes(this.valueBuf, this.valueOff, target, (outlined & 0x7fff) << 3, this.valueLen);
    const end = this.keyEnd(entry);
    let e: Ref;
    try {
      e = this.reallocEntry(entry, end, ((end + 3) & ~3) + 8);
    } catch (error) {
      this.arena.free(outlined);
      throw error;
    }
    this.arena.touch(e);
    const i32 = this.arena.i32[e >>> 15]!;
    const word = (e & 0x7fff) << 1;
    i32[word + 2] = i32[word + 2]! & ~INLINE;
    i32[((word << 2) + end + 3) >> 2] = outlined;
    return e;
  }

  protected growOutlined(entry: Ref, used: number, length: number): void {
    const value = this.valueRef(entry);
    const next = this.arena.realloc(value, Math.min(used, length), length);
    this.arena.touch(next);
    if (next === value) return;
    this.arena.touch(entry);
    const slot = (((entry & 0x7fff) << 3) + this.keyEnd(entry) + 3) >> 2;
    this.arena.i32[entry >>> 15]![slot] = next;
  }

  /** Gives an entry the extended header; the whole entry is copied once (it is small). */
  protected withExtendedHeader(entry: Ref): Ref {
    const keyWord = this.keyWord(entry);
    if (keyWord < 0) return entry;
    const keyLen = keyWord & KEY_LENGTH;
    const inline = (keyWord & INLINE) !== 0;
    const oldEnd = HEADER + keyLen;
    const newEnd = EXTENDED_HEADER + keyLen;
    const from = (entry & 0x7fff) << 3;
    const tail = inline ? 1 + this.arena.u8[entry >>> 15]![from + oldEnd]! : 8;
    const pad = inline ? 0 : ((newEnd + 3) & ~3) - newEnd;
    const e = this.arena.alloc(newEnd + pad + tail);
    const to = (e & 0x7fff) << 3;
    const source = this.arena.u8[entry >>> 15]!;
    const target = this.arena.u8[e >>> 15]!;
    copyBytes(source, from, target, to, HEADER);
    copyBytes(source, from + HEADER, target, to + EXTENDED_HEADER, keyLen);
    // HEADER and EXTENDED_HEADER differ by a multiple of 4, so the padding is the same in both.
    copyBytes(source, from + oldEnd + pad, target, to + newEnd + pad, tail);
    const i32 = this.arena.i32[e >>> 15]!;
    i32[(to >> 2) + 2] = keyWord | EXTENDED;
    i32[(to >> 2) + 3] = -1;
    if (debugging) this.checkFound(entry);
    this.dict.replace(this.root, this.hash, entry, e);
    this.arena.free(entry);
    this.entryMoved(e);
    return e;
  }

  protected writeExpiry(entry: Ref, expireAt: UnixMs): void {
    const at = (entry & 0x7fff) << 1;
    this.arena.touch(entry);
    const i32 = this.arena.i32[entry >>> 15]!;
    if (typeof expireAt === 'number') {
      i32[at + 4] = expireAt | 0;
      if (expireAt > 0xffffffff) i32[at + 4] = (expireAt % 0x100000000) | 0;
      i32[at + 5] = Math.floor(expireAt / 0x100000000);
    } else {
      i32[at + 4] = Number(BigInt.asIntN(32, expireAt));
      i32[at + 5] = Number(expireAt >> 32n);
    }
    const i = i32[at + 3]!;
    const whenMs = Number(expireAt);
    if (i < 0) this.expires.add(entry, whenMs);
    else this.expires.reschedule(i, whenMs);
    const { expiryEnabled, ownExpiry } = this.space;
    if (ownExpiry !== undefined && expiryEnabled) ownExpiry.add(this.index, this.keyOf(entry));
  }

  /** Throws when an entry is not the one of the find just made, whose hash is about to be used. */
  protected checkFound(entry: Ref): void {
    if (this.hash === this.dict.hashOfEntry(entry)) return;
    throw new Error('db: the entry is not that of the find just made');
  }

  protected freeValueOf(entry: Ref): void {
    this.freeValueAt(this.typeOf(entry), this.valueRef(entry), this.encodingOf(entry));
  }

  /** Frees the value that an entry's words told; `value` is 0 when it lay in the entry itself. */
  protected freeValueAt(type: number, value: Ref, encoding: number): void {
    if (value === 0) return;
    if (type === ValueType.string) this.arena.free(value);
    else this.space.freeValue(type, value, encoding);
  }

  /** Frees an entry that is in no table any more, with its value. */
  freeUnlinked(entry: Ref): void {
    this.freeValueOf(entry);
    this.arena.free(entry);
  }

  /** Tells who wants to know that a key is there now. */
  announceNewKey(key: Uint8Array, off: number, len: number): void {
    this.changes.happened(this, 'new', key, off, len);
  }

  /** Takes the time to live away. O(log n). */
  persist(entry: Ref): void {
    this.expires.removeAt(this.heapIndex(entry));
    this.arena.touch(entry);
    this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 3] = -1;
  }
}
