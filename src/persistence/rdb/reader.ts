/**
 * Reads one value in RDB encoding into the arena: what DUMP wrote, here or elsewhere, and what is
 * behind each key of an RDB file. The bytes may be hostile: packed strings are checked element by
 * element, repeated fields and members and scores that are no number are refused, nothing is
 * allocated because it was announced, and what was built is freed when the rest turns out bad.
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
import type { Keyspace } from '../../keyspace/keyspace.ts';
import { Intset } from '../../memory/intset.ts';
import { parseDouble } from '../../util/numbers.ts';
import {
  type Elements,
  IntsetElements,
  ListpackElements,
  ZiplistElements,
  ZipmapElements,
} from './elements.ts';
import { badData, RdbInput } from './input.ts';
import { StreamReader } from './stream-reader.ts';
import { NODE_PACKED, NODE_PLAIN, RdbType } from './types.ts';

/** Redis 7.4 allows no later time for a field to expire. */
const FIELD_EXPIRY_MAX = 2 ** 48 - 2;

export class RdbReader {
  readonly input = new RdbInput();
  private readonly space: Keyspace;
  private readonly hash: HashValue;
  private readonly list: ListValue;
  private readonly set: SetValue;
  private readonly zset: SortedSetValue;
  private readonly stream: StreamValue;
  private readonly streamReader = new StreamReader(this.input);
  private readonly listpack = new ListpackElements();
  private readonly ziplist = new ZiplistElements();
  private readonly zipmap = new ZipmapElements();
  private readonly intset = new IntsetElements();
  /** A field or member that must outlive the read of what follows it. */
  private readonly kept = new TextRegister();
  private keptBytes: Buffer = Buffer.allocUnsafe(64);
  /** What is being built, to be freed on failure. */
  private value: Value | undefined;

  constructor(space: Keyspace) {
    this.space = space;
    this.hash = new HashValue(space.tools);
    this.list = new ListValue(space.tools);
    this.set = new SetValue(space.tools);
    this.zset = new SortedSetValue(space.tools);
    this.stream = new StreamValue(space.tools);
  }

