/**
 * What timers can do: longer waits are made of several.
 */

/** Node's timers overflow past 2^31 ms. */
export const TIMER_MAX_MS = 2 ** 30;
