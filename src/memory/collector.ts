/**
 * Asks V8 for a garbage collection. Shared buffers are dropped by whoever let them go but returned
 * to the system only when V8 collects, and V8 does not count their bytes, so it sees no reason to.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { monotonicMs } from '../util/timers.ts';

/** What an ask takes: more than V8 lets memory outside grow by before it collects, 64 MiB. */
export const PRESSURE_BYTES = 65 << 20;

let collector: (() => void) | undefined;
let askedMs = Number.NEGATIVE_INFINITY;

/** When V8 was asked to collect last, on the monotonic clock. */
export function lastAskMs(): number {
  return askedMs;
}

/** Collects all garbage now: 8 ms on a heap of 10 MB, ten times that on a hundred. */
export function collectGarbage(): void {
  collector ??= findCollector();
  collector();
}

/**
 * Has V8 begin to collect, beside the program: it marks in other threads, and stops this one for a
 * few milliseconds, whatever the heap, when it is done. Nothing may come of it. Returns whether V8
 * could be asked.
 *
 * V8 does so by itself when memory that it counts has grown much. A buffer that is not touched
 * takes no memory, but is counted.
 */
export function askForCollection(): boolean {
  askedMs = monotonicMs();
  try {
    // Its length is read so that no bundler takes it for something without effect.
    return new ArrayBuffer(PRESSURE_BYTES).byteLength > 0;
  } catch {
    return false;
  }
}

/** V8 shows `gc` to contexts made while its flag is set; without one, it is left to itself. */
function findCollector(): () => void {
  try {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
    return typeof found === 'function' ? () => void found() : () => {};
  } catch {
    return () => {};
  }
}
