/**
 * Consumer groups of a stream and their consumers, both kept by name (`stream-names.ts`).
 *
 *     group, int32 words:     0-3 last delivered id | 4-5 entries read (high, low; -1: not known)
 *                             6 index of pending entries by id, or 0 | 7 consumers | 8 entry
 *                             9 index of pending entries by stamp, or 0 when nobody asked for it
 *                             10-11 float64 releases so far
 *     consumer, int32 words:  0-1 float64 last seen, ms | 2-3 float64 last active, ms (-1: never)
 *                             4 index of its pending entries, or 0 | 5 entry
 *
 * Refs of groups, consumers and pending entries stay valid until these are removed.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { highOf, lowOf, StreamId, signed } from './stream-id.ts';
import { NamedBlocks } from './stream-names.ts';
import { PendingEntries } from './stream-pending.ts';
import type { Text, Tools } from './value.ts';

const GROUP_BYTES = 48;
const READ = 4;
const PENDING = 6;
const CONSUMERS = 7;
const GROUP_ENTRY = 8;
const BY_STAMP = 9;
/** In float64 words. */
const RELEASES = 5;
const CONSUMER_BYTES = 24;
const OWN_PENDING = 4;
const CONSUMER_ENTRY = 5;
/** Stamps of released entries begin here. */
const RELEASED_FROM = -(2 ** 53);
/** More than an entry and its places in three indexes take: it is added whole or not at all. */
const PENDING_ROOM = 64 * 1024;
const DELIVERIES_MAX = (1n << 63n) - 1n;

/** A group, a consumer or a pending entry; 0 is none. */
export type GroupRef = Ref;

/** Of `entriesRead`: not known. */
export const READ_UNKNOWN = -1;

const nobody: Text = { buf: new Uint8Array(0), off: 0, len: 0 };

export class StreamGroups {
  /** Fields and iteration of pending entries. */
  readonly pending: PendingEntries;
  private readonly arena: Arena;
  private readonly tools: Tools;
  private readonly names: NamedBlocks;
  /** The block with the word that names the dict of groups. */
  private owner: Ref = 0;
  private ownerWord = 0;

  constructor(tools: Tools) {
    this.tools = tools;
    this.arena = tools.arena;
    this.names = new NamedBlocks(tools);
    this.pending = new PendingEntries(tools);
  }

  /** Looks at the groups whose dict a word of a stream's root names. */
  open(owner: Ref, word: number): void {
    this.owner = owner;
    this.ownerWord = word;
  }

  /** Number of groups. O(1). */
  get size(): number {
    return this.names.size(this.owner, this.ownerWord);
  }

  // ---- groups ------------------------------------------------------------------------------

  /** The group with a name, or 0. O(1). */
  find(buf: Uint8Array, off: number, len: number): Ref {
    return this.names.find(this.owner, this.ownerWord, buf, off, len);
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
    this.setWord(group, BY_STAMP, 0);
    this.setReleases(group, 0);
    this.setEntriesRead(group, entriesRead);
    const entry = this.names.add(this.owner, this.ownerWord, buf, off, len, group);
    this.setWord(group, GROUP_ENTRY, entry);
    return group;
  }

  /** Removes a group with its consumers and pending entries. O(those). */
  destroy(group: Ref): void {
    this.freeParts(group, Number.POSITIVE_INFINITY);
    this.names.remove(this.owner, this.ownerWord, this.word(group, GROUP_ENTRY));
    this.arena.free(group);
  }

  /** All groups, in the order of their names. O(n) as a rule. */
  list(): Ref[] {
    return this.names.list(this.owner, this.ownerWord);
  }

  /** Whether every group passes a test, which must not write to groups' names. O(n). */
  every(test: (group: Ref) => boolean): boolean {
    let passed = true;
    this.names.some(this.owner, this.ownerWord, (group) => {
      passed = test(group);
      return passed;
    });
    return passed;
  }

  /** A group's name, a view until the next operation. */
  name(group: Ref): Text {
    return this.names.name(this.word(group, GROUP_ENTRY));
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
    return this.names.size(group, CONSUMERS);
  }

  /** The consumer with a name, or 0. O(1). */
  findConsumer(group: Ref, buf: Uint8Array, off: number, len: number): Ref {
    return this.names.find(group, CONSUMERS, buf, off, len);
  }

  /** Adds a consumer; none has the name. O(1). */
  createConsumer(group: Ref, buf: Uint8Array, off: number, len: number, seenAt: number): Ref {
    const consumer = this.arena.alloc(CONSUMER_BYTES);
    this.setWord(consumer, OWN_PENDING, 0);
    this.setSeen(consumer, seenAt);
    this.setActive(consumer, -1);
    const entry = this.names.add(group, CONSUMERS, buf, off, len, consumer);
    this.setWord(consumer, CONSUMER_ENTRY, entry);
    return consumer;
  }

