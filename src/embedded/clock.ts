/** The clock of an embedded server, as its program moves it. */
import { type Clock, checkTime } from '../server/clock.ts';
import type { ServerClock } from './api.ts';

export class MovableClock implements ServerClock {
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  now(): number {
    return this.clock.now();
  }

  get frozen(): boolean {
    return this.clock.isFrozen;
  }

  advance(ms: number): void {
    if (!(typeof ms === 'number' && ms >= 0)) {
      throw new RangeError(`the clock advances by 0 ms or more, not ${String(ms)}`);
    }
    this.clock.set(this.clock.now() + ms);
  }

  set(date: Date | number): void {
    this.clock.set(timeOf(date));
  }

  /** What is no time stops nothing. */
  freeze(at?: Date | number): void {
    const toMs = at === undefined ? undefined : checkTime(timeOf(at));
    this.clock.freeze();
    if (toMs !== undefined) this.clock.set(toMs);
  }

  resume(): void {
    this.clock.resume();
  }

  reset(): void {
    this.clock.reset();
  }
}

function timeOf(date: Date | number): number {
  return date instanceof Date ? date.getTime() : date;
}
