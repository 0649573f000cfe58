/**
 * A chained hash table over the arena. It links entries that their owner allocates; all of its own
 * state is in a root block, so one Dict object works on any number of dicts, and a reader of a
 * snapshot can walk them too.
 *
 *     root, int32 words:  0 table | 1 log2 of its buckets | 2 entries in it
 *                         3 second table (0: not rehashing) | 4 log2 | 5 entries in it
 *                         6 first bucket of table 0 not moved yet | 7 position of a clear
 *     entry:              +0 next | +4 owner's | +8 bit 31 EXTENDED, bit 30 owner's, key length
 *                         +12, or +24 when EXTENDED: the key's bytes
 *
 * Growing is incremental: each insertion or removal moves a few buckets, so no operation waits for
 * a whole table. Reads never write. A new entry goes where its bucket is: a new table is touched
 * from its beginning on, as buckets are moved, and its pages come one by one.
 *
 * Invariants: every entry is in the bucket of its hash, in the second table if its bucket of table
 * 0 is one below word 6, else in table 0; word 2 + word 5 is the number of entries.
 */
import { wordsOf } from '../util/word-view.ts';
import { type Arena, BLOCK_MAX, type Ref } from './arena.ts';
import { halfSipHash13 } from './halfsiphash.ts';

/** Words of the root: those of a table, counted from TABLE or SECOND. */
const TABLE = 0;
const BITS = 1;
const USED = 2;
const SECOND = 3;
const MOVED = 6;
const CLEARED = 7;
const ROOT_BYTES = 32;
/** Words of an entry that every owner has: link, the owner's word, key length and flags. */
export const ENTRY_NEXT = 0;
export const ENTRY_INFO = 1;
export const ENTRY_KEY = 2;
/** In the key word: 12 more bytes of header; for the owner; bytes of the key. */
export const EXTENDED = 0x80000000 | 0;
export const OWNERS_FLAG = 0x40000000;
export const KEY_LENGTH = 0x3fffffff;
/** Bytes before the key. */
export const HEADER = 12;
export const EXTENDED_HEADER = 24;
const MIN_BITS = 2;
/** Buckets with entries moved per write, and empty ones passed over on the way. */
const MOVES_PER_WRITE = 2;
const SKIPS_PER_MOVE = 10;
/** Table shrinks when fewer than one bucket in so many holds an entry. */
const SHRINK_BELOW = 10;
/** Buckets of a walk whose first entries are loaded together. */
const WALK_BATCH = 64;
/** A reserved table has no more than 2^28 buckets: a GiB. */
const RESERVE_BITS_MAX = 28;
/**
 * Entries for each bucket up to which `random` tells so many places of a chain apart, from 2 on: at
 * these loads one chain in 10,000 is longer. While a table grows, what is left of the old one has
 * up to 1.5.
 */
const PLACES_FOR_LOAD: readonly number[] = [0.08, 0.22, 0.44, 0.7, 1.05, 1.35];
/** A dict of so many entries is not in the processor's caches: `random` draws ahead for it. */
const FAR_ENTRIES = 1 << 14;
/** Draws made at a time: enough for 5 entries at load 1. */
const DRAWS = 32;

export class Dict {
  private readonly arena: Arena;
  /** A text whose hash is known already: where it lies, its length and the hash. */
  private knownBuf: Uint8Array | undefined;
  private knownOff = 0;
  private knownLen = 0;
  private knownHash = 0;
  /** What walks have read ahead: meaningless, but so the reads are not optimised away. */
  walked = 0;
  /** First entries of a walk's buckets. */
  private heads: Int32Array | undefined;
  private readonly k0: number;
  private readonly k1: number;
  /** Numbers drawn from `drawnBy` and not used yet: the first `drawsLeft`. */
  private readonly draws = new Float64Array(DRAWS);
  private drawsLeft = 0;
  private drawnBy: (() => number) | undefined;
  private readonly drawnHeads = new Int32Array(DRAWS);
  /** Table and bucket of the entry that `random` found last. */
  private randomSide = TABLE;
  private randomBucket = 0;

  /** `hashKey`: two random int32. */
  constructor(arena: Arena, hashKey: Int32Array) {
    this.arena = arena;
    this.k0 = hashKey[0]!;
    this.k1 = hashKey[1]!;
  }

