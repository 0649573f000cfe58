/**
 * Reads one value in RDB encoding into the arena: what DUMP wrote, here or elsewhere, and what is
 * behind each key of an RDB file. A value may come in pieces: where the input's window ends, the
 * value stays half built until `proceed` is called with more. The bytes may be hostile: packed
 * strings are checked element by element, repeated fields and members and scores that are no number
 * are refused, nothing is allocated because it was announced, and what was built is freed when the
 * rest turns out bad.
 *
 * Which representation a value gets follows from the limits in force here, not from the one it was
 * written in; a small listpack or intset that is sound is taken as it is.
 * Source: redis-server 7.0.15 loading its own files and those of older versions (behaviour).
 */
import { HashValue } from '../../datatypes/hash.ts';
import { ListValue } from '../../datatypes/list.ts';
import { TextRegister } from '../../datatypes/members.ts';
import { SetValue } from '../../datatypes/set.ts';
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { StreamValue } from '../../datatypes/stream.ts';
import type { Value } from '../../datatypes/value.ts';
import { Encoding } from '../../datatypes/value-types.ts';
import type { Values } from '../../keyspace/values.ts';
import type { Ref } from '../../memory/arena.ts';
import { Intset } from '../../memory/intset.ts';
import { parseDouble } from '../../util/numbers.ts';
import {
  type BadDataError,
  badData,
  emptyValue,
  noNumber,
  repeated,
  repeatedInPack,
  unsoundPack,
} from './bad-data.ts';
import { DistinctCheck } from './distinct.ts';
import {
  type Elements,
  IntsetElements,
  ListpackElements,
  ZiplistElements,
  ZipmapElements,
} from './elements.ts';
import { NeedMore, RdbInput } from './input.ts';
import { StreamReader } from './stream-reader.ts';
import { NODE_PACKED, NODE_PLAIN, RdbType } from './types.ts';

/** Elements of a value given up that are freed on the spot. */
const FREED_AT_ONCE = 64;
/** Redis 7.4 allows no later time for a field to expire. */
const FIELD_EXPIRY_MAX = 2 ** 48 - 2;

export class RdbReader {
  readonly input = new RdbInput();
  private readonly space: Values;
  private readonly hash: HashValue;
  private readonly list: ListValue;
  private readonly set: SetValue;
  private readonly zset: SortedSetValue;
  private readonly stream: StreamValue;
  private readonly streamReader = new StreamReader(this.input);
  private readonly listpack = new ListpackElements();
  private readonly distinct = new DistinctCheck();
  private readonly ziplist = new ZiplistElements();
  private readonly zipmap = new ZipmapElements();
  private readonly intset = new IntsetElements();
  /** A field or member that must outlive the read of what follows it. */
  private readonly kept = new TextRegister();
  private keptBytes: Buffer = Buffer.allocUnsafe(64);
  /** What is being built, to be freed on failure. */
  private value: Value | undefined;
  private type = 0;
  /** Elements or nodes of the value, -1 before that was read, and how many of them are in. */
  private count = -1;
  private done = 0;
  /** The earliest time at which a field of the hash expires. */
  private earliest = 0;

  constructor(space: Values) {
    this.space = space;
    this.hash = new HashValue(space.tools);
    this.list = new ListValue(space.tools);
    this.set = new SetValue(space.tools);
    this.zset = new SortedSetValue(space.tools);
    this.stream = new StreamValue(space.tools);
  }

  /**
   * Reads a value of an RDB type at the input's position. A string is left in the input's text
   * and answers undefined; any other value is a cursor on one that belongs to no key yet, valid
   * until the next read. Throws `badData`, of a collection without elements `emptyValue`; and
   * `needMore` in a window, then `proceed` goes on. O(bytes), times log(elements) for sorted sets.
   */
  read(type: number): Value | undefined {
    this.value = undefined;
    this.type = type;
    this.count = -1;
    this.done = 0;
    this.streamReader.reset();
    return this.proceed();
  }

  /** Goes on where `needMore` was thrown; the same results. */
  proceed(): Value | undefined {
    try {
      this.readTyped(this.type);
      const { value } = this;
      this.value = undefined;
      return value;
    } catch (error) {
      if (!(error instanceof NeedMore)) this.discard();
      throw error;
    }
  }

