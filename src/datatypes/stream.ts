/**
 * Streams: entries in nodes (`stream-nodes.ts`) and consumer groups (`stream-groups.ts`),
 * recent producers (`stream-producers.ts`); here is what concerns all, trimming and the work on
 * whole values.
 */
import type { Ref } from '../memory/arena.ts';
import { OrderedIndex } from '../memory/ordered-index.ts';
import { NODE_BYTES, NODE_LISTPACK, numberNode } from './stream-cursor.ts';
import { StreamGroups } from './stream-groups.ts';
import { StreamId } from './stream-id.ts';
import { GROUPS, NODES, PRODUCERS, ROOT_BYTES, StreamNodes } from './stream-nodes.ts';
import { StreamProducers } from './stream-producers.ts';
import { dropReferences, isReferenced } from './stream-references.ts';
import type { Tools } from './value.ts';

/**
 * What becomes of groups' references to entries that are to be removed: they stay, they go, or the
 * entries stay for their sake.
 */
export type References = 'keep' | 'drop' | 'acked';

/** How XADD and XTRIM shorten a stream. */
export interface Trim {
  /** Entries to keep, or -1 when `minId` rules. */
  readonly maxLength: number;
  /** Entries with lower ids go. */
  readonly minId: StreamId;
  /** Whole nodes only. */
  readonly approximate: boolean;
  /** The most entries to remove, 0 for no limit. */
  readonly limit: number;
  /** 'keep' when left out. */
  readonly references?: References;
}

export class StreamValue extends StreamNodes {
  /** The consumer groups of the stream that is open. */
  readonly groups: StreamGroups;
  /** The producers that IDMP remembers of it. */
  readonly producers: StreamProducers;
  private readonly from = new StreamId();
  private readonly to = new StreamId();

  constructor(tools: Tools) {
    super(tools);
    this.groups = new StreamGroups(tools);
    this.producers = new StreamProducers(tools);
  }

  // ---- trimming ----------------------------------------------------------------------------

  /** Removes the entries that `trim` tells. Returns how many. */
  trim(trim: Trim): number {
    const { references = 'keep' } = trim;
    if (references === 'keep' || this.groups.size === 0) return this.trimAny(trim);
    return references === 'drop' ? this.trimWithReferences(trim) : this.trimAcked(trim);
  }

  /** Removes entries whatever groups want of them. O(removed). */
  private trimAny(trim: Trim): number {
    const { walker } = this;
    const { node } = walker;
    const { maxLength, limit } = trim;
    const nodes = this.word(this.ref, NODES);
    let removed = 0;
    while (walker.seekEdge(nodes, false)) {
      if (maxLength >= 0 && this.size <= maxLength) break;
      if (limit > 0 && removed + node.live > limit) break;
      if (this.mayDropNode(trim, this.size)) {
        removed += node.live;
        this.addToSize(-node.live);
        this.dropNode();
        continue;
      }
      if (!trim.approximate) removed += this.trimNode(trim);
      break;
    }
    if (removed > 0) this.updateFirstId();
    return removed;
  }

  /** Removes entries and what is pending between the first node's start and the new first entry. */
  private trimWithReferences(trim: Trim): number {
    const { walker, from, to } = this;
    if (walker.seekEdge(this.word(this.ref, NODES), false)) from.set(walker.node.master);
    const removed = this.trimAny(trim);
    if (removed === 0) return 0;
    if (this.size === 0) to.setMax();
    else {
      this.readFirstId(to);
      to.decrement();
    }
    dropReferences(this.groups, from, to);
    return removed;
  }

  /**
   * Removes entries that no group wants any more; others are passed over, so it may look at all
   * entries up to the limits. O(entries looked at · groups · log n).
   */
  private trimAcked(trim: Trim): number {
    const { walker } = this;
    const { node } = walker;
    const { maxLength, limit } = trim;
    /** Removed in the end, four words each: the walker's nodes must not change meanwhile. */
    const ids = new IdList();
    let found = walker.seekEdge(this.word(this.ref, NODES), false);
    for (; found; found = walker.nextNode()) {
      if (maxLength >= 0 && this.size - ids.length <= maxLength) break;
      if (limit > 0 && ids.length + node.live > limit) break;
      const whole = this.mayDropNode(trim, this.size - ids.length);
      if (!whole && trim.approximate) break;
      for (let more = node.first(); more; more = node.next()) {
        if (isEnd(trim, this.size - ids.length, node.id)) break;
        if (node.isDeleted || isReferenced(this.groups, node.id)) continue;
        ids.push(node.id);
      }
      // Trimming by length goes on: later entries are removed in place of those kept here.
      if (!whole && maxLength < 0) break;
    }
    for (let i = 0; i < ids.length; i++) this.delete(ids.read(i, this.from));
    return ids.length;
  }

  /** Whether the walker's node can go as a whole when the stream has `size` entries. */
  private mayDropNode(trim: Trim, size: number): boolean {
    const { node } = this.walker;
    if (trim.maxLength >= 0) return size - node.live >= trim.maxLength;
    const minId = trim.minId;
    return !node.last() || node.id.compare(minId) < 0;
  }

