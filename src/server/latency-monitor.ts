/**
 * LATENCY's events: what took longer than `latency-monitor-threshold`, by kind, the latest 160
 * seconds of each in which there was something. Names of kinds are those of redis-server 7.0.15
 * where it has them.
 */
import type { LatencyEvent, LatencyPort } from '../commands/ports/observation.ts';

/** The kinds of events that there are. */
export const latencyEvents = [
  'command',
  'fast-command',
  'expire-cycle',
  'eviction-cycle',
  'aof-write',
  'aof-fsync-always',
  'event-loop',
] as const;

/** Samples kept of an event. */
const SAMPLES_MAX = 160;

interface Event extends LatencyEvent {
  maxMs: number;
  readonly samples: { seconds: number; ms: number }[];
}

export class LatencyMonitor implements LatencyPort {
  /** From how many ms on an event is kept; 0: none is. */
  thresholdMs = 0;
  private readonly now: () => number;
  private readonly byName = new Map<string, Event>();

  /** `now` is the wall clock in ms. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Something of this kind took `ms`: kept when that is long. */
  add(name: (typeof latencyEvents)[number], ms: number): void {
    if (this.thresholdMs <= 0 || ms < this.thresholdMs) return;
    const whole = Math.floor(ms);
    const seconds = Math.floor(this.now() / 1000);
    let event = this.byName.get(name);
    if (event === undefined) {
      event = { name, maxMs: 0, samples: [] };
      this.byName.set(name, event);
    }
    const { samples } = event;
    event.maxMs = Math.max(event.maxMs, whole);
    const last = samples.at(-1);
    if (last?.seconds === seconds) last.ms = Math.max(last.ms, whole);
    else samples.push({ seconds, ms: whole });
    if (samples.length > SAMPLES_MAX) samples.shift();
  }

  events(): Iterable<LatencyEvent> {
    return this.byName.values();
  }

  event(name: string): LatencyEvent | undefined {
    return this.byName.get(name);
  }

  reset(names: readonly string[]): number {
    const gone = names.length === 0 ? [...this.byName.keys()] : names;
    return gone.filter((name) => this.byName.delete(name)).length;
  }
}
