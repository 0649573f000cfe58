/**
 * Node's timers and clocks as they were when this module was loaded. Test frameworks replace the
 * global ones by fakes that stand still; a server inside such a test would never send a reply. So
 * nothing of ours calls the global ones (`test/architecture.test.ts` looks).
 */

import { performance } from 'node:perf_hooks';
import timers from 'node:timers';

// The module's, not the global ones: a runner may have replaced those before it loads this.
export const {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
} = timers;

/** Monotonic clock: ms with fractions, from an arbitrary start. */
export const monotonicMs: () => number = performance.now.bind(performance);

/** A fake of `Date` is there already: counted from the start of the process instead. */
const isFake = !Function.prototype.toString.call(Date.now).includes('[native code]');
const sinceStart = (): number => Math.floor(performance.timeOrigin + monotonicMs());

/** Wall clock, whole ms since the epoch. */
export const wallClockMs: () => number = isFake ? sinceStart : Date.now;

/** Node's timers overflow past 2^31 ms: longer waits are made of several. */
export const TIMER_MAX_MS = 2 ** 30;
