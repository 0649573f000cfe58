/**
 * Pending entries of consumer groups: what was delivered and not yet acknowledged. Each is a block
 *
 *     0-3 id | 4-5 float64 time of delivery, ms | 6-7 deliveries (high, low) | 8 consumer, or 0
 *
 * linked by id in an ordered index of its group and in one of its consumer. Such an index is there
 * only while it has elements; a word of the group's or the consumer's block names it.
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
  create(id: StreamId, consumer: Ref, deliveredAt: number, count: number | bigint): Ref {
    const entry = this.arena.alloc(BYTES);
    id.store(this.arena, entry, 0);
    this.setWord(entry, CONSUMER, consumer);
    this.setDelivery(entry, deliveredAt, count);
    return entry;
  }

  readId(entry: Ref, id: StreamId): void {
    id.load(this.arena, entry, 0);
  }

  consumer(entry: Ref): Ref {
    return this.word(entry, CONSUMER);
  }

  setConsumer(entry: Ref, consumer: Ref): void {
    this.arena.touch(entry);
    this.setWord(entry, CONSUMER, consumer);
  }

  /** When it was delivered last, ms since the epoch. */
  deliveredAt(entry: Ref): number {
    return this.arena.f64[entry >>> 15]![(entry & 0x7fff) + 2]!;
  }

  /** How often it was delivered, unsigned. */
  deliveries(entry: Ref): number | bigint {
    return unsigned(this.word(entry, COUNT), this.word(entry, COUNT + 1));
  }

  setDelivery(entry: Ref, deliveredAt: number, count: number | bigint): void {
    this.arena.touch(entry);
    this.arena.f64[entry >>> 15]![(entry & 0x7fff) + 2] = deliveredAt;
    this.setWord(entry, COUNT, highOf(count));
    this.setWord(entry, COUNT + 1, lowOf(count));
  }

  /** One delivery more, modulo 2^64. */
  deliveredAgain(entry: Ref, deliveredAt: number): void {
    const count = this.deliveries(entry);
    const more = typeof count === 'number' ? count + 1 : BigInt.asUintN(64, count + 1n);
    this.setDelivery(entry, deliveredAt, more);
  }

  // ---- the index that a word of an owner's block names -------------------------------------

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
    index.seek(root, id.score);
    return index.leaf !== 0 && byId.compareProbe(index.entry) === 0 ? index.entry : 0;
  }

  /** Adds an entry whose id is not in. O(log n). */
  add(owner: Ref, word: number, entry: Ref): void {
    let root = this.word(owner, word);
    if (root === 0) {
      root = this.index.create();
      this.arena.touch(owner);
      this.setWord(owner, word, root);
    }
    const { probe } = this.byId;
    probe.load(this.arena, entry, 0);
    this.index.insert(root, probe.score, entry);
  }

  /** Takes an entry out, which stays. O(log n). */
  remove(owner: Ref, word: number, entry: Ref): void {
    const root = this.word(owner, word);
    const { probe } = this.byId;
    probe.load(this.arena, entry, 0);
    if (root === 0 || !this.index.remove(root, probe.score)) {
      throw new Error('stream: a pending entry is not in the index');
    }
    if (this.index.size(root) === 0) this.dropIndex(owner, word);
  }

  /** Frees an index, not its entries. O(n / 62). */
  dropIndex(owner: Ref, word: number): void {
    const root = this.word(owner, word);
    if (root === 0) return;
    this.index.clearStep(root, Number.POSITIVE_INFINITY);
    this.arena.touch(owner);
    this.setWord(owner, word, 0);
  }

  /** Goes to the first entry of an index whose id is at least `id`. O(log n). */
  seek(owner: Ref, word: number, id: StreamId): boolean {
    const root = this.word(owner, word);
    this.at = 0;
    if (root === 0) return false;
    this.byId.probe.set(id);
    this.walk.seek(root, id.score);
    return this.settle();
  }

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

  private settle(): boolean {
    this.at = this.walk.leaf === 0 ? 0 : this.walk.entry;
    return this.at !== 0;
  }

  /** Frees some 62 entries of an index at a time, at last the index. Returns whether some are left. */
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

  /** Throws when an index is not in order; returns its size. */
  check(owner: Ref, word: number): number {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    if (this.index.size(root) === 0) throw new Error('stream: an empty index of pending entries');
    this.index.checkInvariants(root);
    let before: Ref = 0;
    for (let found = this.seekFirst(owner, word); found; found = this.next()) {
      this.byId.probe.load(this.arena, this.at, 0);
      if (before !== 0 && this.byId.compareProbe(before) <= 0) {
        throw new Error('stream: pending entries out of order');
      }
      before = this.at;
    }
    return this.index.size(root);
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }
}
