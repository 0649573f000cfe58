/**
 * Moves blocks out of sparse segments, so that these can go back to the system. Streams and
 * collections of very many elements stay where they are. Works in slices between requests, only
 * while the arena wants it.
 */
import type { Entry } from './entry.ts';
import type { Keyspace } from './keyspace.ts';

/** Milliseconds between two looks at how much is wasted. */
const LOOK_EVERY_MS = 500;
/** Buckets between two looks at the clock. */
const BUCKETS_PER_LOOK = 16;

export class Compactor {
  private readonly space: Keyspace;
  private readonly clock: () => number;
  private nextLookMs = 0;
  /** The database under way, -1 while there is nothing to do. */
  private at = -1;
  private cursor = 0;
  private readonly entries: Entry[] = [];
  private readonly collect = (entry: Entry): void => {
    this.entries.push(entry);
  };

  /** `clock`: monotonic milliseconds. */
  constructor(space: Keyspace, clock: () => number) {
    this.space = space;
    this.clock = clock;
  }

  /** Works until `until` of the clock. Returns whether there is more to do. */
  slice(until: number): boolean {
    if (this.at < 0 && !this.begin()) return false;
    const { dbs, arena } = this.space;
    // A snapshot makes each move a copy: the rest can wait.
    if (arena.snapshotsAlive > 0) return this.end();
    while (this.at < dbs.length) {
      const db = dbs[this.at]!;
      do {
        for (let i = 0; i < BUCKETS_PER_LOOK; i++) {
          this.cursor = db.scan(this.cursor, this.collect);
          // Not inside the scan: moving an entry writes to the table.
          for (const entry of this.entries) db.compact(entry);
          this.entries.length = 0;
          if (this.cursor === 0) break;
        }
        if (this.clock() >= until) {
          if (this.cursor === 0) this.at++;
          return true;
        }
      } while (this.cursor !== 0);
      this.at++;
    }
    return this.end();
  }

  private end(): false {
    this.at = -1;
    this.space.arena.endCompaction();
    return false;
  }

  private begin(): boolean {
    if (this.clock() < this.nextLookMs) return false;
    this.nextLookMs = this.clock() + LOOK_EVERY_MS;
    // What is being freed in slices goes without help.
    if (this.space.hasGarbage || !this.space.arena.beginCompaction()) return false;
    this.at = 0;
    this.cursor = 0;
    return true;
  }
}
