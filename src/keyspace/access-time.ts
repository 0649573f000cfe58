/**
 * The 24 bits of access data in every entry: an LRU clock in seconds, or LFU's 16 bits of minutes
 * and 8 bits of a logarithmic counter.
 * Source: redis-server 7.0.15, evict.c (behaviour) and "Approximated LFU" in its documentation.
 */

/** Seconds, 24 bits, wraps after 194 days. */
export function lruClock(nowMs: number): number {
  return Math.floor(nowMs / 1000) & 0xffffff;
}

const INITIAL_COUNTER = 5;

export class LfuClock {
  /** lfu-log-factor: how much harder each further count becomes. */
  logFactor = 10;
  /** lfu-decay-time in minutes; 0 never decays. */
  decayMinutes = 1;

  /** Access data of a new entry. */
  fresh(nowMs: number): number {
    return (minutes(nowMs) << 8) | INITIAL_COUNTER;
  }

  /** The counter of `access`, less one for each decay period gone by. */
  counter(access: number, nowMs: number): number {
    const count = access & 0xff;
    if (this.decayMinutes === 0) return count;
    const periods = Math.floor(this.idleMinutes(access, nowMs) / this.decayMinutes);
    return periods > count ? 0 : count - periods;
  }

  /** Minutes since the latest access, modulo 2^16. */
  idleMinutes(access: number, nowMs: number): number {
    return (minutes(nowMs) - (access >>> 8)) & 0xffff;
  }

  /** Access data after one more access. */
  touched(access: number, nowMs: number, random: () => number): number {
    let count = this.counter(access, nowMs);
    if (count < 255) {
      const base = count > INITIAL_COUNTER ? count - INITIAL_COUNTER : 0;
      if (random() < 1 / (base * this.logFactor + 1)) count++;
    }
    return (minutes(nowMs) << 8) | count;
  }
}

function minutes(nowMs: number): number {
  return Math.floor(nowMs / 60000) & 0xffff;
}
