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
    // The others make room, upwards while there is some; else the least dispensable one goes.
    // Loops, not four calls of copyWithin: 48 ns for two that come and one that goes, not 90.
    let at = this.size;
    if (at < POOL_SIZE) {
      for (this.size++; at > 0 && scores[at - 1]! > score; at--) {
        scores[at] = scores[at - 1]!;
        entries[at] = entries[at - 1]!;
        hashes[at] = hashes[at - 1]!;
        dbs[at] = dbs[at - 1]!;
      }
    } else {
      for (at = 0; at + 1 < POOL_SIZE && scores[at + 1]! <= score; at++) {
        scores[at] = scores[at + 1]!;
        entries[at] = entries[at + 1]!;
        hashes[at] = hashes[at + 1]!;
        dbs[at] = dbs[at + 1]!;
      }
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
