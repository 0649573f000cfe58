/**
 * Has V8 collect what the server let go of outside of the arenas: commands that MULTI had queued,
 * arguments that came in pieces, output that waited. V8 counts the bytes of such buffers, but while
 * nothing new is allocated it does not look at them, and a server that has become idle would keep
 * them. Whether they are garbage is not known: they may be when there are more of them than after
 * the last collection, or when what the server uses beside its data has become less. While much
 * comes and goes V8 collects by itself, and is let alone.
 */
import {
  askForCollection,
  collectGarbage,
  lastAskMs,
  PRESSURE_BYTES,
} from '../memory/collector.ts';
import { monotonicMs } from '../util/timers.ts';

/** What is not worth a collection. */
const LEAST_BYTES = 16 << 20;
/** Less than this from one look to the next is quiet. */
const QUIET_BYTES = 4 << 20;
/** What others have asked for may take so long. */
const OTHERS_MS = 1000;
/** V8 is asked no more often than this, and in vain so many times before it is made to. */
const ASK_EVERY_MS = 500;
const ASKS_MAX = 3;

export interface OutsideMemoryParts {
  /** Bytes that the server uses beside its data. */
  readonly overhead: () => number;
  /** Bytes of all buffers, those that V8 has not collected yet among them. */
  readonly buffers: () => number;
  readonly ask: () => boolean;
  /** When anybody asked last. */
  readonly askedMs: () => number;
  readonly collect: () => void;
  readonly now: () => number;
}

/** The parts of a real server but for what it uses. */
export const realOutside: Omit<OutsideMemoryParts, 'overhead'> = {
  buffers: () => process.memoryUsage().arrayBuffers,
  ask: askForCollection,
  askedMs: lastAskMs,
  collect: collectGarbage,
  now: monotonicMs,
};

export class OutsideMemory {
  private readonly parts: OutsideMemoryParts;
  /** Bytes of buffers after the last collection, and the most that was in use since. */
  private liveBytes: number;
  private mostUsed: number;
  /** What buffers took at the last look. */
  private lookedBytes = 0;
  /** What buffers took before and after V8 was asked; -1 while it is not. */
  private beforeAsk = -1;
  private afterAsk = -1;
  private asks = 0;
  private nextAskMs = 0;

  constructor(parts: OutsideMemoryParts) {
    this.parts = parts;
    this.liveBytes = parts.buffers();
    this.mostUsed = parts.overhead();
  }

  /** To be called some times a second. */
  look(): void {
    const bytes = this.parts.buffers();
    const used = this.parts.overhead();
    if (this.afterAsk >= 0) {
      this.follow(bytes, used);
      return;
    }
    const isQuiet = Math.abs(bytes - this.lookedBytes) < QUIET_BYTES;
    this.lookedBytes = bytes;
    this.liveBytes = Math.min(this.liveBytes, bytes);
    this.mostUsed = Math.max(this.mostUsed, used);
    const more = bytes - this.liveBytes;
    if (more < LEAST_BYTES && this.mostUsed - used < LEAST_BYTES) return;
    // The asking itself takes memory: what others asked for is waited for.
    if (isQuiet && this.parts.now() - this.parts.askedMs() >= OTHERS_MS) this.ask(bytes);
  }

  /** Looks whether V8 has done what it was asked: then what the asking took is gone as well. */
  private follow(bytes: number, used: number): void {
    if (bytes > this.afterAsk - PRESSURE_BYTES / 2) {
      if (this.parts.now() < this.nextAskMs) return;
      if (this.asks < ASKS_MAX) this.ask(bytes);
      else {
        this.parts.collect();
        this.settle(this.parts.buffers(), used);
      }
      return;
    }
    // What was let go while V8 was at it is found by the next collection only.
    if (this.beforeAsk - bytes < LEAST_BYTES) this.settle(bytes, used);
    else if (this.parts.now() >= this.nextAskMs) {
      this.asks = 0;
      this.ask(bytes);
    }
  }

  private ask(bytes: number): void {
    const { parts } = this;
    this.asks++;
    this.nextAskMs = parts.now() + ASK_EVERY_MS;
    if (this.asks === 1) this.beforeAsk = bytes;
    if (!parts.ask()) parts.collect();
    this.afterAsk = bytes + PRESSURE_BYTES;
  }

  private settle(bytes: number, used: number): void {
    this.liveBytes = bytes;
    this.mostUsed = used;
    this.beforeAsk = -1;
    this.afterAsk = -1;
    this.asks = 0;
  }
}
