/**
 * Lists: a chain of nodes, each a run of listpack elements in one block. The run floats in its
 * block, with room before or behind it where the list grows, so a push moves nothing at either end.
 *
 *     root, int32 words:   0 first node | 1 last node | 2 elements | 3 nodes
 *     node:                0 previous | 1 next | 2 start of the run | 3 its end
 *                          4 elements in it (16 bits) and bytes of their common prefix above them,
 *                          then the prefix and room for elements (`src/memory/listpack-entry.ts`)
 *
 * A full node is packed when others follow on the side where the list grows: what its texts begin
 * with is kept once (`list-packing.ts`). It stays so until something is put into its middle.
 *
 * A place is a node and the offset of an element in it (`node`, `at`): `seek` goes to one. Reads
 * leave an element's text in `element`: a view until the next operation.
 * Source: behaviour of redis-server 7.0.15.
 */
import { ArenaFullError, NO_BYTES, type Ref } from '../memory/arena.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import type { Args } from '../util/args.ts';
import { copyBytes } from '../util/bytes.ts';
import {
  commonPrefix,
  matchesPacked,
  PACKED_TEXT_MAX,
  packRun,
  textHead,
  unpackedBytes,
  unpackRun,
} from './list-packing.ts';
import { sendElements, type TextSink, textByText } from './text-sink.ts';
import { Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

/** Words of the root. */
const FIRST = 0;
const LAST = 1;
const LENGTH = 2;
const NODES = 3;
const ROOT_BYTES = 16;
/** Words of a node. */
const PREVIOUS = 0;
const NEXT = 1;
const START = 2;
const END = 3;
const COUNT = 4;
const HEADER = 20;
/** The word of the count has the length of the prefix above these bits. */
const PREFIX_SHIFT = 16;
const COUNT_MASK = 0xffff;
/** What Redis reckons an element costs beside its bytes when it decides whether it fits. */
const ELEMENT_OVERHEAD = 8;
/** A node is never larger than this, however many elements it may have. */
const SAFE_BYTES = 8192;
const FIRST_BYTES = 48;

export class ListValue extends Value {
  readonly type = ValueType.list;
  /** The element read last. */
  readonly element = new ListpackEntry();
  /** The present place; node 0 is past an end. */
  node: Ref = 0;
  private at = 0;
  private readonly text = new ListpackEntry();
  /** A text of a packed node: its prefix and what follows. */
  private joined: Uint8Array = NO_BYTES;

  /** An empty list that belongs to no key yet. */
  create(): void {
    const root = this.arena.alloc(ROOT_BYTES);
    for (let i = 0; i < 4; i++) this.setWord(root, i, 0);
    this.openDetached(root, Encoding.quicklist);
  }

  override open(block: Ref, slot: number): void {
    this.openAt(block, slot);
  }

  override moveIfSparse(): void {
    const { arena } = this;
    if (this.nodes > this.tools.limits.movedAtOnce) return;
    for (let node = this.word(this.ref, FIRST); node !== 0; node = this.word(node, NEXT)) {
      if (!arena.shouldMove(node)) continue;
      const previous = this.word(node, PREVIOUS);
      const next = this.word(node, NEXT);
      node = arena.relocate(node);
      const before = previous === 0 ? this.ref : previous;
      arena.touch(before);
      this.setWord(before, previous === 0 ? FIRST : NEXT, node);
      const after = next === 0 ? this.ref : next;
      arena.touch(after);
      this.setWord(after, next === 0 ? LAST : PREVIOUS, node);
    }
    if (arena.shouldMove(this.ref)) this.become(arena.relocate(this.ref), this.encoding);
  }

  override forget(): void {
    this.element.forget();
    this.text.forget();
  }

  get size(): number {
    return this.word(this.ref, LENGTH);
  }

  get nodes(): number {
    return this.word(this.ref, NODES);
  }

  // ---- places ------------------------------------------------------------------------------

  /**
   * Goes to the element at an index, negative ones counted from the end. False when there is none.
   * O(nodes + elements of a node).
   */
  seek(index: number): boolean {
    const { size } = this;
    const i = index < 0 ? size + index : index;
    this.node = 0;
    if (i < 0 || i >= size) return false;
    let node: Ref;
    let skip: number;
    if (i < size >>> 1) {
      node = this.word(this.ref, FIRST);
      skip = i;
      for (let n = this.count(node); skip >= n; n = this.count(node)) {
        skip -= n;
        node = this.word(node, NEXT);
      }
    } else {
      node = this.word(this.ref, LAST);
      let behind = size - 1 - i;
      for (let n = this.count(node); behind >= n; n = this.count(node)) {
        behind -= n;
        node = this.word(node, PREVIOUS);
      }
      skip = this.count(node) - 1 - behind;
    }
    this.node = node;
    this.at = this.offsetOf(node, skip);
    return true;
  }

  /** One element on; false behind the last one. */
  next(): boolean {
    const u8 = this.arena.u8[this.node >>> 15]!;
    const base = (this.node & 0x7fff) << 3;
    this.at += this.text.sizeAt(u8, base + this.at);
    if (this.at < this.word(this.node, END)) return true;
    this.node = this.word(this.node, NEXT);
    if (this.node === 0) return false;
    this.at = this.word(this.node, START);
    return true;
  }

  /** One element back; false before the first one. */
  previous(): boolean {
    if (this.at <= this.word(this.node, START)) {
      this.node = this.word(this.node, PREVIOUS);
      if (this.node === 0) return false;
      this.at = this.word(this.node, END);
    }
    const u8 = this.arena.u8[this.node >>> 15]!;
    const base = (this.node & 0x7fff) << 3;
    this.at = this.text.previousOf(u8, base + this.at) - base;
    return true;
  }

  /** Reads the element of the present place into `element`. */
  read(): void {
    const { node } = this;
    const u8 = this.arena.u8[node >>> 15]!;
    const base = (node & 0x7fff) << 3;
    this.element.locate(u8, base + this.at);
    const prefix = this.prefix(node);
    if (prefix > 0) this.element.behind(this.readPrefix(u8, base, prefix), prefix);
  }

  /** Where the texts of a packed node are put together: begins with the node's prefix. */
  private readPrefix(u8: Uint8Array, base: number, prefix: number): Uint8Array {
    if (this.joined.length === 0) this.joined = new Uint8Array(PACKED_TEXT_MAX);
    copyBytes(u8, base + HEADER, this.joined, 0, prefix);
    return this.joined;
  }

  /** Whether the element of the present place has this text; `probe` was called with it. */
  matches(buf: Uint8Array, off: number, len: number): boolean {
    const { node } = this;
    const u8 = this.arena.u8[node >>> 15]!;
    const at = ((node & 0x7fff) << 3) + this.at;
    const prefix = this.prefix(node);
    if (prefix === 0) return this.text.matches(u8, at, buf, off, len);
    return matchesPacked(u8, at, ((node & 0x7fff) << 3) + HEADER, prefix, buf, off, len);
  }

  /** Gets ready to compare elements with a text. */
  probe(buf: Uint8Array, off: number, len: number): void {
    this.text.probe(buf, off, len);
  }

  /** Calls `emit` with `element` set for `count` elements from an index on; they are there. */
  forRange(from: number, count: number, emit: () => void): void {
    this.sendRange(from, count, textByText(emit));
  }

  /**
   * Gives `sink` the texts of `count` elements from an index on, which `element` has, too; they are
   * there. O(nodes + count).
   */
  sendRange(from: number, count: number, sink: TextSink): void {
    if (count <= 0 || !this.seek(from)) return;
    const { element } = this;
    let left = count;
    let { node, at } = this;
    while (left > 0 && node !== 0) {
      const u8 = this.arena.u8[node >>> 15]!;
      const base = (node & 0x7fff) << 3;
      const end = base + this.word(node, END);
      const prefix = this.prefix(node);
      const joined = prefix === 0 ? NO_BYTES : this.readPrefix(u8, base, prefix);
      left -= sendElements(u8, base + at, end, left, element, sink, joined, prefix);
      node = this.word(node, NEXT);
      if (node !== 0) at = this.word(node, START);
    }
  }

  /**
   * Calls `emit` for each node with the bytes of its run of elements, as in a listpack, and their
   * number; `emit` must not write to the arena. O(nodes), and the bytes of packed ones.
   */
  forEachRun(emit: (buf: Uint8Array, off: number, len: number, count: number) => void): void {
    let unpacked = NO_BYTES;
    for (let node = this.word(this.ref, FIRST); node !== 0; node = this.word(node, NEXT)) {
      const u8 = this.arena.u8[node >>> 15]!;
      const base = (node & 0x7fff) << 3;
      const start = base + this.word(node, START);
      const end = base + this.word(node, END);
      const prefix = this.prefix(node);
      if (prefix === 0) emit(u8, start, end - start, this.count(node));
      else {
        const bytes = unpackedBytes(u8, start, end, prefix);
        if (bytes > unpacked.length) unpacked = new Uint8Array(Math.max(bytes, SAFE_BYTES));
        unpackRun(u8, base + HEADER, prefix, start, end, unpacked, 0);
        emit(unpacked, 0, bytes, this.count(node));
      }
    }
  }

  // ---- ends --------------------------------------------------------------------------------

  /** Adds an element at an end; the text may lie anywhere but in this list. Amortised O(len). */
  push(atTail: boolean, buf: Uint8Array, off: number, len: number): void {
    this.text.measure(buf, off, len);
    let node = this.word(this.ref, atTail ? LAST : FIRST);
    if (node === 0 || !this.pushInPlace(node, atTail, buf, off, len)) {
      if (node === 0 || !this.fits(node, len)) {
        const full = node;
        node = this.addNode(atTail ? node : 0, len);
        // The other end's node stays as it is: it is what is read most.
        if (this.nodes > 2) this.pack(full);
      }
      if (atTail) this.appendTo(node, buf, off, len);
      else this.prependTo(node, buf, off, len);
    }
    this.addLength(1);
  }

  /**
   * Puts the measured element into the node at an end if it fits there and its block has room:
   * what most pushes are, in one look at the node. Returns whether it did. O(len).
   */
  private pushInPlace(
    node: Ref,
    atTail: boolean,
    buf: Uint8Array,
    off: number,
    len: number,
  ): boolean {
    const { arena, text } = this;
    const { bytes } = text;
    const limit = this.tools.limits.listListpackSize;
    const at = (node & 0x7fff) << 1;
    let words = arena.i32[node >>> 15]!;
    const count = words[at + COUNT]!;
    let start = words[at + START]!;
    let end = words[at + END]!;
    if (count > COUNT_MASK) return false;
    if (HEADER + end - start + len + ELEMENT_OVERHEAD > nodeBytesMax(limit)) return false;
    if (limit >= 0 && count >= Math.max(1, limit)) return false;
    const place = atTail ? end : start - bytes;
    if (atTail) {
      end += bytes;
      if (end > arena.capacity(node)) return false;
    } else {
      start = place;
      if (start < HEADER) return false;
    }
    arena.touch(node);
    words = arena.i32[node >>> 15]!;
    text.put(arena.u8[node >>> 15]!, (at << 2) + place, buf, off, len);
    words[at + START] = start;
    words[at + END] = end;
    words[at + COUNT] = count + 1;
    this.node = node;
    return true;
  }

  /** As `push` of arguments [from, end), one after the other. Amortised O(bytes). */
  pushAll(atTail: boolean, args: Args, from: number, end: number): void {
    for (let i = from; i < end; ) {
      this.push(atTail, args.buf, args.off[i]!, args.len[i]!);
      i++;
      if (i < end) i = this.pushMore(atTail, args, i, end);
    }
  }

  /**
   * Pushes arguments from `from` on while they go into the node of the last push and into its
   * block: the words of both are written once for all. Returns the first one that is left. Growing
   * a list to 5M by 2,000 elements a command takes two thirds of the time of single pushes.
   */
  private pushMore(atTail: boolean, args: Args, from: number, end: number): number {
    const { node, text, bytesMax } = this;
    const limit = this.tools.limits.listListpackSize;
    const u8 = this.arena.u8[node >>> 15]!;
    const base = (node & 0x7fff) << 3;
    const capacity = this.arena.capacity(node);
    const countMax = limit < 0 ? Number.MAX_SAFE_INTEGER : Math.max(1, limit);
    const count = this.word(node, COUNT);
    let start = this.word(node, START);
    let stop = this.word(node, END);
    let i = from;
    for (; i < end && count + i - from < countMax; i++) {
      const len = args.len[i]!;
      if (HEADER + stop - start + len + ELEMENT_OVERHEAD > bytesMax) break;
      text.measure(args.buf, args.off[i]!, len);
      const { bytes } = text;
      if (atTail) {
        if (stop + bytes > capacity) break;
        text.put(u8, base + stop, args.buf, args.off[i]!, len);
        stop += bytes;
      } else {
        if (start - bytes < HEADER) break;
        start -= bytes;
        text.put(u8, base + start, args.buf, args.off[i]!, len);
      }
    }
    if (i === from) return i;
    this.setWord(node, START, start);
    this.setWord(node, END, stop);
    this.setWord(node, COUNT, count + i - from);
    this.addLength(i - from);
    return i;
  }

  /** Reads the element at an end into `element`; the list is not empty. O(1). */
  readEnd(atTail: boolean): void {
    this.seekEnd(atTail);
    this.read();
  }

  /** Removes the element at an end; the list is not empty. O(1). */
  removeEnd(atTail: boolean): void {
    this.seekEnd(atTail);
    const { node } = this;
    this.addLength(-1);
    if (this.count(node) === 1) {
      this.removeNode(node);
      return;
    }
    this.arena.touch(node);
    if (atTail) this.setWord(node, END, this.at);
    else {
      const u8 = this.arena.u8[node >>> 15]!;
      const size = this.text.sizeAt(u8, ((node & 0x7fff) << 3) + this.at);
      this.setWord(node, START, this.at + size);
    }
    this.setWord(node, COUNT, this.word(node, COUNT) - 1);
  }

  private seekEnd(atTail: boolean): void {
    const node = this.word(this.ref, atTail ? LAST : FIRST);
    this.node = node;
    if (!atTail) this.at = this.word(node, START);
    else {
      const base = (node & 0x7fff) << 3;
      const end = base + this.word(node, END);
      this.at = this.text.previousOf(this.arena.u8[node >>> 15]!, end) - base;
    }
  }

  // ---- the middle --------------------------------------------------------------------------

  /** Puts a text in the place of the present element. O(bytes of the node). */
  replace(buf: Uint8Array, off: number, len: number): void {
    this.unpackPresent();
    this.text.measure(buf, off, len);
    const added = this.text.bytes;
    const { node } = this;
    const u8 = this.arena.u8[node >>> 15]!;
    const removed = this.text.sizeAt(u8, ((node & 0x7fff) << 3) + this.at);
    const used = this.word(node, END) - this.word(node, START);
    if (added > removed && HEADER + used + added - removed > this.bytesMax) {
      this.insert(false, buf, off, len);
      this.next();
      this.remove();
      return;
    }
    const to = this.resizeGap(node, this.at, removed, added);
    this.text.put(this.arena.u8[to >>> 15]!, ((to & 0x7fff) << 3) + this.at, buf, off, len);
  }

  /**
   * Puts a text before or behind the present element and goes to it. O(bytes of the node).
   */
  insert(behind: boolean, buf: Uint8Array, off: number, len: number): void {
    this.unpackPresent();
    let { node } = this;
    if (behind) {
      const u8 = this.arena.u8[node >>> 15]!;
      this.at += this.text.sizeAt(u8, ((node & 0x7fff) << 3) + this.at);
    }
    if (!this.fits(node, len)) {
      node = this.split(node, this.at, len);
      this.text.measure(buf, off, len);
      this.appendTo(node, buf, off, len);
      this.at = this.word(this.node, END) - this.text.bytes;
    } else {
      this.text.measure(buf, off, len);
      const added = this.text.bytes;
      const to = this.resizeGap(node, this.at, 0, added);
      this.text.put(this.arena.u8[to >>> 15]!, ((to & 0x7fff) << 3) + this.at, buf, off, len);
      this.setWord(to, COUNT, this.word(to, COUNT) + 1);
      this.node = to;
    }
    this.addLength(1);
  }

  /**
   * Removes the present element and goes to the one behind it; false when there is none.
   * O(bytes of the node).
   */
  remove(): boolean {
    const { node } = this;
    this.addLength(-1);
    const next = this.word(node, NEXT);
    if (this.count(node) === 1) {
      this.removeNode(node);
      return this.enter(next);
    }
    const u8 = this.arena.u8[node >>> 15]!;
    const size = this.text.sizeAt(u8, ((node & 0x7fff) << 3) + this.at);
    const to = this.resizeGap(node, this.at, size, 0);
    this.setWord(to, COUNT, this.word(to, COUNT) - 1);
    this.node = to;
    if (this.at < this.word(to, END)) return true;
    return this.enter(next);
  }

  /** Removes the first `most` elements that have this text; returns how many. O(bytes). */
  removeForwards(buf: Uint8Array, off: number, len: number, most: number): number {
    this.probe(buf, off, len);
    let removed = 0;
    let there = this.seek(0);
    while (there && removed < most) {
      if (this.matches(buf, off, len)) {
        there = this.remove();
        removed++;
      } else there = this.next();
    }
    return removed;
  }

  /** As `removeForwards`, from the end on. */
  removeBackwards(buf: Uint8Array, off: number, len: number, most: number): number {
    this.probe(buf, off, len);
    let removed = 0;
    let there = this.seek(-1);
    while (there && removed < most) {
      if (this.matches(buf, off, len)) {
        // Goes to the element behind, from which the one before is one step back.
        there = this.remove() ? this.previous() : this.seek(-1);
        removed++;
      } else there = this.previous();
    }
    return removed;
  }

  /** Removes `count` elements at an end. O(nodes + elements of a node). */
  removeRange(atTail: boolean, count: number): void {
    let left = count;
    while (left > 0) {
      const node = this.word(this.ref, atTail ? LAST : FIRST);
      const held = this.count(node);
      if (held <= left) {
        left -= held;
        this.addLength(-held);
        this.removeNode(node);
        continue;
      }
      this.arena.touch(node);
      const cut = this.offsetOf(node, atTail ? held - left : left);
      this.setWord(node, atTail ? END : START, cut);
      this.setWord(node, COUNT, this.word(node, COUNT) - left);
      this.addLength(-left);
      this.shrink(node);
      return;
    }
  }

  /** Joins the present node with the next one when both are small; keeps no place. */
  mergeSmall(): void {
    let node = this.word(this.ref, FIRST);
    while (node !== 0) {
      const next = this.word(node, NEXT);
      if (next === 0) return;
      const more = this.runBytes(next);
      const count = this.count(node) + this.count(next);
      const limit = this.tools.limits.listListpackSize;
      if ((this.runBytes(node) + more) * 2 > this.bytesMax || (limit > 0 && count > limit)) {
        node = next;
        continue;
      }
      if (this.prefix(next) > 0) {
        this.unpack(next);
        continue;
      }
      if (this.prefix(node) > 0) node = this.unpack(node);
      node = this.roomBehind(node, more);
      const from = (next & 0x7fff) << 3;
      const start = from + this.word(next, START);
      const target = this.arena.u8[node >>> 15]!;
      const end = this.word(node, END);
      const source = this.arena.u8[next >>> 15]!;
      target.set(source.subarray(start, start + more), ((node & 0x7fff) << 3) + end);
      this.setWord(node, END, end + more);
      this.setWord(node, COUNT, count);
      this.removeNode(next);
    }
  }

  // ---- nodes -------------------------------------------------------------------------------

  private get bytesMax(): number {
    return nodeBytesMax(this.tools.limits.listListpackSize);
  }

  /** Elements of a node. */
  private count(node: Ref): number {
    return this.word(node, COUNT) & COUNT_MASK;
  }

  /** Bytes that a node keeps once for all of its texts: 0 unless it is packed. */
  private prefix(node: Ref): number {
    return this.word(node, COUNT) >>> PREFIX_SHIFT;
  }

  /** Bytes of a node's run when it is not packed. */
  private runBytes(node: Ref): number {
    const prefix = this.prefix(node);
    const start = this.word(node, START);
    const end = this.word(node, END);
    if (prefix === 0) return end - start;
    const base = (node & 0x7fff) << 3;
    return unpackedBytes(this.arena.u8[node >>> 15]!, base + start, base + end, prefix);
  }

  /** Whether an element of `len` bytes may join a node. */
  private fits(node: Ref, len: number): boolean {
    if (this.prefix(node) > 0) return false;
    const limit = this.tools.limits.listListpackSize;
    const bytes = HEADER + this.word(node, END) - this.word(node, START) + len + ELEMENT_OVERHEAD;
    if (bytes > this.bytesMax) return false;
    return limit < 0 || this.word(node, COUNT) < Math.max(1, limit);
  }

  /** A new node behind `previous` (0: before all), with room for an element of `len` bytes. */
  private addNode(previous: Ref, len: number): Ref {
    const { ref } = this;
    const node = this.arena.alloc(Math.max(FIRST_BYTES, HEADER + len + 11));
    const next = previous === 0 ? this.word(ref, FIRST) : this.word(previous, NEXT);
    this.setWord(node, PREVIOUS, previous);
    this.setWord(node, NEXT, next);
    this.setWord(node, START, HEADER);
    this.setWord(node, END, HEADER);
    this.setWord(node, COUNT, 0);
    this.arena.touch(ref);
    if (previous === 0) this.setWord(ref, FIRST, node);
    else {
      this.arena.touch(previous);
      this.setWord(previous, NEXT, node);
    }
    if (next === 0) this.setWord(ref, LAST, node);
    else {
      this.arena.touch(next);
      this.setWord(next, PREVIOUS, node);
    }
    this.setWord(ref, NODES, this.word(ref, NODES) + 1);
    return node;
  }

  private removeNode(node: Ref): void {
    const { ref } = this;
    const previous = this.word(node, PREVIOUS);
    const next = this.word(node, NEXT);
    this.arena.touch(ref);
    if (previous === 0) this.setWord(ref, FIRST, next);
    else {
      this.arena.touch(previous);
      this.setWord(previous, NEXT, next);
    }
    if (next === 0) this.setWord(ref, LAST, previous);
    else {
      this.arena.touch(next);
      this.setWord(next, PREVIOUS, previous);
    }
    this.setWord(ref, NODES, this.word(ref, NODES) - 1);
    this.arena.free(node);
  }

  /** The node is another block now: its neighbours and the root follow. */
  private relink(from: Ref, to: Ref): void {
    if (from === to) return;
    const { ref } = this;
    const previous = this.word(to, PREVIOUS);
    const next = this.word(to, NEXT);
    const head = previous === 0 ? ref : previous;
    this.arena.touch(head);
    this.setWord(head, previous === 0 ? FIRST : NEXT, to);
    const tail = next === 0 ? ref : next;
    this.arena.touch(tail);
    this.setWord(tail, next === 0 ? LAST : PREVIOUS, to);
  }

  /**
   * Packs a full node when that makes it much smaller and there is room for both. O(bytes), little
   * where elements begin differently. A list of 1M elements `value:N` is 5.9 MB so, not 13.9; it
   * costs the push of one 10 to 25 ns, and reading it 3 to 10 ns (measured, docs/decisions/0008).
   */
  private pack(node: Ref): void {
    const { arena } = this;
    const count = this.word(node, COUNT);
    if (count > COUNT_MASK) return;
    const base = (node & 0x7fff) << 3;
    const start = base + this.word(node, START);
    const end = base + this.word(node, END);
    const prefix = commonPrefix(arena.u8[node >>> 15]!, start, end, count);
    if (prefix === 0) return;
    let to: Ref;
    try {
      to = arena.alloc(HEADER + prefix + end - start - prefix * count);
    } catch (error) {
      if (error instanceof ArenaFullError) return;
      throw error;
    }
    const u8 = arena.u8[node >>> 15]!;
    const target = arena.u8[to >>> 15]!;
    const at = (to & 0x7fff) << 3;
    const head = textHead(u8[start]!);
    copyBytes(u8, start + head, target, at + HEADER, prefix);
    const stop = packRun(u8, start, end, prefix, target, at + HEADER + prefix);
    this.setPlace(node, to, HEADER + prefix, stop - at, (prefix << PREFIX_SHIFT) | count);
  }

  /** Makes a packed node an ordinary one. Returns the node, another block. O(bytes). */
  private unpack(node: Ref): Ref {
    const { arena } = this;
    const to = arena.alloc(HEADER + this.runBytes(node));
    const u8 = arena.u8[node >>> 15]!;
    const base = (node & 0x7fff) << 3;
    const start = base + this.word(node, START);
    const end = base + this.word(node, END);
    const at = (to & 0x7fff) << 3;
    const target = arena.u8[to >>> 15]!;
    const stop = unpackRun(u8, base + HEADER, this.prefix(node), start, end, target, at + HEADER);
    this.setPlace(node, to, HEADER, stop - at, this.count(node));
    return to;
  }

  /** Unpacks the present node; the place stays at its element. */
  private unpackPresent(): void {
    const { node, at } = this;
    if (this.prefix(node) === 0) return;
    const u8 = this.arena.u8[node >>> 15]!;
    const base = (node & 0x7fff) << 3;
    let index = 0;
    for (let p = this.word(node, START); p < at; index++) p += this.text.sizeAt(u8, base + p);
    this.node = this.unpack(node);
    this.at = this.offsetOf(this.node, index);
  }

  /** A node's run lies in another block now, which takes its place; its own is freed. */
  private setPlace(node: Ref, to: Ref, start: number, end: number, count: number): void {
    this.setWord(to, PREVIOUS, this.word(node, PREVIOUS));
    this.setWord(to, NEXT, this.word(node, NEXT));
    this.setWord(to, START, start);
    this.setWord(to, END, end);
    this.setWord(to, COUNT, count);
    this.relink(node, to);
    this.arena.free(node);
  }

  /**
   * Moves a node's run into a block with at least `more` bytes of room before or behind it, twice
   * as large as now but not larger than a node may be. Returns the node.
   */
  private grow(node: Ref, more: number, before: boolean): Ref {
    const start = this.word(node, START);
    const used = this.word(node, END) - start;
    const need = HEADER + used + more;
    const ample = Math.min(need + (need >> 1), this.bytesMax);
    const to = this.arena.alloc(Math.max(need, ample));
    // Most of the room is where it is asked for; the other end gets some, lest pushes at both ends
    // in turn move the run each time.
    const slack = this.arena.capacity(to) - HEADER - used;
    const other = (slack - more) >> 2;
    const place = HEADER + (before ? slack - other : other);
    const from = ((node & 0x7fff) << 3) + start;
    const source = this.arena.u8[node >>> 15]!;
    this.arena.u8[to >>> 15]!.set(source.subarray(from, from + used), ((to & 0x7fff) << 3) + place);
    this.setPlace(node, to, place, place + used, this.word(node, COUNT));
    return to;
  }

  /** The node with at least `more` bytes of room behind its run, ready to be written. */
  private roomBehind(node: Ref, more: number): Ref {
    if (this.word(node, END) + more > this.arena.capacity(node))
      return this.grow(node, more, false);
    this.arena.touch(node);
    return node;
  }

  /** Appends the measured element. */
  private appendTo(node: Ref, buf: Uint8Array, off: number, len: number): void {
    const { bytes } = this.text;
    const to = this.roomBehind(node, bytes);
    const end = this.word(to, END);
    this.text.put(this.arena.u8[to >>> 15]!, ((to & 0x7fff) << 3) + end, buf, off, len);
    this.setWord(to, END, end + bytes);
    this.setWord(to, COUNT, this.word(to, COUNT) + 1);
    this.node = to;
  }

  private prependTo(node: Ref, buf: Uint8Array, off: number, len: number): void {
    const { bytes } = this.text;
    let to = node;
    if (this.word(node, START) - bytes < HEADER) to = this.grow(node, bytes, true);
    else this.arena.touch(node);
    const start = this.word(to, START) - bytes;
    this.text.put(this.arena.u8[to >>> 15]!, ((to & 0x7fff) << 3) + start, buf, off, len);
    this.setWord(to, START, start);
    this.setWord(to, COUNT, this.word(to, COUNT) + 1);
    this.node = to;
  }

  /** Makes `removed` bytes at an offset of a node `added` bytes; the node may move. */
  private resizeGap(node: Ref, at: number, removed: number, added: number): Ref {
    const more = added - removed;
    let to = node;
    if (more > 0) {
      const before = this.word(node, START);
      to = this.roomBehind(node, more);
      this.at = at + this.word(to, START) - before;
    } else this.arena.touch(node);
    const base = (to & 0x7fff) << 3;
    const end = this.word(to, END);
    const from = this.at + removed;
    if (more !== 0) {
      this.arena.u8[to >>> 15]!.copyWithin(base + this.at + added, base + from, base + end);
      this.setWord(to, END, end + more);
    }
    this.node = to;
    return to;
  }

  /**
   * Cuts a node at an offset so that an element of `len` bytes may be appended to the node
   * returned: the left part, or a new node when the element does not fit there.
   */
  private split(node: Ref, at: number, len: number): Ref {
    const start = this.word(node, START);
    const end = this.word(node, END);
    if (at === start) return this.addNode(this.word(node, PREVIOUS), len);
    if (at < end) {
      const u8 = this.arena.u8[node >>> 15]!;
      const base = (node & 0x7fff) << 3;
      let left = 0;
      for (let p = start; p < at; left++) p += this.text.sizeAt(u8, base + p);
      const right = this.addNode(node, end - at);
      const target = this.arena.u8[right >>> 15]!;
      const source = this.arena.u8[node >>> 15]!;
      target.set(source.subarray(base + at, base + end), ((right & 0x7fff) << 3) + HEADER);
      this.setWord(right, END, HEADER + end - at);
      this.setWord(right, COUNT, this.word(node, COUNT) - left);
      this.setWord(node, END, at);
      this.setWord(node, COUNT, left);
    }
    return this.fits(node, len) ? node : this.addNode(node, len);
  }

  /** Gives back what a node's block has too much. */
  private shrink(node: Ref): void {
    const used = this.runBytes(node);
    if (this.arena.capacity(node) <= (HEADER + used) * 2 + 64) return;
    if (this.prefix(node) > 0) this.unpack(node);
    else this.grow(node, 0, false);
  }

  private offsetOf(node: Ref, index: number): number {
    const u8 = this.arena.u8[node >>> 15]!;
    const base = (node & 0x7fff) << 3;
    const count = this.count(node);
    if (index > count >>> 1) {
      let p = base + this.word(node, END);
      for (let i = count; i > index; i--) p = this.text.previousOf(u8, p);
      return p - base;
    }
    let p = base + this.word(node, START);
    for (let i = 0; i < index; i++) p += this.text.sizeAt(u8, p);
    return p - base;
  }

  private enter(node: Ref): boolean {
    this.node = node;
    if (node === 0) return false;
    this.at = this.word(node, START);
    return true;
  }

  private addLength(n: number): void {
    this.arena.touch(this.ref);
    this.setWord(this.ref, LENGTH, this.word(this.ref, LENGTH) + n);
  }

  // ---- whole values ------------------------------------------------------------------------

  override freeSome(ref: Ref, _encoding: number, max: number): Ref {
    let node = this.word(ref, FIRST);
    for (let freed = 0; node !== 0 && freed < max; ) {
      const next = this.word(node, NEXT);
      freed += 1 + (this.count(node) >> 5);
      this.arena.free(node);
      node = next;
    }
    if (node === 0) {
      this.arena.free(ref);
      return 0;
    }
    this.arena.touch(ref);
    this.setWord(ref, FIRST, node);
    return ref;
  }

  override clone(): Ref {
    const root = this.cloneBlock(this.ref, ROOT_BYTES);
    let previous = 0;
    for (let node = this.word(this.ref, FIRST); node !== 0; node = this.word(node, NEXT)) {
      const copy = this.cloneBlock(node, this.arena.capacity(node));
      this.setWord(copy, PREVIOUS, previous);
      if (previous === 0) this.setWord(root, FIRST, copy);
      else this.setWord(previous, NEXT, copy);
      previous = copy;
    }
    this.setWord(root, LAST, previous);
    return root;
  }

  override memory(): number {
    let total = this.arena.capacity(this.ref);
    for (let node = this.word(this.ref, FIRST); node !== 0; node = this.word(node, NEXT)) {
      total += this.arena.capacity(node);
    }
    return total;
  }

  override checkInvariants(): void {
    let elements = 0;
    let nodes = 0;
    let previous = 0;
    for (let node = this.word(this.ref, FIRST); node !== 0; node = this.word(node, NEXT)) {
      if (this.word(node, PREVIOUS) !== previous) throw new Error('list: chain broken');
      const u8 = this.arena.u8[node >>> 15]!;
      const base = (node & 0x7fff) << 3;
      const end = this.word(node, END);
      let count = 0;
      let p = this.word(node, START);
      while (p < end) {
        p += this.text.sizeAt(u8, base + p);
        count++;
      }
      if (p !== end || end > this.arena.capacity(node)) throw new Error('list: run broken');
      if (count === 0 || count !== this.count(node)) throw new Error('list: wrong node count');
      if (this.word(node, START) < HEADER + this.prefix(node)) {
        throw new Error('list: a run begins in its prefix');
      }
      elements += count;
      nodes++;
      previous = node;
    }
    if (previous !== this.word(this.ref, LAST)) throw new Error('list: wrong last node');
    if (elements !== this.size || nodes !== this.nodes) throw new Error('list: wrong length');
  }
}

/** Bytes that a node may take, by list-max-listpack-size. */
function nodeBytesMax(limit: number): number {
  if (limit >= 0) return SAFE_BYTES;
  return 4096 << (Math.min(-limit, 5) - 1);
}
