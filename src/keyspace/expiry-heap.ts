/**
 * The keys of one database that have a time to live, ordered by when it ends: a 4-ary min-heap.
 * It gives the active expire cycle exactly the keys that are due (no sampling), eviction a fair
 * sample of volatile keys, and `volatile-ttl` the key closest to its end.
 *
 * It is an index that can be rebuilt from the entries, so it is not part of a snapshot. Storage
 * grows by pages: no reallocation ever copies the whole. Each entry keeps its own position (its
 * header word at +12), so removal is O(log n) without a search.
 *
 * Invariants: when(parent(i)) <= when(i); the entry at i stores i.
 */
import type { Arena, Ref } from '../memory/arena.ts';

const PAGE_SHIFT = 12;
const PAGE_SIZE = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_SIZE - 1;
/** A time and a ref for each entry. */
const PAGE_BYTES = PAGE_SIZE * 12;

/** Byte offset of an entry's heap position inside its extended header. */
const HEAP_INDEX_OFFSET = 12;

/** Where indexes beside the arena say how many bytes they have. */
export interface IndexAccount {
  indexBytes: number;
}

/** A heap as it was: pages that are copied before they are written. */
export interface ExpiryMark {
  readonly size: number;
  readonly when: readonly Float64Array[];
  readonly entries: readonly Int32Array[];
}

export class ExpiryHeap {
  size = 0;
  private readonly arena: Arena;
  private readonly account: IndexAccount;
  private readonly when: Float64Array[] = [];
  private readonly entries: Int32Array[] = [];
  /** Pages that marks have, too: to be copied before a write. Undefined while there are none. */
  private held: Set<number> | undefined;

  constructor(arena: Arena, account: IndexAccount) {
    this.arena = arena;
    this.account = account;
  }

  /** Bytes of the index itself. */
  get usedBytes(): number {
    return this.when.length * PAGE_BYTES;
  }

  /** Entry at heap position i, 0 <= i < size; position 0 ends first. O(1). */
  entryAt(i: number): Ref {
    return this.entries[i >>> PAGE_SHIFT]![i & PAGE_MASK]!;
  }

  /** When the entry at position i expires, in milliseconds since the epoch. O(1). */
  whenAt(i: number): number {
    return this.when[i >>> PAGE_SHIFT]![i & PAGE_MASK]!;
  }

  /** Adds an entry and writes its position into it. O(log n); O(1) when it ends last. */
  add(entry: Ref, whenMs: number): void {
    const i = this.size++;
    if (i >>> PAGE_SHIFT === this.when.length) {
      this.when.push(new Float64Array(PAGE_SIZE));
      this.entries.push(new Int32Array(PAGE_SIZE));
      this.account.indexBytes += PAGE_BYTES;
    }
    this.siftUp(i, entry, whenMs);
  }

  /** Removes the entry at position i. O(log n). */
  removeAt(i: number): void {
    const last = --this.size;
    if (i !== last) this.settle(i, this.entryAt(last), this.whenAt(last));
    const pages = (last >>> PAGE_SHIFT) + 2;
    if (this.when.length > pages) this.keepPages(pages);
  }

  /** Changes when the entry at position i expires. O(log n). */
  reschedule(i: number, whenMs: number): void {
    this.settle(i, this.entryAt(i), whenMs);
  }

  /** This moment, to come back to. O(pages): 4096 entries are one. */
  mark(): ExpiryMark {
    this.held = new Set(this.when.keys());
    return { size: this.size, when: this.when.slice(), entries: this.entries.slice() };
  }

  /** Brings a mark of this heap back. O(pages). */
  rewind({ size, when, entries }: ExpiryMark): void {
    this.size = size;
    this.keepPages(0);
    this.account.indexBytes += when.length * PAGE_BYTES;
    for (const page of when) this.when.push(page);
    for (const page of entries) this.entries.push(page);
    this.held = new Set(when.keys());
  }

  /** A page is about to be written. */
  private own(page: number): void {
    if (this.held?.delete(page) !== true) return;
    this.when[page] = this.when[page]!.slice();
    this.entries[page] = this.entries[page]!.slice();
    if (this.held.size === 0) this.held = undefined;
  }

  /** The entry at position i has moved to another block. O(1). */
  moved(i: number, entry: Ref): void {
    if (this.held !== undefined) this.own(i >>> PAGE_SHIFT);
    this.entries[i >>> PAGE_SHIFT]![i & PAGE_MASK] = entry;
  }

  clear(): void {
    this.size = 0;
    this.keepPages(0);
  }

  private keepPages(pages: number): void {
    this.account.indexBytes -= (this.when.length - pages) * PAGE_BYTES;
    if (pages === 0) this.held = undefined;
    else for (let page = pages; page < this.when.length; page++) this.held?.delete(page);
    this.when.length = pages;
    this.entries.length = pages;
  }

  /** Throws when an invariant is broken. O(n); for tests. */
  checkInvariants(): void {
    for (let i = 0; i < this.size; i++) {
      const entry = this.entryAt(i);
      const stored = this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 3];
      if (stored !== i) throw new Error(`entry at heap position ${i} says ${stored}`);
      if (i > 0 && this.whenAt((i - 1) >> 2) > this.whenAt(i)) {
        throw new Error(`heap order is broken at position ${i}`);
      }
    }
  }

  private settle(i: number, entry: Ref, whenMs: number): void {
    if (i > 0 && whenMs < this.whenAt((i - 1) >> 2)) this.siftUp(i, entry, whenMs);
    else this.siftDown(i, entry, whenMs);
  }

  private place(i: number, entry: Ref, whenMs: number): void {
    if (this.held !== undefined) this.own(i >>> PAGE_SHIFT);
    this.when[i >>> PAGE_SHIFT]![i & PAGE_MASK] = whenMs;
    this.entries[i >>> PAGE_SHIFT]![i & PAGE_MASK] = entry;
    this.arena.touch(entry);
    this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + (HEAP_INDEX_OFFSET >> 2)] = i;
  }

  private siftUp(start: number, entry: Ref, whenMs: number): void {
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const above = this.whenAt(parent);
      if (above <= whenMs) break;
      this.place(i, this.entryAt(parent), above);
      i = parent;
    }
    this.place(i, entry, whenMs);
  }

  private siftDown(start: number, entry: Ref, whenMs: number): void {
    let i = start;
    for (;;) {
      const first = (i << 2) + 1;
      if (first >= this.size) break;
      const end = Math.min(first + 4, this.size);
      let least = first;
      let leastWhen = this.whenAt(first);
      for (let c = first + 1; c < end; c++) {
        const w = this.whenAt(c);
        if (w < leastWhen) {
          least = c;
          leastWhen = w;
        }
      }
      if (leastWhen >= whenMs) break;
      this.place(i, this.entryAt(least), leastWhen);
      i = least;
    }
    this.place(i, entry, whenMs);
  }
}
