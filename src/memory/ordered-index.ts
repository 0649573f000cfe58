/**
 * An ordered index with counts: a B+tree over the arena whose elements are (score, ref) pairs,
 * ordered by score and among equal scores by what the refs name. Rank and selection by rank are
 * O(log n); neighbours are one step away. Sorted sets use it beside a dict; streams keep their
 * nodes in one; field expiry its deadlines.
 *
 *     root, int32 words:   0 top node | 1 height (0: it is a leaf) | 2 elements | 3 first leaf |
 *                          4 last leaf
 *     node, int32 words:   0 used slots | 1 next leaf | 2 previous leaf | 3 -
 *     leaf:                LEAF_SLOTS float64 scores, then as many int32 refs
 *     inner node:          INNER_SLOTS float64 scores and int32 refs of each child's first element,
 *                          then int32 child, then int32 elements below it
 *
 * A search leaves its result in `leaf`, `slot` and `rank`, valid until the next write.
 * Invariants: elements ascend; slots 0.. of an inner node describe its children exactly; every
 * leaf is at the same depth and none is empty, except the only leaf of an empty index.
 */
import type { Arena, Ref } from './arena.ts';

/** Orders elements of equal score: compares what the caller looks for with an element. */
export interface Ties {
  /**
   * Negative when the probe comes before what `ref` names, 0 when it is the same, else positive.
   */
  compareProbe(ref: Ref): number;
}

/** Words of the root. */
const TOP = 0;
const HEIGHT = 1;
const SIZE = 2;
const FIRST_LEAF = 3;
const LAST_LEAF = 4;
/** Words of a node's header. */
const USED = 0;
const NEXT = 1;
const PREVIOUS = 2;
const HEADER_WORDS = 4;
export const LEAF_SLOTS = 62;
const LEAF_BYTES = 16 + LEAF_SLOTS * 12;
const INNER_SLOTS = 36;
const INNER_BYTES = 16 + INNER_SLOTS * 20;
/** What a node takes at most. */
const NODE_ROOM = 1024;
const ROOT_BYTES = 24;
/** Word offsets inside a node. */
const LEAF_REFS = HEADER_WORDS + LEAF_SLOTS * 2;
const INNER_REFS = HEADER_WORDS + INNER_SLOTS * 2;
const CHILDREN = INNER_REFS + INNER_SLOTS;
const COUNTS = CHILDREN + INNER_SLOTS;
const HEIGHT_MAX = 16;

/** Elements whose blocks are loaded together. */
const AHEAD = 8;

/** What a search compares with: the score and then the tie, the score only, or the tie only. */
const BY_BOTH = 0;
const BY_SCORE = 1;
const BY_TIE = 2;

export class OrderedIndex {
  /** Where the latest search ended. `leaf` is 0 behind the last element. */
  leaf: Ref = 0;
  slot = 0;
  /** Elements before that place. */
  rank = 0;
  private readonly arena: Arena;
  private readonly ties: Ties;
  private readonly pathNode = new Int32Array(HEIGHT_MAX);
  private readonly pathSlot = new Int32Array(HEIGHT_MAX);
  private probeScore = 0;
  /** Whether elements that compare equal with the probe count as before it. */
  private pastEqual = false;
  private mode = BY_BOTH;
  /** What was loaded ahead: without a use V8 would leave the loads out. */
  loaded = 0;

  constructor(arena: Arena, ties: Ties) {
    this.arena = arena;
    this.ties = ties;
  }

  /** An empty index. */
  create(): Ref {
    const root = this.arena.alloc(ROOT_BYTES);
    const leaf = this.newNode(LEAF_BYTES);
    const i32 = this.arena.i32[root >>> 15]!;
    const at = (root & 0x7fff) << 1;
    i32[at + TOP] = leaf;
    i32[at + HEIGHT] = 0;
    i32[at + SIZE] = 0;
    i32[at + FIRST_LEAF] = leaf;
    i32[at + LAST_LEAF] = leaf;
    return root;
  }

  /** Number of elements. O(1). */
  size(root: Ref): number {
    return this.word(root, SIZE);
  }

  /** Bytes that the index takes. O(nodes). */
  memory(root: Ref): number {
    const { arena } = this;
    let total = arena.capacity(root);
    this.eachInner(this.word(root, TOP), this.word(root, HEIGHT), (node) => {
      total += arena.capacity(node);
    });
    for (let leaf = this.word(root, FIRST_LEAF); leaf !== 0; leaf = this.word(leaf, NEXT)) {
      total += arena.capacity(leaf);
    }
    return total;
  }

  /** Moves nodes and root where the arena wants that; returns the root. O(nodes). */
  moveIfSparse(root: Ref): Ref {
    const { arena } = this;
    const top = this.moveNode(root, this.word(root, TOP), this.word(root, HEIGHT));
    if (top !== this.word(root, TOP)) {
      arena.touch(root);
      this.setWord(root, TOP, top);
    }
    return arena.shouldMove(root) ? arena.relocate(root) : root;
  }

