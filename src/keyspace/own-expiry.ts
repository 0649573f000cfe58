/**
 * The keys of a replica that may be written to whose time to live was set here: its master knows
 * nothing of it and will never remove them. Other keys are the master's matter.
 * Source: redis-server 7.0.15 (behaviour of replica-read-only no).
 */
/** Keys remembered per database at most: what is beyond stays until the master removes it. */
const KEYS_MAX = 1_000_000;

export class OwnExpiry {
  private readonly keys = new Map<number, Set<string>>();

  /** The time to live of a key was set by a client of this server. O(key length). */
  add(dbIndex: number, key: Buffer): void {
    let keys = this.keys.get(dbIndex);
    if (keys === undefined) {
      keys = new Set();
      this.keys.set(dbIndex, keys);
    }
    if (keys.size < KEYS_MAX) keys.add(key.toString('latin1'));
  }

  /** The data is another one. */
  clear(): void {
    this.keys.clear();
  }

  /**
   * Has `max` keys of each database looked at: `lives` removes one whose time has come, and says
   * whether it is to be looked after any longer. O(max).
   */
  expire(max: number, lives: (dbIndex: number, key: Buffer) => boolean): void {
    for (const [index, keys] of this.keys) {
      let left = max;
      for (const key of keys) {
        if (left-- === 0) break;
        keys.delete(key);
        // Others have their turn before it is looked at again.
        if (lives(index, Buffer.from(key, 'latin1'))) keys.add(key);
      }
      if (keys.size === 0) this.keys.delete(index);
    }
  }
}
