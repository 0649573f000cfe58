/**
 * One node of a stream: a listpack in Redis's layout, so that files hold byte copies of it.
 *
 *     master entry:  live | deleted | number of fields | fields ... | 0
 *     each entry:    flags | ms and sequence, less the master's | [fields] values ... | count
 *
 * Flags: 1 deleted, 2 the fields are the master's and only values follow; without 2 comes a number
 * of fields, then field, value, field, value. `count` is the number of the entry's elements before
 * it: the way back. The master's id is the first entry's, kept outside.
 *
 * The object is a cursor: `open` a node, go to an entry, read it field by field. It keeps
 * positions, not views, so other blocks may be written meanwhile; this node may not.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { LISTPACK_HEADER, LISTPACK_MAX, type Listpack } from '../memory/listpack.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import type { Args } from '../util/args.ts';
import { StreamId } from './stream-id.ts';

/** Texts of an entry have at most so many bytes in all. */
export const ENTRY_BYTES_MAX = LISTPACK_MAX;
const DELETED = 1;
const SAME_FIELDS = 2;
const END = 0xff;
/** Bytes of an integer's element at most. */
const INT_BYTES_MAX = 10;
/** What an entry takes at most beside its texts: flags, both halves of the id, two counts. */
const ENTRY_OVERHEAD = 2 + 2 * INT_BYTES_MAX + 6 + 6;
/** What a text takes at most beside its bytes. */
const TEXT_OVERHEAD = 10;
/** Integers up to this are one byte of an element of two. */
const TINY_MAX = 127;
/** Texts below this length have one byte before them, which begins like this, and one behind. */
const SHORT = 64;
const SHORT_TEXT = 0x80;

/** An entry of a node, to come back to while the node is the same. */
export interface EntryMark {
  readonly id: StreamId;
  at: number;
  firstAt: number;
}

export class StreamNode {
  /** The id that the entries' ids are relative to. */
  readonly master = new StreamId();
  lp: Ref = 0;
  /** Entries that are there, and such as were deleted in place. */
  live = 0;
  deleted = 0;
  /** The entry that the cursor is at. */
  readonly id = new StreamId();
  isDeleted = false;
  /** Number of the entry's fields. */
  fields = 0;
  /** What `nextField` read: views until the next operation. */
  readonly field = new ListpackEntry();
  readonly value = new ListpackEntry();
  private readonly arena: Arena;
  private readonly listpack: Listpack;
  private masterFields = 0;
  /** Positions: the master's first field, the first entry, the present entry. */
  private masterAt = 0;
  private firstAt = 0;
  private at = 0;
  private hasOwnFields = false;
  /** Where `nextField` goes on, in the entry and in the master. */
  private readAt = 0;
  private readMaster = 0;
  private fieldsLeft = 0;

  constructor(arena: Arena, listpack: Listpack) {
    this.arena = arena;
    this.listpack = listpack;
  }

  /** Looks at a node whose master id is already in `master`. O(fields of the master). */
  open(lp: Ref): void {
    const { value } = this;
    const u8 = this.arena.u8[lp >>> 15]!;
    const base = (lp & 0x7fff) << 3;
    this.lp = lp;
    this.at = 0;
    let p = base + LISTPACK_HEADER;
    // As a rule each of the three is tiny. If one is not, the bits of the first such one show.
    if ((u8[p]! | u8[p + 2]! | u8[p + 4]!) <= TINY_MAX) {
      this.live = u8[p]!;
      this.deleted = u8[p + 2]!;
      this.masterFields = u8[p + 4]!;
      p += 6;
    } else {
      this.live = value.integer(u8, p) as number;
      p += value.sizeAt(u8, p);
      this.deleted = value.integer(u8, p) as number;
      p += value.sizeAt(u8, p);
      this.masterFields = value.integer(u8, p) as number;
      p += value.sizeAt(u8, p);
    }
    this.masterAt = p - base;
    for (let i = this.masterFields; i > 0; i--) p += value.sizeAt(u8, p);
    this.firstAt = p + value.sizeAt(u8, p) - base;
  }

  // ---- going from entry to entry -----------------------------------------------------------

  /** To the first entry, deleted or not; false when there is none. */
  first(): boolean {
    return this.readEntry(this.firstAt);
  }

  last(): boolean {
    return this.readBefore(this.listpack.end(this.lp));
  }

  /** To the next entry, deleted or not; false, and no entry any more, behind the last. */
  next(): boolean {
    return this.readEntry(this.behind());
  }