  private moveNode(root: Ref, node: Ref, height: number): Ref {
    const { arena } = this;
    for (let slot = 0; height > 0 && slot < this.word(node, USED); slot++) {
      const child = this.word(node, CHILDREN + slot);
      const to = this.moveNode(root, child, height - 1);
      if (to === child) continue;
      arena.touch(node);
      this.setWord(node, CHILDREN + slot, to);
    }
    if (!arena.shouldMove(node)) return node;
    const to = arena.relocate(node);
    if (height > 0) return to;
    const next = this.word(to, NEXT);
    const previous = this.word(to, PREVIOUS);
    const before = previous === 0 ? root : previous;
    arena.touch(before);
    this.setWord(before, previous === 0 ? FIRST_LEAF : NEXT, to);
    const after = next === 0 ? root : next;
    arena.touch(after);
    this.setWord(after, next === 0 ? LAST_LEAF : PREVIOUS, to);
    return to;
  }

  // ---- searching ---------------------------------------------------------------------------

  /** Goes to the first element not before (score, the tie's probe). O(log n). */
  seek(root: Ref, score: number): void {
    this.probeScore = score;
    this.pastEqual = false;
    this.mode = BY_BOTH;
    this.descend(root, true);
    this.settle();
  }

  /** Goes to the first element whose score is at least `score`, or above it. O(log n). */
  seekScore(root: Ref, score: number, above: boolean): void {
    this.probeScore = score;
    this.pastEqual = above;
    this.mode = BY_SCORE;
    this.descend(root, true);
    this.settle();
  }

  /** Goes to the first element whose tie is at least the probe, or above it; scores are equal. */
  seekTie(root: Ref, above: boolean): void {
    this.pastEqual = above;
    this.mode = BY_TIE;
    this.descend(root, true);
    this.settle();
  }

  /**
   * Goes to the element with `rank` elements before it; `leaf` is 0 when there is none. O(log n).
   */
  seekRank(root: Ref, rank: number): void {
    this.rank = rank;
    if (rank < 0 || rank >= this.size(root)) {
      this.leaf = 0;
      return;
    }
    let node = this.word(root, TOP);
    const height = this.word(root, HEIGHT);
    let left = rank;
    for (let level = 0; level < height; level++) {
      const words = this.arena.i32[node >>> 15]!;
      const counts = ((node & 0x7fff) << 1) + COUNTS;
      let slot = 0;
      while (left >= words[counts + slot]!) left -= words[counts + slot++]!;
      this.pathNode[level] = node;
      this.pathSlot[level] = slot;
      node = words[counts - COUNTS + CHILDREN + slot]!;
    }
    this.leaf = node;
    this.slot = left;
  }

  /**
   * Brings the blocks of the elements at the leaf's end that the search led to into the
   * processor's caches, so that those who take one after the other do not wait for each; where
   * the last call did so it does nothing.
   */
  loadAhead(): void {
    const { leaf, slot } = this;
    const { i32 } = this.arena;
    const words = i32[leaf >>> 15]!;
    const at = (leaf & 0x7fff) << 1;
    const used = words[at]!;
    if (used % AHEAD !== 0) return;
    const from = at + LEAF_REFS + (slot < used >> 1 ? 0 : used - AHEAD);
    let seen = 0;
    for (let i = 0; i < AHEAD; i++) {
      const ref = words[from + i]!;
      seen |= i32[ref >>> 15]![(ref & 0x7fff) << 1]!;
    }
    this.loaded = seen;
  }

  /** Whether (score, the tie's probe) comes after all elements. O(1). */
  isBehind(root: Ref, score: number): boolean {
    this.probeScore = score;
    this.pastEqual = false;
    this.mode = BY_BOTH;
    const leaf = this.word(root, LAST_LEAF);
    const last = this.word(leaf, USED) - 1;
    return last < 0 || this.isBefore(this.scoreOf(leaf, last), this.refOf(leaf, last));
  }

  /** Goes to the first element. */
  seekFirst(root: Ref): void {
    this.rank = 0;
    this.slot = 0;
    this.leaf = this.size(root) === 0 ? 0 : this.word(root, FIRST_LEAF);
  }

  /** Goes to the last element. */
  seekLast(root: Ref): void {
    const size = this.size(root);
    this.rank = size - 1;
    this.leaf = size === 0 ? 0 : this.word(root, LAST_LEAF);
    if (this.leaf !== 0) this.slot = this.word(this.leaf, USED) - 1;
  }

  /** One element on. O(1). */
  next(): void {
    this.rank++;
    if (++this.slot < this.word(this.leaf, USED)) return;
    this.leaf = this.word(this.leaf, NEXT);
    this.slot = 0;
  }

