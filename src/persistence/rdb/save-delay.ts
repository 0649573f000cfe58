/**
 * rdb-key-save-delay: makes a save as slow as a test wants it. Source: redis-server 7.0.15, where a
 * negative number -n is one microsecond for one key of n.
 */

/** How long a wait goes on before somebody is asked whether the save is still wanted. */
const SLICE_MS = 10;

const never = new Int32Array(new SharedArrayBuffer(4));

export class SaveDelay {
  private readonly perKeyUs: number;
  private readonly isCancelled: () => boolean;
  private keys = 0;
  private dueMs = 0;

  /** @param perKeyUs microseconds; 0 delays nothing */
  constructor(perKeyUs: number, isCancelled: () => boolean) {
    this.perKeyUs = perKeyUs < 0 ? 1 / -perKeyUs : perKeyUs;
    this.isCancelled = isCancelled;
  }

  /** So many keys have been written: waits for those that are new, unless the save is given up. */
  wrote(keys: number): void {
    if (this.perKeyUs === 0) return;
    this.dueMs += ((keys - this.keys) * this.perKeyUs) / 1000;
    this.keys = keys;
    while (this.dueMs >= 1 && !this.isCancelled()) {
      const slice = Math.min(this.dueMs, SLICE_MS);
      Atomics.wait(never, 0, 0, slice);
      this.dueMs -= slice;
    }
  }
}
