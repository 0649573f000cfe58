/**
 * Keeps used memory at or below `maxmemory`: before each command keys go until there is room, for
 * no longer than `maxmemory-eviction-tenacity` allows; what is left to do then goes on between
 * requests, and commands are let in meanwhile. Each eviction is an effect of its own, told before
 * those of the command that needed the room.
 *
 * Source: redis-server 7.0.15, evict.c and processCommand (behaviour).
 */
import type { Config } from '../config/config.ts';
import { Evictor } from '../keyspace/eviction.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { monotonicMs } from '../util/timers.ts';
import { memoryLimit } from './machine-memory.ts';

/** Keys evicted between two looks at the clock. */
const KEYS_PER_LOOK = 16;
/** Entries of large values freed between two looks at the clock. */
const FREES_PER_LOOK = 256;

/** What eviction needs besides the data. */
export interface EvictionOptions {
  readonly keyspace: Keyspace;
  /** Bytes that count against the limit. Called for each command while there is one. */
  readonly counted: () => number;
  /** Whether data must stay as it is now: it is being loaded, writes are paused, a script runs. */
  readonly isHeld: () => boolean;
  /** Wall clock. */
  readonly now: () => number;
  /** A command was held up, or a slice was taken, for so many milliseconds. */
  readonly tookMs: (ms: number) => void;
  /** There is work for the next slice. */
  readonly wake: () => void;
  /** Keys are gone: serves whoever waits for that. */
  readonly serveWaiting: () => void;
  /** Writes a warning to the log. */
  readonly warn: (message: string) => void;
}

export class Eviction {
  /** maxmemory in bytes, 0 for none. */
  maxBytes = 0;
  /** Milliseconds for which memory was above the limit, until it was below it for the last time. */
  private exceededMs = 0;
  /** Since when it is above the limit; 0 when it is not. */
  private exceededSinceMs = 0;
  /** Longest time that eviction may hold up one command, in ms. */
  private limitMs = 0;
  /** Whether slices go on with what a command had no time for. */
  private isBehind = false;
  private readonly options: EvictionOptions;
  private readonly evictor: Evictor;

  constructor(options: EvictionOptions) {
    this.options = options;
    this.evictor = new Evictor(options.keyspace);
  }

  /** Follows the directives. `changed` by CONFIG SET: begins at once when memory is short. */
  configure(config: Config, changed: boolean): void {
    const { keyspace, warn, wake } = this.options;
    this.evictor.samples = config.number('maxmemory-samples');
    this.evictor.follow(config.string('maxmemory-policy'));
    this.limitMs = tenacityMs(config.number('maxmemory-eviction-tenacity'));
    const lazy = config.bool('lazyfree-lazy-eviction');
    keyspace.changes.journal.removalOfEvicted = lazy ? 'UNLINK' : 'DEL';
    this.maxBytes = memoryLimit(config.number('maxmemory'));
    if (!changed || this.maxBytes === 0 || this.excess(0) <= 0) return;
    warn(
      `maxmemory is ${this.maxBytes} now and ${this.options.counted()} bytes are in use: keys are ` +
        'evicted, or writes refused, as maxmemory-policy says.',
    );
    this.isBehind = this.evictor.isOn;
    wake();
  }

  /** Bytes that must go, with `more` that nobody counts yet; not above 0 while there is room. */
  private excess(more: number): number {
    return this.options.counted() + more - this.maxBytes;
  }

  /**
   * Makes room before a command, which has `more` bytes on its account that nobody counts yet.
   * Returns whether memory stays full: nothing may be evicted. Call while there is a limit. O(1)
   * while there is room.
   */
  isFull(more: number): boolean {
    const excess = this.excess(more);
    if (excess <= 0) {
      if (this.exceededSinceMs !== 0) this.endExceeding();
      return false;
    }
    if (this.options.isHeld()) return false;
    const outcome = this.evictor.isOn ? this.free(excess, this.limitMs) : 'failed';
    if (outcome === 'done') {
      if (this.exceededSinceMs !== 0) this.endExceeding();
      return false;
    }
    if (this.exceededSinceMs === 0) this.exceededSinceMs = monotonicMs();
    if (outcome === 'failed') return true;
    this.isBehind = true;
    this.options.wake();
    return false;
  }

  /** A slice of what commands had no time for. Returns whether there is more. */
  slice(until: number): boolean {
    if (!this.isBehind) return false;
    const { keyspace, isHeld, now, serveWaiting } = this.options;
    if (isHeld()) return false;
    keyspace.nowMs = now();
    const excess = this.maxBytes === 0 ? 0 : this.excess(0);
    const outcome = excess <= 0 ? 'done' : this.free(excess, until - monotonicMs());
    this.isBehind = outcome === 'more';
    if (outcome === 'done' && this.exceededSinceMs !== 0) this.endExceeding();
    serveWaiting();
    return this.isBehind;
  }

  /** Frees so many bytes, for about `limitMs` at most: the clock is read now and then only. */
  private free(bytes: number, limitMs: number): 'done' | 'more' | 'failed' {
    const { keyspace, tookMs } = this.options;
    const { journal } = keyspace.changes;
    const goal = keyspace.usedBytes - bytes;
    let startedMs = -1;
    for (let n = 1; keyspace.usedBytes > goal; n++) {
      // What was evicted and is freed in slices counts until it is freed: it comes first, lest
      // more go than must.
      if (keyspace.hasGarbage) keyspace.freeGarbage(FREES_PER_LOOK);
      else {
        if (!this.evictor.evictOne()) return 'failed';
        journal.endUnit();
        if (n % KEYS_PER_LOOK !== 0) continue;
      }
      const nowMs = monotonicMs();
      if (startedMs < 0) startedMs = nowMs;
      if (nowMs >= startedMs + limitMs && keyspace.usedBytes > goal) {
        tookMs(nowMs - startedMs);
        return 'more';
      }
    }
    if (startedMs >= 0) tookMs(monotonicMs() - startedMs);
    return 'done';
  }

  private endExceeding(): void {
    this.exceededMs += monotonicMs() - this.exceededSinceMs;
    this.exceededSinceMs = 0;
  }

  /** Milliseconds above the limit: in all, and since it was exceeded (0 when it is not). */
  get exceeded(): { readonly totalMs: number; readonly currentMs: number } {
    const since = this.exceededSinceMs;
    const currentMs = since === 0 ? 0 : Math.floor(monotonicMs() - since);
    return { totalMs: Math.floor(this.exceededMs) + currentMs, currentMs };
  }

  /** CONFIG RESETSTAT. */
  resetStats(): void {
    this.exceededMs = 0;
    this.exceededSinceMs = 0;
    this.options.keyspace.evictedKeys = 0;
  }
}

/** Half a millisecond at the default of 10, 15 % more for each above 10; at 100 no limit. */
function tenacityMs(tenacity: number): number {
  if (tenacity === 100) return Number.POSITIVE_INFINITY;
  return tenacity <= 10 ? tenacity * 0.05 : 0.5 * 1.15 ** (tenacity - 10);
}