  /** One element back; from behind the last element use seekLast. O(1). */
  previous(): void {
    this.rank--;
    if (--this.slot >= 0) return;
    this.leaf = this.word(this.leaf, PREVIOUS);
    if (this.leaf !== 0) this.slot = this.word(this.leaf, USED) - 1;
  }

  /**
   * Copies the elements of the leaf that the search led to, from its last one to its first, and
   * goes to the last one of the leaf before. Returns how many; there is room for `LEAF_SLOTS`.
   * O(that).
   */
  takeLeafBackwards(entries: Int32Array, scores: Float64Array): number {
    const { leaf } = this;
    const i32 = this.arena.i32[leaf >>> 15]!;
    const f64 = this.arena.f64[leaf >>> 15]!;
    const refs = ((leaf & 0x7fff) << 1) + LEAF_REFS;
    const numbers = (leaf & 0x7fff) + 2;
    const count = this.slot + 1;
    for (let i = 0; i < count; i++) {
      entries[i] = i32[refs + this.slot - i]!;
      scores[i] = f64[numbers + this.slot - i]!;
    }
    this.rank -= count;
    this.leaf = this.word(leaf, PREVIOUS);
    if (this.leaf !== 0) this.slot = this.word(this.leaf, USED) - 1;
    return count;
  }

  /**
   * Copies up to `max` elements, no more than are left in the leaf, from the one that the search
   * led to on or, with `backwards`, back from it; goes past them. Returns how many. O(that).
   */
  takeRefs(entries: Int32Array, max: number, backwards: boolean): number {
    const { leaf, slot } = this;
    const i32 = this.arena.i32[leaf >>> 15]!;
    const at = (leaf & 0x7fff) << 1;
    const refs = at + LEAF_REFS + slot;
    if (backwards) {
      const count = Math.min(max, slot + 1);
      for (let i = 0; i < count; i++) entries[i] = i32[refs - i]!;
      this.slot = slot - count + 1;
      this.rank -= count - 1;
      this.previous();
      return count;
    }
    const count = Math.min(max, i32[at + USED]! - slot);
    for (let i = 0; i < count; i++) entries[i] = i32[refs + i]!;
    this.slot = slot + count - 1;
    this.rank += count - 1;
    this.next();
    return count;
  }

  /** The element that the search led to. */
  get entry(): Ref {
    const { leaf } = this;
    return this.arena.i32[leaf >>> 15]![((leaf & 0x7fff) << 1) + LEAF_REFS + this.slot]!;
  }

  get score(): number {
    const { leaf } = this;
    return this.arena.f64[leaf >>> 15]![(leaf & 0x7fff) + 2 + this.slot]!;
  }

  // ---- writing -----------------------------------------------------------------------------

  /**
   * Adds an element, which the tie's probe describes. It must not be in. Where there is no room it
   * throws, and nothing has changed. O(log n).
   */
  insert(root: Ref, score: number, entry: Ref): void {
    if (this.isBehind(root, score)) this.descendBehind(root);
    else this.descend(root, false);
    const { leaf, slot } = this;
    const height = this.word(root, HEIGHT);
    const isFull = this.word(leaf, USED) === LEAF_SLOTS;
    // One new node on each level at most, and a new top.
    if (isFull) this.arena.requireRoom((height + 2) * NODE_ROOM);
    this.setRoot(root, SIZE, this.word(root, SIZE) + 1);
    for (let level = 0; level < height; level++) this.addCount(level, 1);
    if (!isFull) {
      this.arena.touch(leaf);
      this.putInLeaf(leaf, slot, score, entry);
      if (slot === 0) this.firstChanged(height, score, entry);
      return;
    }
    this.splitLeaf(root, leaf, slot, score, entry, height);
  }

  /**
   * Fills an empty index with `count` elements that ascend. The nodes are full, or nearly so.
   * O(count).
   */
  build(root: Ref, entries: Int32Array, scores: Float64Array, count: number): void {
    if (count === 0) return;
    const levels: Ref[][] = [[]];
    try {
      this.buildLeaves(entries, scores, count, levels[0]!);
      for (let below = levels[0]!; below.length > 1; below = levels.at(-1)!) {
        levels.push([]);
        this.buildInner(below, levels.length - 2, levels.at(-1)!);
      }
    } catch (error) {
      for (const nodes of levels) for (const node of nodes) this.arena.free(node);
      throw error;
    }
    this.arena.free(this.word(root, TOP));
    this.setRoot(root, TOP, levels.at(-1)![0]!);
    this.setRoot(root, HEIGHT, levels.length - 1);
    this.setRoot(root, SIZE, count);
    this.setRoot(root, FIRST_LEAF, levels[0]![0]!);
    this.setRoot(root, LAST_LEAF, levels[0]!.at(-1)!);
  }

