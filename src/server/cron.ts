/**
 * What happens without a client asking: one timer at `hz`, and work that goes on between requests
 * in slices. It knows no task; owners hand theirs in.
 */
import {
  clearImmediate,
  clearInterval,
  clearTimeout,
  monotonicMs,
  setImmediate,
  setInterval,
  setTimeout,
} from '../util/timers.ts';

/** Longest stretch that background work may hold the event loop. */
const SLICE_MS = 2;

/** Called at every tick with the wall clock. */
export type TickTask = (nowMs: number) => void;

/**
 * Works until `until` (monotonic clock) or until nothing is left. Returns whether there is more to
 * do.
 */
export type SliceTask = (until: number) => boolean;

export class Cron {
  private readonly now: () => number;
  /** Ticks per second. */
  private readonly hz: () => number;
  private readonly ticks: TickTask[] = [];
  private readonly slices: SliceTask[] = [];
  private timer: NodeJS.Timeout | undefined;
  private backlog: NodeJS.Immediate | undefined;
  private alarm: NodeJS.Timeout | undefined;
  /** Whether nothing is done at ticks (DEBUG PAUSE-CRON). */
  isPaused = false;

  constructor(options: { readonly now: () => number; readonly hz: () => number }) {
    this.now = options.now;
    this.hz = options.hz;
  }

  /** Has a task called at every tick, after those that are there. */
  everyTick(task: TickTask): void {
    this.ticks.push(task);
  }

  /** Has work done in slices: at each tick and after `wake`. The earlier task comes first. */
  inSlices(task: SliceTask): void {
    this.slices.push(task);
  }

  /** Starts ticking; the timer does not keep the process alive, the listening sockets do. */
  start(): void {
    const period = Math.max(2, Math.floor(1000 / this.hz()));
    this.timer = setInterval(() => {
      if (!this.isPaused) this.tick();
    }, period);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    clearTimeout(this.alarm);
    this.alarm = undefined;
    if (this.backlog !== undefined) clearImmediate(this.backlog);
    this.timer = undefined;
    this.backlog = undefined;
  }

  /** There will be work for slices in so many milliseconds. */
  wakeIn(ms: number): void {
    if (this.alarm !== undefined || this.timer === undefined) return;
    this.alarm = setTimeout(() => {
      this.alarm = undefined;
      this.wake();
    }, Math.ceil(ms));
    this.alarm.unref();
  }

  /** Starts over with the present `hz`. */
  restart(): void {
    if (this.timer === undefined) return;
    this.stop();
    this.start();
  }

  /** There is work for slices: begin soon. */
  wake(): void {
    if (this.backlog === undefined && this.timer !== undefined) {
      this.backlog = setImmediate(() => this.work());
    }
  }

  /** All that is due at a tick; the timer calls it, and tests that do not wait for it. */
  tick(): void {
    const nowMs = this.now();
    for (const task of this.ticks) task(nowMs);
    // One slice at a time: work that goes on between requests has its next turn already.
    if (this.backlog === undefined) this.work();
  }

  /** One slice of background work; asks for another one when there is more. */
  private work(): void {
    this.backlog = undefined;
    const until = monotonicMs() + SLICE_MS;
    for (const task of this.slices) {
      if (!task(until)) continue;
      this.wake();
      return;
    }
  }
}
