/**
 * How late the event loop is. The cron's ticks tell: what holds them up holds up every client. When
 * it was long the log says so, and who did it: a command, the garbage collector, or something else
 * (other code of this process, a machine that is too busy, a stopped process).
 */
import { LatencyHistogram } from '../util/latency-histogram.ts';
import type { LatencyMonitor } from './latency-monitor.ts';
import type { LogLevel } from './log.ts';
import type { LongCall } from './slow-calls.ts';

/** A loop that stood still for so long is worth a line of its own, where `watchdog-period` is 0. */
const STALL_MS = 1000;

export interface StallWatchParts {
  /** Monotonic clock, ms. */
  readonly now: () => number;
  /** Ticks per second. */
  readonly hz: () => number;
  /** `watchdog-period`: ms, 0 for the default. */
  readonly periodMs: () => number;
  /** The longest call since it was asked last. */
  readonly takeLongest: () => LongCall | undefined;
  /** Milliseconds that the garbage collector took so far. */
  readonly collectorMs: () => number;
  readonly latency: LatencyMonitor;
  readonly log: (level: LogLevel, message: string) => void;
}

/** A stall that is about to be told: what the collector took is known a little later. */
interface Stall {
  readonly ms: number;
  readonly call: LongCall | undefined;
  /** Time of the collector before it. */
  readonly collectorMs: number;
}

export class StallWatch {
  /** How late ticks were. */
  readonly delays = new LatencyHistogram();
  /** Stalls that the log was told of, and the longest of all delays. */
  stalls = 0;
  longestMs = 0;
  private readonly parts: StallWatchParts;
  private lastMs = 0;
  private collectorMs = 0;
  private stall: Stall | undefined = undefined;

  constructor(parts: StallWatchParts) {
    this.parts = parts;
  }

  /** A tick of the cron. */
  tick(): void {
    const { now, hz, periodMs, takeLongest, latency, collectorMs } = this.parts;
    const nowMs = now();
    const elapsed = nowMs - this.lastMs;
    const isFirst = this.lastMs === 0;
    this.lastMs = nowMs;
    if (this.stall !== undefined) this.tell(this.stall);
    this.stall = undefined;
    const call = takeLongest();
    const before = this.collectorMs;
    this.collectorMs = collectorMs();
    if (isFirst) return;
    const lateMs = Math.max(0, elapsed - Math.max(2, Math.floor(1000 / hz())));
    this.delays.record(lateMs * 1e6);
    this.longestMs = Math.max(this.longestMs, lateMs);
    latency.add('event-loop', lateMs);
    if (lateMs >= (periodMs() || STALL_MS)) this.stall = { ms: lateMs, call, collectorMs: before };
  }

  /** The ticks begin again: what was between is no delay. */
  restart(): void {
    this.lastMs = 0;
  }

  reset(): void {
    this.delays.reset();
    this.stalls = 0;
    this.longestMs = 0;
  }

  private tell({ ms, call, collectorMs }: Stall): void {
    this.stalls++;
    const collected = this.parts.collectorMs() - collectorMs;
    const took = (time: number) => `${Math.round(time)} ms`;
    let why = 'no command did it: other code of this process, or the machine was busy';
    if (call !== undefined) {
      why = `the command '${call.command}' of ${call.client} took ${took(call.ms)}`;
    }
    if (collected >= ms / 2) why += `; the garbage collector took ${took(collected)}`;
    this.parts.log('warning', `The event loop stood still for ${took(ms)}: ${why}.`);
  }
}