  /** To the next entry that is not deleted; false, and no entry any more, when there is none. */
  nextLive(): boolean {
    let found = this.at !== 0 && this.next();
    while (found && this.isDeleted) found = this.next();
    return found;
  }

  previous(): boolean {
    return this.readBefore(this.at);
  }

  /** Notes the present entry; false when there is none. */
  mark(mark: EntryMark): boolean {
    mark.at = this.at;
    mark.firstAt = this.firstAt;
    mark.id.set(this.id);
    return this.at !== 0;
  }

  /**
   * Goes to an entry of this very node that was marked before. False when entries have moved since:
   * they do when the counts in the master entry get longer, for nothing else.
   */
  goTo(mark: EntryMark): boolean {
    return (
      mark.firstAt === this.firstAt && this.readEntry(mark.at) && this.id.compare(mark.id) === 0
    );
  }

  /** Reads the entry's next field and value. There are `fields` of them. */
  nextField(): void {
    const u8 = this.arena.u8[this.lp >>> 15]!;
    const base = (this.lp & 0x7fff) << 3;
    if (this.hasOwnFields) {
      this.field.locate(u8, base + this.readAt);
      this.readAt += this.field.sizeAt(u8, base + this.readAt);
    } else {
      this.field.locate(u8, base + this.readMaster);
      this.readMaster += this.field.sizeAt(u8, base + this.readMaster);
    }
    this.value.locate(u8, base + this.readAt);
    this.readAt += this.value.sizeAt(u8, base + this.readAt);
    this.fieldsLeft--;
  }

  private readEntry(p: number): boolean {
    if (p >= this.listpack.end(this.lp)) {
      this.at = 0;
      return false;
    }
    this.at = p;
    const { value } = this;
    const u8 = this.arena.u8[this.lp >>> 15]!;
    const base = (this.lp & 0x7fff) << 3;
    let q = base + p;
    const flags = value.integer(u8, q) as number;
    q += value.sizeAt(u8, q);
    const ms = value.integer(u8, q);
    q += value.sizeAt(u8, q);
    const seq = value.integer(u8, q);
    q += value.sizeAt(u8, q);
    this.id.setSum(this.master, ms, seq);
    this.isDeleted = (flags & DELETED) !== 0;
    this.hasOwnFields = (flags & SAME_FIELDS) === 0;
    if (this.hasOwnFields) {
      this.fields = value.integer(u8, q) as number;
      q += value.sizeAt(u8, q);
    } else this.fields = this.masterFields;
    this.readAt = q - base;
    this.readMaster = this.masterAt;
    this.fieldsLeft = this.fields;
    return true;
  }

  /** To the entry that ends right before a position. */
  private readBefore(position: number): boolean {
    if (position <= this.firstAt) {
      this.at = 0;
      return false;
    }
    let p = this.listpack.previous(this.lp, position);
    for (let i = this.intAt(p); i > 0; i--) p = this.listpack.previous(this.lp, p);
    return this.readEntry(p);
  }

  /** The position behind the present entry. */
  private behind(): number {
    const { value } = this;
    const u8 = this.arena.u8[this.lp >>> 15]!;
    let p = ((this.lp & 0x7fff) << 3) + this.readAt;
    const left = this.hasOwnFields ? this.fieldsLeft * 2 : this.fieldsLeft;
    for (let i = left + 1; i > 0; i--) p += value.sizeAt(u8, p);
    return p - ((this.lp & 0x7fff) << 3);
  }

  private intAt(p: number): number {
    const { lp } = this;
    return this.value.integer(this.arena.u8[lp >>> 15]!, ((lp & 0x7fff) << 3) + p) as number;
  }

  private after(p: number): number {
    const { lp } = this;
    return p + this.value.sizeAt(this.arena.u8[lp >>> 15]!, ((lp & 0x7fff) << 3) + p);
  }

  // ---- writing -----------------------------------------------------------------------------

  /**
   * Makes and opens a node without entries; fields and values are arguments [from, end). It is
   * likely to get as long as `bytes`.
   */
  create(id: StreamId, args: Args, from: number, end: number, bytes: number): void {
    const { listpack, value } = this;
    const fields = (end - from) >> 1;
    let room = LISTPACK_HEADER + 1 + 6 + intBytes(value, fields);
    for (let i = from; i < end; i += 2) room += textRoom(args.len[i]!);
    const lp = listpack.create(Math.max(room + entryRoom(args, from, end), bytes));
    const u8 = this.arena.u8[lp >>> 15]!;
    const base = (lp & 0x7fff) << 3;
    let p = putInt(value, u8, base + LISTPACK_HEADER, 0);
    p = putInt(value, u8, p, 0);
    p = putInt(value, u8, p, fields);
    for (let i = from; i < end; i += 2) p = putArgument(value, u8, p, args, i);
    p = putInt(value, u8, p, 0);
    u8[p] = END;
    listpack.appended(lp, p + 1 - base, fields + 4);
    this.master.set(id);
    this.open(lp);
  }

