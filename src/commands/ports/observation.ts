/**
 * What is kept of slow commands and of other things that held up the server, as commands see it.
 * `src/server/slow-log.ts` and `src/server/latency-monitor.ts` implement it.
 */

/** A command that took long, or was large. */
export interface SlowEntry {
  readonly id: number;
  /** Unix time in seconds. */
  readonly seconds: number;
  /** Microseconds it took, or bytes of its request or reply. */
  readonly amount: number;
  /** As shown: shortened, without secrets. */
  readonly args: readonly Uint8Array[];
  readonly address: string;
  readonly name: string;
}

export interface SlowLogPort {
  readonly length: number;
  /** The latest entries first. */
  latest(count: number): readonly SlowEntry[];
  reset(): void;
}

/** COMMANDLOG's logs besides the slow one. */
export interface LargeCallsPort {
  readonly largeRequests: SlowLogPort;
  readonly largeReplies: SlowLogPort;
}

/** What HOTKEYS START asks for. */
export interface HotKeysOptions {
  readonly cpu: boolean;
  readonly net: boolean;
  /** Keys told of at most. */
  readonly count: number;
  /** When it ends by itself, ms after its start; 0 is never. */
  readonly durationMs: number;
  /** One of so many commands is looked at. */
  readonly sample: number;
}

/** What was collected of keys. */
export interface HotKeysReport {
  readonly isActive: boolean;
  readonly sample: number;
  /** Of all commands, those without keys too. */
  readonly allMicros: number;
  readonly allBytes: number;
  /** Unix time in ms. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Of the process. */
  readonly userMs: number;
  readonly systemMs: number;
  readonly netBytes: number;
  /** Microseconds of keys, the largest first; undefined when they were not asked for. */
  readonly byCpu: readonly (readonly [key: string, micros: number])[] | undefined;
  /** As `byCpu`, bytes. */
  readonly byNet: readonly (readonly [key: string, bytes: number])[] | undefined;
}

export interface HotKeysPort {
  readonly isActive: boolean;
  start(options: HotKeysOptions): void;
  /** Whether there is anything that was collected. */
  stop(): boolean;
  reset(): void;
  /** Ends what has gone on for as long as it was to. */
  checkDuration(): void;
  report(): HotKeysReport | undefined;
}

/** How long something took, and when. */
export interface LatencySample {
  /** Unix time in seconds. */
  readonly seconds: number;
  readonly ms: number;
}

/** The samples of one kind of event. */
export interface LatencyEvent {
  readonly name: string;
  /** The longest since the last reset, ms. */
  readonly maxMs: number;
  /** The oldest first, at most 160; one per second. */
  readonly samples: readonly LatencySample[];
}

export interface LatencyPort {
  /** From how many ms events are kept; 0 when none are. */
  readonly thresholdMs: number;
  events(): Iterable<LatencyEvent>;
  event(name: string): LatencyEvent | undefined;
  /** Forgets events of these names, or all; how many there were. */
  reset(names: readonly string[]): number;
}
