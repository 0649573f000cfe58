/**
 * What happens without a client asking: active expiry, idle rehash, freeing in slices, timeouts,
 * rates. One timer at `hz`; work that does not fit one slice goes on between requests.
 */
import type { Server } from './server.ts';

/** Longest stretch that background work may hold the event loop. */
const SLICE_MS = 2;
/** Of each tick, for idle rehashing: as much as Redis gives it. */
const REHASH_MS = 1;
/** Keys expired between two looks at the clock. */
const KEYS_PER_LOOK = 64;
/** Fields of hashes expired between two looks at the clock. */
const FIELDS_PER_LOOK = 64;
/** Entries freed between two looks at the clock. */
const FREES_PER_LOOK = 256;
const BUCKETS_PER_LOOK = 128;

export class Cron {
  activeExpire = true;
  private readonly server: Server;
  private timer: NodeJS.Timeout | undefined;
  private backlog: NodeJS.Immediate | undefined;

  constructor(server: Server) {
    this.server = server;
  }

  /** Starts ticking; the timer does not keep the process alive, the listening sockets do. */
  start(): void {
    const period = Math.max(2, Math.floor(1000 / this.server.config.number('hz')));
    this.timer = setInterval(() => this.tick(), period);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    if (this.backlog !== undefined) clearImmediate(this.backlog);
    this.timer = undefined;
    this.backlog = undefined;
  }

  /** Starts over with the present `hz`. */
  restart(): void {
    if (this.timer === undefined) return;
    this.stop();
    this.start();
  }

  /** There is garbage: free it soon. */
  wake(): void {
    if (this.backlog === undefined && this.timer !== undefined) {
      this.backlog = setImmediate(() => this.work());
    }
  }

  private tick(): void {
    const nowMs = this.server.now();
    this.server.stats.sample(nowMs);
    this.server.checkClients(nowMs);
    // One slice at a time: work that goes on between requests has its next turn already.
    if (this.backlog === undefined) this.work();
    this.rehashSlice(performance.now() + REHASH_MS);
    this.server.keyspace.arena.giveBack();
  }

  /** One slice of background work; asks for another one when there is more. */
  private work(): void {
    this.backlog = undefined;
    const until = performance.now() + SLICE_MS;
    const more = this.expireSlice(until) || this.freeSlice(until);
    if (more) this.wake();
  }

  private expireSlice(until: number): boolean {
    const { keyspace, stats } = this.server;
    // Data does not change while clients are paused: keys expire afterwards.
    if (!this.activeExpire || this.server.gates.pausedUntilMs !== 0) return false;
    const nowMs = this.server.now();
    keyspace.nowMs = nowMs;
    const started = performance.now();
    let more = false;
    for (const db of keyspace.dbs) {
      // Both kinds get their share of a slice, whichever has the longer backlog.
      for (;;) {
        const keys = db.expireDue(nowMs, KEYS_PER_LOOK);
        const fields = db.expireDueFields(FIELDS_PER_LOOK);
        if (!keys && !fields) break;
        if (performance.now() >= until) {
          stats.expireTimeCapReached++;
          more = true;
          break;
        }
      }
      if (more) break;
    }
    // A reader of a group whose stream is gone need not wait any longer.
    if (keyspace.changes.waiters.hasChanged) this.server.blocking.serve();
    stats.expireCycleMicroseconds += (performance.now() - started) * 1000;
    return more;
  }

  private freeSlice(until: number): boolean {
    const { keyspace } = this.server;
    while (keyspace.hasGarbage) {
      keyspace.freeGarbage(FREES_PER_LOOK);
      if (performance.now() >= until) return keyspace.hasGarbage;
    }
    return false;
  }

  /** A little of a rehash under way; insertions do the most of it. */
  private rehashSlice(until: number): void {
    for (const db of this.server.keyspace.dbs) {
      while (db.rehash(BUCKETS_PER_LOOK)) {
        if (performance.now() >= until) return;
      }
    }
  }
}
