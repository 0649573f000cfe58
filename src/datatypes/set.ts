/**
 * Sets. Members that are all integers are an intset while few, other small sets a listpack, larger
 * ones a dict whose entries are the members. Reads leave a member's text in `member`: a view until
 * the next operation.
 * Source: behaviour of redis-server 7.0.15; of 7.2 for listpacks.
 */
import type { Ref } from '../memory/arena.ts';
import { DictFiller } from '../memory/dict-filler.ts';
import { Intset } from '../memory/intset.ts';
import { LISTPACK_HEADER } from '../memory/listpack.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import { parseInt64, writeInt } from '../util/numbers.ts';
import { locateMember, moveMembers, newMember, TextRegister } from './members.ts';
import { type Tools, Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

const TWO_32 = 0x100000000;

export class SetValue extends Value {
  readonly type = ValueType.set;
  /** The member read last. */
  readonly member = new TextRegister();
  private readonly intset: Intset;
  private readonly text = new ListpackEntry();
  private readonly digits = new Uint8Array(24);
  private filler: DictFiller | undefined;
  /** The table that `addLater` adds to; 0 when there is none. */
  private filling: Ref = 0;
  /** The integer parsed last. */
  private high = 0;
  private low = 0;

  constructor(tools: Tools) {
    super(tools);
    this.intset = new Intset(tools.arena);
  }

  /** An empty set in the representation that suits its first member and the number to come. */
  createFor(buf: Uint8Array, off: number, len: number, expected = 1): void {
    const { limits, listpack, dict } = this.tools;
    if (expected <= limits.setIntsetEntries && this.parse(buf, off, len)) {
      this.openDetached(this.intset.create(), Encoding.intset);
    } else if (expected <= limits.setListpackEntries) {
      this.openDetached(listpack.create(16), Encoding.listpack);
    } else {
      this.openDetached(dict.create(), Encoding.hashtable);
      dict.reserve(this.ref, expected);
    }
  }

  override open(block: Ref, slot: number): void {
    this.openAt(block, slot);
  }

  override moveIfSparse(): void {
    if (this.encoding === Encoding.hashtable) {
      this.become(moveMembers(this.tools, this.ref), this.encoding);
    } else super.moveIfSparse();
  }

  override forget(): void {
    this.member.forget();
    this.text.forget();
  }

  /** Whether `addLater` may be used: of a table only. */
  get takesLater(): boolean {
    return this.encoding === Encoding.hashtable;
  }

  /**
   * Adds a member to a set that `takesLater`. Returns false when a member was found to be there
   * already, this one or one of those before it: then the set is good for nothing but `freeSome`.
   */
  addLater(buf: Uint8Array, off: number, len: number): boolean {
    this.filler ??= new DictFiller(this.arena, this.tools.dict);
    if (this.filling !== this.ref) {
      this.filling = this.ref;
      this.filler.begin(this.ref);
    }
    return this.filler.add(newMember(this.arena, buf, off, len, false, 0));
  }

  /** Ends what `addLater` began; false as there. */
  finish(): boolean {
    if (this.filling === 0) return true;
    this.filling = 0;
    return this.filler!.flush();
  }

  get size(): number {
    if (this.encoding === Encoding.hashtable) return this.tools.dict.size(this.ref);
    if (this.encoding === Encoding.intset) return this.intset.count(this.ref);
    return this.tools.listpack.count(this.ref);
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Whether a text is a member. O(1), O(log n) in an intset, O(n) in a listpack. */
  has(buf: Uint8Array, off: number, len: number): boolean {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.hashtable) {
      return dict.find(this.ref, dict.hash(buf, off, len), buf, off, len) !== 0;
    }
    if (this.encoding === Encoding.intset) {
      return this.parse(buf, off, len) && this.intset.find(this.ref, this.high, this.low) >= 0;
    }
    return listpack.find(this.ref, listpack.first(this.ref), 1, buf, off, len) !== 0;
  }

  /**
   * Calls `emit` with `member` set for each member until it answers false; it must not write. O(n).
   */
  some(emit: () => boolean): void {
    if (this.encoding === Encoding.hashtable) {
      this.tools.dict.some(this.ref, (entry) => {
        locateMember(this.arena, entry, this.member);
        return emit();
      });
      return;
    }
    const { size } = this;
    if (this.encoding === Encoding.intset) {
      for (let i = 0; i < size; i++) {
        this.readInt(i);
        if (!emit()) return;
      }
      return;
    }
    const { text } = this;
    const u8 = this.arena.u8[this.ref >>> 15]!;
    let p = ((this.ref & 0x7fff) << 3) + LISTPACK_HEADER;
    for (let i = 0; i < size; i++) {
      text.locate(u8, p);
      this.member.set(this.text);
      p += text.sizeAt(u8, p);
      if (!emit()) return;
    }
  }

  /** Calls `emit` with `member` set for each member; it must not write. O(n). */
  forEach(emit: () => void): void {
    this.some(() => {
      emit();
      return true;
    });
  }

  /** One SSCAN step; a small set comes whole. `emit` must not write. Returns the next cursor. */
  scan(cursor: number, emit: () => void): number {
    if (this.encoding !== Encoding.hashtable) {
      this.forEach(emit);
      return 0;
    }
    return this.tools.dict.scan(this.ref, cursor, (entry) => {
      locateMember(this.arena, entry, this.member);
      emit();
    });
  }

  /** Goes to a uniformly chosen member of a set that is not empty; returns what names it. */
  seekRandom(): number {
    const { dict, listpack, random } = this.tools;
    let place: number;
    if (this.encoding === Encoding.hashtable) place = dict.random(this.ref, random);
    else {
      place = Math.floor(random() * this.size);
      if (this.encoding === Encoding.listpack) place = listpack.seek(this.ref, place);
    }
    this.seekTo(place);
    return place;
  }

  /** Goes to a member named by `seekRandom` or `places` since the last write. */
  seekTo(place: number): void {
    if (this.encoding === Encoding.hashtable) locateMember(this.arena, place, this.member);
    else if (this.encoding === Encoding.intset) this.readInt(place);
    else {
      this.text.locate(this.arena.u8[this.ref >>> 15]!, ((this.ref & 0x7fff) << 3) + place);
      this.member.set(this.text);
    }
  }

  /** What names every member, for `seekTo`. O(n). */
  places(): number[] {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.intset) {
      return Array.from({ length: this.size }, (_, i) => i);
    }
    const places: number[] = [];
    if (this.encoding === Encoding.hashtable) {
      dict.forEach(this.ref, (entry) => {
        places.push(entry);
      });
    } else {
      for (let p = listpack.first(this.ref); p !== 0; p = listpack.next(this.ref, p)) {
        places.push(p);
      }
    }
    return places;
  }

  // ---- writing -----------------------------------------------------------------------------

  /** Adds a member; the text may lie anywhere but in this set. Returns whether it is new. */
  add(buf: Uint8Array, off: number, len: number): boolean {
    const { dict, limits, listpack } = this.tools;
    if (this.encoding === Encoding.intset) {
      if (this.parse(buf, off, len)) return this.addInt();
      const { size } = this;
      const small = size < limits.setListpackEntries && len <= limits.setListpackValue;
      if (small && this.intTextMax() <= limits.setListpackValue) this.toListpack();
      else this.toTable();
    }
    if (this.encoding === Encoding.listpack) {
      if (listpack.find(this.ref, listpack.first(this.ref), 1, buf, off, len) !== 0) return false;
      if (this.size < limits.setListpackEntries && len <= limits.setListpackValue) {
        this.become(listpack.append(this.ref, buf, off, len), Encoding.listpack);
        return true;
      }
      this.toTable();
    }
    const hash = dict.hash(buf, off, len);
    if (dict.find(this.ref, hash, buf, off, len) !== 0) return false;
    dict.insert(this.ref, hash, newMember(this.arena, buf, off, len, false, 0));
    return true;
  }

  /** Removes a member. Returns whether it was there. */
  delete(buf: Uint8Array, off: number, len: number): boolean {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.hashtable) {
      const hash = dict.hash(buf, off, len);
      const entry = dict.find(this.ref, hash, buf, off, len);
      if (entry === 0) return false;
      dict.unlinkEntry(this.ref, hash, entry);
      this.arena.free(entry);
      return true;
    }
    if (this.encoding === Encoding.intset) {
      if (!this.parse(buf, off, len)) return false;
      const i = this.intset.find(this.ref, this.high, this.low);
      if (i < 0) return false;
      this.become(this.intset.removeAt(this.ref, i), Encoding.intset);
      return true;
    }
    const p = listpack.find(this.ref, listpack.first(this.ref), 1, buf, off, len);
    if (p === 0) return false;
    this.become(listpack.remove(this.ref, p, 1), Encoding.listpack);
    return true;
  }

  /** Removes what `seekRandom` has just returned. */
  deleteAt(at: number): void {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.hashtable) {
      dict.unlinkRandom(this.ref, at);
      this.arena.free(at);
    } else if (this.encoding === Encoding.intset) {
      this.become(this.intset.removeAt(this.ref, at), Encoding.intset);
    } else this.become(listpack.remove(this.ref, at, 1), Encoding.listpack);
  }

  private addInt(): boolean {
    const { limits } = this.tools;
    const place = this.intset.find(this.ref, this.high, this.low);
    if (place >= 0) return false;
    const to = this.intset.insert(this.ref, place, this.high, this.low);
    this.become(to, Encoding.intset);
    if (this.size > limits.setIntsetEntries) this.toTable();
    return true;
  }

  // ---- inside ------------------------------------------------------------------------------

  /** Reads a text as a 64-bit integer into high and low; false when it is none. */
  private parse(buf: Uint8Array, off: number, len: number): boolean {
    const value = parseInt64(buf, off, len);
    if (value === undefined) return false;
    if (typeof value === 'number') {
      this.high = Math.floor(value / TWO_32);
      this.low = (value - this.high * TWO_32) | 0;
    } else {
      this.high = Number(value >> 32n);
      this.low = Number(BigInt.asIntN(32, value));
    }
    return true;
  }

  /** Points `member` at the digits of integer i of the intset. */
  private readInt(i: number): void {
    const { intset, member, digits } = this;
    intset.read(this.ref, i);
    const value = intset.high * TWO_32 + (intset.low >>> 0);
    member.buf = digits;
    member.off = 0;
    if (Number.isSafeInteger(value)) {
      member.len = writeInt(digits, 0, value);
      return;
    }
    const text = ((BigInt(intset.high) << 32n) | BigInt(intset.low >>> 0)).toString();
    for (let k = 0; k < text.length; k++) digits[k] = text.charCodeAt(k);
    member.len = text.length;
  }

  /** Length of the longest integer's text: of the first or the last. */
  private intTextMax(): number {
    const { size } = this;
    if (size === 0) return 0;
    this.readInt(0);
    const first = this.member.len;
    this.readInt(size - 1);
    return Math.max(first, this.member.len);
  }

  private toListpack(): void {
    const { listpack } = this.tools;
    let to = listpack.create(16);
    this.forEach(() => {
      to = listpack.append(to, this.member.buf, this.member.off, this.member.len);
    });
    this.arena.free(this.ref);
    this.become(to, Encoding.listpack);
  }

  private toTable(): void {
    const { dict } = this.tools;
    const to = dict.create();
    this.forEach(() => {
      const { buf, off, len } = this.member;
      dict.insert(to, dict.hash(buf, off, len), newMember(this.arena, buf, off, len, false, 0));
    });
    this.arena.free(this.ref);
    this.become(to, Encoding.hashtable);
  }

  // ---- whole values ------------------------------------------------------------------------

  override freeSome(ref: Ref, encoding: number, max: number): Ref {
    const { dict } = this.tools;
    if (this.filling === ref && ref !== 0) {
      this.filling = 0;
      this.filler!.discard();
    }
    if (encoding === Encoding.hashtable) {
      if (dict.clearStep(ref, (entry) => this.arena.free(entry), max)) return ref;
      dict.destroy(ref);
    } else this.arena.free(ref);
    return 0;
  }

  override clone(): Ref {
    const { dict, listpack } = this.tools;
    if (this.encoding === Encoding.listpack) {
      return this.cloneBlock(this.ref, listpack.bytes(this.ref));
    }
    if (this.encoding === Encoding.intset) {
      return this.cloneBlock(this.ref, this.intset.view(this.ref).length);
    }
    const to = dict.create();
    this.forEach(() => {
      const { buf, off, len } = this.member;
      dict.insert(to, dict.hash(buf, off, len), newMember(this.arena, buf, off, len, false, 0));
    });
    return to;
  }

  override memory(): number {
    if (this.encoding !== Encoding.hashtable) return this.arena.capacity(this.ref);
    let total = this.tools.dict.memory(this.ref);
    this.tools.dict.forEach(this.ref, (entry) => {
      total += this.arena.capacity(entry);
    });
    return total;
  }

  override checkInvariants(): void {
    if (this.encoding === Encoding.hashtable) this.tools.dict.checkInvariants(this.ref);
    else if (this.encoding === Encoding.intset) {
      if (!Intset.isValid(this.intset.view(this.ref)))
        throw new Error('set: the intset is unsound');
    }
  }
}
