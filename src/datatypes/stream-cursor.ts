/**
 * Walking through a stream's entries by id, in either direction. The positions it keeps are its
 * own: groups and pending entries may be written meanwhile, the stream's nodes may not.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { OrderedIndex } from '../memory/ordered-index.ts';
import { ById, StreamId } from './stream-id.ts';
import { type EntryMark, StreamNode } from './stream-node.ts';
import type { Tools } from './value.ts';

/**
 * Words of a node's block: the master's id (four), the listpack, a number that no other node has.
 */
export const NODE_LISTPACK = 4;
export const NODE_SERIAL = 5;
export const NODE_BYTES = 24;

/** Gives a new node its number: one that no node ever had. */
export function numberNode(arena: Arena, block: Ref): void {
  arena.touch(block);
  arena.i32[block >>> 15]![((block & 0x7fff) << 1) + NODE_SERIAL] = arena.writes;
}

export class StreamCursor {
  /** The node that the cursor is in: its present entry is the cursor's. */
  readonly node: StreamNode;
  /** That node's block. */
  block: Ref = 0;
  /** Its number. */
  private serial = 0;
  readonly index: OrderedIndex;
  private readonly byId: ById;
  private readonly tools: Tools;
  private readonly low = new StreamId();
  private readonly high = new StreamId();
  private root: Ref = 0;
  private reverse = false;
  private started = false;
  private readonly marked: EntryMark = { id: new StreamId(), at: 0, firstAt: 0 };
  /** The block of the node that the marked entry was in. */
  private markedBlock: Ref = 0;

  constructor(tools: Tools) {
    this.tools = tools;
    this.byId = new ById(tools.arena);
    this.index = new OrderedIndex(tools.arena, this.byId);
    this.node = new StreamNode(tools.arena, tools.listpack);
  }

  /** Id of the entry that `next` went to. */
  get id(): StreamId {
    return this.node.id;
  }

  /** Gets ready to visit the entries of [low, high], from the end when `reverse`. */
  start(root: Ref, low: StreamId, high: StreamId, reverse: boolean): void {
    this.root = root;
    this.low.set(low);
    this.high.set(high);
    this.reverse = reverse;
    this.started = false;
  }

  /** To the next entry that is not deleted; false when there is none. Amortised O(1). */
  next(): boolean {
    let found = this.started ? this.step() : this.begin();
    for (;;) {
      if (!found) {
        if (!this.nextNode()) return false;
        found = this.reverse ? this.node.last() : this.node.first();
        continue;
      }
      // Only live entries are in the order of their ids: after XSETID back to the last live one, an
      // entry may come after a deleted one with a larger id.
      if (!this.node.isDeleted) {
        const { id } = this.node;
        if (this.reverse ? id.compare(this.low) < 0 : id.compare(this.high) > 0) return false;
        if (this.reverse ? id.compare(this.high) <= 0 : id.compare(this.low) >= 0) return true;
      }
      found = this.step();
    }
  }

  /**
   * To the live entry with an id; false when there is none. O(log n), and O(1) within the node
   * where the last one was found when ids ascend.
   */
  find(root: Ref, id: StreamId): boolean {
    const { node } = this;
    const before = this.beforeSeek();
    if (!this.seekNode(root, id)) return false;
    for (let found = this.resume(before, id); found; found = node.next()) {
      if (node.isDeleted) continue;
      const order = node.id.compare(id);
      if (order >= 0) return order === 0;
    }
    return false;
  }

  /** Opens the node in which an id is or would be; false when it is before the first. O(log n). */
  seekNode(root: Ref, id: StreamId): boolean {
    const { index, byId } = this;
    byId.probe.set(id);
    index.seek(root, id.score);
    if (index.leaf === 0) index.seekLast(root);
    else if (byId.compareProbe(index.entry) !== 0) index.previous();
    if (index.leaf === 0) return false;
    this.openNode();
    return true;
  }

  /** Opens the first node or the last one; false when there is none. O(1). */
  seekEdge(root: Ref, last: boolean): boolean {
    this.reverse = last;
    if (last) this.index.seekLast(root);
    else this.index.seekFirst(root);
    if (this.index.leaf === 0) return false;
    this.openNode();
    return true;
  }

  private begin(): boolean {
    this.started = true;
    const { root, reverse, node } = this;
    const before = this.beforeSeek();
    if (!this.seekNode(root, reverse ? this.high : this.low)) {
      if (reverse || !this.seekEdge(root, false)) {
        this.index.leaf = 0;
        return false;
      }
    }
    return reverse ? node.last() : this.resume(before, this.low);
  }

  /** Notes the present entry in `marked`; returns its node's number, 0 when there is none. */
  private beforeSeek(): number {
    this.markedBlock = this.block;
    return this.node.mark(this.marked) ? this.serial : 0;
  }

  /**
   * To where a search for ids from `id` on may begin in the node that was opened: the entry that
   * was marked, if it is in this very node and not behind, or the first one. Readers of a group
   * come back for what is behind the entry they got last; whoever names many ids names them in
   * order.
   */
  private resume(serial: number, id: StreamId): boolean {
    const { marked, node } = this;
    const same = serial !== 0 && serial === this.serial && this.markedBlock === this.block;
    if (same && marked.id.compare(id) <= 0 && node.goTo(marked)) return true;
    return node.first();
  }

  private step(): boolean {
    return this.reverse ? this.node.previous() : this.node.next();
  }

  /** Opens the next node in the cursor's direction; false when there is none. O(1). */
  nextNode(): boolean {
    const { index } = this;
    if (index.leaf === 0) return false;
    if (this.reverse) index.previous();
    else index.next();
    if (index.leaf === 0) return false;
    this.openNode();
    return true;
  }

  private openNode(): void {
    const { arena } = this.tools;
    this.block = this.index.entry;
    this.node.master.load(arena, this.block, 0);
    const words = arena.i32[this.block >>> 15]!;
    const at = (this.block & 0x7fff) << 1;
    this.serial = words[at + NODE_SERIAL]!;
    this.node.open(words[at + NODE_LISTPACK]!);
  }
}
