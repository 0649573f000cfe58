/**
 * The best candidates for eviction that were met so far, in the order of how dispensable they are.
 * They are named by database, hash and entry; whether such an entry is still there is for the
 * caller to find out when it takes one.
 *
 * Source: the pool of redis-server 7.0.15's evict.c (behaviour). There a candidate that was used
 * after it came in goes nevertheless.
 */
import type { Ref } from '../memory/arena.ts';

export const POOL_SIZE = 16;

export class EvictionPool {
  size = 0;
  /** By rank; the most dispensable is last. */
  readonly scores = new Float64Array(POOL_SIZE);
  readonly entries = new Int32Array(POOL_SIZE);
  readonly hashes = new Int32Array(POOL_SIZE);
  readonly dbs = new Int32Array(POOL_SIZE);

  /** Whether a candidate of this score would get a place. O(1). */
  wants(score: number): boolean {
    return this.size < POOL_SIZE || score > this.scores[0]!;
  }

  /** Whether a candidate is there already. O(POOL_SIZE). */
  has(db: number, entry: Ref): boolean {
    for (let i = 0; i < this.size; i++) {
      if (this.entries[i] === entry && this.dbs[i] === db) return true;
    }
    return false;
  }

  /** Adds a candidate that `wants` has let in. O(POOL_SIZE). */
  add(score: number, db: number, hash: number, entry: Ref): void {
    const { scores, entries, hashes, dbs } = this;
    // From the end: the least dispensable one goes out when there is no more room.
    let at = this.size;
    while (at > 0 && scores[at - 1]! > score) at--;
    if (this.size < POOL_SIZE) {
      scores.copyWithin(at + 1, at, this.size);
      entries.copyWithin(at + 1, at, this.size);
      hashes.copyWithin(at + 1, at, this.size);
      dbs.copyWithin(at + 1, at, this.size);
      this.size++;
    } else {
      at--;
      scores.copyWithin(0, 1, at + 1);
      entries.copyWithin(0, 1, at + 1);
      hashes.copyWithin(0, 1, at + 1);
      dbs.copyWithin(0, 1, at + 1);
    }
    scores[at] = score;
    entries[at] = entry;
    hashes[at] = hash;
    dbs[at] = db;
  }

  /** Takes out the most dispensable candidate: it is at index `size` then. O(1). */
  takeLast(): void {
    this.size--;
  }

  clear(): void {
    this.size = 0;
  }
}
