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
import { DictSampler, SAMPLE_RUNS } from '../memory/dict-sampler.ts';
import { lruClock } from './access-time.ts';
import type { Db } from './db.ts';
import { EvictionPool } from './eviction-pool.ts';
import type { Keyspace } from './keyspace.ts';

/** Which of the keys goes first. */
type Order = 'none' | 'lru' | 'lfu' | 'lrm' | 'random' | 'ttl';

/** Samples that are taken for one eviction: in tables that are nearly empty they find little. */
const SAMPLES_MAX = 32;
/** How often all candidates may turn out to be none. */
const TRIES = 2;

export class Evictor {
  /** maxmemory-samples: keys that are compared for each that goes, at least. */
  samples = 5;
  private order: Order = 'none';
  private volatileOnly = false;
  /** Keys that were compared and not yet counted for an eviction. */
  private credit = 0;
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
    this.credit = 0;
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
    // A sample may find nothing where tables are nearly empty.
    for (let tries = 0; tries < TRIES; tries++) {
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
      this.credit = 0;
    }
    return this.evictRandom();
  }

  /**
   * Samples so often that `samples` keys are compared for each that goes: a sample has many, which
   * costs less than as many one by one, so one is enough for some evictions.
   */
  private sampleAll(): void {
    const { sampler, space } = this;
    const { dbs, random } = space;
    this.credit -= this.samples;
    if (this.credit >= 0) return;
    let runs = 0;
    let filled = 0;
    let only = dbs[0]!;
    for (const db of dbs) {
      if (db.size === 0) continue;
      runs += sampler.runs(db.root);
      filled++;
      only = db;
    }
    if (runs === 0) return;
    for (let n = 0; this.credit < 0 && n < SAMPLES_MAX; n++) {
      sampler.begin();
      for (let i = 0; i < SAMPLE_RUNS; i++) {
        const run = Math.floor(random() * runs);
        if (filled === 1) sampler.add(only.root, run, only.index);
        else this.addRun(run);
      }
      sampler.load();
      this.credit += sampler.count;
      for (let i = 0; i < sampler.count; i++) {
        this.offer(dbs[sampler.owners[i]!]!, sampler.entries[i]!, sampler.infos[i]! >>> 8);
      }
    }
    if (this.credit < 0) this.credit = 0;
  }

  /** Adds a run to the sample, counted through the tables of all databases. */
  private addRun(run: number): void {
    const { sampler, space } = this;
    let at = run;
    for (const db of space.dbs) {
      if (db.size === 0) continue;
      const count = sampler.runs(db.root);
      if (at < count) {
        sampler.add(db.root, at, db.index);
        return;
      }
      at -= count;
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