  /** Frees what `needMore` has left half built. */
  discard(): void {
    const { value } = this;
    this.value = undefined;
    this.count = -1;
    if (value === undefined) return;
    // This cursor itself may hold elements back; what is left needs no more than a cursor.
    const left = value.freeSome(value.ref, value.encoding, FREED_AT_ONCE);
    if (left !== 0) this.space.freeValue(value.type, left, value.encoding);
  }

  private readTyped(type: number): void {
    const { input } = this;
    if (type === RdbType.string) input.string();
    else if (type === RdbType.list) this.readList();
    else if (type === RdbType.set) this.readSet();
    else if (type === RdbType.zsetText) this.readSortedSet(true);
    else if (type === RdbType.zset) this.readSortedSet(false);
    else if (type === RdbType.hash) this.readHash();
    else if (type === RdbType.hashZipmap) this.hashOf(this.zipmap.open(input.bytes()));
    else if (type === RdbType.hashZiplist) this.hashOf(this.ziplist.open(input.bytes()));
    else if (type === RdbType.hashListpack) this.readHashListpack();
    else if (type === RdbType.hashTtl || type === RdbType.hashTtlOld) this.readHashTtl();
    else if (type === RdbType.hashListpackTtl) this.readHashListpackTtl(true);
    else if (type === RdbType.hashListpackTtlOld) this.readHashListpackTtl(false);
    else if (type === RdbType.setIntset) this.readIntset();
    else if (type === RdbType.setListpack) this.setOf(this.openListpack());
    else if (type === RdbType.zsetZiplist) this.sortedSetOf(this.ziplist.open(input.bytes()));
    else if (type === RdbType.zsetListpack) this.readZsetListpack();
    else if (type === RdbType.listZiplist) this.listOf(this.ziplist.open(input.bytes()));
    else if (type === RdbType.listQuicklist) this.readQuicklist(false);
    else if (type === RdbType.listQuicklist2) this.readQuicklist(true);
    else if (isStream(type)) this.readStream(type);
    else throw badData;
  }

  /**
   * Reads how many elements come, once, each of at least so many bytes. Returns whether it is new.
   */
  private readCount(bytes: number): boolean {
    if (this.count >= 0) return false;
    const { input } = this;
    const count = input.count(bytes);
    if (count === 0) throw emptyValue;
    this.count = count;
    input.mark();
    return true;
  }

  // ---- lists -------------------------------------------------------------------------------

  private beginList(): void {
    this.list.create();
    this.value = this.list;
  }

  private readList(): void {
    const { input, list } = this;
    if (this.readCount(1)) this.beginList();
    for (; this.done < this.count; this.done++) {
      input.string();
      list.push(true, input.text, input.off, input.len);
      input.mark();
    }
  }

  private listOf(elements: Elements): void {
    this.beginList();
    this.appendAll(elements);
    if (this.list.size === 0) throw emptyValue;
  }

  private appendAll(elements: Elements): void {
    while (elements.next()) this.list.push(true, elements.text, elements.off, elements.len);
  }

  /**
   * Nodes: listpacks or single elements with `marked`, which tells the two apart; else ziplists.
   */
  private readQuicklist(marked: boolean): void {
    const { input, list } = this;
    if (this.readCount(marked ? 2 : 1)) this.beginList();
    for (; this.done < this.count; this.done++) {
      const kind = marked ? input.number() : 0;
      const bytes = input.bytes();
      if (!marked) this.appendAll(this.ziplist.open(bytes));
      else if (kind === NODE_PACKED) this.appendAll(this.listpack.open(bytes));
      else if (kind !== NODE_PLAIN || bytes.length === 0) throw badData;
      else list.push(true, bytes, 0, bytes.length);
      input.mark();
    }
    if (list.size === 0) throw emptyValue;
  }

  // ---- sets --------------------------------------------------------------------------------

  private addMember(
    text: Uint8Array,
    off: number,
    len: number,
    expected: number,
    twice: BadDataError,
  ): void {
    const { set } = this;
    if (this.value === undefined) {
      set.createFor(text, off, len, expected);
      this.value = set;
    }
    const isNew = set.takesLater ? set.addLater(text, off, len) : set.add(text, off, len);
    if (!isNew) throw twice;
  }

  private readSet(): void {
    const { input } = this;
    this.readCount(1);
    for (; this.done < this.count; this.done++) {
      input.string();
      this.addMember(input.text, input.off, input.len, input.plausible(this.count, 1), repeated);
      input.mark();
    }
    if (!this.set.finish()) throw repeated;
  }

