/**
 * What all databases share: the arena, cursors on the collection types, the clock, access data,
 * statistics, and memory that is given back in slices.
 */
import { HashValue } from '../datatypes/hash.ts';
import { ListValue } from '../datatypes/list.ts';
import { SetValue } from '../datatypes/set.ts';
import { SortedSetValue } from '../datatypes/sorted-set.ts';
import { StreamValue } from '../datatypes/stream.ts';
import { defaultLimits, type Limits, type Tools, type Value } from '../datatypes/value.ts';
import type { Ref } from '../memory/arena.ts';
import { Dict } from '../memory/dict.ts';
import type { HeapArena } from '../memory/heap-arena.ts';
import { Listpack } from '../memory/listpack.ts';
import { LfuClock, lruClock } from './access-time.ts';
import type { IndexAccount } from './expiry-heap.ts';
import type { OwnExpiry } from './own-expiry.ts';

/** Something to free in slices: a dict of keys or what is left of a value. */
export interface Garbage {
  root: Ref;
  /** The value's type, or DATABASE. */
  readonly type: number;
  readonly encoding: number;
  /** Keys of a database, 1 for a value. */
  readonly objects: number;
}

const DATABASE = -1;
/** Elements of a value that its removal frees on the spot. */
const FREED_AT_ONCE = 64;

export class Values implements IndexAccount {
  readonly arena: HeapArena;
  readonly dict: Dict;
  readonly random: () => number;
  /** Wall clock in ms, frozen while a command runs; the executor sets it. */
  nowMs = 0;
  /** False while expired keys must be served (loading a replica's stream). */
  expiryEnabled = true;
  /** True while clients are paused: to those who read an expired key is missing, but it stays. */
  expiryHeld = false;
  /** True on a replica that refuses writes: nobody removes what has expired, the master will. */
  keepsExpired = false;
  /** Set on a replica that may be written to: its keys that no master will remove. */
  ownExpiry: OwnExpiry | undefined = undefined;
  /** Whether reads renew access data: not for a client that said CLIENT NO-TOUCH. */
  renewsAccess = true;
  readonly lfu = new LfuClock();
  /** Whether access data is LFU (maxmemory-policy *-lfu) rather than LRU. */
  lfuEnabled = false;
  /** Whether access data tells of writes only (maxmemory-policy *-lrm). */
  lrmEnabled = false;
  hits = 0;
  misses = 0;
  expiredKeys = 0;
  evictedKeys = 0;
  /** Keys and large values that wait to be freed in slices, and those that were. */
  pendingObjects = 0;
  lazyFreedObjects = 0;
  /** Bytes of indexes that lie beside the arena. */
  indexBytes = 0;
  expiredFields = 0;
  /** Cursors on the collection types, for whoever needs one at a time. */
  readonly hashes: HashValue;
  readonly sets: SetValue;
  readonly lists: ListValue;
  readonly zsets: SortedSetValue;
  readonly streams: StreamValue;
  /** A second one each, for what moves an element: making a cursor takes as long as the move. */
  readonly otherSets: SetValue;
  readonly otherLists: ListValue;
  readonly limits: Limits = { ...defaultLimits };
  /** What further cursors are made of. */
  readonly tools: Tools;
  /** Told when there is something to free in slices. */
  onGarbage: (() => void) | undefined;
  /** Emptied databases and removed large values. */
  protected readonly garbage: Garbage[] = [];
  /** Frees an entry of an emptied database; set by the keyspace. */
  protected freeEntry: (entry: Ref) => void = () => {};
  private readonly cursors: (Value | undefined)[] = [];

  /** `hashKey`: two random int32, the key of the keyed hash. `random`: uniform in [0, 1). */
  constructor(arena: HeapArena, hashKey: Int32Array, random: () => number) {
    this.arena = arena;
    this.random = random;
    this.dict = new Dict(arena, hashKey);
    const listpack = new Listpack(arena);
    const moving = { cursor: 0 };
    this.tools = { arena, dict: this.dict, listpack, limits: this.limits, random, moving };
    this.hashes = new HashValue(this.tools);
    this.sets = new SetValue(this.tools);
    this.lists = new ListValue(this.tools);
    this.zsets = new SortedSetValue(this.tools);
    this.streams = new StreamValue(this.tools);
    this.otherSets = new SetValue(this.tools);
    this.otherLists = new ListValue(this.tools);
    for (const Type of [HashValue, ListValue, SetValue, SortedSetValue, StreamValue]) {
      const cursor = new Type(this.tools);
      this.cursors[cursor.type] = cursor;
    }
  }

