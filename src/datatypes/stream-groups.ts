/**
 * Consumer groups of a stream. A dict by name holds them, made with the first one; an entry's
 * second word names the group's block. Consumers are kept alike in a dict of their group.
 *
 *     group, int32 words:     0-3 last delivered id | 4-5 entries read (high, low; -1: not known)
 *                             6 index of pending entries, or 0 | 7 dict of consumers, or 0 | 8 entry
 *     consumer, int32 words:  0-1 float64 last seen, ms | 2-3 float64 last active, ms (-1: never)
 *                             4 index of its pending entries, or 0 | 5 entry
 *
 * Refs of groups and consumers stay valid until these are removed.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { locateMember, newMember, TextRegister } from './members.ts';
import { highOf, lowOf, StreamId, signed } from './stream-id.ts';
import { PendingEntries } from './stream-pending.ts';
import type { Text, Tools } from './value.ts';

const GROUP_BYTES = 36;
const READ = 4;
const PENDING = 6;
const CONSUMERS = 7;
const GROUP_ENTRY = 8;
const CONSUMER_BYTES = 24;
const OWN_PENDING = 4;
const CONSUMER_ENTRY = 5;
/** A group, a consumer or a pending entry; 0 is none. */
export type GroupRef = Ref;

/** Of `entriesRead`: not known. */
export const READ_UNKNOWN = -1;

export class StreamGroups {
  /** Fields and iteration of pending entries. */
  readonly pending: PendingEntries;
  private readonly arena: Arena;
  private readonly tools: Tools;
  private readonly nameText = new TextRegister();
  /** The block with the word that names the dict of groups. */
  private owner: Ref = 0;
  private ownerWord = 0;

  constructor(tools: Tools) {
    this.tools = tools;
    this.arena = tools.arena;
    this.pending = new PendingEntries(tools);
  }

  /** Looks at the groups whose dict a word of a stream's root names. */
  open(owner: Ref, word: number): void {
    this.owner = owner;
    this.ownerWord = word;
  }

  /** Number of groups. O(1). */
  get size(): number {
    const { dictRoot } = this;
    return dictRoot === 0 ? 0 : this.tools.dict.size(dictRoot);
  }

  private get dictRoot(): Ref {
    return this.word(this.owner, this.ownerWord);
  }

  // ---- groups ------------------------------------------------------------------------------

  /** The group with a name, or 0. O(1). */
  find(buf: Uint8Array, off: number, len: number): Ref {
    return this.findNamed(this.dictRoot, buf, off, len);
  }

  /** Adds a group; none has the name. O(1). */
  create(
    buf: Uint8Array,
    off: number,
    len: number,
    lastId: StreamId,
    entriesRead: number | bigint,
  ): Ref {
    const group = this.arena.alloc(GROUP_BYTES);
    lastId.store(this.arena, group, 0);
    this.setWord(group, PENDING, 0);
    this.setWord(group, CONSUMERS, 0);
    this.setEntriesRead(group, entriesRead);
    const entry = this.addNamed(this.owner, this.ownerWord, buf, off, len, group);
    this.setWord(group, GROUP_ENTRY, entry);
    return group;
  }

  /** Removes a group with its consumers and pending entries. O(those). */
  destroy(group: Ref): void {
    while (this.pending.freeStep(group, PENDING));
    while (this.freeConsumers(group, Number.POSITIVE_INFINITY));
    this.removeNamed(this.owner, this.ownerWord, this.word(group, GROUP_ENTRY));
    this.arena.free(group);
  }

  /** All groups, in the order of their names. O(n log n). */
  list(): Ref[] {
    return this.listNamed(this.dictRoot);
  }

  /** Whether every group passes a test. O(n). */
  every(test: (group: Ref) => boolean): boolean {
    let passed = true;
    if (this.dictRoot === 0) return true;
    this.tools.dict.some(this.dictRoot, (entry) => {
      passed = test(this.word(entry, 1));
      return passed;
    });
    return passed;
  }

  /** A group's name, a view until the next operation. */
  name(group: Ref): Text {
    locateMember(this.arena, this.word(group, GROUP_ENTRY), this.nameText);
    return this.nameText;
  }