  /** An empty dict's root. */
  create(): Ref {
    const root = this.arena.alloc(ROOT_BYTES);
    const table = this.arena.allocTable(4 << MIN_BITS);
    const i32 = this.arena.i32[root >>> 15]!;
    const at = (root & 0x7fff) << 1;
    i32.fill(0, at, at + ROOT_BYTES / 4);
    i32[at] = table;
    i32[at + BITS] = MIN_BITS;
    return root;
  }

  /** Frees tables and root; the entries are the caller's (see `clearStep`). */
  destroy(root: Ref): void {
    const second = this.word(root, SECOND);
    this.arena.freeTable(this.word(root, TABLE), 4 << this.word(root, BITS));
    if (second !== 0) this.arena.freeTable(second, 4 << this.word(root, SECOND + BITS));
    this.arena.free(root);
  }

  /** Number of entries. O(1). */
  size(root: Ref): number {
    const i32 = this.arena.i32[root >>> 15]!;
    const at = (root & 0x7fff) << 1;
    return i32[at + USED]! + i32[at + SECOND + USED]!;
  }

  /** Buckets of both tables. O(1). */
  buckets(root: Ref): number {
    const second = this.word(root, SECOND) === 0 ? 0 : 1 << this.word(root, SECOND + BITS);
    return (1 << this.word(root, BITS)) + second;
  }

  /** Bytes of root and tables, without the entries. O(1). */
  memory(root: Ref): number {
    const first = this.tableMemory(this.word(root, TABLE), this.word(root, BITS));
    const second = this.word(root, SECOND);
    const rest = second === 0 ? 0 : this.tableMemory(second, this.word(root, SECOND + BITS));
    return this.arena.capacity(root) + first + rest;
  }

  private tableMemory(table: Ref, bits: number): number {
    const bytes = 4 << bits;
    return bytes <= BLOCK_MAX ? this.arena.capacity(table) : bytes;
  }

  /** The keyed hash of a key. O(len). */
  hash(buf: Uint8Array, off: number, len: number): number {
    if (off === this.knownOff && buf === this.knownBuf && len === this.knownLen) {
      return this.knownHash;
    }
    return halfSipHash13(buf, off, len, this.k0, this.k1);
  }

  /**
   * Remembers the hash of a text that `hash` will be asked for; `forget` before the text changes.
   */
  memoHash(buf: Uint8Array, off: number, len: number, hash: number): void {
    this.knownBuf = buf;
    this.knownOff = off;
    this.knownLen = len;
    this.knownHash = hash;
  }

  forget(): void {
    this.knownBuf = undefined;
  }

  /** The hash of an entry's key. O(key length). */
  hashOfEntry(entry: Ref): number {
    const at = (entry & 0x7fff) << 3;
    const keyWord = this.arena.i32[entry >>> 15]![(at >> 2) + 2]!;
    const key = at + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
    return this.hash(this.arena.u8[entry >>> 15]!, key, keyWord & KEY_LENGTH);
  }

  /** The entry of a key, or 0. O(1) expected. */
  find(root: Ref, hash: number, buf: Uint8Array, off: number, len: number): Ref {
    const r = this.arena.i32[root >>> 15]!;
    const at = (root & 0x7fff) << 1;
    const bucket = hash & ((1 << r[at + BITS]!) - 1);
    if (bucket >= r[at + MOVED]!) return this.findIn(r[at]!, bucket, buf, off, len);
    return this.findIn(r[at + SECOND]!, hash & ((1 << r[at + SECOND + BITS]!) - 1), buf, off, len);
  }

  /**
   * Whether an entry is in the dict. `entry` may be the name of a block that is long gone: it is
   * compared with, never read. O(1) expected.
   */
  holds(root: Ref, hash: number, entry: Ref): boolean {
    const side = this.sideOf(root, hash);
    const table = this.word(root, side);
    let at = this.bucket(table, hash & ((1 << this.word(root, side + BITS)) - 1));
    while (at !== 0 && at !== entry) at = this.nextOf(at);
    return at !== 0;
  }

