/**
 * Streams: entries in nodes (`stream-nodes.ts`) and consumer groups (`stream-groups.ts`); here is
 * what concerns both, trimming and the work on whole values.
 */
import type { Ref } from '../memory/arena.ts';
import { OrderedIndex } from '../memory/ordered-index.ts';
import { NODE_BYTES, NODE_LISTPACK } from './stream-cursor.ts';
import { StreamGroups } from './stream-groups.ts';
import { StreamId } from './stream-id.ts';
import { GROUPS, NODES, ROOT_BYTES, StreamNodes } from './stream-nodes.ts';
import type { Tools } from './value.ts';

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
}

export class StreamValue extends StreamNodes {
  /** The consumer groups of the stream that is open. */
  readonly groups: StreamGroups;

  constructor(tools: Tools) {
    super(tools);
    this.groups = new StreamGroups(tools);
  }

  // ---- trimming ----------------------------------------------------------------------------

  /** Removes the entries that `trim` tells. Returns how many. O(removed). */
  trim(trim: Trim): number {
    const { walker } = this;
    const { node } = walker;
    const { maxLength, minId, limit } = trim;
    const nodes = this.word(this.ref, NODES);
    let removed = 0;
    while (walker.seekEdge(nodes, false)) {
      if (maxLength >= 0 && this.size <= maxLength) break;
      if (limit > 0 && removed + node.live > limit) break;
      if (this.mayDropNode(trim)) {
        removed += node.live;
        this.addToSize(-node.live);
        this.dropNode();
        continue;
      }
      if (!trim.approximate) removed += this.trimNode(maxLength, minId);
      break;
    }
    if (removed > 0) this.updateFirstId();
    return removed;
  }

  /** Whether the walker's node can go as a whole. */
  private mayDropNode(trim: Trim): boolean {
    const { node } = this.walker;
    if (trim.maxLength >= 0) return this.size - node.live >= trim.maxLength;
    const minId = trim.minId;
    return !node.last() || node.id.compare(minId) < 0;
  }

  /** Marks entries at the start of the walker's node deleted. */
  private trimNode(maxLength: number, minId: StreamId): number {
    const { node, block } = this.walker;
    let removed = 0;
    for (let found = node.first(); found; found = node.next()) {
      if (maxLength >= 0 ? this.size <= maxLength : node.id.compare(minId) >= 0) break;
      if (node.isDeleted) continue;
      node.markDeleted();
      this.addToSize(-1);
      removed++;
    }
    this.setListpack(block, node.lp);
    return removed;
  }

  // ---- whole values ------------------------------------------------------------------------

  protected override opened(): void {
    this.groups.open(this.ref, GROUPS);
  }

  override freeSome(ref: Ref, _encoding: number, max: number): Ref {
    const { index, groups } = this;
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
    const { listpack } = this.tools;
    const walk = new OrderedIndex(arena, this.byId);
    for (walk.seekFirst(this.word(from, NODES)); walk.leaf !== 0; walk.next()) {
      const block = this.cloneBlock(walk.entry, NODE_BYTES);
      const lp = this.word(block, NODE_LISTPACK);
      const copy = this.cloneBlock(lp, listpack.bytes(lp));
      this.setWord(block, NODE_LISTPACK, copy);
      scratch.load(arena, block, 0);
      this.byId.probe.set(scratch);
      index.insert(nodes, scratch.score, block);
    }
    this.groups.cloneTo(to, GROUPS);
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
    return total + this.groups.memory();
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
  }
}