  readLastId(group: Ref, id: StreamId): void {
    id.load(this.arena, group, 0);
  }

  setLastId(group: Ref, id: StreamId): void {
    this.arena.touch(group);
    id.store(this.arena, group, 0);
  }

  /** How many of the stream's entries it was told of, or READ_UNKNOWN. */
  entriesRead(group: Ref): number | bigint {
    return signed(this.word(group, READ), this.word(group, READ + 1));
  }

  setEntriesRead(group: Ref, count: number | bigint): void {
    this.arena.touch(group);
    this.setWord(group, READ, highOf(count));
    this.setWord(group, READ + 1, lowOf(count));
  }

  // ---- consumers ---------------------------------------------------------------------------

  /** Number of a group's consumers. O(1). */
  consumerCount(group: Ref): number {
    const root = this.word(group, CONSUMERS);
    return root === 0 ? 0 : this.tools.dict.size(root);
  }

  /** The consumer with a name, or 0. O(1). */
  findConsumer(group: Ref, buf: Uint8Array, off: number, len: number): Ref {
    return this.findNamed(this.word(group, CONSUMERS), buf, off, len);
  }

  /** Adds a consumer; none has the name. O(1). */
  createConsumer(group: Ref, buf: Uint8Array, off: number, len: number, seenAt: number): Ref {
    const consumer = this.arena.alloc(CONSUMER_BYTES);
    this.setWord(consumer, OWN_PENDING, 0);
    this.setSeen(consumer, seenAt);
    this.setActive(consumer, -1);
    const entry = this.addNamed(group, CONSUMERS, buf, off, len, consumer);
    this.setWord(consumer, CONSUMER_ENTRY, entry);
    return consumer;
  }

  /** Removes a consumer with its pending entries; returns how many there were. O(those log n). */
  deleteConsumer(group: Ref, consumer: Ref): number {
    const { pending } = this;
    const count = pending.count(consumer, OWN_PENDING);
    for (let found = pending.seekFirst(consumer, OWN_PENDING); found; found = pending.next()) {
      pending.remove(group, PENDING, pending.at);
    }
    while (pending.freeStep(consumer, OWN_PENDING));
    this.removeNamed(group, CONSUMERS, this.word(consumer, CONSUMER_ENTRY));
    this.arena.free(consumer);
    return count;
  }

  /** A group's consumers in the order of their names. O(n log n). */
  listConsumers(group: Ref): Ref[] {
    return this.listNamed(this.word(group, CONSUMERS));
  }

  /** A consumer's name, a view until the next operation. */
  consumerName(consumer: Ref): Text {
    locateMember(this.arena, this.word(consumer, CONSUMER_ENTRY), this.nameText);
    return this.nameText;
  }

  /** When a consumer last tried to read or claim, ms. */
  seenAt(consumer: Ref): number {
    return this.arena.f64[consumer >>> 15]![consumer & 0x7fff]!;
  }

  setSeen(consumer: Ref, ms: number): void {
    this.arena.touch(consumer);
    this.arena.f64[consumer >>> 15]![consumer & 0x7fff] = ms;
  }

  /** When a consumer last read or claimed an entry, ms; -1 for never. */
  activeAt(consumer: Ref): number {
    return this.arena.f64[consumer >>> 15]![(consumer & 0x7fff) + 1]!;
  }

  setActive(consumer: Ref, ms: number): void {
    this.arena.touch(consumer);
    this.arena.f64[consumer >>> 15]![(consumer & 0x7fff) + 1] = ms;
  }

  // ---- pending entries ---------------------------------------------------------------------

  /** Number of a group's pending entries. O(1). */
  pendingCount(group: Ref): number {
    return this.pending.count(group, PENDING);
  }

  /** Number of a consumer's pending entries. O(1). */
  ownPendingCount(consumer: Ref): number {
    return this.pending.count(consumer, OWN_PENDING);
  }

  /** The pending entry of a group with an id, or 0. O(log n). */
  findPending(group: Ref, id: StreamId): Ref {
    return this.pending.find(group, PENDING, id);
  }