  /**
   * Brings what finding the keys of `hashes[0 .. count)`, each in the dict `roots[i]` (or all in
   * `roots[0]` with `single`), will read into the processor's caches. The loads of one loop do not
   * depend on each other, so their cache misses overlap; one find after the other waits for each in
   * turn. Measured with 1M keys and 64 keys at a time: see
   * docs/decisions/0003-prefetching-a-pipeline.md. `scratch` has room for `count` refs.
   */
  prefetch(
    roots: Int32Array,
    single: boolean,
    hashes: Int32Array,
    count: number,
    scratch: Int32Array,
  ): number {
    const { i32 } = this.arena;
    let root = 0;
    let first = 0;
    let mask = 0;
    let moved = 0;
    for (let i = 0; i < count; i++) {
      const wanted = roots[single ? 0 : i]!;
      if (wanted !== root) {
        root = wanted;
        first = this.word(root, TABLE);
        mask = (1 << this.word(root, BITS)) - 1;
        moved = this.word(root, MOVED);
      }
      let table = first;
      let bucket = hashes[i]! & mask;
      if (bucket < moved) {
        table = this.word(root, SECOND);
        bucket = hashes[i]! & ((1 << this.word(root, SECOND + BITS)) - 1);
      }
      const g = (table + (bucket >>> 1)) | 0;
      scratch[i] = i32[g >>> 15]![((g & 0x7fff) << 1) | (bucket & 1)]!;
    }
    for (let i = 0; i < count; i++) {
      const entry = scratch[i]!;
      scratch[i] = i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
    }
    let seen = 0;
    for (let i = 0; i < count; i++) {
      const entry = scratch[i]!;
      seen ^= i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
    }
    return seen;
  }

  private findIn(table: Ref, bucket: number, buf: Uint8Array, off: number, len: number): Ref {
    const { i32, u8 } = this.arena;
    const wanted = wordsOf(buf);
    const g = (table + (bucket >>> 1)) | 0;
    let entry = i32[g >>> 15]![((g & 0x7fff) << 1) | (bucket & 1)]!;
    while (entry !== 0) {
      const segment = entry >>> 15;
      const words = i32[segment]!;
      const at = (entry & 0x7fff) << 1;
      const keyWord = words[at + 2]!;
      if ((keyWord & KEY_LENGTH) === len) {
        const bytes = u8[segment]!;
        const key = (at << 2) + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
        let i = 0;
        if (wanted !== undefined) {
          // A key begins at a word. What is left are the last bytes, or where the texts differ.
          const whole = len & ~3;
          while (i < whole && words[(key + i) >> 2] === wanted.getInt32(off + i, true)) i += 4;
        }
        while (i < len && bytes[key + i] === buf[off + i]) i++;
        if (i === len) return entry;
      }
      entry = words[at]!;
    }
    return 0;
  }

  /** Links an entry whose key is not in the dict. Amortised O(1). */
  insert(root: Ref, hash: number, entry: Ref): void {
    this.arena.touch(root);
    if (this.word(root, SECOND) !== 0) this.move(root, MOVES_PER_WRITE);
    else if (this.word(root, USED) >= 1 << this.word(root, BITS)) {
      this.startRehash(root, this.word(root, BITS) + 1);
    }
    const side = this.sideOf(root, hash);
    const bucket = hash & ((1 << this.word(root, side + BITS)) - 1);
    this.push(this.word(root, side), bucket, entry);
    this.add(root, side + USED, 1);
  }

  /** Takes an entry out; it must be in. `hash` is its key's. O(1) expected. */
  unlinkEntry(root: Ref, hash: number, entry: Ref): void {
    this.arena.touch(root);
    const side = this.sideOf(root, hash);
    if (!this.relink(root, side, hash, entry, this.nextOf(entry))) {
      throw new Error('dict: unlinking an entry that is not in the dict');
    }
    this.unlinked(root, side);
  }

  /** A table of the root, which was touched, has lost an entry. */
  private unlinked(root: Ref, side: number): void {
    this.add(root, side + USED, -1);
    if (this.word(root, SECOND) !== 0) this.move(root, MOVES_PER_WRITE);
    else this.shrinkIfSparse(root);
  }

  /**
   * An entry has been copied to another block, its first word too: links the new one in its place.
   * O(1) expected.
   */
  replace(root: Ref, hash: number, from: Ref, to: Ref): void {
    if (this.relink(root, this.sideOf(root, hash), hash, from, to)) return;
    throw new Error('dict: replacing an entry that is not in the dict');
  }