  /**
   * Reads a value of an RDB type at the input's position. A string is left in the input's text
   * and answers undefined; any other value is a cursor on one that belongs to no key yet, valid until
   * the next read. Throws `badData`. O(bytes), times log(elements) for sorted sets.
   */
  read(type: number): Value | undefined {
    this.value = undefined;
    try {
      this.readTyped(type);
      return this.value;
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  private discard(): void {
    const { value } = this;
    if (value !== undefined) this.space.freeValue(value.type, value.ref, value.encoding);
    this.value = undefined;
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
    else if (type === RdbType.hashTtl) this.readHashTtl();
    else if (type === RdbType.hashListpackTtl) this.readHashListpackTtl();
    else if (type === RdbType.setIntset) this.readIntset();
    else if (type === RdbType.setListpack) this.setOf(this.listpack.open(input.bytes()));
    else if (type === RdbType.zsetZiplist) this.sortedSetOf(this.ziplist.open(input.bytes()));
    else if (type === RdbType.zsetListpack) this.readZsetListpack();
    else if (type === RdbType.listZiplist) this.listOf(this.ziplist.open(input.bytes()));
    else if (type === RdbType.listQuicklist) this.readQuicklist(false);
    else if (type === RdbType.listQuicklist2) this.readQuicklist(true);
    else if (isStream(type)) this.readStream(type);
    else throw badData;
  }

  // ---- lists -------------------------------------------------------------------------------

  private beginList(): void {
    this.list.create();
    this.value = this.list;
  }

  private readList(): void {
    const { input, list } = this;
    const count = input.count(1);
    if (count === 0) throw badData;
    this.beginList();
    for (let i = 0; i < count; i++) {
      input.string();
      list.push(true, input.text, input.off, input.len);
    }
  }

  private listOf(elements: Elements): void {
    this.beginList();
    this.appendAll(elements);
    if (this.list.size === 0) throw badData;
  }

  private appendAll(elements: Elements): void {
    while (elements.next()) this.list.push(true, elements.text, elements.off, elements.len);
  }

  /** Nodes: listpacks or single elements with `marked`, which tells the two apart; else ziplists. */
  private readQuicklist(marked: boolean): void {
    const { input, list } = this;
    const nodes = input.count(marked ? 2 : 1);
    this.beginList();
    for (let i = 0; i < nodes; i++) {
      const kind = marked ? input.number() : 0;
      const bytes = input.bytes();
      if (!marked) this.appendAll(this.ziplist.open(bytes));
      else if (kind === NODE_PACKED) this.appendAll(this.listpack.open(bytes));
      else if (kind === NODE_PLAIN) list.push(true, bytes, 0, bytes.length);
      else throw badData;
    }
    if (list.size === 0) throw badData;
  }

  // ---- sets --------------------------------------------------------------------------------

  private addMember(text: Uint8Array, off: number, len: number, expected: number): void {
    const { set } = this;
    if (this.value === undefined) {
      set.createFor(text, off, len, expected);
      this.value = set;
    }
    if (!set.add(text, off, len)) throw badData;
  }

  private readSet(): void {
    const { input } = this;
    const count = input.count(1);
    if (count === 0) throw badData;
    for (let i = 0; i < count; i++) {
      input.string();
      this.addMember(input.text, input.off, input.len, count);
    }
  }

  private setOf(elements: Elements): void {
    if (elements.count === 0) throw badData;
    while (elements.next()) {
      this.addMember(elements.text, elements.off, elements.len, elements.count);
    }
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

  private beginHash(): void {
    this.hash.create();
    this.value = this.hash;
  }

  private setField(text: Uint8Array, off: number, len: number): void {
    const { kept } = this;
    if (!this.hash.set(kept.buf, kept.off, kept.len, text, off, len)) throw badData;
  }

  private readHash(): void {
    const { input } = this;
    const count = input.count(2);
    if (count === 0) throw badData;
    this.beginHash();
    for (let i = 0; i < count; i++) {
      input.string();
      this.keep(input.text, input.off, input.len);
      input.string();
      this.setField(input.text, input.off, input.len);
    }
  }

  private hashOf(elements: Elements): void {
    if (elements.count === 0 || elements.count % 2 !== 0) throw badData;
    this.beginHash();
    while (elements.next()) {
      this.keep(elements.text, elements.off, elements.len);
      elements.next();
      this.setField(elements.text, elements.off, elements.len);
    }
  }

  private readHashListpack(): void {
    const bytes = this.input.bytes();
    const elements = this.listpack.open(bytes);
    if (elements.count > this.space.limits.hashListpackEntries * 2) {
      this.hashOf(elements);
      return;
    }
    if (elements.count === 0 || elements.count % 2 !== 0) throw badData;
    this.checkDistinct(2);
    this.hash.openDetached(this.space.tools.listpack.from(bytes), Encoding.listpack);
    this.value = this.hash;
  }

  /** The earliest expiry, then for each field: its expiry less that, plus 1, or 0; field; value. */
  private readHashTtl(): void {
    const { input } = this;
    const earliest = Number(input.int64());
    if (earliest < 0) throw badData;
    const count = input.count(3);
    if (count === 0) throw badData;
    this.beginHash();
    for (let i = 0; i < count; i++) {
      const ttl = Number(input.number());
      input.string();
      this.keep(input.text, input.off, input.len);
      input.string();
      this.setField(input.text, input.off, input.len);
      if (ttl > 0) this.expireField(earliest + ttl - 1);
    }
  }

  /** The earliest expiry, then a listpack of field, value, expiry or 0. */
  private readHashListpackTtl(): void {
    const { input } = this;
    input.int64();
    const elements = this.listpack.open(input.bytes());
    if (elements.count === 0 || elements.count % 3 !== 0) throw badData;
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

  private beginSortedSet(): void {
    this.zset.create();
    this.value = this.zset;
  }

  private addScored(score: number): void {
    const { kept, zset } = this;
    if (Number.isNaN(score) || zset.find(kept.buf, kept.off, kept.len)) throw badData;
    zset.insert(kept.buf, kept.off, kept.len, score);
  }

  private readSortedSet(scoresAsText: boolean): void {
    const { input } = this;
    const count = input.count(2);
    if (count === 0) throw badData;
    this.beginSortedSet();
    for (let i = 0; i < count; i++) {
      input.string();
      this.keep(input.text, input.off, input.len);
      this.addScored(scoresAsText ? input.textDouble() : input.double());
    }
  }

  private sortedSetOf(elements: Elements): void {
    if (elements.count === 0 || elements.count % 2 !== 0) throw badData;
    this.beginSortedSet();
    while (elements.next()) {
      this.keep(elements.text, elements.off, elements.len);
      elements.next();
      this.addScored(parseDouble(elements.text, elements.off, elements.len));
    }
  }

  private readZsetListpack(): void {
    const bytes = this.input.bytes();
    const elements = this.listpack.open(bytes);
    const small = elements.count <= this.space.limits.zsetListpackEntries * 2;
    if (!small || elements.count % 2 !== 0 || !this.isInOrder()) {
      elements.rewind();
      this.sortedSetOf(elements);
      return;
    }
    if (elements.count === 0) throw badData;
    this.checkDistinct(2);
    this.zset.openDetached(this.space.tools.listpack.from(bytes), Encoding.listpack);
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
        const previous = this.keptBytes.subarray(0, kept.len);
        order = Buffer.compare(previous, text.subarray(off, off + len));
      }
      first = false;
      this.keep(text, off, len);
      listpack.next();
      const score = parseDouble(listpack.text, listpack.off, listpack.len);
      if (Number.isNaN(score)) throw badData;
      if (score < before || (score === before && order >= 0)) return false;
      before = score;
    }
    return true;
  }

  private readStream(type: number): void {
    this.stream.create();
    this.value = this.stream;
    this.streamReader.read(this.stream, type);
  }

  // ---- inside ------------------------------------------------------------------------------

  /** Throws when among every `stride`-th element of the listpack one occurs twice. */
  private checkDistinct(stride: number): void {
    const { listpack } = this;
    const seen = new Set<string>();
    listpack.rewind();
    while (listpack.next()) {
      const { text, off, len } = listpack;
      const before = seen.size;
      seen.add(Buffer.from(text.buffer, text.byteOffset + off, len).toString('latin1'));
      if (seen.size === before) throw badData;
      for (let i = 1; i < stride; i++) listpack.next();
    }
  }

  /** Copies a text into `kept`: the next read may be into the same buffer. */
  private keep(text: Uint8Array, off: number, len: number): void {
    if (this.keptBytes.length < len) this.keptBytes = Buffer.allocUnsafe(len * 2);
    this.keptBytes.set(text.subarray(off, off + len));
    this.kept.buf = this.keptBytes;
    this.kept.len = len;
  }
}

function isStream(type: number): boolean {
  return type === RdbType.stream || type === RdbType.stream2 || type === RdbType.stream3;
}