  /** Whether an entry whose texts have `bytes` bytes in all belongs into another node. */
  isFull(bytes: number, bytesMax: number, entriesMax: number): boolean {
    const most = bytesMax === 0 || bytesMax > LISTPACK_MAX ? LISTPACK_MAX : bytesMax;
    if (this.listpack.bytes(this.lp) + bytes >= most) return true;
    return entriesMax > 0 && this.live + this.deleted >= entriesMax;
  }

  /**
   * Adds an entry behind the last one, whose texts have `bytes` bytes in all; returns the
   * listpack's ref, which may be another one. O(bytes), amortised.
   */
  append(id: StreamId, args: Args, from: number, end: number, bytes: number): Ref {
    const { arena, value, master } = this;
    const same = this.hasMasterFields(args, from, end);
    const fields = (end - from) >> 1;
    const before = this.listpack.bytes(this.lp);
    const most = before + ENTRY_OVERHEAD + bytes + TEXT_OVERHEAD * (end - from);
    if (most > arena.capacity(this.lp)) this.makeRoom(before, args, from, end, same);
    const { lp } = this;
    arena.touch(lp);
    const u8 = arena.u8[lp >>> 15]!;
    const base = (lp & 0x7fff) << 3;
    let p = base + before - 1;
    u8[p] = same ? SAME_FIELDS : 0;
    u8[p + 1] = 1;
    p = putInt(value, u8, p + 2, id.msSince(master));
    p = putInt(value, u8, p, id.seqSince(master));
    if (!same) p = putInt(value, u8, p, fields);
    for (let i = same ? from + 1 : from; i < end; i += same ? 2 : 1) {
      p = putArgument(value, u8, p, args, i);
    }
    const count = same ? fields + 3 : 2 * fields + 4;
    p = putInt(value, u8, p, count);
    u8[p] = END;
    this.listpack.appended(lp, p + 1 - base, count + 1);
    if (u8[base + LISTPACK_HEADER]! < TINY_MAX) u8[base + LISTPACK_HEADER] = ++this.live;
    else this.setCounts(this.live + 1, this.deleted);
    return this.lp;
  }

  /** Marks the present entry deleted. Returns the listpack's ref. O(1). */
  markDeleted(): Ref {
    const p = this.at;
    const flags = this.intAt(p) | DELETED;
    const entryBytes = this.after(p);
    this.putSmall(p, flags);
    // Flags take one byte in everything that we wrote, but files come from elsewhere.
    if (this.after(p) !== entryBytes) this.open(this.lp);
    this.isDeleted = true;
    this.setCounts(this.live - 1, this.deleted + 1);
    return this.lp;
  }

  /** Gives back memory beyond what the node needs, as no entry will be added. */
  close(): Ref {
    this.lp = this.listpack.shrink(this.lp);
    return this.lp;
  }

  /** Changes the master's counts; positions stay valid relative to the entries. */
  private setCounts(live: number, deleted: number): void {
    const { at } = this;
    const before = this.listpack.bytes(this.lp);
    if (deleted !== this.deleted) this.putSmall(this.after(LISTPACK_HEADER), deleted);
    if (live !== this.live) this.putSmall(LISTPACK_HEADER, live);
    this.live = live;
    this.deleted = deleted;
    const shift = this.listpack.bytes(this.lp) - before;
    if (shift === 0) return;
    this.masterAt += shift;
    this.firstAt += shift;
    this.readMaster += shift;
    this.readAt += shift;
    if (at !== 0) this.at = at + shift;
  }

  /** Puts an integer in the place of another one: one byte is written when both are tiny. */
  private putSmall(p: number, n: number): void {
    const at = ((this.lp & 0x7fff) << 3) + p;
    if (n <= TINY_MAX && this.arena.u8[this.lp >>> 15]![at]! <= TINY_MAX) {
      this.arena.touch(this.lp);
      this.arena.u8[this.lp >>> 15]![at] = n;
    } else this.lp = this.listpack.replaceInt(this.lp, p, n);
  }

