/**
 * Active defragmentation: moves blocks out of sparse segments, so that these can go back to the
 * system. Works in short slices with rests between them, so that it takes no more of the
 * processor's time than the waste calls for. Streams, and what is left of very long lists, stay.
 *
 * Source of the directives' meaning: redis-server 7.0.15, defrag.c and redis.conf.
 */
import type { Db } from './db.ts';
import type { Entry } from './entry.ts';
import type { Keyspace } from './keyspace.ts';

/** Milliseconds between two looks at how much is wasted. */
const LOOK_EVERY_MS = 500;
/** Buckets between two looks at the clock, and moved bytes after which there are fewer. */
const BUCKETS_PER_LOOK = 16;
/** Longest slice. */
const SLICE_MS = 1;

/** active-defrag-*, percentages as such. */
export interface DefragSettings {
  readonly enabled: boolean;
  readonly ignoreBytes: number;
  readonly thresholdLower: number;
  readonly thresholdUpper: number;
  readonly cycleMin: number;
  readonly cycleMax: number;
}

/** A value of so many members that they are moved in steps. */
interface Large {
  readonly db: Db;
  readonly entry: Entry;
  readonly hash: number;
  cursor: number;
}

export class Compactor {
  settings: DefragSettings = {
    enabled: true,
    ignoreBytes: 8 << 20,
    thresholdLower: 25,
    thresholdUpper: 100,
    cycleMin: 1,
    cycleMax: 25,
  };
  /** Percent of the processor's time that it may take now; 0 while there is nothing to do. */
  effort = 0;
  /** Keys of which something was moved, and others that were looked at. */
  keyHits = 0;
  keyMisses = 0;
  private readonly space: Keyspace;
  private readonly clock: () => number;
  private readonly wakeIn: (ms: number) => void;
  private nextLookMs = 0;
  /** Until then it rests. */
  private restsUntilMs = 0;
  private startedMs = 0;
  private earlierMs = 0;
  /** The database under way. */
  private at = 0;
  private cursor = 0;
  private large: Large[] = [];
  private readonly entries: Entry[] = [];
  private readonly collect = (entry: Entry): void => {
    this.entries.push(entry);
  };

  /** `clock`: monotonic milliseconds. `wakeIn` has `slice` called after so many of them. */
  constructor(space: Keyspace, clock: () => number, wakeIn: (ms: number) => void) {
    this.space = space;
    this.clock = clock;
    this.wakeIn = wakeIn;
  }

  /** Blocks that were moved, and those that could stay. */
  get hits(): number {
    return this.space.arena.relocated;
  }

  get misses(): number {
    return this.space.arena.lookedAt - this.space.arena.relocated;
  }

  /** Milliseconds under way: in all, and since the present start, 0 when it rests. */
  get timeMs(): { readonly total: number; readonly current: number } {
    const current = this.effort === 0 ? 0 : Math.floor(this.clock() - this.startedMs);
    return { total: Math.floor(this.earlierMs) + current, current };
  }

  /** Works until `until` of the clock. False: nothing to do, or it rests and asks to be woken. */
  slice(until: number): boolean {
    if (this.effort === 0) {
      if (!this.begin()) return false;
    } else if (!this.settings.enabled || this.space.arena.snapshotsAlive > 0) {
      // A snapshot makes each move a copy: the rest can wait.
      this.end(false);
      return false;
    }
    const began = this.clock();
    if (began < this.restsUntilMs) {
      this.wakeIn(this.restsUntilMs - began);
      return false;
    }
    const end = Math.min(until, began + SLICE_MS);
    let done = false;
    do done = this.step();
    while (!done && this.clock() < end);
    if (done) {
      this.end(true);
      return false;
    }
    const now = this.clock();
    const rest = (now - began) * (100 / this.effort - 1);
    this.restsUntilMs = now + rest;
    this.wakeIn(rest);
    return false;
  }

  /** A little work. Returns whether that was the last of it. */
  private step(): boolean {
    if (this.large.length > 0) {
      this.stepLarge(this.large.at(-1)!);
      return false;
    }
    const { dbs, arena } = this.space;
    const db = dbs[this.at];
    if (db === undefined) return true;
    const { relocated } = arena;
    for (let i = 0; i < BUCKETS_PER_LOOK; i++) {
      this.cursor = db.scan(this.cursor, this.collect);
      // Not inside the scan: moving an entry writes to the table.
      for (const entry of this.entries) this.compact(db, entry);
      this.entries.length = 0;
      if (this.cursor === 0) {
        this.at++;
        break;
      }
      if (this.large.length > 0 || arena.relocated - relocated > BUCKETS_PER_LOOK * 4) break;
    }
    return false;
  }

  private compact(db: Db, entry: Entry): void {
    const { arena, dict } = this.space;
    const { relocated } = arena;
    const cursor = db.compact(entry);
    if (cursor !== 0) this.large.push({ db, entry, hash: dict.hashOfEntry(entry), cursor });
    else if (arena.relocated === relocated) this.keyMisses++;
    else this.keyHits++;
  }

  /** A key's value may be another one by now: then its members are as good as any. */
  private stepLarge(item: Large): void {
    const { db, entry, hash, cursor } = item;
    item.cursor = db.holds(entry, hash) ? db.compact(entry, cursor) : 0;
    if (item.cursor !== 0) return;
    this.large.pop();
    this.keyHits++;
  }

  private end(complete: boolean): void {
    this.earlierMs += this.clock() - this.startedMs;
    this.effort = 0;
    this.large = [];
    this.space.arena.endCompaction(complete);
  }

  private begin(): boolean {
    const { settings, space } = this;
    const now = this.clock();
    if (!settings.enabled || now < this.nextLookMs) return false;
    this.nextLookMs = now + LOOK_EVERY_MS;
    // What is being freed in slices goes without help.
    if (space.hasGarbage) return false;
    const share = space.arena.beginCompaction({
      bytes: settings.ignoreBytes,
      share: settings.thresholdLower / 100,
    });
    if (share === 0) return false;
    this.effort = effortFor(share * 100, settings);
    this.startedMs = now;
    this.restsUntilMs = 0;
    this.at = 0;
    this.cursor = 0;
    return true;
  }
}

/** Between the two thresholds the effort grows from cycle-min to cycle-max. */
function effortFor(waste: number, settings: DefragSettings): number {
  const { thresholdLower, thresholdUpper, cycleMin, cycleMax } = settings;
  const way = (waste - thresholdLower) / Math.max(1, thresholdUpper - thresholdLower);
  const effort = cycleMin + (cycleMax - cycleMin) * Math.min(1, Math.max(0, way));
  return Math.min(Math.max(effort, cycleMin), Math.max(cycleMin, cycleMax));
}
