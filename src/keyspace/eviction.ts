/**
 * Which key goes when memory is short: `maxmemory-policy` over all databases.
 *
 * lru, lfu and lrm compare a few entries taken by chance, every key equally likely, and remember
 * the best of them in a pool; a candidate that was used since is no candidate any more. The expiry
 * heap answers the volatile policies: it is an array of all keys with a time to live, and its top
 * is the one that ends first, so volatile-ttl is exact.
 *
 * Source: redis-server 7.0.15 evict.c, documentation of Redis 8.6 for lrm (behaviour).
 */
import type { Ref } from '../memory/arena.ts';
import { DictSampler } from '../memory/dict-sampler.ts';
import { lruClock } from './access-time.ts';
import type { Db } from './db.ts';
import { EvictionPool } from './eviction-pool.ts';
import type { Keyspace } from './keyspace.ts';

/** Which of the keys goes first. */
type Order = 'none' | 'lru' | 'lfu' | 'lrm' | 'random' | 'ttl';

/** Runs of a table that are looked at for one sample, be they empty. */
const RUNS_MAX = 32;

export class Evictor {
  /** maxmemory-samples: keys that are compared for each that goes, at least. */
  samples = 5;
  private order: Order = 'none';
  private volatileOnly = false;
  private readonly space: Keyspace;
  private readonly sampler: DictSampler;
  private readonly pool = new EvictionPool();

  constructor(space: Keyspace) {
    this.space = space;
    this.sampler = new DictSampler(space.arena);
  }

  /** Whether there is a policy by which keys go. */
  get isOn(): boolean {
    return this.order !== 'none';
  }

  /** Follows a policy of `maxmemory-policy` from now on. */
  follow(policy: string): void {
    const [scope, order] = policy.split('-');
    this.order = (order ?? 'none') as Order;
    this.volatileOnly = scope === 'volatile';
    this.pool.clear();
    this.space.lfuEnabled = this.order === 'lfu';
    this.space.lrmEnabled = this.order === 'lrm';
  }

  /** Removes one key. False when there is none that may go. O(samples + databases). */
  evictOne(): boolean {
    switch (this.order) {
      case 'none':
        return false;
      case 'random':
        return this.evictRandom();
      case 'ttl':
        return this.evictSoonest();
      default:
        return this.evictByScore();
    }
  }

  // ---- random and ttl ----------------------------------------------------------------------

  private evictRandom(): boolean {
    const { dbs, random } = this.space;
    let left = Math.floor(random() * this.candidates());
    for (const db of dbs) {
      const count = this.candidatesOf(db);
      if (left >= count) {
        left -= count;
        continue;
      }
      this.evict(db, this.volatileOnly ? db.expires.entryAt(left) : db.anyEntry());
      return true;
    }
    return false;
  }

  private evictSoonest(): boolean {
    let soonest: Db | undefined;
    for (const db of this.space.dbs) {
      if (db.expires.size === 0) continue;
      if (soonest === undefined || db.expires.whenAt(0) < soonest.expires.whenAt(0)) soonest = db;
    }
    if (soonest === undefined) return false;
    this.evict(soonest, soonest.expires.entryAt(0));
    return true;
  }

  /** Keys that may go. O(databases). */
  private candidates(): number {
    let total = 0;
    for (const db of this.space.dbs) total += this.candidatesOf(db);
    return total;
  }

  private candidatesOf(db: Db): number {
    return this.volatileOnly ? db.expires.size : db.size;
  }

  private evict(db: Db, entry: Ref): void {
    db.evict(entry, this.space.dict.hashOfEntry(entry));
  }

  // ---- by score ----------------------------------------------------------------------------

  private evictByScore(): boolean {
    const { pool, space } = this;
    // A sample may find nothing where a table is nearly empty.
    for (let tries = 0; tries < 2; tries++) {
      if (this.volatileOnly) this.sampleVolatile();
      else this.sampleAll();
      while (pool.size > 0) {
        pool.takeLast();
        const at = pool.size;
        const entry = pool.entries[at]!;
        const hash = pool.hashes[at]!;
        const db = space.dbs[pool.dbs[at]!];
        if (db === undefined || !db.holds(entry, hash)) continue;
        if (this.volatileOnly && !db.isVolatile(entry)) continue;
        if (this.score(db.accessOf(entry)) < pool.scores[at]!) continue;
        db.evict(entry, hash);
        return true;
      }
    }
    return this.evictRandom();
  }

  private sampleAll(): void {
    const { sampler, space } = this;
    const { dbs, random } = space;
    let runs = 0;
    for (const db of dbs) if (db.size > 0) runs += sampler.runs(db.root);
    let left = runs === 0 ? 0 : this.samples;
    for (let n = 0; left > 0 && n < RUNS_MAX + this.samples; n++) {
      let run = Math.floor(random() * runs);
      for (const db of dbs) {
        if (db.size === 0) continue;
        const count = sampler.runs(db.root);
        if (run < count) {
          sampler.take(db.root, run);
          for (let i = 0; i < sampler.count; i++) {
            this.offer(db, sampler.entries[i]!, sampler.infos[i]! >>> 8);
          }
          left -= sampler.count;
          break;
        }
        run -= count;
      }
    }
  }

  private sampleVolatile(): void {
    const { dbs, random } = this.space;
    const total = this.candidates();
    if (total === 0) return;
    for (let n = 0; n < this.samples; n++) {
      let at = Math.floor(random() * total);
      for (const db of dbs) {
        const { size } = db.expires;
        if (at < size) {
          const entry = db.expires.entryAt(at);
          this.offer(db, entry, db.accessOf(entry));
          break;
        }
        at -= size;
      }
    }
  }

  private offer(db: Db, entry: Ref, access: number): void {
    const { pool } = this;
    const score = this.score(access);
    if (!pool.wants(score) || pool.has(db.index, entry)) return;
    pool.add(score, db.index, this.space.dict.hashOfEntry(entry), entry);
  }

  /** How dispensable an entry is: it grows while nobody uses it. */
  private score(access: number): number {
    const { nowMs, lfu } = this.space;
    if (this.order !== 'lfu') return (lruClock(nowMs) - access) & 0xffffff;
    // Of those that are used as seldom, the one unused for longer goes first.
    return (255 - lfu.counter(access, nowMs)) * 0x10000 + lfu.idleMinutes(access, nowMs);
  }
}