  /** Adds a pending entry, of a consumer or (0) of none. O(log n). */
  addPending(
    group: Ref,
    id: StreamId,
    consumer: Ref,
    deliveredAt: number,
    count: number | bigint,
  ): Ref {
    const entry = this.pending.create(id, consumer, deliveredAt, count);
    this.pending.add(group, PENDING, entry);
    if (consumer !== 0) this.pending.add(consumer, OWN_PENDING, entry);
    return entry;
  }

  /** Makes a pending entry that of another consumer, or (0) of none. O(log n). */
  assign(entry: Ref, consumer: Ref): void {
    const { pending } = this;
    const before = pending.consumer(entry);
    if (before === consumer) return;
    if (before !== 0) pending.remove(before, OWN_PENDING, entry);
    if (consumer !== 0) pending.add(consumer, OWN_PENDING, entry);
    pending.setConsumer(entry, consumer);
  }

  /** Removes a pending entry. O(log n). */
  removePending(group: Ref, entry: Ref): void {
    this.assign(entry, 0);
    this.pending.remove(group, PENDING, entry);
    this.arena.free(entry);
  }

  /** Goes to a group's first pending entry from an id on; `pending.at` is it. O(log n). */
  seekPending(group: Ref, id: StreamId): boolean {
    return this.pending.seek(group, PENDING, id);
  }

  /** As `seekPending`, of those that are a consumer's. */
  seekOwnPending(consumer: Ref, id: StreamId): boolean {
    return this.pending.seek(consumer, OWN_PENDING, id);
  }

  /** Goes to a group's first pending entry or its last. */
  seekPendingEdge(group: Ref, last: boolean): boolean {
    return last ? this.pending.seekLast(group, PENDING) : this.pending.seekFirst(group, PENDING);
  }

  // ---- names -------------------------------------------------------------------------------

  private findNamed(root: Ref, buf: Uint8Array, off: number, len: number): Ref {
    if (root === 0) return 0;
    const { dict } = this.tools;
    const entry = dict.find(root, dict.hash(buf, off, len), buf, off, len);
    return entry === 0 ? 0 : this.word(entry, 1);
  }

  private addNamed(
    owner: Ref,
    word: number,
    buf: Uint8Array,
    off: number,
    len: number,
    block: Ref,
  ): Ref {
    const { dict } = this.tools;
    if (this.word(owner, word) === 0) {
      const root = dict.create();
      this.arena.touch(owner);
      this.setWord(owner, word, root);
    }
    const entry = newMember(this.arena, buf, off, len, false, 0);
    this.setWord(entry, 1, block);
    dict.insert(this.word(owner, word), dict.hash(buf, off, len), entry);
    return entry;
  }

