/**
 * What may lie on the JavaScript heap. Data, buffers and queues lie outside of it; what clients
 * have on it (subscriptions, watched keys, blocked commands ...) is counted here by its holders,
 * who ask before they take more. Past its limit V8 ends the process and cannot be stopped from it,
 * so growth is refused well before: at half of the limit by what is counted, at four fifths by what
 * V8 says. One for the process, as the heap is.
 *
 * Asking costs an addition; V8 itself is asked once in a megabyte that was granted.
 */
import { getHeapStatistics } from 'node:v8';
import { errors } from './errors.ts';
import { monotonicMs } from './timers.ts';

/** Who has something on the heap; the names are those of the log. */
export const holders = [
  'clients',
  'client names',
  'subscriptions',
  'watched keys',
  'blocked commands',
  'tracking prefixes',
  'scripts',
  'functions',
] as const;
export type Holder = (typeof holders)[number];

/** Of the limit, for what holders count. */
const COUNTED_SHARE = 0.5;
/** Of the limit, for everything. */
const USED_SHARE = 0.8;
/** Bytes granted between two looks at V8. */
const STEP_BYTES = 1024 * 1024;
/** Refusals are told once in this time. */
const QUIET_MS = 5000;

/** What V8 says, as far as it is needed; tests put another in its place. */
export interface HeapFigures {
  readonly used: number;
  readonly limit: number;
}

function figuresOfV8(): HeapFigures {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { used, limit };
}

export class HeapGuard {
  /** Most bytes of heap that are made use of, whatever V8 allows: the machine may have less. */
  ceiling = Number.POSITIVE_INFINITY;
  /** Bytes counted, of all holders. */
  counted = 0;
  /** How often growth was refused. */
  refusals = 0;
  private readonly byHolder = new Map<Holder, number>(holders.map((name) => [name, 0]));
  private readonly figures: () => HeapFigures;
  private readonly listeners = new Set<(line: string) => void>();
  /** Bytes that may be granted before V8 is asked again. */
  private room = 0;
  private toldMs = Number.NEGATIVE_INFINITY;

  constructor(figures: () => HeapFigures = figuresOfV8) {
    this.figures = figures;
  }

  /** Bytes that the heap may grow to: V8's limit, or less. */
  get limit(): number {
    return Math.min(this.ceiling, this.figures().limit);
  }

  /** A holder has so many bytes more, or fewer. O(1). */
  count(holder: Holder, bytes: number): void {
    this.byHolder.set(holder, this.byHolder.get(holder)! + bytes);
    this.counted += bytes;
  }

  /** Bytes that a holder has. */
  bytesOf(holder: Holder): number {
    return this.byHolder.get(holder)!;
  }

  /** Throws `errors.heapFull` where the heap has no room for so many bytes more. O(1). */
  require(bytes: number): void {
    this.room -= bytes;
    if (this.room < 0 && !this.look(bytes)) throw errors.heapFull;
  }

  /** As `require`; whether there is room. */
  hasRoom(bytes: number): boolean {
    this.room -= bytes;
    return this.room >= 0 || this.look(bytes);
  }

  /** Has V8 asked before anything else is granted. For a timer: what was granted may be gone. */
  renew(): void {
    this.room = 0;
  }

  /** Has a line for the log told to this function, until `silence`. */
  tell(listener: (line: string) => void): void {
    this.listeners.add(listener);
  }

  silence(listener: (line: string) => void): void {
    this.listeners.delete(listener);
  }

  private look(bytes: number): boolean {
    const { used, limit: allowed } = this.figures();
    const limit = Math.min(this.ceiling, allowed);
    const free = Math.min(limit * COUNTED_SHARE - this.counted, limit * USED_SHARE - used);
    if (bytes > free) {
      this.room = 0;
      this.refused(used, limit);
      return false;
    }
    this.room = Math.min(STEP_BYTES, free - bytes);
    return true;
  }

  private refused(used: number, limit: number): void {
    this.refusals++;
    const nowMs = monotonicMs();
    if (nowMs - this.toldMs < QUIET_MS) return;
    this.toldMs = nowMs;
    const largest = [...this.byHolder]
      .filter(([, bytes]) => bytes > 0)
      .sort(([, a], [, b]) => b - a)
      .map(([name, bytes]) => `${name} ${megabytes(bytes)}`)
      .slice(0, 3);
    const line =
      `The heap is nearly full (${megabytes(used)} of ${megabytes(limit)}): growth is refused. ` +
      `Largest holders: ${largest.join(', ') || 'none is counted'}.`;
    for (const listener of this.listeners) listener(line);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1048576).toFixed(1)}M`;
}

/** The guard of this process. */
export const heapGuard = new HeapGuard();
