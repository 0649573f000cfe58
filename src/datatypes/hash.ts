/**
 * Hashes. Small ones are listpacks of field, value, field, value ...; larger ones dicts whose
 * entries hold both. A hash in which a field ever had a time to live has an extra block in front:
 *
 *     +0 int32 listpack (triplets: field, value, expiry in ms or 0) or dict
 *     +4 int32 ordered index of (expiry, entry), with a dict | +8 int32 the key's entry, keyspace's
 *     +12 int32 position in the keyspace's heap | +16 float64 the earliest expiry, Infinity for none
 *
 * `find` and the iterations leave the field in `field`, its value in `value`: views until the next
 * operation. Source: behaviour of redis-server 7.0.15; of 7.4 for times to live.
 */
import type { Ref } from '../memory/arena.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import { OrderedIndex, type Ties } from '../memory/ordered-index.ts';
import {
  isExtended,
  locateMember,
  newMember,
  numberOf,
  setNumber,
  TextRegister,
  tailOf,
} from './members.ts';
import { type Tools, Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

const EX_BYTES = 24;
/** Bit of an entry's key word: the value's length takes four bytes, not one. */
const LONG_VALUE = 0x40000000;
const SHORT_VALUE_MAX = 255;
const NEVER = Number.POSITIVE_INFINITY;

/** Orders index elements of equal expiry by ref. */
class ByRef implements Ties {
  probe: Ref = 0;

  compareProbe(ref: Ref): number {
    return this.probe - ref;
  }
}

export class HashValue extends Value {
  readonly type = ValueType.hash;
  readonly field = new TextRegister();
  readonly value = new TextRegister();
  /** What `find` found: a position in the listpack or an entry. */
  private at = 0;
  /** The listpack or the dict's root. */
  private body: Ref = 0;
  private stride = 2;
  private readonly fieldText = new ListpackEntry();
  private readonly valueText = new ListpackEntry();
  private readonly byRef = new ByRef();
  private readonly index: OrderedIndex;

  constructor(tools: Tools) {
    super(tools);
    this.index = new OrderedIndex(tools.arena, this.byRef);
  }

  /** An empty hash; the next `become` makes it a key's. */
  create(): void {
    this.openDetached(this.tools.listpack.create(16), Encoding.listpack);
  }

  get isListpack(): boolean {
    return this.encoding === Encoding.listpack || this.encoding === Encoding.listpackEx;
  }

  /** Whether fields may have a time to live. */
  get isEx(): boolean {
    return this.encoding === Encoding.listpackEx || this.encoding === Encoding.hashtableEx;
  }

  get size(): number {
    if (!this.isListpack) return this.tools.dict.size(this.body);
    return this.tools.listpack.count(this.body) / this.stride;
  }

  protected override opened(): void {
    this.body = this.isEx ? this.word(this.ref, 0) : this.ref;
    this.stride = this.encoding === Encoding.listpackEx ? 3 : 2;
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Looks for a field; when there is one, `value` is its value. O(1), O(n) in a listpack. */
  find(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.isListpack) {
      const { dict } = this.tools;
      this.at = dict.find(this.body, dict.hash(buf, off, len), buf, off, len);
      if (this.at !== 0) this.locateEntryValue(this.at);
      return this.at !== 0;
    }
    const { listpack } = this.tools;
    this.at = listpack.find(this.body, listpack.first(this.body), this.stride, buf, off, len);
    if (this.at !== 0) this.locateListpackValue(this.at);
    return this.at !== 0;
  }

  /** Calls `emit` for each field with `field` and `value` set; it must not write. O(n). */
  forEach(emit: () => void): void {
    if (!this.isListpack) {
      this.tools.dict.forEach(this.body, (entry) => {
        this.locateEntry(entry);
        emit();
      });
      return;
    }
    const u8 = this.arena.u8[this.body >>> 15]!;
    const start = (this.body & 0x7fff) << 3;
    const end = start + this.tools.listpack.end(this.body);
    let p = start + 6;
    while (p < end) {
      this.fieldText.locate(u8, p);
      copyText(this.field, this.fieldText);
      p += this.fieldText.sizeAt(u8, p);
      this.valueText.locate(u8, p);
      copyText(this.value, this.valueText);
      p += this.valueText.sizeAt(u8, p);
      if (this.stride === 3) p += this.valueText.sizeAt(u8, p);
      emit();
    }
  }

  /** One HSCAN step; a listpack comes whole. `emit` must not write. Returns the next cursor. */
  scan(cursor: number, emit: () => void): number {
    if (this.isListpack) {
      this.forEach(emit);
      return 0;
    }
    return this.tools.dict.scan(this.body, cursor, (entry) => {
      this.locateEntry(entry);
      emit();
    });
  }

  /** Goes to a uniformly chosen field of a hash that is not empty; returns what names it. */
  seekRandom(): number {
    const { dict, listpack, random } = this.tools;
    if (!this.isListpack) {
      const entry = dict.random(this.body, random);
      this.locateEntry(entry);
      return entry;
    }
    const p = listpack.seek(this.body, Math.floor(random() * this.size) * this.stride);
    this.locateListpack(p);
    return p;
  }

  /** What names every field, for `seekTo`. O(n). */
  places(): number[] {
    const places: number[] = [];
    if (!this.isListpack) {
      this.tools.dict.forEach(this.body, (entry) => {
        places.push(entry);
      });
      return places;
    }
    const { listpack } = this.tools;
    let p = listpack.first(this.body);
    while (p !== 0) {
      places.push(p);
      for (let i = 0; i < this.stride; i++) p = listpack.next(this.body, p);
    }
    return places;
  }

  /** Goes to a field named by `seekRandom` or `places`. */
  seekTo(place: number): void {
    if (this.isListpack) this.locateListpack(place);
    else this.locateEntry(place);
  }

  /** When the field found last expires, ms since the epoch; 0 when it does not. */
  get fieldExpiry(): number {
    return this.expiryAt(this.at);
  }

  /** The earliest time at which a field expires; Infinity when none does. O(1). */
  get nextExpiry(): number {
    if (!this.isEx) return NEVER;
    return this.arena.f64[this.ref >>> 15]![(this.ref & 0x7fff) + 2]!;
  }

  // ---- writing -----------------------------------------------------------------------------

  /**
   * Sets a field; the texts may lie anywhere but in this hash. Its time to live goes unless
   * `keepTtl`. Returns whether the field is new. O(1), O(bytes) in a listpack.
   */
  set(
    fieldBuf: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    buf: Uint8Array,
    off: number,
    len: number,
    keepTtl = false,
  ): boolean {
    if (this.isListpack) {
      const most = this.tools.limits.hashListpackValue;
      if (fieldLen <= most && len <= most) {
        return this.setInListpack(fieldBuf, fieldOff, fieldLen, buf, off, len, keepTtl);
      }
      this.toTable();
    }
    return this.setInTable(fieldBuf, fieldOff, fieldLen, buf, off, len, keepTtl);
  }

  /** Removes a field. Returns whether it was there. */
  delete(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.find(buf, off, len)) return false;
    this.deleteFound();
    return true;
  }

  /** Removes the field that `find` has just found. */
  deleteFound(): void {
    if (this.isListpack) {
      const had = this.isEx && this.expiryAt(this.at) > 0;
      this.setBody(this.tools.listpack.remove(this.body, this.at, this.stride));
      if (had) this.updateNextExpiry();
      return;
    }
    this.removeEntry(this.at);
  }

  private setInListpack(
    fieldBuf: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    buf: Uint8Array,
    off: number,
    len: number,
    keepTtl: boolean,
  ): boolean {
    const { listpack, limits } = this.tools;
    const { body } = this;
    const p = listpack.find(body, listpack.first(body), this.stride, fieldBuf, fieldOff, fieldLen);
    if (p !== 0) {
      const hadTtl = this.stride === 3 && !keepTtl && this.expiryAt(p) > 0;
      this.setBody(listpack.replace(body, listpack.next(body, p), buf, off, len));
      this.at = p;
      if (hadTtl) this.setExpiry(0);
      return false;
    }
    let next = listpack.append(body, fieldBuf, fieldOff, fieldLen);
    next = listpack.append(next, buf, off, len);
    if (this.stride === 3) next = listpack.appendInt(next, 0);
    this.setBody(next);
    if (this.size > limits.hashListpackEntries) this.toTable();
    return true;
  }

  private setInTable(
    fieldBuf: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    buf: Uint8Array,
    off: number,
    len: number,
    keepTtl: boolean,
  ): boolean {
    const { dict } = this.tools;
    const hash = dict.hash(fieldBuf, fieldOff, fieldLen);
    const old = dict.find(this.body, hash, fieldBuf, fieldOff, fieldLen);
    if (old === 0) {
      const entry = this.newEntry(fieldBuf, fieldOff, fieldLen, false, buf, off, len);
      dict.insert(this.body, hash, entry);
      return true;
    }
    const expiry = this.expiryAt(old);
    if (expiry > 0 && !keepTtl) this.unindex(old);
    const extended = expiry > 0 && keepTtl;
    if (this.overwrite(old, extended, buf, off, len)) return false;
    const entry = this.newEntry(fieldBuf, fieldOff, fieldLen, extended, buf, off, len);
    this.putInPlace(hash, old, entry);
    if (extended) {
      this.unindex(old);
      this.addToIndex(entry, expiry);
    }
    this.arena.free(old);
    return false;
  }

  /** Links an entry in the place of another one of the same field. */
  private putInPlace(hash: number, from: Ref, to: Ref): void {
    this.setWord(to, 0, this.word(from, 0));
    this.tools.dict.replace(this.body, hash, from, to);
  }

  /** Writes a value over the one of an entry if it fits there without waste. */
  private overwrite(
    entry: Ref,
    extended: boolean,
    buf: Uint8Array,
    off: number,
    len: number,
  ): boolean {
    if (isExtended(this.arena, entry) !== extended) return false;
    const start = (entry & 0x7fff) << 3;
    const tail = tailOf(this.arena, entry) - start;
    const need = tail + valueBytes(len);
    const capacity = this.arena.capacity(entry);
    if (need > capacity || capacity > need * 2 + 16) return false;
    this.arena.touch(entry);
    this.writeValue(entry, buf, off, len);
    return true;
  }

  private newEntry(
    fieldBuf: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    extended: boolean,
    buf: Uint8Array,
    off: number,
    len: number,
  ): Ref {
    const { arena } = this;
    const entry = newMember(arena, fieldBuf, fieldOff, fieldLen, extended, valueBytes(len));
    this.writeValue(entry, buf, off, len);
    return entry;
  }

  /** The entry was touched and has room. */
  private writeValue(entry: Ref, buf: Uint8Array, off: number, len: number): void {
    const i32 = this.arena.i32[entry >>> 15]!;
    const word = ((entry & 0x7fff) << 1) + 2;
    const u8 = this.arena.u8[entry >>> 15]!;
    let p = tailOf(this.arena, entry);
    if (len <= SHORT_VALUE_MAX) {
      i32[word]! &= ~LONG_VALUE;
      u8[p++] = len;
    } else {
      i32[word]! |= LONG_VALUE;
      u8[p] = len;
      u8[p + 1] = len >> 8;
      u8[p + 2] = len >> 16;
      u8[p + 3] = len >> 24;
      p += 4;
    }
    if (len < 48) for (let i = 0; i < len; i++) u8[p + i] = buf[off + i]!;
    else u8.set(buf.subarray(off, off + len), p);
  }

  private removeEntry(entry: Ref): void {
    const { dict } = this.tools;
    if (this.expiryAt(entry) > 0) this.unindex(entry);
    dict.unlinkEntry(this.body, dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
  }

  // ---- times to live -----------------------------------------------------------------------

  /** Sets when the field found last expires; 0 takes its time to live away. O(log n). */
  setExpiry(whenMs: number): void {
    if (!this.isEx) {
      if (whenMs === 0) return;
      this.toEx();
    }
    if (this.isListpack) {
      const { listpack } = this.tools;
      const p = listpack.next(this.body, listpack.next(this.body, this.at));
      this.setBody(listpack.replaceInt(this.body, p, whenMs));
      this.updateNextExpiry();
      return;
    }
    const before = this.expiryAt(this.at);
    if (before > 0) this.unindex(this.at);
    if (whenMs === 0) return;
    this.at = this.extended(this.at);
    this.addToIndex(this.at, whenMs);
  }

  /**
   * Removes at most `max` fields that are due, each after `emit` was told with `field` set (it must
   * not write). Returns how many were removed.
   */
  expireDue(nowMs: number, max: number, emit: () => void): number {
    let removed = 0;
    while (removed < max && this.nextExpiry < nowMs) {
      this.at = this.isListpack ? this.firstDue(nowMs) : this.firstIndexed();
      if (this.isListpack) this.locateListpack(this.at);
      else this.locateEntry(this.at);
      emit();
      this.deleteFound();
      removed++;
    }
    return removed;
  }

  private expiryAt(at: number): number {
    if (!this.isEx) return 0;
    if (!this.isListpack) {
      return isExtended(this.arena, at) ? numberOf(this.arena, at) : 0;
    }
    const { listpack } = this.tools;
    const p = listpack.next(this.body, listpack.next(this.body, at));
    return Number(listpack.integer(this.body, p));
  }

  private firstDue(nowMs: number): number {
    const { listpack } = this.tools;
    let p = listpack.first(this.body);
    while (p !== 0) {
      const expiry = this.expiryAt(p);
      if (expiry > 0 && expiry < nowMs) return p;
      for (let i = 0; i < 3; i++) p = listpack.next(this.body, p);
    }
    throw new Error('hash: no field is due');
  }

  private firstIndexed(): Ref {
    this.index.seekFirst(this.word(this.ref, 1));
    return this.index.entry;
  }

  /** A copy of an entry with room for its expiry, in the entry's place. */
  private extended(entry: Ref): Ref {
    if (isExtended(this.arena, entry)) return entry;
    const { dict } = this.tools;
    this.locateEntry(entry);
    const { field, value } = this;
    const { buf, off, len } = value;
    const to = this.newEntry(field.buf, field.off, field.len, true, buf, off, len);
    this.putInPlace(dict.hashOfEntry(entry), entry, to);
    this.arena.free(entry);
    return to;
  }

  private addToIndex(entry: Ref, whenMs: number): void {
    this.arena.touch(entry);
    setNumber(this.arena, entry, whenMs);
    this.byRef.probe = entry;
    this.index.insert(this.word(this.ref, 1), whenMs, entry);
    this.updateNextExpiry();
  }

  /** Takes an entry's time to live away. */
  private unindex(entry: Ref): void {
    this.byRef.probe = entry;
    this.index.remove(this.word(this.ref, 1), numberOf(this.arena, entry));
    this.arena.touch(entry);
    setNumber(this.arena, entry, 0);
    this.updateNextExpiry();
  }

  private updateNextExpiry(): void {
    let next = NEVER;
    if (this.isListpack) {
      const { listpack } = this.tools;
      let p = listpack.first(this.body);
      while (p !== 0) {
        const expiry = this.expiryAt(p);
        if (expiry > 0 && expiry < next) next = expiry;
        for (let i = 0; i < 3; i++) p = listpack.next(this.body, p);
      }
    } else {
      const root = this.word(this.ref, 1);
      this.index.seekFirst(root);
      if (this.index.leaf !== 0) next = this.index.score;
    }
    this.arena.touch(this.ref);
    this.arena.f64[this.ref >>> 15]![(this.ref & 0x7fff) + 2] = next;
  }

  /** Makes room for times to live. */
  private toEx(): void {
    const wasListpack = this.isListpack;
    const found = this.at;
    const fieldNumber = wasListpack ? this.fieldNumber(found) : 0;
    const index = wasListpack ? 0 : this.index.create();
    const body = wasListpack ? this.toTriplets() : this.body;
    const root = this.arena.alloc(EX_BYTES);
    this.setWord(root, 0, body);
    this.setWord(root, 1, index);
    this.setWord(root, 2, 0);
    this.setWord(root, 3, -1);
    this.arena.f64[root >>> 15]![(root & 0x7fff) + 2] = NEVER;
    this.become(root, wasListpack ? Encoding.listpackEx : Encoding.hashtableEx);
    this.opened();
    this.at = wasListpack ? this.tools.listpack.seek(body, fieldNumber * 3) : found;
  }

  private fieldNumber(position: number): number {
    const { listpack } = this.tools;
    let n = 0;
    for (let p = listpack.first(this.body); p !== position; p = listpack.next(this.body, p)) n++;
    return n / this.stride;
  }

  private toTriplets(): Ref {
    const { listpack } = this.tools;
    let ref = this.body;
    for (let p = listpack.first(ref); p !== 0; ) {
      const value = listpack.next(ref, p);
      const next = listpack.next(ref, value);
      if (next === 0) return listpack.appendInt(ref, 0);
      ref = listpack.insertInt(ref, next, 0);
      p = listpack.next(ref, next);
    }
    return ref;
  }

  // ---- representation ----------------------------------------------------------------------

  /** From a listpack to a dict. O(n). */
  private toTable(): void {
    const { dict } = this.tools;
    const root = dict.create();
    const due: [Ref, number][] = [];
    let p = this.tools.listpack.first(this.body);
    while (p !== 0) {
      this.locateListpack(p);
      const { field, value } = this;
      const expiry = this.expiryAt(p);
      const { buf, off, len } = field;
      const entry = this.newEntry(buf, off, len, expiry > 0, value.buf, value.off, value.len);
      dict.insert(root, dict.hash(buf, off, len), entry);
      if (expiry > 0) due.push([entry, expiry]);
      for (let i = 0; i < this.stride; i++) p = this.tools.listpack.next(this.body, p);
    }
    this.arena.free(this.body);
    if (!this.isEx) {
      this.become(root, Encoding.hashtable);
      this.opened();
      return;
    }
    const index = this.index.create();
    this.arena.touch(this.ref);
    this.setWord(this.ref, 0, root);
    this.setWord(this.ref, 1, index);
    this.become(this.ref, Encoding.hashtableEx);
    this.opened();
    for (const [entry, expiry] of due) this.addToIndex(entry, expiry);
  }

  private setBody(body: Ref): void {
    if (body === this.body) return;
    this.body = body;
    if (!this.isEx) this.become(body, this.encoding);
    else {
      this.arena.touch(this.ref);
      this.setWord(this.ref, 0, body);
    }
  }

  private locateListpack(p: number): void {
    const u8 = this.arena.u8[this.body >>> 15]!;
    this.fieldText.locate(u8, ((this.body & 0x7fff) << 3) + p);
    copyText(this.field, this.fieldText);
    this.locateListpackValue(p);
  }

  private locateListpackValue(p: number): void {
    const u8 = this.arena.u8[this.body >>> 15]!;
    const at = ((this.body & 0x7fff) << 3) + p;
    this.valueText.locate(u8, at + this.valueText.sizeAt(u8, at));
    copyText(this.value, this.valueText);
  }

  private locateEntry(entry: Ref): void {
    locateMember(this.arena, entry, this.field);
    this.locateEntryValue(entry);
  }

  private locateEntryValue(entry: Ref): void {
    const { value } = this;
    const u8 = this.arena.u8[entry >>> 15]!;
    const p = tailOf(this.arena, entry);
    value.buf = u8;
    if ((this.word(entry, 2) & LONG_VALUE) === 0) {
      value.len = u8[p]!;
      value.off = p + 1;
    } else {
      value.len = (u8[p]! | (u8[p + 1]! << 8) | (u8[p + 2]! << 16) | (u8[p + 3]! << 24)) >>> 0;
      value.off = p + 4;
    }
  }

  // ---- whole values ------------------------------------------------------------------------

  override freeSome(ref: Ref, encoding: number, max: number): Ref {
    this.openDetached(ref, encoding);
    if (this.isListpack) {
      this.arena.free(this.body);
      if (this.isEx) this.arena.free(ref);
      return 0;
    }
    const { dict } = this.tools;
    if (this.isEx) {
      const index = this.word(ref, 1);
      if (index !== 0) {
        if (!this.index.clearStep(index, max)) this.setWord(ref, 1, 0);
        return ref;
      }
    }
    if (dict.clearStep(this.body, (entry) => this.arena.free(entry), max)) return ref;
    dict.destroy(this.body);
    if (this.isEx) this.arena.free(ref);
    return 0;
  }

  override clone(): Ref {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.listpack)
      return this.cloneBlock(this.ref, listpack.bytes(this.ref));
    if (this.encoding === Encoding.listpackEx) {
      const root = this.cloneBlock(this.ref, EX_BYTES);
      this.setWord(root, 0, this.cloneBlock(this.body, listpack.bytes(this.body)));
      this.setWord(root, 3, -1);
      return root;
    }
    const copy = new HashValue(this.tools);
    copy.openDetached(dict.create(), Encoding.hashtable);
    dict.forEach(this.body, (entry) => {
      this.locateEntry(entry);
      const { field, value } = this;
      copy.set(field.buf, field.off, field.len, value.buf, value.off, value.len);
      const expiry = this.expiryAt(entry);
      if (expiry > 0 && copy.find(field.buf, field.off, field.len)) copy.setExpiry(expiry);
    });
    if (this.isEx && !copy.isEx) copy.toEx();
    return copy.ref;
  }

  override memory(): number {
    const { arena } = this;
    const root = this.isEx ? arena.capacity(this.ref) : 0;
    if (this.isListpack) return root + arena.capacity(this.body);
    let total = root + this.tools.dict.memory(this.body);
    this.tools.dict.forEach(this.body, (entry) => {
      total += arena.capacity(entry);
    });
    const index = this.isEx ? this.word(this.ref, 1) : 0;
    return index === 0 ? total : total + this.index.memory(index);
  }

  override checkInvariants(): void {
    if (!this.isListpack) {
      this.tools.dict.checkInvariants(this.body);
      if (this.isEx) this.index.checkInvariants(this.word(this.ref, 1));
    } else if (this.tools.listpack.count(this.body) % this.stride !== 0) {
      throw new Error('hash: a field without a value');
    }
  }
}

function valueBytes(len: number): number {
  return len + (len <= SHORT_VALUE_MAX ? 1 : 4);
}

function copyText(to: TextRegister, from: ListpackEntry): void {
  to.buf = from.buf;
  to.off = from.off;
  to.len = from.len;
}