  /** What is wrong with the node, for tests. */
  check(): string | undefined {
    let live = 0;
    let deleted = 0;
    const before = new StreamId();
    for (let found = this.first(); found; found = this.next()) {
      const order = this.id.compare(before);
      if (live + deleted > 0 && order <= 0) return 'entries out of order';
      if (this.id.compare(this.master) < 0) return 'an entry is before its node';
      before.set(this.id);
      if (this.isDeleted) deleted++;
      else live++;
      const { at } = this;
      if (this.next()) this.previous();
      else this.last();
      if (this.at !== at) return 'the way back leads elsewhere';
    }
    if (live !== this.live || deleted !== this.deleted) return 'wrong counts';
    return undefined;
  }

  /** Makes room for an entry of these arguments; `used` are the listpack's bytes. */
  private makeRoom(used: number, args: Args, from: number, end: number, same: boolean): void {
    const { arena } = this;
    const bytes = used + entryRoom(args, same ? from + 1 : from, end, same ? 2 : 1);
    if (bytes <= arena.capacity(this.lp)) return;
    // It is the stream's last node, which `close` makes as small as it can be.
    this.lp = arena.realloc(this.lp, used, Math.max(bytes, used * 2));
  }

  /** Whether arguments from, from + 2 ... are the master's fields. */
  private hasMasterFields(args: Args, from: number, end: number): boolean {
    if (this.masterFields !== (end - from) >> 1) return false;
    const u8 = this.arena.u8[this.lp >>> 15]!;
    let p = ((this.lp & 0x7fff) << 3) + this.masterAt;
    for (let i = from; i < end && p > 0; i += 2) p = passArgument(this.field, u8, p, args, i);
    return p > 0;
  }
}

/** The most bytes that a text's element takes: integers take less than their digits. */
function textRoom(length: number): number {
  return length < SHORT ? length + 2 : length < 4096 ? length + 4 : length + TEXT_OVERHEAD;
}

/** The most that an entry of these arguments takes. */
function entryRoom(args: Args, from: number, end: number, step = 1): number {
  let room = ENTRY_OVERHEAD;
  for (let i = from; i < end; i += step) room += textRoom(args.len[i]!);
  return room;
}

function intBytes(entry: ListpackEntry, n: number | bigint): number {
  entry.measureInt(n);
  return entry.bytes;
}

function putInt(entry: ListpackEntry, u8: Uint8Array, p: number, n: number | bigint): number {
  if (typeof n === 'number' && n >= 0 && n <= TINY_MAX) {
    u8[p] = n;
    u8[p + 1] = 1;
    return p + 2;
  }
  entry.measureInt(n);
  entry.put(u8, p, u8, 0, 0);
  return p + entry.bytes;
}

function putArgument(
  entry: ListpackEntry,
  u8: Uint8Array,
  p: number,
  args: Args,
  i: number,
): number {
  const { buf } = args;
  const off = args.off[i]!;
  const len = args.len[i]!;
  const first = len === 0 ? 0 : buf[off]!;
  // As a rule: short, and no digit or minus that may begin an integer.
  if (len < SHORT && (first > 57 || first < 45)) {
    u8[p] = SHORT_TEXT | len;
    for (let k = 0; k < len; k++) u8[p + 1 + k] = buf[off + k]!;
    u8[p + 1 + len] = 1 + len;
    return p + 2 + len;
  }
  entry.measure(buf, off, len);
  entry.put(u8, p, buf, off, len);
  return p + entry.bytes;
}

/** The position behind the element at p if it is argument i, else 0. */
function passArgument(
  entry: ListpackEntry,
  u8: Uint8Array,
  p: number,
  args: Args,
  i: number,
): number {
  const len = args.len[i]!;
  if (len >= SHORT || u8[p] !== (SHORT_TEXT | len)) return passAnyArgument(entry, u8, p, args, i);
  const { buf } = args;
  const off = args.off[i]!;
  let k = 0;
  while (k < len && u8[p + 1 + k] === buf[off + k]) k++;
  return k === len ? p + len + 2 : 0;
}

function passAnyArgument(
  entry: ListpackEntry,
  u8: Uint8Array,
  p: number,
  args: Args,
  i: number,
): number {
  const off = args.off[i]!;
  const len = args.len[i]!;
  entry.probe(args.buf, off, len);
  return entry.matches(u8, p, args.buf, off, len) ? p + entry.sizeAt(u8, p) : 0;
}