  /** Marks entries at the start of the walker's node deleted. */
  private trimNode(trim: Trim): number {
    const { node, block } = this.walker;
    let removed = 0;
    for (let found = node.first(); found; found = node.next()) {
      // As redis-server 7.0.15: a deleted id is an end, too.
      if (isEnd(trim, this.size, node.id)) break;
      if (node.isDeleted) continue;
      node.markDeleted();
      this.addToSize(-1);
      removed++;
    }
    // A deleted id at its end may have kept the node from going as a whole.
    if (node.live === 0) this.dropNode();
    else this.setListpack(block, node.lp);
    return removed;
  }

  // ---- whole values ------------------------------------------------------------------------

  override open(block: Ref, slot: number): void {
    this.openAt(block, slot);
    this.opened();
  }

  protected override opened(): void {
    this.groups.open(this.ref, GROUPS);
    this.producers.open(this.ref, PRODUCERS);
  }

  override freeSome(ref: Ref, _encoding: number, max: number): Ref {
    const { index, groups, producers } = this;
    let left = max;
    for (let nodes = this.word(ref, NODES); nodes !== 0 && left > 0; ) {
      index.seekFirst(nodes);
      const { leaf } = index;
      for (; index.leaf === leaf && leaf !== 0; index.next(), left--) {
        this.arena.free(this.word(index.entry, NODE_LISTPACK));
        this.arena.free(index.entry);
      }
      if (!index.clearStep(nodes, 1)) nodes = 0;
      this.arena.touch(ref);
      this.setWord(ref, NODES, nodes);
    }
    if (left <= 0) return ref;
    groups.open(ref, GROUPS);
    if (groups.freeSome(left)) return ref;
    producers.open(ref, PRODUCERS);
    if (producers.freeSome(left)) return ref;
    this.arena.free(ref);
    return 0;
  }

  override clone(): Ref {
    const { arena, index, scratch } = this;
    const from = this.ref;
    const to = this.cloneBlock(from, ROOT_BYTES);
    const nodes = this.index.create();
    this.setWord(to, NODES, nodes);
    this.setWord(to, GROUPS, 0);
    this.setWord(to, PRODUCERS, 0);
    const { listpack } = this.tools;
    const walk = new OrderedIndex(arena, this.byId);
    for (walk.seekFirst(this.word(from, NODES)); walk.leaf !== 0; walk.next()) {
      const block = this.cloneBlock(walk.entry, NODE_BYTES);
      const lp = this.word(block, NODE_LISTPACK);
      const copy = this.cloneBlock(lp, listpack.bytes(lp));
      this.setWord(block, NODE_LISTPACK, copy);
      numberNode(arena, block);
      scratch.load(arena, block, 0);
      this.byId.probe.set(scratch);
      index.insert(nodes, scratch.score, block);
    }
    this.groups.cloneTo(to, GROUPS);
    this.producers.cloneTo(to, PRODUCERS);
    return to;
  }

  override memory(): number {
    const { arena, index } = this;
    const nodes = this.word(this.ref, NODES);
    let total = arena.capacity(this.ref) + index.memory(nodes);
    for (index.seekFirst(nodes); index.leaf !== 0; index.next()) {
      total += arena.capacity(index.entry);
      total += arena.capacity(this.word(index.entry, NODE_LISTPACK));
    }
    return total + this.groups.memory() + this.producers.memory();
  }

  override checkInvariants(): void {
    const fail = (text: string): never => {
      throw new Error(`stream: ${text}`);
    };
    const nodes = this.word(this.ref, NODES);
    this.index.checkInvariants(nodes);
    const { walker, scratch } = this;
    const { node } = walker;
    let live = 0;
    const before = new StreamId();
    for (let found = walker.seekEdge(nodes, false); found; found = walker.nextNode()) {
      const counts = node.check();
      if (counts !== undefined) fail(counts);
      if (live > 0 && node.master.compare(before) <= 0) fail('nodes overlap');
      if (node.last()) before.set(node.id);
      live += node.live;
    }
    if (live !== this.size) fail(`counts ${this.size} entries, holds ${live}`);
    this.readLastId(scratch);
    if (live > 0 && before.compare(scratch) > 0) fail('an entry is behind the last id');
    const first = new StreamId();
    this.readEdge(false, first);
    this.readFirstId(scratch);
    if (first.compare(scratch) !== 0) fail(`first id is ${scratch}, not ${first}`);
    this.groups.checkInvariants();
    this.producers.checkInvariants();
  }
}

/** Whether a trim removes no entry from an id on, now that `size` entries are left. */
/** Stream ids in one typed array. */
class IdList {
  length = 0;
  private words = new Int32Array(256);

  push(id: StreamId): void {
    const at = this.length++ * 4;
    if (at === this.words.length) {
      const larger = new Int32Array(at * 2);
      larger.set(this.words);
      this.words = larger;
    }
    this.words[at] = id.msHigh;
    this.words[at + 1] = id.msLow;
    this.words[at + 2] = id.seqHigh;
    this.words[at + 3] = id.seqLow;
  }

  /** Sets `id` to element i and returns it. */
  read(i: number, id: StreamId): StreamId {
    const { words } = this;
    const at = i * 4;
    id.setHalves(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    return id;
  }
}

function isEnd({ maxLength, minId }: Trim, size: number, id: StreamId): boolean {
  return maxLength >= 0 ? size <= maxLength : id.compare(minId) >= 0;
}
