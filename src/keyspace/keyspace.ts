/**
 * All databases over one arena, what they share (clock, access times, statistics), and the sink
 * that every change reaches. It knows no client, command, file or socket.
 */
import { HashValue } from '../datatypes/hash.ts';
import { ListValue } from '../datatypes/list.ts';
import { SetValue } from '../datatypes/set.ts';
import { SortedSetValue } from '../datatypes/sorted-set.ts';
import { StreamValue } from '../datatypes/stream.ts';
import { defaultLimits, type Limits, type Tools, type Value } from '../datatypes/value.ts';
import type { Arena, Ref } from '../memory/arena.ts';
import { Dict } from '../memory/dict.ts';
import { Listpack } from '../memory/listpack.ts';
import type { Args } from '../util/args.ts';
import { LfuClock, lruClock } from './access-time.ts';
import { Db } from './db.ts';
import { type Waiter, Waiters } from './waiters.ts';
import { Watches } from './watches.ts';

/** Told of keyspace events. Keys are valid during the call only. */
export interface EventSink {
  /** `event` is its name: that of a change, or `new` or `keymiss`. */
  happened(db: Db, event: string, key: Uint8Array, off: number, len: number): void;
}

/** Told of keys whose value is another one now. Keys are valid during the call only. */
export interface ChangeSink {
  /** `expired`: the key reached its end; nobody did it. */
  changed(db: Db, key: Uint8Array, off: number, len: number, expired: boolean): void;
  /** All keys of one or more databases are gone. */
  flushed(): void;
  /** Keys with these hashes may change soon: reads what that will need. Returns a meaningless sum. */
  prefetch(hashes: Int32Array, n: number): number;
}

export interface KeyspaceOptions {
  readonly arena: Arena;
  readonly databases: number;
  /** Two random int32: the key of the keyed hash. */
  readonly hashKey: Int32Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Something to free in slices: a dict of keys or what is left of a value. */
interface Garbage {
  root: Ref;
  /** The value's type, or DATABASE. */
  readonly type: number;
  readonly encoding: number;
}

const DATABASE = -1;
/** Elements of a value that its removal frees on the spot. */
const FREED_AT_ONCE = 64;

export class Keyspace {
  readonly arena: Arena;
  readonly dict: Dict;
  readonly dbs: Db[];
  readonly random: () => number;
  /** Wall clock in ms, frozen while a command runs; the dispatcher sets it. */
  nowMs = 0;
  /** False while expired keys must be served (loading a replica's stream). */
  expiryEnabled = true;
  /** True while clients are paused: to those who read an expired key is missing, but it stays. */
  expiryHeld = false;
  /** CLIENT NO-TOUCH of the session whose command runs. */
  touchEnabled = true;
  readonly lfu = new LfuClock();
  /** Whether access data is LFU (maxmemory-policy *-lfu) rather than LRU. */
  lfuEnabled = false;
  hits = 0;
  misses = 0;
  expiredKeys = 0;
  expiredFields = 0;
  /** Cursors on the collection types, for whoever needs one at a time. */
  readonly hashes: HashValue;
  readonly sets: SetValue;
  readonly lists: ListValue;
  readonly zsets: SortedSetValue;
  readonly streams: StreamValue;
  readonly limits: Limits = { ...defaultLimits };
  /** What further cursors are made of. */
  readonly tools: Tools;
  /** Changes since the last save. */
  dirty = 0;
  /** Keyspace notifications; set only while somebody may want them. */
  events: EventSink | undefined;
  /** Client-side caching; set only while a client uses it. */
  invalidations: ChangeSink | undefined;
  /** Clients that wait for keys. */
  readonly waiters = new Waiters<Waiter>();
  /** Keys that transactions watch. */
  readonly watches = new Watches();
  /** Told when there is something to free in slices. */
  onGarbage: (() => void) | undefined;
  /** Emptied databases and removed large values. */
  private readonly garbage: Garbage[] = [];
  private readonly freeEntry: (entry: Ref) => void;
  private readonly cursors: (Value | undefined)[] = [];

  constructor(options: KeyspaceOptions) {
    this.arena = options.arena;
    this.random = options.random;
    this.dict = new Dict(options.arena, options.hashKey);
    const listpack = new Listpack(options.arena);
    const { arena, random } = options;
    this.tools = { arena, dict: this.dict, listpack, limits: this.limits, random };
    this.hashes = new HashValue(this.tools);
    this.sets = new SetValue(this.tools);
    this.lists = new ListValue(this.tools);
    this.zsets = new SortedSetValue(this.tools);
    this.streams = new StreamValue(this.tools);
    for (const Type of [HashValue, ListValue, SetValue, SortedSetValue, StreamValue]) {
      const cursor = new Type(this.tools);
      this.cursors[cursor.type] = cursor;
    }
    this.dbs = [];
    for (let i = 0; i < options.databases; i++) this.dbs.push(new Db(this, i));
    this.freeEntry = (entry) => this.dbs[0]!.freeUnlinked(entry);
  }