  private removeNamed(owner: Ref, word: number, entry: Ref): void {
    const { dict } = this.tools;
    const root = this.word(owner, word);
    if (root === 0) return;
    dict.unlinkEntry(root, dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
    if (dict.size(root) > 0) return;
    dict.destroy(root);
    this.arena.touch(owner);
    this.setWord(owner, word, 0);
  }

  private listNamed(root: Ref): Ref[] {
    if (root === 0) return [];
    const found: { readonly name: Buffer; readonly block: Ref }[] = [];
    this.tools.dict.forEach(root, (entry) => {
      locateMember(this.arena, entry, this.nameText);
      const { buf, off, len } = this.nameText;
      found.push({ name: Buffer.from(buf.subarray(off, off + len)), block: this.word(entry, 1) });
    });
    found.sort((a, b) => Buffer.compare(a.name, b.name));
    return found.map(({ block }) => block);
  }

  // ---- all of them -------------------------------------------------------------------------

  /** Frees about `max` blocks. Returns whether some are left. */
  freeSome(max: number): boolean {
    const { dict } = this.tools;
    let left = max;
    if (this.dictRoot === 0) return false;
    dict.some(this.dictRoot, (entry) => {
      const group = this.word(entry, 1);
      while (left > 0 && this.pending.freeStep(group, PENDING)) left -= 62;
      while (left > 0 && this.freeConsumers(group, left)) left -= max;
      return left > 0;
    });
    if (left <= 0) return true;
    const more = dict.clearStep(
      this.dictRoot,
      (entry) => {
        this.arena.free(this.word(entry, 1));
        this.arena.free(entry);
      },
      left,
    );
    if (more) return true;
    dict.destroy(this.dictRoot);
    this.arena.touch(this.owner);
    this.setWord(this.owner, this.ownerWord, 0);
    return false;
  }

  /** Frees about `max` consumers, not the entries they share with their group. More left? */
  private freeConsumers(group: Ref, max: number): boolean {
    const { dict } = this.tools;
    const root = this.word(group, CONSUMERS);
    if (root === 0) return false;
    const more = dict.clearStep(
      root,
      (entry) => {
        this.pending.dropIndex(this.word(entry, 1), OWN_PENDING);
        this.arena.free(this.word(entry, 1));
        this.arena.free(entry);
      },
      max,
    );
    if (more) return true;
    dict.destroy(root);
    this.arena.touch(group);
    this.setWord(group, CONSUMERS, 0);
    return false;
  }

  /** Copies all groups to the stream whose root has its word for them at `word`. O(all). */
  cloneTo(root: Ref, word: number): void {
    const copy = new StreamGroups(this.tools);
    copy.open(root, word);
    for (const group of this.list()) copy.addCopy(this, group);
  }

  private addCopy(source: StreamGroups, from: Ref): void {
    const lastId = new StreamId();
    source.readLastId(from, lastId);
    const { buf, off, len } = source.name(from);
    const group = this.create(buf, off, len, lastId, source.entriesRead(from));
    const consumers = new Map<Ref, Ref>([[0, 0]]);
    for (const consumer of source.listConsumers(from)) {
      const name = source.consumerName(consumer);
      const seenAt = source.seenAt(consumer);
      const made = this.createConsumer(group, name.buf, name.off, name.len, seenAt);
      this.setActive(made, source.activeAt(consumer));
      consumers.set(consumer, made);
    }
    const { pending } = source;
    for (let found = source.seekPendingEdge(from, false); found; found = pending.next()) {
      const { at } = pending;
      pending.readId(at, lastId);
      const consumer = consumers.get(pending.consumer(at))!;
      this.addPending(group, lastId, consumer, pending.deliveredAt(at), pending.deliveries(at));
    }
  }

  /** Bytes of groups, consumers and pending entries. O(all). */
  memory(): number {
    const { arena, pending } = this;
    const { dict } = this.tools;
    if (this.dictRoot === 0) return 0;
    let total = dict.memory(this.dictRoot);
    for (const group of this.list()) {
      total += arena.capacity(group) + arena.capacity(this.word(group, GROUP_ENTRY));
      total += pending.memory(group, PENDING, true);
      if (this.word(group, CONSUMERS) !== 0) total += dict.memory(this.word(group, CONSUMERS));
      for (const consumer of this.listConsumers(group)) {
        total += arena.capacity(consumer) + arena.capacity(this.word(consumer, CONSUMER_ENTRY));
        total += pending.memory(consumer, OWN_PENDING, false);
      }
    }
    return total;
  }

  /** Throws when an invariant is broken; for tests. */
  checkInvariants(): void {
    if (this.dictRoot === 0) return;
    const { pending } = this;
    const { dict } = this.tools;
    dict.checkInvariants(this.dictRoot);
    for (const group of this.list()) {
      let owned = 0;
      const total = pending.check(group, PENDING);
      for (let found = this.seekPendingEdge(group, false); found; found = pending.next()) {
        if (pending.consumer(pending.at) === 0) owned++;
      }
      if (this.word(group, CONSUMERS) !== 0) dict.checkInvariants(this.word(group, CONSUMERS));
      for (const consumer of this.listConsumers(group)) {
        owned += pending.check(consumer, OWN_PENDING);
        for (let found = pending.seekFirst(consumer, OWN_PENDING); found; found = pending.next()) {
          if (pending.consumer(pending.at) !== consumer) throw new Error('stream: wrong consumer');
        }
      }
      if (owned !== total) throw new Error(`stream: ${total} pending, consumers have ${owned}`);
    }
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }
}
