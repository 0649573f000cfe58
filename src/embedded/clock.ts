/** The clock of an embedded server, as its program moves it. */
import type { Clock } from '../server/clock.ts';
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
    if (!(ms >= 0)) throw new RangeError(`the clock advances by 0 ms or more, not ${String(ms)}`);
    this.clock.set(this.clock.now() + ms);
  }

  set(date: Date | number): void {
    this.clock.set(Number(date));
  }

  freeze(at?: Date | number): void {
    this.clock.freeze();
    if (at !== undefined) this.clock.set(Number(at));
  }

  resume(): void {
    this.clock.resume();
  }

  reset(): void {
    this.clock.reset();
  }
}