  private setOf(elements: Elements): void {
    if (elements.count === 0) throw emptyValue;
    while (elements.next()) {
      this.addMember(elements.text, elements.off, elements.len, elements.count, repeatedInPack);
    }
    if (!this.set.finish()) throw repeatedInPack;
  }

  private readIntset(): void {
    const bytes = this.input.bytes();
    const { arena, limits } = this.space;
    const elements = this.intset.open(bytes);
    if (elements.count > limits.setIntsetEntries) {
      this.setOf(elements);
      return;
    }
    this.set.openDetached(new Intset(arena).from(bytes), Encoding.intset);
    this.value = this.set;
  }

  // ---- hashes ------------------------------------------------------------------------------

  /** Of `count` fields when that is known. */
  private beginHash(): void {
    this.hash.createFor(this.input.plausible(Math.max(0, this.count), 2));
    this.value = this.hash;
  }

  private setField(text: Uint8Array, off: number, len: number): void {
    const { kept } = this;
    if (!this.hash.set(kept.buf, kept.off, kept.len, text, off, len)) throw repeated;
  }

  private readHash(): void {
    const { hash, input } = this;
    if (this.readCount(2)) this.beginHash();
    for (; this.done < this.count; this.done++) {
      input.string();
      this.keep(input.text, input.off, input.len);
      input.string();
      if (hash.takesLater) this.addField(input.text, input.off, input.len);
      else this.setField(input.text, input.off, input.len);
      input.mark();
    }
    if (!hash.finish()) throw repeated;
  }

  /** As `setField`, of a table that is filled. */
  private addField(text: Uint8Array, off: number, len: number): void {
    const { kept } = this;
    if (!this.hash.addLater(kept.buf, kept.off, kept.len, text, off, len)) throw repeated;
  }

  private hashOf(elements: Elements): void {
    checkGroups(elements, 2);
    const { kept } = this;
    this.beginHash();
    while (elements.next()) {
      this.keep(elements.text, elements.off, elements.len);
      elements.next();
      const { text, off, len } = elements;
      if (!this.hash.set(kept.buf, kept.off, kept.len, text, off, len)) throw repeatedInPack;
    }
  }

  private readHashListpack(): void {
    const elements = this.openListpack();
    if (elements.count > this.space.limits.hashListpackEntries * 2) {
      this.hashOf(elements);
      return;
    }
    checkGroups(elements, 2);
    if (!this.distinct.holds(elements, 2)) throw repeatedInPack;
    this.hash.openDetached(this.copyListpack(), Encoding.listpack);
    this.value = this.hash;
  }

  /**
   * The earliest expiry, then for each field: its expiry less that, plus 1, or 0; field; value. The
   * old form has whole times and no earliest.
   */
  private readHashTtl(): void {
    const { input } = this;
    if (this.count < 0) {
      this.earliest = this.type === RdbType.hashTtl ? Number(input.int64()) : 1;
      if (this.earliest < 0) throw badData;
    }
    if (this.readCount(3)) this.beginHash();
    for (; this.done < this.count; this.done++) {
      const ttl = Number(input.number());
      input.string();
      this.keep(input.text, input.off, input.len);
      input.string();
      this.setField(input.text, input.off, input.len);
      if (ttl > 0) this.expireField(this.earliest + ttl - 1);
      input.mark();
    }
  }

  /** The earliest expiry, unless of the old form, then a listpack of field, value, expiry or 0. */
  private readHashListpackTtl(withEarliest: boolean): void {
    const { input } = this;
    if (withEarliest) input.int64();
    const elements = this.openListpack();
    checkGroups(elements, 3);
    this.beginHash();
    while (elements.next()) {
      this.keep(elements.text, elements.off, elements.len);
      elements.next();
      this.setField(elements.text, elements.off, elements.len);
      const expiry = elements.integer();
      if (expiry !== 0) this.expireField(Number(expiry));
    }
  }

  private expireField(whenMs: number): void {
    if (whenMs < 0 || whenMs > FIELD_EXPIRY_MAX) throw badData;
    const { hash, kept } = this;
    hash.find(kept.buf, kept.off, kept.len);
    // 0 means none; a field that expired in 1970 expires 1 ms later.
    hash.setExpiry(Math.max(1, whenMs));
  }

  // ---- sorted sets -------------------------------------------------------------------------

