/**
 * Keys that transactions watch (WATCH): who watches what, and whose watched key has changed. It
 * knows no client; a watcher is whatever WATCH puts in. Costs nothing while nobody watches.
 *
 * A key that had expired, but was not removed yet, when WATCH named it counts as missing: its
 * removal is no change. Source: redis-server 7.0.15 (multi.c).
 */
import { heapGuard } from '../util/heap-guard.ts';

/** What a watched key costs on the heap, its name not counted: measured. */
export const WATCH_BYTES = 420;

/** A database as watching needs it. */
export interface WatchedDb {
  readonly index: number;
  /** What there is of a key, removing nothing. */
  presence(buf: Uint8Array, off: number, len: number): 'missing' | 'live' | 'expired';
}

/** Somebody with watched keys; a transaction. */
export interface Watcher {
  /** A watched key has changed; nothing is watched any more then. */
  broken: boolean;
  /** Kept here for `Watches` alone. */
  watches: Watch[];
  /** Bytes that they cost; kept by `Watches`. */
  watchBytes: number;
}

/** One watched key of one watcher. */
interface Watch {
  readonly watcher: Watcher;
  readonly dbIndex: number;
  /** As latin1 text. */
  readonly key: string;
  /** Whether it had expired already. */
  stale: boolean;
}

export class Watches {
  private readonly byDb = new Map<number, Map<string, Map<Watcher, Watch>>>();
  /** Number of watched keys, each counted once for each of its watchers. */
  size = 0;
  /** No watched key has a longer name. Grows only, until nothing is watched. */
  private longest = 0;

  /** Watches a key; nothing happens when the watcher does so already. O(1). */
  add(watcher: Watcher, db: WatchedDb, key: string): void {
    let keys = this.byDb.get(db.index);
    if (keys === undefined) {
      keys = new Map();
      this.byDb.set(db.index, keys);
    }
    let watches = keys.get(key);
    if (watches === undefined) {
      watches = new Map();
      keys.set(key, watches);
    }
    if (watches.has(watcher)) return;
    const stale = presence(db, key) === 'expired';
    const watch = { watcher, dbIndex: db.index, key, stale };
    watches.set(watcher, watch);
    watcher.watches.push(watch);
    const bytes = WATCH_BYTES + key.length;
    watcher.watchBytes += bytes;
    heapGuard.count('watched keys', bytes);
    if (key.length > this.longest) this.longest = key.length;
    this.size++;
  }

  /** Ends all watches of a watcher. O(those). */
  forget(watcher: Watcher): void {
    if (watcher.watches.length === 0) return;
    for (const { dbIndex, key } of watcher.watches) {
      const keys = this.byDb.get(dbIndex)!;
      const watches = keys.get(key)!;
      watches.delete(watcher);
      if (watches.size === 0) keys.delete(key);
      if (keys.size === 0) this.byDb.delete(dbIndex);
      this.size--;
    }
    watcher.watches = [];
    heapGuard.count('watched keys', -watcher.watchBytes);
    watcher.watchBytes = 0;
    if (this.size === 0) this.longest = 0;
  }

  /** Whether a watched key has expired since, removed or not. O(watched keys). */
  hasExpired(watcher: Watcher, dbs: readonly WatchedDb[]): boolean {
    return watcher.watches.some(
      ({ dbIndex, key, stale }) => !stale && presence(dbs[dbIndex]!, key) === 'expired',
    );
  }

  /** A key has changed. */
  keyChanged(db: WatchedDb, buf: Uint8Array, off: number, len: number): void {
    const keys = this.byDb.get(db.index);
    // A name that nobody can have asked for need not become a text: it may be huge.
    if (keys === undefined || len > this.longest) return;
    const key = Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1');
    for (const watch of keys.get(key)?.values() ?? []) {
      if (watch.stale && presence(db, key) === 'missing') watch.stale = false;
      else this.break(watch.watcher);
    }
  }

  /** A database is about to be emptied, or to be replaced by the content of another one. */
  replaced(old: WatchedDb, next: WatchedDb | undefined): void {
    for (const [key, watches] of this.byDb.get(old.index) ?? []) {
      const before = presence(old, key);
      const after = next === undefined ? 'missing' : presence(next, key);
      if (before === 'missing' && after === 'missing') continue;
      for (const watch of watches.values()) {
        if (watch.stale && after !== 'live') watch.stale = after === 'expired';
        else if (before === 'missing' && after === 'expired') watch.stale = true;
        else this.break(watch.watcher);
      }
    }
  }

  private break(watcher: Watcher): void {
    watcher.broken = true;
    this.forget(watcher);
  }
}

function presence(db: WatchedDb, key: string): 'missing' | 'live' | 'expired' {
  const bytes = Buffer.from(key, 'latin1');
  return db.presence(bytes, 0, bytes.length);
}