  private buildLeaves(
    entries: Int32Array,
    scores: Float64Array,
    count: number,
    leaves: Ref[],
  ): void {
    const { arena } = this;
    const total = Math.ceil(count / LEAF_SLOTS);
    for (let i = 0, from = 0; i < total; i++) {
      const end = Math.floor(((i + 1) * count) / total);
      const leaf = this.newNode(LEAF_BYTES);
      const refs = ((leaf & 0x7fff) << 1) + LEAF_REFS;
      arena.i32[leaf >>> 15]!.set(entries.subarray(from, end), refs);
      arena.f64[leaf >>> 15]!.set(scores.subarray(from, end), (leaf & 0x7fff) + 2);
      this.setWord(leaf, USED, end - from);
      const previous = leaves.at(-1) ?? 0;
      this.setWord(leaf, PREVIOUS, previous);
      if (previous !== 0) this.setWord(previous, NEXT, leaf);
      leaves.push(leaf);
      from = end;
    }
  }

  /** Adds to `nodes` those above `children`, which are leaves when `height` is 0. */
  private buildInner(children: readonly Ref[], height: number, nodes: Ref[]): void {
    const total = Math.ceil(children.length / INNER_SLOTS);
    for (let i = 0, from = 0; i < total; i++) {
      const end = Math.floor(((i + 1) * children.length) / total);
      const node = this.newNode(INNER_BYTES);
      for (let slot = 0; from < end; from++, slot++) {
        const child = children[from]!;
        const first = height === 0 ? this.refOf(child, 0) : this.word(child, INNER_REFS);
        this.putChild(node, slot, child, this.scoreOf(child, 0), first, this.below(child, height));
      }
      nodes.push(node);
    }
  }

  /** Elements below a node. */
  private below(node: Ref, height: number): number {
    const used = this.word(node, USED);
    if (height === 0) return used;
    let total = 0;
    for (let slot = 0; slot < used; slot++) total += this.word(node, COUNTS + slot);
    return total;
  }

  /** Removes the element that (score, the tie's probe) names. False when it is not in. O(log n). */
  remove(root: Ref, score: number): boolean {
    this.probeScore = score;
    this.pastEqual = false;
    this.mode = BY_BOTH;
    this.descend(root, false);
    const height = this.word(root, HEIGHT);
    // The place between two leaves: the element is the next leaf's first, by way of its parents.
    if (this.slot === this.word(this.leaf, USED) && !this.stepPath(height)) return false;
    if (this.size(root) === 0 || this.score !== score || this.ties.compareProbe(this.entry) !== 0) {
      return false;
    }
    this.removeSought(root);
    return true;
  }

  /** Removes the element that `seekRank`, or `remove`, has just led to. O(log n). */
  removeSought(root: Ref): void {
    const { leaf, slot } = this;
    const height = this.word(root, HEIGHT);
    this.setRoot(root, SIZE, this.word(root, SIZE) - 1);
    for (let level = 0; level < height; level++) this.addCount(level, -1);
    this.takeFromLeaf(leaf, slot);
    const used = this.word(leaf, USED);
    if (used === 0) this.dropEmptyLeaf(root, leaf, height);
    else {
      if (slot === 0) this.firstChanged(height, this.scoreOf(leaf, 0), this.refOf(leaf, 0));
      if (used < LEAF_SLOTS >> 2) this.mergeLeaf(root, leaf, height);
    }
  }

  /** The block of the element that (score, probe) names is now `to`. O(log n). */
  moved(root: Ref, score: number, to: Ref): void {
    this.probeScore = score;
    this.pastEqual = false;
    this.mode = BY_BOTH;
    this.descend(root, false);
    const height = this.word(root, HEIGHT);
    if (this.slot === this.word(this.leaf, USED) && !this.stepPath(height)) {
      throw new Error('ordered index: moving an element that is not in it');
    }
    const { leaf, slot } = this;
    this.arena.touch(leaf);
    this.arena.i32[leaf >>> 15]![((leaf & 0x7fff) << 1) + LEAF_REFS + slot] = to;
    if (slot === 0) this.firstChanged(height, score, to);
  }

  /** Frees about `max` leaves, at last the root. Returns whether some are left. */
  clearStep(root: Ref, max: number): boolean {
    if (this.word(root, HEIGHT) > 0) {
      const inner: Ref[] = [];
      this.eachInner(this.word(root, TOP), this.word(root, HEIGHT), (node) => inner.push(node));
      for (const node of inner) this.arena.free(node);
      this.setRoot(root, HEIGHT, 0);
    }
    let leaf = this.word(root, FIRST_LEAF);
    for (let n = 0; n < max && leaf !== 0; n++) {
      const next = this.word(leaf, NEXT);
      this.arena.free(leaf);
      leaf = next;
    }
    if (leaf === 0) {
      this.arena.free(root);
      return false;
    }
    this.setRoot(root, FIRST_LEAF, leaf);
    return true;
  }