  /** Access data of a new entry: 24 bits. */
  freshAccess(): number {
    return this.lfuEnabled ? this.lfu.fresh(this.nowMs) : lruClock(this.nowMs);
  }

  /** A command that reads has found an entry: renews its access data. */
  accessed(entry: Ref): void {
    if (!this.lrmEnabled) this.modified(entry);
  }

  /**
   * A command that writes has found an entry: renews its access data, without a touch: a snapshot
   * may show newer access data than it should, which harms no reader
   * (docs/decisions/0011-frozen-arena.md), and nothing is copied.
   */
  modified(entry: Ref): void {
    if (!this.renewsAccess) return;
    const i32 = this.arena.i32[entry >>> 15]!;
    const at = ((entry & 0x7fff) << 1) + 1;
    const word = i32[at]!;
    const access = this.lfuEnabled
      ? this.lfu.touched(word >>> 8, this.nowMs, this.random)
      : lruClock(this.nowMs);
    if (word >>> 8 !== access) i32[at] = (word & 0xff) | (access << 8);
  }

  /** Seconds since the entry was last read or written, with LRM policies since it was written. */
  idleSeconds(entry: Ref): number {
    const then = this.accessOf(entry);
    return (lruClock(this.nowMs) - then) & 0xffffff;
  }

  /** Logarithmic access counter, decayed to now (LFU policies). */
  frequency(entry: Ref): number {
    return this.lfu.counter(this.accessOf(entry), this.nowMs);
  }

  /** A cursor for whole-value work on a type: freeing, copying, measuring. */
  cursor(type: number): Value {
    return this.cursors[type]!;
  }

  /** Lets go of what was read last, so that its memory can be given back. */
  forget(): void {
    const { hashes, sets, lists, zsets, streams, otherSets, otherLists } = this;
    for (const cursor of [hashes, sets, lists, zsets, streams, otherSets, otherLists]) {
      cursor.forget();
    }
    for (const cursor of this.cursors) cursor?.forget();
    this.tools.listpack.entry.forget();
  }

  /** Hands a whole dict of keys over to be freed in slices. O(1). */
  reclaim(root: Ref): void {
    const objects = this.dict.size(root);
    this.addGarbage({ root, type: DATABASE, encoding: 0, objects });
  }

  /** Frees a value of a collection type: at once when small, else in slices. O(1). */
  freeValue(type: number, ref: Ref, encoding: number): void {
    const left = this.cursor(type).freeSome(ref, encoding, FREED_AT_ONCE);
    if (left !== 0) this.addGarbage({ root: left, type, encoding, objects: 1 });
  }

  /**
   * Has `fill` make a value that belongs to no key yet. When it fails (there is no room, the reply
   * is too large), what it has made is freed.
   */
  build<V extends Value>(value: V, fill: (value: V) => void): V {
    value.ref = 0;
    try {
      fill(value);
    } catch (error) {
      this.discard(value);
      throw error;
    }
    return value;
  }

  /** Frees a value that belongs to no key, if it was made. */
  discard(value: Value): void {
    if (value.ref !== 0) this.freeValue(value.type, value.ref, value.encoding);
    value.ref = 0;
  }

  /** Whether garbage waits. */
  get hasGarbage(): boolean {
    return this.garbage.length > 0;
  }

  /** Frees up to about `max` entries of what was reclaimed. Returns whether more waits. O(max). */
  freeGarbage(max: number): boolean {
    const first = this.garbage[0];
    if (first === undefined) return false;
    if (first.type !== DATABASE) {
      first.root = this.cursor(first.type).freeSome(first.root, first.encoding, max);
      if (first.root === 0) this.freed(first);
    } else if (!this.dict.clearStep(first.root, this.freeEntry, max)) {
      this.dict.destroy(first.root);
      this.freed(first);
    }
    return this.garbage.length > 0;
  }

  private freed({ objects }: Garbage): void {
    this.garbage.shift();
    this.pendingObjects -= objects;
    this.lazyFreedObjects += objects;
  }

  private addGarbage(garbage: Garbage): void {
    this.garbage.push(garbage);
    this.pendingObjects += garbage.objects;
    this.onGarbage?.();
  }

  /** The 24 bits of access data. */
  accessOf(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 1]! >>> 8;
  }
}
