/**
 * The one clock of a server: the real one, or an embedder's, and either may be moved and stopped by
 * a test. Deadlines, expiry, TIME and logs read it; how long something took is measured on the
 * monotonic clock instead.
 */
import type { ClockPort } from '../commands/ports/clock.ts';
import { monotonicMs, wallClockMs } from '../util/timers.ts';

/** The largest time a Date can hold. */
const TIME_MAX_MS = 8.64e15;

export class Clock implements ClockPort {
  /** Wall clock, whole ms since the epoch. */
  readonly now: () => number;
  /** Whether it is an embedder's: it may jump, and no timer tells when. */
  readonly isInjected: boolean;
  /** Told when it was moved: what is due by then is to happen. */
  onMoved: () => void = () => {};
  /** The clock without what tests have done to it. */
  private readonly source: () => number;
  /** What has been added to the source. */
  private shiftMs = 0;
  /** Where it stands still, -1 while it runs. */
  private frozenMs = -1;
  /** What must be added to the monotonic clock to get the wall clock, ms with fractions. */
  private offsetMs = 0;

  /**
   * Throws TypeError when the injected clock tells no time. Later values are rounded down. While it
   * tells no time, or throws, the clock stands still: the cron would end the program otherwise.
   */
  constructor(injected: (() => number) | undefined) {
    this.isInjected = injected !== undefined;
    this.source = injected === undefined ? wallClockMs : checked(injected);
    this.now = () => (this.frozenMs < 0 ? this.source() + this.shiftMs : this.frozenMs);
  }

  get isFrozen(): boolean {
    return this.frozenMs >= 0;
  }

  /** Sets the time. It goes on from there, or stands there when it is frozen. Throws RangeError. */
  set(toMs: number): void {
    const whole = checkTime(toMs);
    if (this.isFrozen) this.frozenMs = whole;
    else this.shiftMs = whole - this.source();
    this.onMoved();
  }

  freeze(): void {
    this.frozenMs = this.now();
  }

  /** Goes on from where it stands. */
  resume(): void {
    if (!this.isFrozen) return;
    this.shiftMs = this.frozenMs - this.source();
    this.frozenMs = -1;
    this.onMoved();
  }

  /** Back to what it was before anyone moved it. */
  reset(): void {
    if (!this.isFrozen && this.shiftMs === 0) return;
    this.frozenMs = -1;
    this.shiftMs = 0;
    this.onMoved();
  }

  /**
   * Wall clock in whole microseconds. The real clock counts ms; the monotonic one divides them, and
   * is brought back whenever the two disagree (the clock was set, or runs at another speed).
   */
  micros(): number {
    const nowMs = this.now();
    if (this.isInjected || this.isFrozen) return nowMs * 1000;
    const monotonic = monotonicMs();
    const sinceMs = monotonic + this.offsetMs - nowMs;
    if (sinceMs < 0) this.offsetMs = nowMs - monotonic;
    else if (sinceMs >= 1) this.offsetMs = nowMs + 0.999 - monotonic;
    const within = monotonic + this.offsetMs - nowMs;
    return nowMs * 1000 + Math.min(999, Math.max(0, Math.floor(within * 1000)));
  }
}

/** A time in whole ms. Throws RangeError for what is none. */
export function checkTime(ms: number): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= TIME_MAX_MS) return Math.floor(ms);
  throw new RangeError(`no time: ${String(ms)}`);
}

function checked(now: () => number): () => number {
  let latest = 0;
  const read = () => {
    const value: unknown = orNothing(now);
    if (typeof value === 'number' && value >= 0 && value <= TIME_MAX_MS) latest = Math.floor(value);
    return latest;
  };
  const first: unknown = now();
  if (typeof first !== 'number' || !(first >= 0 && first <= TIME_MAX_MS)) {
    throw new TypeError(`now() must return ms since the epoch, not ${String(first)}`);
  }
  return read;
}

/** What an embedder's function returns; undefined when it throws. */
function orNothing(source: () => unknown): unknown {
  try {
    return source();
  } catch {
    return undefined;
  }
}

/**
 * An embedder's source of randomness: what lies outside [0, 1) is brought into it; later on, what
 * is no number is 0, and so is what throws: a command that has changed half of what it is to change
 * cannot end there. Throws TypeError when it returns no number at first.
 */
export function checkedRandom(random: () => number): () => number {
  const first: unknown = random();
  if (typeof first !== 'number' || Number.isNaN(first)) {
    throw new TypeError(`random() must return a number in [0, 1), not ${String(first)}`);
  }
  return () => {
    const value: unknown = orNothing(random);
    if (typeof value !== 'number') return 0;
    if (value >= 0 && value < 1) return value;
    return value >= 1 ? LAST_BELOW_ONE : 0;
  };
}

/** The largest double below 1. */
const LAST_BELOW_ONE = 1 - Number.EPSILON / 2;