  /**
   * A key was changed: the single point from which dirty count and events follow. The dirty count
   * grows by `count`, the elements changed.
   */
  changed(db: Db, event: string, args: Args, i: number, count = 1): void {
    const off = args.off[i]!;
    const len = args.len[i]!;
    // Client-side caching needs the key's hash again: SET loses 14 % without this, 6 % with it.
    const known = this.invalidations !== undefined && args.hashAt === i;
    if (known) this.dict.remember(args.buf, off, len, args.hash);
    this.changedKey(db, event, args.buf, off, len, count);
    if (known) this.dict.forget();
  }

  /** As `changed`, of a key given by its bytes. */
  changedKey(db: Db, event: string, key: Uint8Array, off: number, len: number, count = 1): void {
    this.dirty += count;
    this.signal(db, event, key, off, len);
  }

  private signal(db: Db, event: string, key: Uint8Array, off: number, len: number): void {
    if (this.waiters.size > 0) this.waiters.keyChanged(db.index, key, off, len);
    if (this.watches.size > 0) this.watches.keyChanged(db, key, off, len);
    if (this.invalidations !== undefined) {
      this.invalidations.changed(db, key, off, len, event === 'expired');
    }
    if (this.events !== undefined && event !== '') this.events.happened(db, event, key, off, len);
  }

  /** As `changed`, of something that neither WATCH nor client-side caching looks at. */
  changedBeside(db: Db, event: string, args: Args, i: number, count = 1): void {
    const off = args.off[i]!;
    const len = args.len[i]!;
    this.dirty += count;
    if (this.waiters.size > 0) this.waiters.keyChanged(db.index, args.buf, off, len);
    if (event !== '') this.events?.happened(db, event, args.buf, off, len);
  }

  /** A key reached its end, found by access or by the active cycle. */
  expired(db: Db, key: Uint8Array, off: number, len: number): void {
    this.expiredKeys++;
    this.signal(db, 'expired', key, off, len);
  }

  /** Access data of a new entry: 24 bits. */
  freshAccess(): number {
    return this.lfuEnabled ? this.lfu.fresh(this.nowMs) : lruClock(this.nowMs);
  }

  /** Renews an entry's access data. While a snapshot is held nothing is written: it would copy. */
  accessed(entry: Ref): void {
    if (!this.touchEnabled || this.arena.snapshotsAlive > 0) return;
    const i32 = this.arena.i32[entry >>> 15]!;
    const at = ((entry & 0x7fff) << 1) + 1;
    const word = i32[at]!;
    const access = this.lfuEnabled
      ? this.lfu.touched(word >>> 8, this.nowMs, this.random)
      : lruClock(this.nowMs);
    if (word >>> 8 !== access) i32[at] = (word & 0xff) | (access << 8);
  }

  /** Seconds since the entry was last read or written (LRU policies). */
  idleSeconds(entry: Ref): number {
    const then = this.accessOf(entry);
    return (lruClock(this.nowMs) - then) & 0xffffff;
  }

  /** Logarithmic access counter, decayed to now (LFU policies). */
  frequency(entry: Ref): number {
    return this.lfu.counter(this.accessOf(entry), this.nowMs);
  }

  /** Exchanges two databases' contents. O(1); the Db objects keep their connections. */
  swap(a: number, b: number): void {
    const first = this.dbs[a]!;
    const second = this.dbs[b]!;
    this.watches.replaced(first, second);
    this.watches.replaced(second, first);
    this.dbs[a] = second;
    this.dbs[b] = first;
    second.index = a;
    first.index = b;
    this.waiters.databaseChanged(a);
    this.waiters.databaseChanged(b);
  }

  /** A cursor for whole-value work on a type: freeing, copying, measuring. */
  cursor(type: number): Value {
    return this.cursors[type]!;
  }

  /** Hands a whole dict of keys over to be freed in slices. O(1). */
  reclaim(root: Ref): void {
    this.addGarbage({ root, type: DATABASE, encoding: 0 });
  }

  /** Frees a value of a collection type: at once when small, else in slices. O(1). */
  freeValue(type: number, ref: Ref, encoding: number): void {
    const left = this.cursor(type).freeSome(ref, encoding, FREED_AT_ONCE);
    if (left !== 0) this.addGarbage({ root: left, type, encoding });
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
      if (first.root === 0) this.garbage.shift();
    } else if (!this.dict.clearStep(first.root, this.freeEntry, max)) {
      this.dict.destroy(first.root);
      this.garbage.shift();
    }
    return this.garbage.length > 0;
  }

  private addGarbage(garbage: Garbage): void {
    this.garbage.push(garbage);
    this.onGarbage?.();
  }

  /** Bytes of all data and indexes. */
  get usedBytes(): number {
    let total = this.arena.usedBytes;
    for (const db of this.dbs) total += db.expires.usedBytes + db.fieldExpires.usedBytes;
    return total;
  }

  /** The 24 bits of access data. */
  accessOf(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 1]! >>> 8;
  }
}