  /**
   * One SCAN step: emits the entries of the cursor's bucket(s) and returns the next cursor, 0 at
   * the end. Every entry present from start to end of a full iteration is emitted, whatever
   * rehashing happens meanwhile; some may be emitted twice. `emit` must not write to the dict.
   * Source: the reverse binary iteration of Redis's dictScan (Pieter Noordhuis).
   */
  scan(root: Ref, cursor: number, emit: (entry: Ref) => void): number {
    let v = cursor | 0;
    const rehashing = this.word(root, SECOND) !== 0;
    const swap = rehashing && this.word(root, SECOND + BITS) < this.word(root, BITS);
    const small = swap ? SECOND : TABLE;
    const m0 = (1 << this.word(root, small + BITS)) - 1;
    this.emitBucket(this.word(root, small), v & m0, emit);
    if (!rehashing) return nextCursor(v, m0) >>> 0;
    const large = swap ? TABLE : SECOND;
    const m1 = (1 << this.word(root, large + BITS)) - 1;
    do {
      this.emitBucket(this.word(root, large), v & m1, emit);
      v = nextCursor(v, m1);
    } while ((v & (m0 ^ m1)) !== 0);
    return v >>> 0;
  }

  /** Every entry, in no order; `emit` must not write to the dict. O(buckets + entries). */
  forEach(root: Ref, emit: (entry: Ref) => void): void {
    for (const side of [TABLE, SECOND]) {
      const table = this.word(root, side);
      if (table === 0) continue;
      const buckets = 1 << this.word(root, side + BITS);
      for (let b = 0; b < buckets; b++) this.emitBucket(table, b, emit);
    }
  }

  /**
   * The entries of up to `max` buckets from a position on, 0 at first, so that a walk can be done
   * in slices while nothing is written. Returns the next position, -1 at the end. The first loads
   * of a slice overlap: a walk in one loop would wait for each entry in turn.
   */
  walk(root: Ref, from: number, max: number, emit: (entry: Ref) => void): number {
    const { i32 } = this.arena;
    const heads = this.heads ?? new Int32Array(WALK_BATCH);
    this.heads = heads;
    const total = this.buckets(root);
    const end = Math.min(total, from + max);
    for (let at = from; at < end; at += WALK_BATCH) {
      const count = Math.min(WALK_BATCH, end - at);
      for (let i = 0; i < count; i++) heads[i] = this.headAt(root, at + i);
      let seen = 0;
      for (let i = 0; i < count; i++) {
        const entry = heads[i]!;
        seen |= i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
      }
      this.walked = seen;
      for (let i = 0; i < count; i++) {
        for (let entry = heads[i]!; entry !== 0; entry = this.nextOf(entry)) emit(entry);
      }
    }
    return end === total ? -1 : end;
  }

  /**
   * Makes room in an empty dict for so many entries, so that adding them moves none. Memory is used
   * only as they come. Throws ArenaFullError.
   */
  reserve(root: Ref, entries: number): void {
    const bits = Math.min(RESERVE_BITS_MAX, Math.ceil(Math.log2(Math.max(entries, 1))));
    if (this.size(root) > 0 || this.word(root, SECOND) !== 0 || bits <= this.word(root, BITS))
      return;
    const table = this.arena.allocTable(4 << bits);
    this.arena.touch(root);
    this.arena.freeTable(this.word(root, TABLE), 4 << this.word(root, BITS));
    this.setWord(root, TABLE, table);
    this.setWord(root, BITS, bits);
  }

  /** Entries until `emit` answers false; it must not write to the dict. O(buckets + entries). */
  some(root: Ref, emit: (entry: Ref) => boolean): void {
    for (const side of [TABLE, SECOND]) {
      const table = this.word(root, side);
      if (table === 0) continue;
      const buckets = 1 << this.word(root, side + BITS);
      for (let b = 0; b < buckets; b++) {
        for (let entry = this.bucket(table, b); entry !== 0; entry = this.nextOf(entry)) {
          if (!emit(entry)) return;
        }
      }
    }
  }