  /** Removes a consumer with its pending entries; returns how many there were. O(those log n). */
  deleteConsumer(group: Ref, consumer: Ref): number {
    const { pending } = this;
    const count = pending.count(consumer, OWN_PENDING);
    for (let found = pending.seekFirst(consumer, OWN_PENDING); found; found = pending.next()) {
      this.unstamp(group, pending.at);
      pending.remove(group, PENDING, pending.at);
    }
    while (pending.freeStep(consumer, OWN_PENDING));
    this.names.remove(group, CONSUMERS, this.word(consumer, CONSUMER_ENTRY));
    this.arena.free(consumer);
    return count;
  }

  /** A group's consumers in the order of their names. O(n) as a rule. */
  listConsumers(group: Ref): Ref[] {
    return this.names.list(group, CONSUMERS);
  }

  /** A consumer's name, a view until the next operation; empty for none. */
  consumerName(consumer: Ref): Text {
    if (consumer === 0) return nobody;
    return this.names.name(this.word(consumer, CONSUMER_ENTRY));
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

  /** Adds a pending entry of a consumer; without room throws and changes nothing. O(log n). */
  addPending(
    group: Ref,
    id: StreamId,
    consumer: Ref,
    deliveredAt: number,
    count: number | bigint,
  ): Ref {
    this.arena.requireRoom(PENDING_ROOM);
    const entry = this.pending.create(id, consumer, deliveredAt, count);
    this.pending.add(group, PENDING, entry);
    if (consumer !== 0) this.pending.add(consumer, OWN_PENDING, entry);
    this.restamp(group, entry);
    return entry;
  }

  /** Adds a pending entry that is no consumer's. O(log n). */
  addReleased(group: Ref, id: StreamId, count: number | bigint): Ref {
    return this.addPending(group, id, 0, this.nextRelease(group), count);
  }

  /** Makes a pending entry that of a consumer, delivered at a time so many times. O(log n). */
  deliver(
    group: Ref,
    entry: Ref,
    consumer: Ref,
    deliveredAt: number,
    count: number | bigint,
  ): void {
    this.assign(entry, consumer);
    this.unstamp(group, entry);
    this.pending.setDelivery(entry, deliveredAt, count);
    this.restamp(group, entry);
  }

  /** As `deliver`, with one delivery more, but never more than a reply can hold. */
  deliverAgain(group: Ref, entry: Ref, consumer: Ref, deliveredAt: number): void {
    const count = this.pending.deliveries(entry);
    let more: number | bigint = DELIVERIES_MAX;
    if (typeof count === 'number') more = count + 1;
    else if (count < DELIVERIES_MAX) more = count + 1n;
    this.deliver(group, entry, consumer, deliveredAt, more);
  }

  /** Takes a pending entry from its consumer: it is the next to be claimed. O(log n). */
  release(group: Ref, entry: Ref, count: number | bigint): void {
    this.deliver(group, entry, 0, this.nextRelease(group), count);
  }

  /** Whether pending entries of a group were ever released. */
  hadReleased(group: Ref): boolean {
    return this.releases(group) > 0;
  }

  /** Number of a group's pending entries that are no consumer's. O(consumers). */
  releasedCount(group: Ref): number {
    let count = this.pendingCount(group);
    this.names.some(group, CONSUMERS, (consumer) => {
      count -= this.ownPendingCount(consumer);
      return true;
    });
    return count;
  }

  /** Pending entries without a consumer, as files bring them, count as released. O(n log n). */
  releaseUnowned(group: Ref): void {
    const { pending } = this;
    for (let found = this.seekPendingEdge(group, false); found; found = pending.next()) {
      const { at } = pending;
      if (pending.consumer(at) === 0) this.release(group, at, pending.deliveries(at));
    }
  }

  /** Removes a pending entry. O(log n). */
  removePending(group: Ref, entry: Ref): void {
    this.assign(entry, 0);
    this.unstamp(group, entry);
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

  /**
   * Goes to the pending entry that has waited longest, released ones first. The first call makes
   * an index for that: O(n log n), later ones O(1).
   */
  seekOldest(group: Ref): boolean {
    const { pending } = this;
    if (this.word(group, BY_STAMP) === 0) {
      for (let found = pending.seekFirst(group, PENDING); found; found = pending.next()) {
        pending.addStamp(group, BY_STAMP, pending.at);
      }
    }
    return pending.seekFirst(group, BY_STAMP);
  }

  private assign(entry: Ref, consumer: Ref): void {
    const { pending } = this;
    const before = pending.consumer(entry);
    if (before === consumer) return;
    if (before !== 0) pending.remove(before, OWN_PENDING, entry);
    if (consumer !== 0) pending.add(consumer, OWN_PENDING, entry);
    pending.setConsumer(entry, consumer);
  }

  /** Takes an entry out of the index by stamp, if there is one, before its stamp changes. */
  private unstamp(group: Ref, entry: Ref): void {
    if (this.word(group, BY_STAMP) !== 0) this.pending.removeStamp(group, BY_STAMP, entry);
  }

  private restamp(group: Ref, entry: Ref): void {
    // Removing the last element has removed the index: `seekOldest` makes it again when needed.
    if (this.word(group, BY_STAMP) !== 0) this.pending.addStamp(group, BY_STAMP, entry);
  }

  private nextRelease(group: Ref): number {
    const releases = this.releases(group);
    this.setReleases(group, releases + 1);
    return RELEASED_FROM + releases;
  }

  private releases(group: Ref): number {
    return this.arena.f64[group >>> 15]![(group & 0x7fff) + RELEASES]!;
  }

  private setReleases(group: Ref, releases: number): void {
    this.arena.touch(group);
    this.arena.f64[group >>> 15]![(group & 0x7fff) + RELEASES] = releases;
  }

  // ---- all of them -------------------------------------------------------------------------

  /** Frees about `max` blocks. Returns whether some are left. */
  freeSome(max: number): boolean {
    const { names, owner, ownerWord } = this;
    let left = max;
    // One group after the other, so that nothing is looked at that is freed already.
    for (let group = names.firstLeft(owner, ownerWord); group !== 0; ) {
      left = this.freeParts(group, left);
      if (left <= 0) return true;
      names.freeFirst(owner, ownerWord);
      this.arena.free(group);
      left -= 3;
      group = names.firstLeft(owner, ownerWord);
    }
    return false;
  }

  /**
   * Frees about `max` blocks of what a group has: pending entries, consumers. Returns how many
   * fewer it were, 0 or less when there may be more.
   */
  private freeParts(group: Ref, max: number): number {
    const { names, pending, arena } = this;
    let left = max;
    pending.dropIndex(group, BY_STAMP);
    while (left > 0 && pending.freeStep(group, PENDING)) left -= 62;
    const freeConsumer = (consumer: Ref) => {
      pending.dropIndex(consumer, OWN_PENDING);
      arena.free(consumer);
      left--;
    };
    while (left > 0 && names.freeSome(group, CONSUMERS, freeConsumer, left));
    return left;
  }

  /** Copies all groups to the stream whose root has its word for them at `word`. O(all). */
  cloneTo(root: Ref, word: number): void {
    const copy = new StreamGroups(this.tools);
    copy.open(root, word);
    for (const group of this.list()) copy.addCopy(this, group);
  }

  private addCopy(source: StreamGroups, from: Ref): void {
    const id = new StreamId();
    source.readLastId(from, id);
    const { buf, off, len } = source.name(from);
    const group = this.create(buf, off, len, id, source.entriesRead(from));
    this.setReleases(group, source.releases(from));
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
      pending.readId(at, id);
      const consumer = consumers.get(pending.consumer(at))!;
      this.addPending(group, id, consumer, pending.stamp(at), pending.deliveries(at));
    }
  }

  /** Bytes of groups, consumers and pending entries. O(all). */
  memory(): number {
    const { arena, names, pending } = this;
    let total = names.memory(this.owner, this.ownerWord);
    for (const group of this.list()) {
      total += arena.capacity(group) + names.memory(group, CONSUMERS);
      total += pending.memory(group, PENDING, true) + pending.memory(group, BY_STAMP, false);
      for (const consumer of this.listConsumers(group)) {
        total += arena.capacity(consumer) + pending.memory(consumer, OWN_PENDING, false);
      }
    }
    return total;
  }

  /** Throws when an invariant is broken; for tests. */
  checkInvariants(): void {
    this.names.check(this.owner, this.ownerWord);
    for (const group of this.list()) this.checkGroup(group);
  }

  private checkGroup(group: Ref): void {
    const { pending } = this;
    let owned = 0;
    const total = pending.check(group, PENDING);
    const stamped = pending.check(group, BY_STAMP, true);
    if (stamped !== 0 && stamped !== total) throw new Error('stream: a stamp is missing');
    for (let found = this.seekPendingEdge(group, false); found; found = pending.next()) {
      const released = pending.consumer(pending.at) === 0;
      if (released) owned++;
      if (released !== pending.stamp(pending.at) < 0) throw new Error('stream: wrong stamp');
    }
    this.names.check(group, CONSUMERS);
    for (const consumer of this.listConsumers(group)) {
      owned += pending.check(consumer, OWN_PENDING);
      let found = pending.seekFirst(consumer, OWN_PENDING);
      for (; found; found = pending.next()) {
        if (pending.consumer(pending.at) !== consumer) throw new Error('stream: wrong consumer');
      }
    }
    if (owned !== total) throw new Error(`stream: ${total} pending, consumers have ${owned}`);
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }
}
