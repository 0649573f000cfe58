/**
 * Node's timers and clocks as they were when this module was loaded. Test frameworks replace the
 * global ones by fakes that stand still; a server inside such a test would never send a reply. So
 * nothing of ours calls the global ones (`test/architecture.test.ts` looks).
 */

export const {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
} = globalThis;

/** Wall clock, whole ms since the epoch. */
export const wallClockMs: () => number = Date.now;

/** Monotonic clock: ms with fractions, from an arbitrary start. */
export const monotonicMs: () => number = performance.now.bind(performance);

/** Node's timers overflow past 2^31 ms: longer waits are made of several. */
export const TIMER_MAX_MS = 2 ** 30;