  /**
   * A uniformly random entry, or 0 when there is none: a table, by the number of its entries, then
   * a random bucket of it and a random place in its chain, until that place is taken, so long
   * chains are not at a disadvantage. About 6 tries at load 1, 20 at load 0.1. `random` gives
   * numbers in [0, 1).
   */
  random(root: Ref, random: () => number): Ref {
    const size = this.size(root);
    if (size === 0) return 0;
    const rehashing = this.word(root, SECOND) !== 0;
    const side = rehashing && random() * size >= this.word(root, USED) ? SECOND : TABLE;
    const first = rehashing && side === TABLE ? this.word(root, MOVED) : 0;
    const table = this.word(root, side);
    const buckets = (1 << this.word(root, side + BITS)) - first;
    const places = placesFor(this.densest(root, side) / buckets);
    const far = size >= FAR_ENTRIES;
    const { i32 } = this.arena;
    this.randomSide = side;
    for (let tries = 0; tries < 4096; tries++) {
      if (far && (this.drawsLeft === 0 || this.drawnBy !== random)) {
        this.drawAhead(table, first, buckets, random);
      }
      const r = (far ? this.draws[--this.drawsLeft]! : random()) * buckets;
      const b = r | 0;
      const place = ((r - b) * places) | 0;
      const at = b + first;
      const g = (table + (at >>> 1)) | 0;
      let entry = i32[g >>> 15]![((g & 0x7fff) << 1) | (at & 1)]!;
      for (let i = place; i > 0 && entry !== 0; i--) {
        entry = i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
      }
      if (entry === 0) continue;
      this.randomBucket = at;
      return place < places - 1 ? entry : this.oneOfRest(entry, random);
    }
    return this.anyFrom(table, first, buckets, Math.floor(random() * buckets));
  }

  /** Entries of a table if all buckets not moved had as many as those of its fullest part. */
  private densest(root: Ref, side: number): number {
    const used = this.word(root, side + USED);
    if (side === TABLE) return used;
    // A rehash fills it part by part; a smaller one in rounds, which have come to some buckets.
    const buckets = 1 << this.word(root, SECOND + BITS);
    return this.word(root, MOVED) < buckets ? buckets : used * 2;
  }

  /** What was drawn ahead is not used: whoever gives the randomness begins anew. */
  forgetDraws(): void {
    this.drawsLeft = 0;
  }

  /** Takes out the entry that `random` has just found. O(1) expected, without its hash. */
  unlinkRandom(root: Ref, entry: Ref): void {
    this.arena.touch(root);
    const { randomSide: side } = this;
    const next = this.nextOf(entry);
    if (!this.relinkIn(this.word(root, side), this.randomBucket, entry, next)) {
      throw new Error('dict: unlinking another entry than the random one');
    }
    this.unlinked(root, side);
  }

  /**
   * Draws the numbers for some entries, and brings what they lead to in this table into the
   * processor's caches. The numbers know nothing of the table: whoever uses them, after whatever
   * was written, finds what chance would have led to.
   */
  private drawAhead(table: Ref, first: number, buckets: number, random: () => number): void {
    const { i32 } = this.arena;
    const { draws, drawnHeads: heads } = this;
    this.drawnBy = random;
    this.drawsLeft = DRAWS;
    for (let i = 0; i < DRAWS; i++) draws[i] = random();
    for (let i = 0; i < DRAWS; i++) {
      const b = ((draws[i]! * buckets) | 0) + first;
      const g = (table + (b >>> 1)) | 0;
      heads[i] = i32[g >>> 15]![((g & 0x7fff) << 1) | (b & 1)]!;
    }
    // Not of 0: a word beyond the end of an array takes V8 as long as a cache miss.
    for (let i = 0; i < DRAWS; i++) {
      const entry = heads[i]!;
      if (entry !== 0) heads[i] = i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
    }
    let seen = 0;
    for (let i = 0; i < DRAWS; i++) {
      const entry = heads[i]!;
      if (entry !== 0) seen ^= i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
    }
    this.walked = seen;
  }

  /** The entry that `clearStep` would free next, or 0 when none is left. Amortised O(1). */
  firstLeft(root: Ref): Ref {
    const total = this.buckets(root);
    let at = this.word(root, CLEARED);
    let entry: Ref = 0;
    while (at < total && entry === 0) entry = this.headAt(root, at++);
    this.arena.touch(root);
    this.setWord(root, CLEARED, entry === 0 ? at : at - 1);
    return entry;
  }

  /** Takes out the entry that `firstLeft` found, which the caller frees. O(1). */
  dropFirst(root: Ref, entry: Ref): void {
    const at = this.word(root, CLEARED);
    const first = 1 << this.word(root, BITS);
    const next = this.nextOf(entry);
    if (at < first) this.setBucket(this.word(root, TABLE), at, next);
    else this.setBucket(this.word(root, SECOND), at - first, next);
  }

