/**
 * Pending entries of consumer groups: what was delivered and not yet acknowledged. Each is a block
 *
 *     0-3 id | 4-5 float64 stamp | 6-7 deliveries (high, low) | 8 consumer, or 0 when released
 *
 * linked in ordered indexes: by id in one of its group and one of its consumer, by stamp in a
 * further one of its group once somebody asked for the oldest entries. An index is there only
 * while it has elements; a word of the group's or the consumer's block names it.
 *
 * A stamp is the time of delivery in ms. Released entries (XNACK) come before all others in the
 * order of their release: their stamps are negative and ascend.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { OrderedIndex } from '../memory/ordered-index.ts';
import { ById, highOf, lowOf, type StreamId, unsigned } from './stream-id.ts';
import type { Tools } from './value.ts';

const BYTES = 36;
const COUNT = 6;
const CONSUMER = 8;

export class PendingEntries {
  /** The entry that an iteration is at, 0 at its end. */
  at: Ref = 0;
  private readonly arena: Arena;
  private readonly byId: ById;
  private readonly index: OrderedIndex;
  /** For iterations: its place stays valid while entries change and other indexes do. */
  private readonly walk: OrderedIndex;

  constructor(tools: Tools) {
    this.arena = tools.arena;
    this.byId = new ById(tools.arena);
    this.index = new OrderedIndex(tools.arena, this.byId);
    this.walk = new OrderedIndex(tools.arena, this.byId);
  }

  /** A pending entry that is in no index yet. */
  create(id: StreamId, consumer: Ref, stamp: number, count: number | bigint): Ref {
    const entry = this.arena.alloc(BYTES);
    id.store(this.arena, entry, 0);
    this.setWord(entry, CONSUMER, consumer);
    this.setDelivery(entry, stamp, count);
    return entry;
  }

  readId(entry: Ref, id: StreamId): void {
    id.load(this.arena, entry, 0);
  }

  /** The consumer that has the entry, 0 when it was released. */
  consumer(entry: Ref): Ref {
    return this.word(entry, CONSUMER);
  }

  setConsumer(entry: Ref, consumer: Ref): void {
    this.arena.touch(entry);
    this.setWord(entry, CONSUMER, consumer);
  }

  stamp(entry: Ref): number {
    return this.arena.f64[entry >>> 15]![(entry & 0x7fff) + 2]!;
  }

  /** When it was delivered last, ms since the epoch; 0 for a released one. */
  deliveredAt(entry: Ref): number {
    return Math.max(0, this.stamp(entry));
  }

  /** Whether an entry that is no consumer's has its place in the order of releases. */
  isReleased(entry: Ref): boolean {
    return this.stamp(entry) < -1;
  }

  /** How often it was delivered, unsigned. */
  deliveries(entry: Ref): number | bigint {
    return unsigned(this.word(entry, COUNT), this.word(entry, COUNT + 1));
  }

  /** The entry must not be in an index by stamp. */
  setDelivery(entry: Ref, stamp: number, count: number | bigint): void {
    this.arena.touch(entry);
    this.arena.f64[entry >>> 15]![(entry & 0x7fff) + 2] = stamp;
    this.setWord(entry, COUNT, highOf(count));
    this.setWord(entry, COUNT + 1, lowOf(count));
  }

  // ---- the index by id that a word of an owner's block names -------------------------------

  /** Number of entries. O(1). */
  count(owner: Ref, word: number): number {
    const root = this.word(owner, word);
    return root === 0 ? 0 : this.index.size(root);
  }

  /** The entry with an id, or 0. O(log n). */
  find(owner: Ref, word: number, id: StreamId): Ref {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    const { index, byId } = this;
    byId.probe.set(id);
    const { score } = id;
    // Entries are delivered in order: as a rule a new one is not there yet.
    if (index.isBehind(root, score)) return 0;
    index.seek(root, score);
    return index.leaf !== 0 && byId.compareProbe(index.entry) === 0 ? index.entry : 0;
  }

  /** Adds an entry whose id is not in. O(log n). */
  add(owner: Ref, word: number, entry: Ref): void {
    const root = this.rootFor(owner, word);
    const { probe } = this.byId;
    probe.load(this.arena, entry, 0);
    this.index.insert(root, probe.score, entry);
  }

  /** Takes an entry out, which stays. O(log n). */
  remove(owner: Ref, word: number, entry: Ref): void {
    const { probe } = this.byId;
    probe.load(this.arena, entry, 0);
    this.removeAt(owner, word, probe.score);
  }

  // ---- the index by stamp ------------------------------------------------------------------

  /** As `add`, by stamp. */
  addStamp(owner: Ref, word: number, entry: Ref): void {
    const root = this.rootFor(owner, word);
    this.byId.probe.load(this.arena, entry, 0);
    this.index.insert(root, this.stamp(entry), entry);
  }

  /** As `remove`, by stamp. */
  removeStamp(owner: Ref, word: number, entry: Ref): void {
    this.byId.probe.load(this.arena, entry, 0);
    this.removeAt(owner, word, this.stamp(entry));
  }

  // ---- any index ---------------------------------------------------------------------------

  /** Goes to the first entry of an index by id whose id is at least `id`. O(log n). */
  seek(owner: Ref, word: number, id: StreamId): boolean {
    const root = this.word(owner, word);
    this.at = 0;
    if (root === 0) return false;
    this.byId.probe.set(id);
    this.walk.seek(root, id.score);
    return this.settle();
  }

  /** Goes to the first entry of an index. */
  seekFirst(owner: Ref, word: number): boolean {
    const root = this.word(owner, word);
    this.at = 0;
    if (root === 0) return false;
    this.walk.seekFirst(root);
    return this.settle();
  }

  seekLast(owner: Ref, word: number): boolean {
    const root = this.word(owner, word);
    this.at = 0;
    if (root === 0) return false;
    this.walk.seekLast(root);
    return this.settle();
  }

  /** To the next entry; false at the end. The index must not have changed. O(1). */
  next(): boolean {
    this.walk.next();
    return this.settle();
  }

  /** Frees an index, not its entries. O(n / 62). */
  dropIndex(owner: Ref, word: number): void {
    const root = this.word(owner, word);
    if (root === 0) return;
    this.index.clearStep(root, Number.POSITIVE_INFINITY);
    this.arena.touch(owner);
    this.setWord(owner, word, 0);
  }

  /** Frees some 62 entries of an index, at last the index. Returns whether some are left. */
  freeStep(owner: Ref, word: number): boolean {
    const root = this.word(owner, word);
    if (root === 0) return false;
    const { walk } = this;
    walk.seekFirst(root);
    const { leaf } = walk;
    while (walk.leaf === leaf && leaf !== 0) {
      const { entry } = walk;
      walk.next();
      this.arena.free(entry);
    }
    if (this.index.clearStep(root, 1)) return true;
    this.arena.touch(owner);
    this.setWord(owner, word, 0);
    return false;
  }

  /** Bytes of an index and, if asked, its entries. O(n). */
  memory(owner: Ref, word: number, withEntries: boolean): number {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    let total = this.index.memory(root);
    if (!withEntries) return total;
    for (let found = this.seekFirst(owner, word); found; found = this.next()) {
      total += this.arena.capacity(this.at);
    }
    return total;
  }

  /** Throws when an index by id (or by stamp) is not in order; returns its size. */
  check(owner: Ref, word: number, byStamp = false): number {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    if (this.index.size(root) === 0) throw new Error('stream: an empty index of pending entries');
    this.index.checkInvariants(root);
    let before: Ref = 0;
    for (let found = this.seekFirst(owner, word); found; found = this.next()) {
      const { probe } = this.byId;
      probe.load(this.arena, this.at, 0);
      const score = byStamp ? this.stamp(this.at) : probe.score;
      if (this.walk.score !== score) throw new Error('stream: a pending entry at a wrong place');
      const ties = before !== 0 && (!byStamp || this.stamp(before) === score);
      if (ties && this.byId.compareProbe(before) <= 0) {
        throw new Error('stream: pending entries out of order');
      }
      before = this.at;
    }
    return this.index.size(root);
  }

  private settle(): boolean {
    this.at = this.walk.leaf === 0 ? 0 : this.walk.entry;
    return this.at !== 0;
  }

  private rootFor(owner: Ref, word: number): Ref {
    const present = this.word(owner, word);
    if (present !== 0) return present;
    const root = this.index.create();
    this.arena.touch(owner);
    this.setWord(owner, word, root);
    return root;
  }

  /** Removes the element with this score that the probe names. */
  private removeAt(owner: Ref, word: number, score: number): void {
    const root = this.word(owner, word);
    if (root === 0 || !this.index.remove(root, score)) {
      throw new Error('stream: a pending entry is not in the index');
    }
    if (this.index.size(root) === 0) this.dropIndex(owner, word);
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }
}
