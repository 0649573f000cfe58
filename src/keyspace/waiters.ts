/**
 * Clients that wait for keys: who waits for what, in which order, and which keys have changed since.
 * It knows no client; a waiter is whatever the server puts in. Costs nothing while nobody waits.
 */

/** Something that waits for any of some keys of one database. */
export interface Waiter {
  readonly dbIndex: number;
  /** Keys as latin1 text, each once. */
  readonly keys: readonly string[];
}

/** A key that has changed. */
export interface ChangedKey {
  readonly dbIndex: number;
  readonly key: string;
}

export class Waiters<W extends Waiter = Waiter> {
  /** By database and key: waiters, first come first. */
  private readonly queues = new Map<number, Map<string, Set<W>>>();
  /** Keys that changed and are waited for, in the order of their change. */
  private changed = new Map<string, ChangedKey>();
  size = 0;

  /** Whether a waited-for key has changed since `take`. */
  get hasChanged(): boolean {
    return this.changed.size > 0;
  }

  add(waiter: W): void {
    let queues = this.queues.get(waiter.dbIndex);
    if (queues === undefined) {
      queues = new Map();
      this.queues.set(waiter.dbIndex, queues);
    }
    for (const key of waiter.keys) {
      const queue = queues.get(key);
      if (queue === undefined) queues.set(key, new Set([waiter]));
      else queue.add(waiter);
    }
    this.size++;
  }

  /** Forgets a waiter. O(its keys). */
  remove(waiter: W): void {
    const queues = this.queues.get(waiter.dbIndex);
    if (queues === undefined) return;
    for (const key of waiter.keys) {
      const queue = queues.get(key);
      queue?.delete(waiter);
      if (queue?.size === 0) queues.delete(key);
    }
    if (queues.size === 0) this.queues.delete(waiter.dbIndex);
    this.size--;
  }

  /** A key has changed: notes it if anybody waits for it. */
  keyChanged(dbIndex: number, buf: Uint8Array, off: number, len: number): void {
    const queues = this.queues.get(dbIndex);
    if (queues === undefined) return;
    const key = Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1');
    if (queues.has(key)) this.note(dbIndex, key);
  }

  /** A waiter wants to look at its keys again. */
  retry(waiter: W): void {
    for (const key of waiter.keys) this.note(waiter.dbIndex, key);
  }

  /** Any key of a database may have changed. */
  databaseChanged(dbIndex: number): void {
    for (const key of this.queues.get(dbIndex)?.keys() ?? []) this.note(dbIndex, key);
  }

  /** The keys that have changed since the last call, in the order of their change. */
  take(): Iterable<ChangedKey> {
    const { changed } = this;
    this.changed = new Map();
    return changed.values();
  }

  /** Who waits for a key, first come first; may be changed while it is gone through. */
  of({ dbIndex, key }: ChangedKey): Iterable<W> {
    return this.queues.get(dbIndex)?.get(key) ?? [];
  }

  private note(dbIndex: number, key: string): void {
    this.changed.set(`${dbIndex} ${key}`, { dbIndex, key });
  }
}