  /** The first entry of a bucket, counted through both tables. */
  private headAt(root: Ref, at: number): Ref {
    const first = 1 << this.word(root, BITS);
    if (at < first) return this.bucket(this.word(root, TABLE), at);
    return this.bucket(this.word(root, SECOND), at - first);
  }

  /**
   * Frees entries through `free`, about `max` at a time; nothing but this may be done with the dict
   * from then on. Returns whether some are left.
   */
  clearStep(root: Ref, free: (entry: Ref) => void, max: number): boolean {
    let left = max;
    let at = this.word(root, CLEARED);
    const total = this.buckets(root);
    let visits = max * 8;
    for (; at < total && left > 0 && visits > 0; at++, visits--) {
      let entry = this.headAt(root, at);
      while (entry !== 0) {
        const next = this.nextOf(entry);
        free(entry);
        entry = next;
        left--;
      }
    }
    this.arena.touch(root);
    this.setWord(root, CLEARED, at);
    return at < total;
  }

  /**
   * Moves up to `max` buckets of a rehash under way; it starts none. Returns whether there is more
   * to move. For idle time.
   */
  rehashFor(root: Ref, max: number): boolean {
    if (this.word(root, SECOND) === 0) return false;
    this.arena.touch(root);
    this.move(root, max);
    return this.word(root, SECOND) !== 0;
  }

  /**
   * Moves root and tables that the arena wants to move; returns the root. Entries are their
   * owner's. O(bytes of small tables).
   */
  moveIfSparse(root: Ref): Ref {
    const { arena } = this;
    for (const side of [TABLE, SECOND]) {
      const table = this.word(root, side);
      if (table === 0 || !arena.shouldMove(table)) continue;
      arena.touch(root);
      this.setWord(root, side, arena.relocate(table));
    }
    return arena.shouldMove(root) ? arena.relocate(root) : root;
  }

  /** Throws when an invariant is broken. O(n); for tests. */
  checkInvariants(root: Ref): void {
    for (const side of [TABLE, SECOND]) {
      const table = this.word(root, side);
      if (table === 0) continue;
      const buckets = 1 << this.word(root, side + BITS);
      let used = 0;
      for (let b = 0; b < buckets; b++) {
        this.emitBucket(table, b, (entry) => {
          used++;
          const home = this.hashOfEntry(entry) & (buckets - 1);
          if (home !== b) throw new Error(`dict: entry of bucket ${home} found in ${b}`);
          if (this.sideOf(root, this.hashOfEntry(entry)) !== side) {
            throw new Error(`dict: entry of bucket ${b} found in the wrong table`);
          }
        });
      }
      if (used !== this.word(root, side + USED)) {
        throw new Error(`dict: counts ${this.word(root, side + USED)} entries, holds ${used}`);
      }
    }
  }

  // ---- inside ------------------------------------------------------------------------------

  private word(root: Ref, i: number): number {
    return this.arena.i32[root >>> 15]![((root & 0x7fff) << 1) + i]!;
  }

  /** The root was touched. */
  private setWord(root: Ref, i: number, value: number): void {
    this.arena.i32[root >>> 15]![((root & 0x7fff) << 1) + i] = value;
  }

  private add(root: Ref, i: number, n: number): void {
    this.setWord(root, i, this.word(root, i) + n);
  }

  private nextOf(entry: Ref): Ref {
    return this.arena.i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
  }

  private bucket(table: Ref, b: number): Ref {
    const g = (table + (b >>> 1)) | 0;
    return this.arena.i32[g >>> 15]![((g & 0x7fff) << 1) | (b & 1)]!;
  }

  private setBucket(table: Ref, b: number, entry: Ref): void {
    const g = (table + (b >>> 1)) | 0;
    this.arena.touch(g);
    this.arena.i32[g >>> 15]![((g & 0x7fff) << 1) | (b & 1)] = entry;
  }

  private push(table: Ref, b: number, entry: Ref): void {
    this.arena.touch(entry);
    this.arena.i32[entry >>> 15]![(entry & 0x7fff) << 1] = this.bucket(table, b);
    this.setBucket(table, b, entry);
  }

  /** Puts `to` where `from` is linked; false when `from` is not in this table. */
  private relink(root: Ref, side: number, hash: number, from: Ref, to: Ref): boolean {
    const b = hash & ((1 << this.word(root, side + BITS)) - 1);
    return this.relinkIn(this.word(root, side), b, from, to);
  }

