/**
 * The entries of a stream: nodes, listpacks in Redis's layout (`stream-node.ts`), found and ordered
 * by the id of their first entry, and the root block with what the stream knows of itself.
 *
 *     root, int32 words:   0 entries | 1-4 last id | 5-8 first id | 9-12 largest deleted id
 *                          13-14 entries ever added (high, low) | 15 ordered index of the nodes
 *                          16 dict of groups, or 0 | 17 state of the producers, or 0
 *     node's block:        0-3 id | 4 listpack
 *
 * A stream without entries has an index without nodes or, after trimming by id, a node whose
 * entries are all deleted.
 * Source: behaviour of redis-server 7.0.15.
 */
import type { Ref } from '../memory/arena.ts';
import { OrderedIndex } from '../memory/ordered-index.ts';
import type { Args } from '../util/args.ts';
import {
  NODE_BYTES,
  NODE_LISTPACK,
  NODE_SERIAL,
  numberNode,
  StreamCursor,
} from './stream-cursor.ts';
import { ById, highOf, lowOf, StreamId, unsigned } from './stream-id.ts';
import { StreamNode } from './stream-node.ts';
import { RadixTreeCount } from './stream-radix.ts';
import { type Tools, Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

export const ROOT_BYTES = 72;
const LAST = 1;
const FIRST = 5;
const MAX_DELETED = 9;
const ADDED = 13;
export const NODES = 15;
export const GROUPS = 16;
export const PRODUCERS = 17;
/** A node gets the room that the one before needed, up to this: it need not grow step by step. */
const LIKELY_BYTES_MAX = 4096;

export abstract class StreamNodes extends Value {
  readonly type = ValueType.stream;
  /** For whoever reads entries. */
  readonly cursor: StreamCursor;
  /** For the stream's own work. */
  protected readonly walker: StreamCursor;
  protected readonly byId: ById;
  protected readonly index: OrderedIndex;
  protected readonly scratch = new StreamId();
  /** The last node, while entries are added to it, and its block. */
  private readonly tail: StreamNode;
  private tailBlock: Ref = 0;
  /** The stream whose last node it is, while nothing else is written. */
  private tailOf: Ref = 0;
  private tailWrites = 0;
  /** What `radixTreeNodes` has counted, and the last node of it. */
  private readonly counted = {
    tree: new RadixTreeCount(),
    id: new StreamId(),
    block: 0,
    serial: 0,
  };

  constructor(tools: Tools) {
    super(tools);
    this.cursor = new StreamCursor(tools);
    this.walker = new StreamCursor(tools);
    this.tail = new StreamNode(tools.arena, tools.listpack);
    this.byId = new ById(tools.arena);
    this.index = new OrderedIndex(tools.arena, this.byId);
  }

  /** An empty stream; the next `become` makes it a key's. */
  create(): void {
    const root = this.arena.alloc(ROOT_BYTES);
    const at = (root & 0x7fff) << 1;
    this.arena.i32[root >>> 15]!.fill(0, at, at + ROOT_BYTES / 4);
    const nodes = this.index.create();
    this.setWord(root, NODES, nodes);
    this.openDetached(root, Encoding.stream);
  }

  override forget(): void {
    for (const { field, value } of [this.cursor.node, this.walker.node, this.tail]) {
      field.forget();
      value.forget();
    }
  }

  /** Number of entries. */
  get size(): number {
    return this.word(this.ref, 0) >>> 0;
  }

  /** Number of nodes. */
  get nodes(): number {
    return this.index.size(this.word(this.ref, NODES));
  }

  /**
   * Nodes that a radix tree of the nodes' ids would have, as XINFO tells them. O(nodes added since
   * this stream was asked last), or O(nodes) after others were asked or nodes have gone.
   */
  radixTreeNodes(): number {
    const { index, arena, counted } = this;
    const nodes = this.word(this.ref, NODES);
    if (this.isCounted(nodes)) index.next();
    else {
      counted.tree.clear();
      index.seekFirst(nodes);
    }
    for (; index.leaf !== 0; index.next()) {
      counted.block = index.entry;
      counted.tree.add(arena.i32[index.entry >>> 15]!, (index.entry & 0x7fff) << 1);
    }
    if (counted.tree.keys > 0) {
      counted.id.load(arena, counted.block, 0);
      counted.serial = this.word(counted.block, NODE_SERIAL);
    }
    return counted.tree.total();
  }

  /** Whether the nodes counted last are the index's first ones; it is at the last of them then. */
  private isCounted(nodes: Ref): boolean {
    const { index, byId, counted } = this;
    if (counted.tree.keys === 0) return false;
    byId.probe.set(counted.id);
    index.seek(nodes, counted.id.score);
    if (index.leaf === 0 || index.entry !== counted.block) return false;
    // Nodes are added behind the last one only: as many before this one are the same ones.
    const isSame = this.word(counted.block, NODE_SERIAL) === counted.serial;
    return isSame && index.rank === counted.tree.keys - 1;
  }

  readLastId(id: StreamId): void {
    id.load(this.arena, this.ref, LAST);
  }

  /** Id of the first entry; 0-0 when there is none. */
  readFirstId(id: StreamId): void {
    id.load(this.arena, this.ref, FIRST);
  }

  readMaxDeletedId(id: StreamId): void {
    id.load(this.arena, this.ref, MAX_DELETED);
  }

  /** Entries ever added, unsigned. */
  get entriesAdded(): number | bigint {
    return unsigned(this.word(this.ref, ADDED), this.word(this.ref, ADDED + 1));
  }

  setLastId(id: StreamId): void {
    this.arena.touch(this.ref);
    id.store(this.arena, this.ref, LAST);
  }

  setMaxDeletedId(id: StreamId): void {
    this.arena.touch(this.ref);
    id.store(this.arena, this.ref, MAX_DELETED);
  }

  set entriesAdded(count: number | bigint) {
    this.arena.touch(this.ref);
    this.setWord(this.ref, ADDED, highOf(count));
    this.setWord(this.ref, ADDED + 1, lowOf(count));
  }

  // ---- reading -----------------------------------------------------------------------------

  /** Points `cursor` before the entries of [low, high], from the end when `reverse`. */
  seek(low: StreamId, high: StreamId, reverse = false): void {
    this.cursor.start(this.word(this.ref, NODES), low, high, reverse);
  }

  /** Whether there is an entry with this id; `cursor` is at it then. O(log n). */
  find(id: StreamId): boolean {
    return this.cursor.find(this.word(this.ref, NODES), id);
  }

  /** As `find`, without moving `cursor`. */
  has(id: StreamId): boolean {
    return this.walker.find(this.word(this.ref, NODES), id);
  }

  /** Reads the id of the first or the last entry; 0-0 when there is none. O(1), amortised. */
  readEdge(last: boolean, id: StreamId): void {
    const { walker } = this;
    const { node } = walker;
    let found = walker.seekEdge(this.word(this.ref, NODES), last);
    for (; found; found = walker.nextNode()) {
      let more = last ? node.last() : node.first();
      while (more && node.isDeleted) more = last ? node.previous() : node.next();
      if (!more) continue;
      id.set(node.id);
      return;
    }
    id.setMin();
  }

  /**
   * Reads the id of the first entry that the first node ever had, deleted or not: all entries from
   * there on are the whole stream. The largest id when there is no node. O(log n).
   */
  readStart(id: StreamId): void {
    const { walker } = this;
    if (walker.seekEdge(this.word(this.ref, NODES), false)) id.set(walker.node.master);
    else id.setMax();
  }

  // ---- writing -----------------------------------------------------------------------------

  /**
   * Adds an entry whose fields and values are arguments [from, end). Its id must be above the last
   * one. Amortised O(bytes of the entry).
   */
  append(id: StreamId, args: Args, from: number, end: number): void {
    const { arena, tail, ref } = this;
    const { streamNodeBytes, streamNodeEntries } = this.tools.limits;
    let bytes = 0;
    for (let i = from; i < end; i++) bytes += args.len[i]!;
    let found = this.openTail();
    // Where there is no room, what follows may end half way.
    this.tailOf = 0;
    let likely = 0;
    if (found && tail.isFull(bytes, streamNodeBytes, streamNodeEntries)) {
      this.setListpack(this.tailBlock, tail.close());
      likely = Math.min(this.tools.listpack.bytes(tail.lp), LIKELY_BYTES_MAX);
      found = false;
    }
    if (!found) {
      tail.create(id, args, from, end, likely);
      this.tailBlock = this.linkNode(id, tail.lp);
    }
    this.setListpack(this.tailBlock, tail.append(id, args, from, end, bytes));
    arena.touch(ref);
    const words = arena.i32[ref >>> 15]!;
    const root = (ref & 0x7fff) << 1;
    const size = (words[root]! + 1) | 0;
    words[root] = size;
    const added = (words[root + ADDED + 1]! + 1) | 0;
    words[root + ADDED + 1] = added;
    if (added === 0) words[root + ADDED]!++;
    id.store(arena, ref, LAST);
    if (size === 1) id.store(arena, ref, FIRST);
    this.tailOf = ref;
    this.tailWrites = arena.writes;
  }

  /**
   * Opens the last node as `tail`; false when there is none. It is open already when it was written
   * last in all of the arena.
   */
  private openTail(): boolean {
    const { arena, index, tail, ref } = this;
    if (this.tailOf === ref && this.tailWrites === arena.writes) return true;
    index.seekLast(this.word(ref, NODES));
    if (index.leaf === 0) return false;
    const block = index.entry;
    this.tailBlock = block;
    tail.master.load(arena, block, 0);
    tail.open(this.word(block, NODE_LISTPACK));
    return true;
  }

  /** Removes an entry. Returns whether it was there. O(log n), less when ids ascend. */
  delete(id: StreamId): boolean {
    const { walker, scratch } = this;
    const { node } = walker;
    if (!walker.find(this.word(this.ref, NODES), id)) return false;
    const wasLast = node.live === 1;
    this.deleteAtWalker();
    scratch.load(this.arena, this.ref, MAX_DELETED);
    if (id.compare(scratch) > 0) this.setMaxDeletedId(id);
    scratch.load(this.arena, this.ref, FIRST);
    if (id.compare(scratch) !== 0) return true;
    // All before it are deleted ones, so the next that is there is the first now: who deletes from
    // the beginning does not pass the deleted ones again and again.
    if (!wasLast && node.nextLive()) this.setFirstId(node.id);
    else this.updateFirstId();
    return true;
  }

  protected deleteAtWalker(): void {
    const { walker } = this;
    if (walker.node.live === 1) this.dropNode();
    else this.setListpack(walker.block, walker.node.markDeleted());
    this.addToSize(-1);
  }

  /** Removes the walker's node. */
  protected dropNode(): void {
    const { block, node } = this.walker;
    this.byId.probe.set(node.master);
    this.index.remove(this.word(this.ref, NODES), node.master.score);
    this.arena.free(node.lp);
    this.arena.free(block);
  }

  /** Makes a listpack a node; where there is no room it is freed. Returns the node's block. */
  private linkNode(id: StreamId, listpack: Ref): Ref {
    const { arena } = this;
    let block: Ref = 0;
    try {
      block = arena.alloc(NODE_BYTES);
      id.store(arena, block, 0);
      this.setWord(block, NODE_LISTPACK, listpack);
      numberNode(arena, block);
      this.byId.probe.set(id);
      this.index.insert(this.word(this.ref, NODES), id.score, block);
    } catch (error) {
      if (block !== 0) arena.free(block);
      arena.free(listpack);
      throw error;
    }
    return block;
  }

  protected setListpack(block: Ref, listpack: Ref): void {
    if (this.word(block, NODE_LISTPACK) === listpack) return;
    this.arena.touch(block);
    this.setWord(block, NODE_LISTPACK, listpack);
  }

  protected addToSize(n: number): void {
    this.arena.touch(this.ref);
    this.setWord(this.ref, 0, this.word(this.ref, 0) + n);
  }

  protected updateFirstId(): void {
    const { scratch } = this;
    if (this.size === 0) scratch.setMin();
    else this.readEdge(false, scratch);
    this.setFirstId(scratch);
  }

  private setFirstId(id: StreamId): void {
    this.arena.touch(this.ref);
    id.store(this.arena, this.ref, FIRST);
  }

  // ---- nodes as they are in files ----------------------------------------------------------

  /** Calls `emit` with the id and the bytes of every node, views until the next operation. */
  forEachNode(emit: (id: StreamId, bytes: Uint8Array) => void): void {
    const { index, scratch } = this;
    for (index.seekFirst(this.word(this.ref, NODES)); index.leaf !== 0; index.next()) {
      const block = index.entry;
      scratch.load(this.arena, block, 0);
      emit(scratch, this.tools.listpack.view(this.word(block, NODE_LISTPACK)));
    }
  }

  /** Adds a node behind the last one, of bytes that are sound. The root's facts stay. O(bytes). */
  appendNode(id: StreamId, bytes: Uint8Array): void {
    this.linkNode(id, this.tools.listpack.from(bytes));
  }

  /** Sets what `appendNode` leaves alone. */
  restoreFacts(entries: number, firstId: StreamId): void {
    this.arena.touch(this.ref);
    this.setWord(this.ref, 0, entries);
    firstId.store(this.arena, this.ref, FIRST);
  }
}
