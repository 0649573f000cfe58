/**
 * Upkeep of the data between requests: active expiry, freeing what was reclaimed, idle rehashing.
 * Each is a task of the cron, cut into slices so that no request waits for it.
 */
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { OwnExpiry } from '../keyspace/own-expiry.ts';
import { monotonicMs } from '../util/timers.ts';
import type { Stats } from './stats.ts';

/** Of each tick, for idle rehashing: as much as Redis gives it. */
const REHASH_MS = 1;
/** Keys expired between two looks at the clock. */
const KEYS_PER_LOOK = 64;
/** Fields of hashes expired between two looks at the clock. */
const FIELDS_PER_LOOK = 64;
/** Entries freed between two looks at the clock. */
const FREES_PER_LOOK = 256;
const BUCKETS_PER_LOOK = 128;

/** What upkeep needs besides the data. */
export interface UpkeepOptions {
  readonly keyspace: Keyspace;
  readonly stats: Stats;
  readonly now: () => number;
  /** Whether data must not change now (CLIENT PAUSE): keys expire afterwards. */
  readonly isPaused: () => boolean;
  /** Keys have expired: serves whoever waits for that. */
  readonly serveWaiting: () => void;
}

export class Upkeep {
  /** Whether keys expire without being asked for (DEBUG SET-ACTIVE-EXPIRE). */
  activeExpire = true;
  private readonly options: UpkeepOptions;

  constructor(options: UpkeepOptions) {
    this.options = options;
  }

  /**
   * A slice of active expiry: of what ends before `beforeMs`, the present unless it is given.
   * Returns whether more is due.
   */
  expireSlice(until: number, beforeMs?: number): boolean {
    const { keyspace, stats, now, isPaused, serveWaiting } = this.options;
    if (this.activeExpire && keyspace.ownExpiry !== undefined) this.expireOwn(keyspace.ownExpiry);
    if (!this.activeExpire || !keyspace.expiryEnabled || isPaused()) return false;
    const nowMs = beforeMs ?? now();
    keyspace.nowMs = nowMs;
    const started = monotonicMs();
    let more = false;
    for (const db of keyspace.dbs) {
      // Both kinds get their share of a slice, whichever has the longer backlog.
      for (;;) {
        const keys = db.expireDue(nowMs, KEYS_PER_LOOK);
        const fields = db.expireDueFields(FIELDS_PER_LOOK);
        if (!keys && !fields) break;
        if (monotonicMs() >= until) {
          stats.expireTimeCapReached++;
          more = true;
          break;
        }
      }
      if (more) break;
    }
    // A reader of a group whose stream is gone need not wait any longer.
    serveWaiting();
    stats.expireCycleMicroseconds += (monotonicMs() - started) * 1000;
    return more;
  }

  /** A writable replica's keys that no master will remove. */
  private expireOwn(own: OwnExpiry): void {
    const { keyspace, now } = this.options;
    keyspace.nowMs = now();
    own.expire(KEYS_PER_LOOK, (index, key) => {
      const db = keyspace.dbs[index]!;
      const entry = db.find(key, 0, key.length);
      return entry !== 0 && db.isVolatile(entry);
    });
    keyspace.changes.journal.endUnit();
  }

  /** A slice of freeing. Returns whether there is more. */
  freeSlice(until: number): boolean {
    const { keyspace } = this.options;
    while (keyspace.hasGarbage) {
      keyspace.freeGarbage(FREES_PER_LOOK);
      if (monotonicMs() >= until) return keyspace.hasGarbage;
    }
    return false;
  }

  /** A little of a rehash under way; insertions do the most of it. */
  rehash(): void {
    const until = monotonicMs() + REHASH_MS;
    for (const db of this.options.keyspace.dbs) {
      while (db.rehash(BUCKETS_PER_LOOK)) {
        if (monotonicMs() >= until) return;
      }
    }
  }
}