  /** The same in a bucket of a table. */
  private relinkIn(table: Ref, b: number, from: Ref, to: Ref): boolean {
    let at = this.bucket(table, b);
    if (at === from) {
      this.setBucket(table, b, to);
      return true;
    }
    while (at !== 0) {
      const next = this.nextOf(at);
      if (next === from) {
        this.arena.touch(at);
        this.arena.i32[at >>> 15]![(at & 0x7fff) << 1] = to;
        return true;
      }
      at = next;
    }
    return false;
  }

  /** The table in which the entries of a hash are. MOVED is 0 while there is no second one. */
  private sideOf(root: Ref, hash: number): number {
    const bucket = hash & ((1 << this.word(root, BITS)) - 1);
    return bucket < this.word(root, MOVED) ? SECOND : TABLE;
  }

  private startRehash(root: Ref, bits: number): void {
    const table = this.arena.allocTable(4 << bits);
    this.setWord(root, SECOND, table);
    this.setWord(root, SECOND + BITS, bits);
    this.setWord(root, SECOND + USED, 0);
    this.setWord(root, MOVED, 0);
  }

  /** Moves `count` buckets of table 0 that hold entries to table 1; the root was touched. */
  private move(root: Ref, count: number): void {
    const from = this.word(root, TABLE);
    const to = this.word(root, SECOND);
    const mask = (1 << this.word(root, SECOND + BITS)) - 1;
    const end = 1 << this.word(root, BITS);
    let b = this.word(root, MOVED);
    let skips = count * SKIPS_PER_MOVE;
    let moved = 0;
    for (let left = count; left > 0 && b < end; b++) {
      let entry = this.bucket(from, b);
      if (entry === 0) {
        if (--skips === 0) {
          b++;
          break;
        }
        continue;
      }
      left--;
      this.setBucket(from, b, 0);
      while (entry !== 0) {
        const next = this.nextOf(entry);
        this.push(to, this.hashOfEntry(entry) & mask, entry);
        moved++;
        entry = next;
      }
    }
    this.setWord(root, MOVED, b);
    this.add(root, USED, -moved);
    this.add(root, SECOND + USED, moved);
    if (b >= end) this.finishRehash(root);
  }

  private finishRehash(root: Ref): void {
    this.arena.freeTable(this.word(root, TABLE), 4 << this.word(root, BITS));
    for (let i = 0; i < 3; i++) {
      this.setWord(root, i, this.word(root, i + 3));
      this.setWord(root, i + 3, 0);
    }
    this.setWord(root, MOVED, 0);
  }

  private shrinkIfSparse(root: Ref): void {
    const bits = this.word(root, BITS);
    const used = this.word(root, USED);
    if (bits <= MIN_BITS || used * SHRINK_BELOW >= 1 << bits) return;
    let target = MIN_BITS;
    while (1 << target < used) target++;
    this.startRehash(root, target);
  }

  private emitBucket(table: Ref, b: number, emit: (entry: Ref) => void): void {
    let entry = this.bucket(table, b);
    while (entry !== 0) {
      const next = this.nextOf(entry);
      emit(entry);
      entry = next;
    }
  }

  /** One of an entry and those behind it in its chain. */
  private oneOfRest(entry: Ref, random: () => number): Ref {
    if (this.nextOf(entry) === 0) return entry;
    const rest: Ref[] = [];
    for (let at = entry; at !== 0; at = this.nextOf(at)) rest.push(at);
    return rest[Math.floor(random() * rest.length)]!;
  }

  /** The first entry at or after a bucket of a table: the way out when it is nearly empty. */
  private anyFrom(table: Ref, first: number, buckets: number, start: number): Ref {
    for (let i = 0; i < buckets; i++) {
      this.randomBucket = first + ((start + i) % buckets);
      const entry = this.bucket(table, this.randomBucket);
      if (entry !== 0) return entry;
    }
    return 0;
  }
}

/** Places in a chain that `random` tells apart, so that hardly any chain has more. */
function placesFor(load: number): number {
  let places = 2;
  while (places - 2 < PLACES_FOR_LOAD.length && load > PLACES_FOR_LOAD[places - 2]!) places++;
  return places;
}

/** Adds one to the bit-reversed cursor above the mask. */
function nextCursor(cursor: number, mask: number): number {
  return reverse32((reverse32(cursor | ~mask) + 1) | 0);
}

function reverse32(n: number): number {
  let v = n;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}
