/**
 * What Node.js and V8 tell of this process: pauses of the garbage collector, heap, how busy the
 * event loop is. One observer for all servers of the process, while there is one.
 */
import { type EventLoopUtilization, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** Pauses since the process began to look. */
export interface CollectorPauses {
  count: number;
  totalMs: number;
  maxMs: number;
}

const pauses: CollectorPauses = { count: 0, totalMs: 0, maxMs: 0 };
let users = 0;
let observer: PerformanceObserver | undefined;

function observe(): void {
  if (users++ > 0) return;
  observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      pauses.count++;
      pauses.totalMs += duration;
      pauses.maxMs = Math.max(pauses.maxMs, duration);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}

function unobserve(): void {
  if (--users > 0) return;
  observer?.disconnect();
  observer = undefined;
}

/** The figures as one server sees them, from its start or its last reset on. */
export class RuntimeFigures {
  private isOn = false;
  private before: CollectorPauses = { count: 0, totalMs: 0, maxMs: 0 };
  private sampledMs = 0;
  private loop: EventLoopUtilization | undefined = undefined;
  /** Share of the time since the last sample in which the event loop was busy, 0 to 1. */
  utilization = 0;

  /** Begins to look; `stop` must follow. */
  start(): void {
    if (this.isOn) return;
    this.isOn = true;
    observe();
    this.reset();
  }

  stop(): void {
    if (!this.isOn) return;
    this.isOn = false;
    unobserve();
  }

  reset(): void {
    this.before = { ...pauses };
    pauses.maxMs = 0;
  }

  /** Renews `utilization` once a second; `nowMs` is any clock. */
  sample(nowMs: number): void {
    if (Math.abs(nowMs - this.sampledMs) < 1000) return;
    this.sampledMs = nowMs;
    const now = performance.eventLoopUtilization();
    const { loop } = this;
    if (loop !== undefined) {
      this.utilization = performance.eventLoopUtilization(now, loop).utilization;
    }
    this.loop = now;
  }

  /** Garbage collections that stopped the process; each is told a turn or two after it. */
  get pauses(): CollectorPauses {
    return {
      count: pauses.count - this.before.count,
      totalMs: pauses.totalMs - this.before.totalMs,
      maxMs: pauses.maxMs,
    };
  }

  /** Bytes of V8's heap in use, taken from the system, and at most. */
  get heap(): { usedBytes: number; totalBytes: number; limitBytes: number; externalBytes: number } {
    const heap = getHeapStatistics();
    return {
      usedBytes: heap.used_heap_size,
      totalBytes: heap.total_heap_size,
      limitBytes: heap.heap_size_limit,
      externalBytes: heap.external_memory,
    };
  }
}
