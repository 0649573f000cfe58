/**
 * The server's clock as commands see it; `Context.nowMs` is what most of them want.
 * `src/server/clock.ts` implements it.
 */

/** Times that do not stand still during a command. */
export interface ClockPort {
  /** Wall clock in whole microseconds since the epoch. */
  micros(): number;
}
