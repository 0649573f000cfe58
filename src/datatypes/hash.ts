/**
 * Hashes. Small ones are listpacks of field, value, field, value ...; larger ones dicts of entries
 * (src/datatypes/hash-entry.ts). A hash in which a field ever had a time to live is "ex": it has an
 * extra block in front (src/datatypes/field-deadlines.ts), and its listpack holds triplets of
 * field, value, expiry in ms or 0.
 *
 * `find` and the iterations leave the field in `field`, its value in `value`: views until the next
 * operation. Whoever changed an ex hash asks for `nextExpiry` before the cursor goes elsewhere;
 * Db.fieldsChanged does. Source: behaviour of redis-server 7.0.15; of 7.4 for times to live.
 */
import type { Ref } from '../memory/arena.ts';
import { DictFiller } from '../memory/dict-filler.ts';
import { LISTPACK_HEADER } from '../memory/listpack.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import type { Args } from '../util/args.ts';
import { FieldDeadlines, NEVER } from './field-deadlines.ts';
import type { FieldChange, FieldLog } from './field-log.ts';
import { locateValue, newHashEntry, overwriteValue } from './hash-entry.ts';
import { isExtended, locateMember, moveMembers, numberOf, TextRegister } from './members.ts';
import { sendElements, type TextSink } from './text-sink.ts';
import { type Text, type Tools, Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

/** More than a listpack holds. */
const TEXTS_MAX = 0x3fffffff;

export class HashValue extends Value {
  readonly type = ValueType.hash;
  readonly field = new TextRegister();
  readonly value = new TextRegister();
  /** Where changed fields are noted, if anywhere. */
  log: FieldLog | undefined = undefined;
  /** The field found or passed last: a position in the listpack or an entry. */
  private at = 0;
  /** The listpack or the dict's root. */
  private body: Ref = 0;
  private stride = 2;
  /** The earliest expiry of a listpack may be later than the one noted. */
  private nextIsStale = false;
  private readonly fieldText = new ListpackEntry();
  private readonly valueText = new ListpackEntry();
  private filler: DictFiller | undefined;
  /** The body that `addLater` adds to; 0 when there is none. */
  private filling: Ref = 0;
  /** When fields expire; the keyspace notes in its blocks which key a hash belongs to. */
  readonly deadlines: FieldDeadlines;

  constructor(tools: Tools) {
    super(tools);
    this.deadlines = new FieldDeadlines(tools.arena);
  }

  /** An empty hash; the next `become` makes it a key's. */
  create(): void {
    this.log?.clear();
    this.openDetached(this.tools.listpack.create(16), Encoding.listpack);
  }

  /**
   * As `create`, with room for so many fields to come: those that are many go to a table at once.
   */
  createFor(fields: number): void {
    if (fields <= this.tools.limits.hashListpackEntries) {
      this.create();
      return;
    }
    const { dict } = this.tools;
    this.log?.clear();
    this.openDetached(dict.create(), Encoding.hashtable);
    dict.reserve(this.body, fields);
  }

  /** Fills a table that `createFor` made: `addLater` for each field, `finish` at the end. */
  get takesLater(): boolean {
    return this.encoding === Encoding.hashtable;
  }

  /**
   * Adds a field to a hash that `takesLater`. Returns false when a field was found to be there
   * already, this one or one of those before it: then the hash is good for nothing but `freeSome`.
   */
  addLater(
    fieldBuf: Uint8Array,
    fieldOff: number,
    fieldLen: number,
    buf: Uint8Array,
    off: number,
    len: number,
  ): boolean {
    this.filler ??= new DictFiller(this.arena, this.tools.dict);
    if (this.filling !== this.body) {
      this.filling = this.body;
      this.filler.begin(this.body);
    }
    const { arena } = this;
    return this.filler.add(newHashEntry(arena, fieldBuf, fieldOff, fieldLen, false, buf, off, len));
  }

  /** Ends what `addLater` began; false as there. */
  finish(): boolean {
    if (this.filling === 0) return true;
    this.filling = 0;
    return this.filler!.flush();
  }

  get isListpack(): boolean {
    return this.encoding === Encoding.listpack || this.encoding === Encoding.listpackEx;
  }

  /** Whether fields may have a time to live. */
  get isEx(): boolean {
    return this.encoding === Encoding.listpackEx || this.encoding === Encoding.hashtableEx;
  }

  override moveIfSparse(): void {
    const { arena } = this;
    if (this.encoding === Encoding.hashtable) {
      this.become(moveMembers(this.tools, this.body), this.encoding);
    } else if (!this.isEx) super.moveIfSparse();
    else {
      if (this.encoding === Encoding.hashtableEx) {
        this.body = this.moveFields();
        if (this.size <= this.tools.limits.movedAtOnce) this.deadlines.moveIndex(this.ref);
      }
      if (this.isListpack && arena.shouldMove(this.body)) this.body = arena.relocate(this.body);
      this.deadlines.setBody(this.ref, this.body);
      if (arena.shouldMove(this.ref)) this.become(arena.relocate(this.ref), this.encoding);
    }
    this.opened();
  }

  /** Moves the fields of a large hash of which some expire; the index of times follows. */
  private moveFields(): Ref {
    return moveMembers(this.tools, this.body, (from) => {
      const when = isExtended(this.arena, from) ? numberOf(this.arena, from) : 0;
      if (when !== 0) this.deadlines.remove(this.ref, from);
      const to = this.arena.relocate(from);
      if (when !== 0) this.deadlines.add(this.ref, to, when);
      return to;
    });
  }

  override forget(): void {
    this.field.forget();
    this.value.forget();
    this.fieldText.forget();
    this.valueText.forget();
  }

  get size(): number {
    if (!this.isListpack) return this.tools.dict.size(this.body);
    return this.tools.listpack.count(this.body) / this.stride;
  }

  override open(block: Ref, slot: number): void {
    this.openAt(block, slot);
    this.opened();
  }

  protected override opened(): void {
    this.body = this.isEx ? this.deadlines.body(this.ref) : this.ref;
    this.stride = this.encoding === Encoding.listpackEx ? 3 : 2;
    this.nextIsStale = false;
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Looks for a field; when there is one, `value` is its value. O(1), O(n) in a listpack. */
  find(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.isListpack) {
      const { dict } = this.tools;
      this.at = dict.find(this.body, dict.hash(buf, off, len), buf, off, len);
      if (this.at !== 0) locateValue(this.arena, this.at, this.value);
      return this.at !== 0;
    }
    const { listpack } = this.tools;
    this.at = listpack.find(this.body, listpack.first(this.body), this.stride, buf, off, len);
    if (this.at !== 0) this.locateListpackValue(this.at);
    return this.at !== 0;
  }

  /** `find` of the field that is argument i. */
  findArgument(args: Args, i: number): boolean {
    return this.find(args.buf, args.off[i]!, args.len[i]!);
  }

  /** Calls `emit` for each field with `field` and `value` set; it must not write. O(n). */
  forEach(emit: () => void): void {
    if (!this.isListpack) {
      this.tools.dict.forEach(this.body, (entry) => {
        this.seekTo(entry);
        emit();
      });
      return;
    }
    const u8 = this.arena.u8[this.body >>> 15]!;
    const start = (this.body & 0x7fff) << 3;
    const end = start + this.tools.listpack.end(this.body);
    let p = start + this.tools.listpack.first(this.body);
    if (p === start) return;
    while (p < end) {
      this.at = p - start;
      this.fieldText.locate(u8, p);
      this.field.set(this.fieldText);
      p += this.fieldText.sizeAt(u8, p);
      this.valueText.locate(u8, p);
      this.value.set(this.valueText);
      p += this.valueText.sizeAt(u8, p);
      if (this.stride === 3) p += this.valueText.sizeAt(u8, p);
      emit();
    }
  }

  /** Gives `sink` the field of each, its value, or both in turn. O(n). */
  sendAll(fields: boolean, values: boolean, sink: TextSink): void {
    if (!this.isListpack) {
      const { field, value } = this;
      this.forEach(() => {
        if (fields) sink.bulk(field.buf, field.off, field.len);
        if (values) sink.bulk(value.buf, value.off, value.len);
      });
      return;
    }
    const { body, fieldText: text, stride } = this;
    const u8 = this.arena.u8[body >>> 15]!;
    const start = (body & 0x7fff) << 3;
    const end = start + this.tools.listpack.end(body);
    if (fields && values && stride === 2) {
      sendElements(u8, start + LISTPACK_HEADER, end, TEXTS_MAX, text, sink);
      return;
    }
    for (let p = start + LISTPACK_HEADER; p < end; ) {
      if (fields) {
        text.locate(u8, p);
        sink.bulk(text.buf, text.off, text.len);
      }
      p += text.sizeAt(u8, p);
      if (values) {
        text.locate(u8, p);
        sink.bulk(text.buf, text.off, text.len);
      }
      p += text.sizeAt(u8, p);
      if (stride === 3) p += text.sizeAt(u8, p);
    }
  }

  /** One HSCAN step; a listpack comes whole. `emit` must not write. Returns the next cursor. */
  scan(cursor: number, emit: () => void): number {
    if (this.isListpack) {
      this.forEach(emit);
      return 0;
    }
    return this.tools.dict.scan(this.body, cursor, (entry) => {
      this.seekTo(entry);
      emit();
    });
  }

  /** Goes to a uniformly chosen field of a hash that is not empty; returns what names it. */
  seekRandom(): number {
    const { dict, listpack, random } = this.tools;
    const place = this.isListpack
      ? listpack.seek(this.body, Math.floor(random() * this.size) * this.stride)
      : dict.random(this.body, random);
    this.seekTo(place);
    return place;
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
    let p = this.tools.listpack.first(this.body);
    for (; p !== 0; p = this.nextField(p)) places.push(p);
    return places;
  }

  /** Goes to a field named by `seekRandom` or `places`. */
  seekTo(place: number): void {
    this.at = place;
    if (!this.isListpack) {
      locateMember(this.arena, place, this.field);
      locateValue(this.arena, place, this.value);
      return;
    }
    const u8 = this.arena.u8[this.body >>> 15]!;
    this.fieldText.locate(u8, ((this.body & 0x7fff) << 3) + place);
    this.field.set(this.fieldText);
    this.locateListpackValue(place);
  }

  /** When the field found or passed last expires, ms since the epoch; 0 when it does not. */
  get fieldExpiry(): number {
    return this.expiryAt(this.at);
  }

  /** The earliest time at which a field expires; Infinity when none does. O(1), at times O(n). */
  get nextExpiry(): number {
    if (!this.isEx) return NEVER;
    if (this.nextIsStale) this.findNext();
    return this.deadlines.next(this.ref);
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
    this.log?.add('set', fieldBuf, fieldOff, fieldLen);
    if (this.isListpack) {
      const most = this.tools.limits.hashListpackValue;
      if (fieldLen <= most && len <= most) {
        return this.setInListpack(fieldBuf, fieldOff, fieldLen, buf, off, len, keepTtl);
      }
      this.toTable();
    }
    return this.setInTable(fieldBuf, fieldOff, fieldLen, buf, off, len, keepTtl);
  }

  /** `set` of the field that is argument i to the value that is argument `valueAt`. */
  setArgument(args: Args, i: number, valueAt: number, keepTtl = false): boolean {
    const { buf, off, len } = args;
    return this.set(buf, off[i]!, len[i]!, buf, off[valueAt]!, len[valueAt]!, keepTtl);
  }

  /** `set` of the field that is argument i to a text outside of this hash. */
  setText(args: Args, i: number, text: Text, keepTtl = false): boolean {
    const { buf, off, len } = text;
    return this.set(args.buf, args.off[i]!, args.len[i]!, buf, off, len, keepTtl);
  }

  /** Removes a field. Returns whether it was there. */
  delete(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.find(buf, off, len)) return false;
    this.deleteFound();
    return true;
  }

  /** `delete` of the field that is argument i. */
  deleteArgument(args: Args, i: number): boolean {
    return this.delete(args.buf, args.off[i]!, args.len[i]!);
  }

  /** Removes the field found or passed last. */
  deleteFound(): void {
    this.noteFound('deleted');
    this.removeFound();
  }

  /** Notes the field found or passed last for those who want to be told. */
  private noteFound(change: FieldChange): void {
    if (this.log === undefined) return;
    this.seekTo(this.at);
    const { buf, off, len } = this.field;
    this.log.add(change, buf, off, len);
  }

  private removeFound(): void {
    const { arena, at } = this;
    const expiry = this.expiryAt(at);
    if (this.isListpack) {
      this.setBody(this.tools.listpack.remove(this.body, at, this.stride));
      if (expiry > 0) this.noteExpiry(expiry, 0);
      return;
    }
    const { dict } = this.tools;
    if (expiry > 0) this.deadlines.remove(this.ref, at);
    dict.unlinkEntry(this.body, dict.hashOfEntry(at), at);
    arena.free(at);
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
      this.setBody(listpack.replace(body, listpack.next(body, p), buf, off, len));
      this.at = p;
      if (!keepTtl && this.expiryAt(p) > 0) this.changeExpiry(0);
      return false;
    }
    const end = listpack.end(body);
    let next = listpack.append(body, fieldBuf, fieldOff, fieldLen);
    let added = 1;
    try {
      next = listpack.append(next, buf, off, len);
      added++;
      if (this.stride === 3) next = listpack.appendInt(next, 0);
    } catch (error) {
      // The arena is full: a field without its value must not stay.
      this.setBody(listpack.remove(next, end, added));
      throw error;
    }
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
    const { arena } = this;
    const { dict } = this.tools;
    const hash = dict.hash(fieldBuf, fieldOff, fieldLen);
    const old = dict.find(this.body, hash, fieldBuf, fieldOff, fieldLen);
    if (old === 0) {
      const entry = newHashEntry(arena, fieldBuf, fieldOff, fieldLen, false, buf, off, len);
      dict.insert(this.body, hash, entry);
      return true;
    }
    const expiry = this.expiryAt(old);
    const timed = expiry > 0 && keepTtl;
    if (overwriteValue(arena, old, timed, buf, off, len)) return false;
    const entry = newHashEntry(arena, fieldBuf, fieldOff, fieldLen, timed, buf, off, len);
    if (expiry > 0) this.deadlines.remove(this.ref, old);
    if (timed) this.deadlines.add(this.ref, entry, expiry);
    this.replaceEntry(hash, old, entry);
    return false;
  }

  /** Links an entry in the place of another one of the same field, which is freed. */
  private replaceEntry(hash: number, from: Ref, to: Ref): void {
    this.setWord(to, 0, this.word(from, 0));
    this.tools.dict.replace(this.body, hash, from, to);
    this.arena.free(from);
  }

  // ---- times to live -----------------------------------------------------------------------

  /** Sets when the field found last expires; 0 takes its time to live away. O(log n). */
  setExpiry(whenMs: number): void {
    this.noteFound(whenMs === 0 ? 'persisted' : 'timed');
    this.changeExpiry(whenMs);
  }

  private changeExpiry(whenMs: number): void {
    if (!this.isEx) {
      if (whenMs === 0) return;
      this.toEx();
    }
    const before = this.expiryAt(this.at);
    if (before === whenMs) return;
    if (this.isListpack) {
      const { listpack } = this.tools;
      const p = listpack.next(this.body, listpack.next(this.body, this.at));
      this.setBody(listpack.replaceInt(this.body, p, whenMs));
      this.noteExpiry(before, whenMs);
      return;
    }
    if (before > 0) this.deadlines.remove(this.ref, this.at);
    if (whenMs === 0) return;
    this.at = this.extended(this.at);
    this.deadlines.add(this.ref, this.at, whenMs);
  }

  /**
   * Removes at most `max` fields that are due, each after `emit` was told with `field` set (it must
   * not write). Returns how many were removed. O(n) in a listpack, O(log n) a field in a table.
   */
  expireDue(nowMs: number, max: number, emit: () => void): number {
    if (!this.isEx || this.nextExpiry >= nowMs) return 0;
    if (this.isListpack) return this.expireInListpack(nowMs, max, emit);
    let removed = 0;
    for (; removed < max && this.deadlines.next(this.ref) < nowMs; removed++) {
      this.seekTo(this.deadlines.first(this.ref));
      this.noteFound('expired');
      emit();
      this.removeFound();
    }
    return removed;
  }

  private expireInListpack(nowMs: number, max: number, emit: () => void): number {
    const { listpack } = this.tools;
    let removed = 0;
    let p = listpack.first(this.body);
    while (p !== 0 && removed < max) {
      const expiry = this.expiryAt(p);
      if (expiry === 0 || expiry >= nowMs) {
        p = this.nextField(p);
        continue;
      }
      this.seekTo(p);
      this.noteFound('expired');
      emit();
      this.setBody(listpack.remove(this.body, p, this.stride));
      removed++;
      // What came behind it is at its place now.
      if (p >= listpack.end(this.body)) p = 0;
    }
    this.nextIsStale = true;
    return removed;
  }

  private expiryAt(at: number): number {
    if (!this.isEx) return 0;
    if (!this.isListpack) return isExtended(this.arena, at) ? numberOf(this.arena, at) : 0;
    const { listpack } = this.tools;
    const p = listpack.next(this.body, listpack.next(this.body, at));
    return Number(listpack.integer(this.body, p));
  }

  /**
   * A field of a listpack expires at another time, 0 for never. The earliest time is looked for
   * only when it is asked for: a command may change many fields.
   */
  private noteExpiry(before: number, after: number): void {
    const next = this.deadlines.next(this.ref);
    if (after > 0 && after <= next) {
      this.deadlines.setNext(this.ref, after);
      this.nextIsStale = false;
    } else if (before === next) this.nextIsStale = true;
  }

  /** Finds the earliest expiry in a listpack. O(n). */
  private findNext(): void {
    let next = NEVER;
    for (let p = this.tools.listpack.first(this.body); p !== 0; p = this.nextField(p)) {
      const expiry = this.expiryAt(p);
      if (expiry > 0 && expiry < next) next = expiry;
    }
    this.deadlines.setNext(this.ref, next);
    this.nextIsStale = false;
  }

  /** A copy of an entry with room for its expiry, in the entry's place. */
  private extended(entry: Ref): Ref {
    if (isExtended(this.arena, entry)) return entry;
    this.seekTo(entry);
    const { field } = this;
    const { buf, off, len } = this.value;
    const to = newHashEntry(this.arena, field.buf, field.off, field.len, true, buf, off, len);
    this.replaceEntry(this.tools.dict.hashOfEntry(entry), entry, to);
    return to;
  }

  /** Makes room for times to live. The field found last stays so. O(n) in a listpack. */
  private toEx(): void {
    const { deadlines, tools } = this;
    if (!this.isListpack) {
      this.become(deadlines.create(this.body, true), Encoding.hashtableEx);
      this.opened();
      return;
    }
    const number = this.fieldNumber(this.at);
    const body = this.toTriplets();
    this.become(deadlines.create(body, false), Encoding.listpackEx);
    this.opened();
    this.at = tools.listpack.seek(body, number * 3);
  }

  private fieldNumber(position: number): number {
    let n = 0;
    let p = this.tools.listpack.first(this.body);
    for (; p !== 0 && p !== position; p = this.nextField(p)) n++;
    return n;
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
    const { arena, body, deadlines } = this;
    const { dict, listpack } = this.tools;
    const root = dict.create();
    const deadline: [Ref, number][] = [];
    for (let p = listpack.first(body); p !== 0; p = this.nextField(p)) {
      this.seekTo(p);
      const expiry = this.expiryAt(p);
      const { buf, off, len } = this.field;
      const { value } = this;
      const timed = expiry > 0;
      const entry = newHashEntry(arena, buf, off, len, timed, value.buf, value.off, value.len);
      dict.insert(root, dict.hash(buf, off, len), entry);
      if (timed) deadline.push([entry, expiry]);
    }
    arena.free(body);
    if (!this.isEx) {
      this.become(root, Encoding.hashtable);
      this.opened();
      return;
    }
    deadlines.enlarge(this.ref, root);
    this.become(this.ref, Encoding.hashtableEx);
    this.opened();
    for (const [entry, expiry] of deadline) deadlines.add(this.ref, entry, expiry);
  }

  private setBody(body: Ref): void {
    if (body === this.body) return;
    this.body = body;
    if (this.isEx) this.deadlines.setBody(this.ref, body);
    else this.become(body, this.encoding);
  }

  /** Position of the field behind one of a listpack; 0 behind the last. */
  private nextField(position: number): number {
    const { listpack } = this.tools;
    let p = position;
    for (let i = 0; i < this.stride; i++) p = listpack.next(this.body, p);
    return p;
  }

  private locateListpackValue(p: number): void {
    const u8 = this.arena.u8[this.body >>> 15]!;
    const at = ((this.body & 0x7fff) << 3) + p;
    this.valueText.locate(u8, at + this.valueText.sizeAt(u8, at));
    this.value.set(this.valueText);
  }

  // ---- whole values ------------------------------------------------------------------------

  override freeSome(ref: Ref, encoding: number, max: number): Ref {
    this.openDetached(ref, encoding);
    if (this.filling === this.body && this.filling !== 0) {
      this.filling = 0;
      this.filler!.discard();
    }
    if (this.isListpack) this.arena.free(this.body);
    else {
      const { dict } = this.tools;
      if (this.isEx && this.deadlines.clearIndex(ref, max)) return ref;
      if (dict.clearStep(this.body, (entry) => this.arena.free(entry), max)) return ref;
      dict.destroy(this.body);
    }
    if (this.isEx) this.arena.free(ref);
    return 0;
  }

  override clone(): Ref {
    const { dict, listpack } = this.tools;
    if (this.isListpack) {
      const body = this.cloneBlock(this.body, listpack.bytes(this.body));
      return this.isEx ? this.deadlines.cloneSmall(this.ref, body) : body;
    }
    const copy = new HashValue(this.tools);
    copy.openDetached(dict.create(), Encoding.hashtable);
    if (this.isEx) copy.toEx();
    dict.forEach(this.body, (entry) => {
      this.seekTo(entry);
      const { field, value } = this;
      copy.set(field.buf, field.off, field.len, value.buf, value.off, value.len);
      const expiry = this.expiryAt(entry);
      if (expiry > 0 && copy.find(field.buf, field.off, field.len)) copy.setExpiry(expiry);
    });
    return copy.ref;
  }

  override memory(): number {
    const { arena } = this;
    const extra = this.isEx ? this.deadlines.memory(this.ref) : 0;
    if (this.isListpack) return extra + arena.capacity(this.body);
    let total = extra + this.tools.dict.memory(this.body);
    this.tools.dict.forEach(this.body, (entry) => {
      total += arena.capacity(entry);
    });
    return total;
  }

  override checkInvariants(): void {
    const { deadlines, tools } = this;
    if (!this.isListpack) {
      tools.dict.checkInvariants(this.body);
      if (this.isEx) deadlines.checkLarge(this.ref);
    } else if (tools.listpack.count(this.body) % this.stride !== 0) {
      throw new Error('hash: a field without a value');
    }
    if (!this.isEx) return;
    let next = NEVER;
    let timed = 0;
    this.forEach(() => {
      if (this.fieldExpiry === 0) return;
      next = Math.min(next, this.fieldExpiry);
      timed++;
    });
    if (next !== this.nextExpiry) throw new Error('hash: a field expires before the earliest');
    if (!this.isListpack && timed !== deadlines.count(this.ref)) {
      throw new Error('hash: the index holds other fields than those that expire');
    }
  }
}
