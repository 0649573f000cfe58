/**
 * All databases over one arena, what they share (clock, access times, statistics), and the sink
 * that every change reaches. It knows no client, command, file or socket.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { Dict } from '../memory/dict.ts';
import type { Args } from '../util/args.ts';
import { LfuClock, lruClock } from './access-time.ts';
import { Db } from './db.ts';

/** Told of every change of a key; pub/sub, AOF, replicas and tracking hang here. */
export interface ChangeSink {
  /** `key` is valid during the call only. `event` is the keyspace event's name. */
  changed(db: Db, event: string, key: Uint8Array, off: number, len: number): void;
}

export interface KeyspaceOptions {
  readonly arena: Arena;
  readonly databases: number;
  /** Two random int32: the key of the keyed hash. */
  readonly hashKey: Int32Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Keyspace {
  readonly arena: Arena;
  readonly dict: Dict;
  readonly dbs: Db[];
  readonly random: () => number;
  /** Wall clock in ms, frozen while a command runs; the dispatcher sets it. */
  nowMs = 0;
  /** False while expired keys must be served (loading a replica's stream). */
  expiryEnabled = true;
  /** CLIENT NO-TOUCH of the session whose command runs. */
  touchEnabled = true;
  readonly lfu = new LfuClock();
  /** Whether access data is LFU (maxmemory-policy *-lfu) rather than LRU. */
  lfuEnabled = false;
  hits = 0;
  misses = 0;
  expiredKeys = 0;
  /** Writes of any kind so far; tells whether a failed handler had begun to change data. */
  mutations = 0;
  /** Changes since the last save. */
  dirty = 0;
  sink: ChangeSink | undefined;
  /** Dict roots whose entries wait to be freed in slices. */
  private readonly garbage: Ref[] = [];
  private readonly freeEntry: (entry: Ref) => void;

  constructor(options: KeyspaceOptions) {
    this.arena = options.arena;
    this.random = options.random;
    this.dict = new Dict(options.arena, options.hashKey);
    this.dbs = [];
    for (let i = 0; i < options.databases; i++) this.dbs.push(new Db(this, i));
    this.freeEntry = (entry) => this.dbs[0]!.freeUnlinked(entry);
  }

  /** A key was changed: the single point from which dirty count and events follow. */
  changed(db: Db, event: string, args: Args, i: number): void {
    this.dirty++;
    if (this.sink !== undefined) {
      this.sink.changed(db, event, args.buf, args.off[i]!, args.len[i]!);
    }
  }

  /** A key reached its end, found by access or by the active cycle. */
  expired(db: Db, key: Uint8Array, off: number, len: number): void {
    this.expiredKeys++;
    this.dirty++;
    if (this.sink !== undefined) this.sink.changed(db, 'expired', key, off, len);
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
    this.dbs[a] = second;
    this.dbs[b] = first;
    second.index = a;
    first.index = b;
  }

  /** Hands a whole dict over to be freed in slices. O(1). */
  reclaim(root: Ref): void {
    this.garbage.push(root);
  }

  /** Whether garbage waits. */
  get hasGarbage(): boolean {
    return this.garbage.length > 0;
  }

  /** Frees up to `max` entries of what was reclaimed. Returns whether more waits. O(max). */
  freeGarbage(max: number): boolean {
    const root = this.garbage[0];
    if (root === undefined) return false;
    if (!this.dict.clearStep(root, this.freeEntry, max)) {
      this.dict.destroy(root);
      this.garbage.shift();
    }
    return this.garbage.length > 0;
  }

  /** Bytes of all data and indexes. */
  get usedBytes(): number {
    let total = this.arena.usedBytes;
    for (const db of this.dbs) total += db.expires.usedBytes;
    return total;
  }

  /** The 24 bits of access data. */
  accessOf(entry: Ref): number {
    return this.arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 1]! >>> 8;
  }
}