  /** Throws when an invariant is broken. O(n); for tests. */
  checkInvariants(root: Ref): void {
    const found = this.checkNode(this.word(root, TOP), this.word(root, HEIGHT));
    if (found !== this.size(root)) {
      throw new Error(`ordered index: counts ${this.size(root)} elements, holds ${found}`);
    }
    let chained = 0;
    let previous = 0;
    let score = Number.NEGATIVE_INFINITY;
    for (let leaf = this.word(root, FIRST_LEAF); leaf !== 0; leaf = this.word(leaf, NEXT)) {
      if (this.word(leaf, PREVIOUS) !== previous) throw new Error('ordered index: chain broken');
      for (let slot = 0; slot < this.word(leaf, USED); slot++) {
        if (this.scoreOf(leaf, slot) < score) throw new Error('ordered index: out of order');
        score = this.scoreOf(leaf, slot);
      }
      chained += this.word(leaf, USED);
      previous = leaf;
    }
    if (previous !== this.word(root, LAST_LEAF)) throw new Error('ordered index: wrong last leaf');
    if (chained !== found) throw new Error('ordered index: chain misses a leaf');
  }

  // ---- inside: search ----------------------------------------------------------------------

  /** Whether an element is before the place that is looked for. */
  private isBefore(score: number, ref: Ref): boolean {
    if (this.mode !== BY_TIE) {
      if (score !== this.probeScore) return score < this.probeScore;
      if (this.mode === BY_SCORE) return this.pastEqual;
    }
    const order = this.ties.compareProbe(ref);
    return order > 0 || (order === 0 && this.pastEqual);
  }