  private readSortedSet(scoresAsText: boolean): void {
    const { input, zset } = this;
    if (this.readCount(2)) {
      if (this.count > this.space.limits.zsetListpackEntries)
        zset.createFor(input.plausible(this.count, 2));
      else zset.create();
      this.value = zset;
    }
    const many = this.count > this.space.limits.zsetListpackEntries;
    for (; this.done < this.count; this.done++) {
      input.string();
      this.keep(input.text, input.off, input.len);
      const score = scoresAsText ? input.textDouble() : input.double();
      if (!many) this.addScored(score, repeated);
      else this.addScoredLater(score);
      input.mark();
    }
    if (many && !zset.finish()) throw repeated;
  }

  private addScored(score: number, twice: BadDataError): void {
    const { kept, zset } = this;
    if (Number.isNaN(score)) throw noNumber;
    if (zset.find(kept.buf, kept.off, kept.len)) throw twice;
    zset.insert(kept.buf, kept.off, kept.len, score);
  }

  private addScoredLater(score: number): void {
    const { kept, zset } = this;
    if (Number.isNaN(score)) throw noNumber;
    if (!zset.addLater(kept.buf, kept.off, kept.len, score)) throw repeated;
  }

  private sortedSetOf(elements: Elements): void {
    checkGroups(elements, 2);
    this.zset.create();
    this.value = this.zset;
    while (elements.next()) {
      this.keep(elements.text, elements.off, elements.len);
      elements.next();
      const score = parseDouble(elements.text, elements.off, elements.len);
      this.addScored(score, repeatedInPack);
    }
  }

  private readZsetListpack(): void {
    const elements = this.openListpack();
    const small = elements.count <= this.space.limits.zsetListpackEntries * 2;
    if (!small || elements.count % 2 !== 0 || !this.isInOrder()) {
      elements.rewind();
      this.sortedSetOf(elements);
      return;
    }
    if (elements.count === 0) throw emptyValue;
    if (!this.distinct.holds(elements, 2)) throw repeatedInPack;
    this.zset.openDetached(this.copyListpack(), Encoding.listpack);
    this.value = this.zset;
  }

  /** Whether the listpack's members ascend by score, then by their bytes. */
  private isInOrder(): boolean {
    const { listpack, kept } = this;
    let before = Number.NEGATIVE_INFINITY;
    let first = true;
    let order = -1;
    listpack.rewind();
    while (listpack.next()) {
      const { text, off, len } = listpack;
      if (!first) {
        order = compareTexts(this.keptBytes, kept.len, text, off, len);
      }
      first = false;
      this.keep(text, off, len);
      listpack.next();
      const score = parseDouble(listpack.text, listpack.off, listpack.len);
      if (Number.isNaN(score)) throw noNumber;
      if (score < before || (score === before && order >= 0)) return false;
      before = score;
    }
    return true;
  }

  private readStream(type: number): void {
    if (this.value === undefined) {
      this.stream.create();
      this.value = this.stream;
    }
    this.streamReader.read(this.stream, type, this.space.nowMs);
  }

  // ---- inside ------------------------------------------------------------------------------

  /** Reads a listpack and checks it. */
  private openListpack(): ListpackElements {
    const { input, listpack } = this;
    input.string();
    return listpack.openAt(input.text, input.off, input.len);
  }

  /** A copy in the arena of the listpack read last. */
  private copyListpack(): Ref {
    const { input } = this;
    return this.space.tools.listpack.from(input.text, input.off, input.len);
  }

  /** Copies a text into `kept`: the next read may be into the same buffer. */
  private keep(text: Uint8Array, off: number, len: number): void {
    if (this.keptBytes.length < len) this.keptBytes = Buffer.allocUnsafe(len * 2);
    this.keptBytes.set(text.subarray(off, off + len));
    this.kept.buf = this.keptBytes;
    this.kept.len = len;
  }
}

/** Compares `a[0 .. aLen)` with a text bytewise, a prefix first. */
function compareTexts(
  a: Uint8Array,
  aLen: number,
  b: Uint8Array,
  off: number,
  len: number,
): number {
  const common = Math.min(aLen, len);
  for (let i = 0; i < common; i++) {
    const order = a[i]! - b[off + i]!;
    if (order !== 0) return order;
  }
  return aLen - len;
}

/** Throws unless there are elements, in groups of so many. */
function checkGroups(elements: Elements, size: number): void {
  if (elements.count === 0) throw emptyValue;
  if (elements.count % size !== 0) throw unsoundPack;
}

function isStream(type: number): boolean {
  switch (type) {
    case RdbType.stream:
    case RdbType.stream2:
    case RdbType.stream3:
    case RdbType.stream4:
    case RdbType.stream5:
      return true;
    default:
      return false;
  }
}
