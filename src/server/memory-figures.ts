/**
 * How much memory the server uses, has used at most and had when it began.
 */
import { totalmem } from 'node:os';

export class MemoryFigures {
  /** Bytes in use: data, clients, buffers, tables; what `used_memory` tells. */
  readonly used: () => number;
  /** The most that was in use when the cron looked. */
  peak = 0;
  /** Bytes that were in use before there was any data. */
  readonly startup: number;
  /** Bytes of the machine. */
  readonly system = totalmem();
  /** Resident bytes of the process that are not data: the runtime, our code. */
  private readonly runtimeBytes: number;

  /** `used` tells the bytes in use. Call it when the server is complete and has no data yet. */
  constructor(used: () => number) {
    this.used = used;
    this.startup = used();
    this.runtimeBytes = Math.max(0, process.memoryUsage.rss() - this.startup);
  }

  /** Looks whether there is a new peak. */
  sample(): void {
    this.peak = Math.max(this.peak, this.used());
  }

  /**
   * What would be resident if nothing were wasted: the runtime as it was at the start, and what is
   * in use. A runtime of 40 MB is no fragmentation of 1 MB of data.
   */
  get accounted(): number {
    return this.runtimeBytes + this.used();
  }
}