  /** Finds the leaf and slot of the place looked for, the path to it and if asked for its rank. */
  private descend(root: Ref, ranked: boolean): void {
    let node = this.word(root, TOP);
    const height = this.word(root, HEIGHT);
    let rank = 0;
    for (let level = 0; level < height; level++) {
      const words = this.arena.i32[node >>> 15]!;
      const at = (node & 0x7fff) << 1;
      const scores = this.arena.f64[node >>> 15]!;
      const scoresAt = (node & 0x7fff) + 2;
      // The last child whose first element is before the place; child 0 needs no look.
      let low = 1;
      let high = words[at]!;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.isBefore(scores[scoresAt + middle]!, words[at + INNER_REFS + middle]!)) {
          low = middle + 1;
        } else high = middle;
      }
      const child = low - 1;
      if (ranked) for (let i = 0; i < child; i++) rank += words[at + COUNTS + i]!;
      this.pathNode[level] = node;
      this.pathSlot[level] = child;
      node = words[at + CHILDREN + child]!;
    }
    const words = this.arena.i32[node >>> 15]!;
    const at = (node & 0x7fff) << 1;
    const scores = this.arena.f64[node >>> 15]!;
    const scoresAt = (node & 0x7fff) + 2;
    let low = 0;
    let high = words[at]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBefore(scores[scoresAt + middle]!, words[at + LEAF_REFS + middle]!)) {
        low = middle + 1;
      } else high = middle;
    }
    this.leaf = node;
    this.slot = low;
    this.rank = rank + low;
  }

  /** As `descend` without ranks, to behind the last element: what is in order is added there. */
  private descendBehind(root: Ref): void {
    const height = this.word(root, HEIGHT);
    let node = this.word(root, TOP);
    for (let level = 0; level < height; level++) {
      const slot = this.word(node, USED) - 1;
      this.pathNode[level] = node;
      this.pathSlot[level] = slot;
      node = this.word(node, CHILDREN + slot);
    }
    this.leaf = node;
    this.slot = this.word(node, USED);
  }

  /** A place behind a leaf's last element is the next leaf's first. */
  private settle(): void {
    if (this.slot < this.word(this.leaf, USED)) return;
    this.leaf = this.word(this.leaf, NEXT);
    this.slot = 0;
  }

  /** As `settle`, with the path to the next leaf. False when there is none. */
  private stepPath(height: number): boolean {
    let level = height - 1;
    while (level >= 0 && this.pathSlot[level]! + 1 >= this.word(this.pathNode[level]!, USED))
      level--;
    if (level < 0) return false;
    this.pathSlot[level]!++;
    let node = this.word(this.pathNode[level]!, CHILDREN + this.pathSlot[level]!);
    while (++level < height) {
      this.pathNode[level] = node;
      this.pathSlot[level] = 0;
      node = this.word(node, CHILDREN);
    }
    this.leaf = node;
    this.slot = 0;
    return true;
  }

  // ---- inside: nodes -----------------------------------------------------------------------

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }

  private setRoot(root: Ref, i: number, value: number): void {
    this.arena.touch(root);
    this.setWord(root, i, value);
  }

  private scoreOf(node: Ref, slot: number): number {
    return this.arena.f64[node >>> 15]![(node & 0x7fff) + 2 + slot]!;
  }

  private refOf(leaf: Ref, slot: number): Ref {
    return this.word(leaf, LEAF_REFS + slot);
  }

  private newNode(bytes: number): Ref {
    const node = this.arena.alloc(bytes);
    const at = (node & 0x7fff) << 1;
    this.arena.i32[node >>> 15]!.fill(0, at, at + HEADER_WORDS);
    return node;
  }

  private addCount(level: number, n: number): void {
    const node = this.pathNode[level]!;
    this.arena.touch(node);
    const i = COUNTS + this.pathSlot[level]!;
    this.setWord(node, i, this.word(node, i) + n);
  }

  /** The first element of the path's lowest node has changed: tells the nodes above. */
  private firstChanged(height: number, score: number, entry: Ref): void {
    for (let level = height - 1; level >= 0; level--) {
      const node = this.pathNode[level]!;
      const slot = this.pathSlot[level]!;
      this.arena.touch(node);
      this.arena.f64[node >>> 15]![(node & 0x7fff) + 2 + slot] = score;
      this.setWord(node, INNER_REFS + slot, entry);
      if (slot > 0) return;
    }
  }

  /** The leaf was touched and has room. */
  private putInLeaf(leaf: Ref, slot: number, score: number, entry: Ref): void {
    const words = this.arena.i32[leaf >>> 15]!;
    const scores = this.arena.f64[leaf >>> 15]!;
    const at = (leaf & 0x7fff) << 1;
    const scoresAt = (leaf & 0x7fff) + 2;
    const refsAt = at + LEAF_REFS;
    for (let i = words[at]!; i > slot; i--) {
      scores[scoresAt + i] = scores[scoresAt + i - 1]!;
      words[refsAt + i] = words[refsAt + i - 1]!;
    }
    scores[scoresAt + slot] = score;
    words[refsAt + slot] = entry;
    words[at]!++;
  }

  private takeFromLeaf(leaf: Ref, slot: number): void {
    this.arena.touch(leaf);
    const words = this.arena.i32[leaf >>> 15]!;
    const scores = this.arena.f64[leaf >>> 15]!;
    const at = (leaf & 0x7fff) << 1;
    const scoresAt = (leaf & 0x7fff) + 2;
    const refsAt = at + LEAF_REFS;
    const used = words[at]! - 1;
    for (let i = slot; i < used; i++) {
      scores[scoresAt + i] = scores[scoresAt + i + 1]!;
      words[refsAt + i] = words[refsAt + i + 1]!;
    }
    words[at] = used;
  }

  /** Appends slots [from, used) of one leaf to another; the source keeps the ones before. */
  private moveLeafSlots(source: Ref, from: number, target: Ref): void {
    this.arena.touch(source);
    this.arena.touch(target);
    const used = this.word(source, USED);
    const base = this.word(target, USED);
    const scores = this.arena.f64[target >>> 15]!;
    const scoresAt = (target & 0x7fff) + 2;
    for (let i = from; i < used; i++) {
      scores[scoresAt + base + i - from] = this.scoreOf(source, i);
      this.setWord(target, LEAF_REFS + base + i - from, this.refOf(source, i));
    }
    this.setWord(target, USED, base + used - from);
    this.setWord(source, USED, from);
  }

  /** A full leaf gets a new right neighbour, then takes the element. */
  private splitLeaf(
    root: Ref,
    leaf: Ref,
    slot: number,
    score: number,
    entry: Ref,
    height: number,
  ): void {
    const right = this.newNode(LEAF_BYTES);
    const next = this.word(leaf, NEXT);
    this.arena.touch(leaf);
    this.setWord(right, NEXT, next);
    this.setWord(right, PREVIOUS, leaf);
    this.setWord(leaf, NEXT, right);
    if (next === 0) this.setRoot(root, LAST_LEAF, right);
    else {
      this.arena.touch(next);
      this.setWord(next, PREVIOUS, right);
    }
    // Elements that come in order leave full leaves behind.
    const appending = next === 0 && slot === LEAF_SLOTS;
    const cut = appending ? LEAF_SLOTS : LEAF_SLOTS >> 1;
    this.moveLeafSlots(leaf, cut, right);
    if (slot > cut || appending) this.putInLeaf(right, slot - cut, score, entry);
    else {
      this.putInLeaf(leaf, slot, score, entry);
      if (slot === 0) this.firstChanged(height, score, entry);
    }
    const count = this.word(right, USED);
    this.addChild(
      root,
      height - 1,
      leaf,
      right,
      this.scoreOf(right, 0),
      this.refOf(right, 0),
      count,
    );
  }

  /**
   * Links `right`, split off `left` with `count` elements, into the parent at `level` of the path.
   */
  private addChild(
    root: Ref,
    level: number,
    left: Ref,
    right: Ref,
    score: number,
    entry: Ref,
    count: number,
  ): void {
    if (level < 0) {
      this.growRoot(root, left, right, score, entry, count);
      return;
    }
    const node = this.pathNode[level]!;
    const slot = this.pathSlot[level]!;
    this.arena.touch(node);
    this.setWord(node, COUNTS + slot, this.word(node, COUNTS + slot) - count);
    if (this.word(node, USED) < INNER_SLOTS) {
      this.putChild(node, slot + 1, right, score, entry, count);
      return;
    }
    const sibling = this.newNode(INNER_BYTES);
    const appending = slot === INNER_SLOTS - 1;
    const cut = appending ? INNER_SLOTS - 1 : INNER_SLOTS >> 1;
    const moved = this.moveInnerSlots(node, cut, sibling);
    if (slot + 1 > cut) this.putChild(sibling, slot + 1 - cut, right, score, entry, count);
    else this.putChild(node, slot + 1, right, score, entry, count);
    const total = moved + (slot + 1 > cut ? count : 0);
    this.addChild(
      root,
      level - 1,
      node,
      sibling,
      this.scoreOf(sibling, 0),
      this.word(sibling, INNER_REFS),
      total,
    );
  }

  private growRoot(
    root: Ref,
    left: Ref,
    right: Ref,
    score: number,
    entry: Ref,
    count: number,
  ): void {
    const height = this.word(root, HEIGHT);
    const top = this.newNode(INNER_BYTES);
    const firstRef = height === 0 ? this.refOf(left, 0) : this.word(left, INNER_REFS);
    const rest = this.word(root, SIZE) - count;
    this.putChild(top, 0, left, this.scoreOf(left, 0), firstRef, rest);
    this.putChild(top, 1, right, score, entry, count);
    this.setRoot(root, TOP, top);
    this.setRoot(root, HEIGHT, height + 1);
  }

  /** The node was touched and has room. */
  private putChild(
    node: Ref,
    slot: number,
    child: Ref,
    score: number,
    entry: Ref,
    count: number,
  ): void {
    const words = this.arena.i32[node >>> 15]!;
    const scores = this.arena.f64[node >>> 15]!;
    const at = (node & 0x7fff) << 1;
    const scoresAt = (node & 0x7fff) + 2;
    for (let i = words[at]!; i > slot; i--) {
      scores[scoresAt + i] = scores[scoresAt + i - 1]!;
      words[at + INNER_REFS + i] = words[at + INNER_REFS + i - 1]!;
      words[at + CHILDREN + i] = words[at + CHILDREN + i - 1]!;
      words[at + COUNTS + i] = words[at + COUNTS + i - 1]!;
    }
    scores[scoresAt + slot] = score;
    words[at + INNER_REFS + slot] = entry;
    words[at + CHILDREN + slot] = child;
    words[at + COUNTS + slot] = count;
    words[at]!++;
  }

  private takeChild(node: Ref, slot: number): void {
    this.arena.touch(node);
    const words = this.arena.i32[node >>> 15]!;
    const scores = this.arena.f64[node >>> 15]!;
    const at = (node & 0x7fff) << 1;
    const scoresAt = (node & 0x7fff) + 2;
    const used = words[at]! - 1;
    for (let i = slot; i < used; i++) {
      scores[scoresAt + i] = scores[scoresAt + i + 1]!;
      words[at + INNER_REFS + i] = words[at + INNER_REFS + i + 1]!;
      words[at + CHILDREN + i] = words[at + CHILDREN + i + 1]!;
      words[at + COUNTS + i] = words[at + COUNTS + i + 1]!;
    }
    words[at] = used;
  }

  /** As `moveLeafSlots`, for inner nodes; returns the number of elements that moved. */
  private moveInnerSlots(source: Ref, from: number, target: Ref): number {
    this.arena.touch(source);
    this.arena.touch(target);
    const used = this.word(source, USED);
    let elements = 0;
    for (let i = from; i < used; i++) {
      const count = this.word(source, COUNTS + i);
      elements += count;
      const ref = this.word(source, INNER_REFS + i);
      const child = this.word(source, CHILDREN + i);
      this.putChild(target, this.word(target, USED), child, this.scoreOf(source, i), ref, count);
    }
    this.setWord(source, USED, from);
    return elements;
  }

  // ---- inside: shrinking -------------------------------------------------------------------

  private unchainLeaf(root: Ref, leaf: Ref): void {
    const next = this.word(leaf, NEXT);
    const previous = this.word(leaf, PREVIOUS);
    if (next === 0) this.setRoot(root, LAST_LEAF, previous);
    else {
      this.arena.touch(next);
      this.setWord(next, PREVIOUS, previous);
    }
    if (previous === 0) this.setRoot(root, FIRST_LEAF, next);
    else {
      this.arena.touch(previous);
      this.setWord(previous, NEXT, next);
    }
    this.arena.free(leaf);
  }

  private dropEmptyLeaf(root: Ref, leaf: Ref, height: number): void {
    if (height === 0) return;
    this.unchainLeaf(root, leaf);
    this.dropChild(root, height - 1);
  }

  /** The child that the path takes at `level` is gone. */
  private dropChild(root: Ref, level: number): void {
    const node = this.pathNode[level]!;
    const slot = this.pathSlot[level]!;
    this.takeChild(node, slot);
    const used = this.word(node, USED);
    if (used === 0) {
      // Cannot be the top: the top has two children at least.
      this.arena.free(node);
      this.dropChild(root, level - 1);
      return;
    }
    if (slot === 0) {
      this.firstChanged(level, this.scoreOf(node, 0), this.word(node, INNER_REFS));
    }
    if (level === 0) this.shrinkRoot(root);
    else if (used < INNER_SLOTS >> 2) this.mergeInner(root, node, level);
  }

  private shrinkRoot(root: Ref): void {
    while (this.word(root, HEIGHT) > 0) {
      const top = this.word(root, TOP);
      if (this.word(top, USED) > 1) return;
      this.setRoot(root, TOP, this.word(top, CHILDREN));
      this.setRoot(root, HEIGHT, this.word(root, HEIGHT) - 1);
      this.arena.free(top);
    }
  }

  /** Joins a sparse leaf with a neighbour under the same parent when both fit well into one. */
  private mergeLeaf(root: Ref, leaf: Ref, height: number): void {
    if (height === 0) return;
    const parent = this.pathNode[height - 1]!;
    const slot = this.pathSlot[height - 1]!;
    const room = (LEAF_SLOTS * 3) >> 2;
    const used = this.word(leaf, USED);
    const right = slot + 1 < this.word(parent, USED) ? this.word(parent, CHILDREN + slot + 1) : 0;
    const left = slot > 0 ? this.word(parent, CHILDREN + slot - 1) : 0;
    if (right !== 0 && this.word(right, USED) + used <= room) {
      this.moveLeafSlots(right, 0, leaf);
      this.joinCounts(parent, slot);
      this.unchainLeaf(root, right);
      this.pathSlot[height - 1] = slot + 1;
    } else if (left !== 0 && this.word(left, USED) + used <= room) {
      this.moveLeafSlots(leaf, 0, left);
      this.joinCounts(parent, slot - 1);
      this.unchainLeaf(root, leaf);
    } else return;
    this.dropChild(root, height - 1);
  }

  private mergeInner(root: Ref, node: Ref, level: number): void {
    const parent = this.pathNode[level - 1]!;
    const slot = this.pathSlot[level - 1]!;
    const room = (INNER_SLOTS * 3) >> 2;
    const used = this.word(node, USED);
    const right = slot + 1 < this.word(parent, USED) ? this.word(parent, CHILDREN + slot + 1) : 0;
    const left = slot > 0 ? this.word(parent, CHILDREN + slot - 1) : 0;
    if (right !== 0 && this.word(right, USED) + used <= room) {
      this.moveInnerSlots(right, 0, node);
      this.joinCounts(parent, slot);
      this.arena.free(right);
      this.pathSlot[level - 1] = slot + 1;
    } else if (left !== 0 && this.word(left, USED) + used <= room) {
      this.moveInnerSlots(node, 0, left);
      this.joinCounts(parent, slot - 1);
      this.arena.free(node);
    } else return;
    this.dropChild(root, level - 1);
  }

  /** Child `slot` of a node now holds the elements of the next child too. */
  private joinCounts(parent: Ref, slot: number): void {
    this.arena.touch(parent);
    const sum = this.word(parent, COUNTS + slot) + this.word(parent, COUNTS + slot + 1);
    this.setWord(parent, COUNTS + slot, sum);
  }

  private eachInner(node: Ref, height: number, emit: (node: Ref) => void): void {
    if (height === 0) return;
    for (let i = 0; i < this.word(node, USED); i++) {
      this.eachInner(this.word(node, CHILDREN + i), height - 1, emit);
    }
    emit(node);
  }

  private checkNode(node: Ref, height: number): number {
    const used = this.word(node, USED);
    if (height === 0) return used;
    let total = 0;
    for (let i = 0; i < used; i++) {
      const child = this.word(node, CHILDREN + i);
      const count = this.checkNode(child, height - 1);
      if (count === 0) throw new Error('ordered index: empty node');
      if (count !== this.word(node, COUNTS + i)) throw new Error('ordered index: wrong count');
      const first = this.word(child, height === 1 ? LEAF_REFS : INNER_REFS);
      if (this.word(node, INNER_REFS + i) !== first) throw new Error('ordered index: wrong first');
      if (this.scoreOf(node, i) !== this.scoreOf(child, 0)) {
        throw new Error('ordered index: wrong first score');
      }
      total += count;
    }
    return total;
  }
}
