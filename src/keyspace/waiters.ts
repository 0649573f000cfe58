/**
 * Clients that wait for keys: who waits for what, in which order, and which keys have changed
 * since. It knows no client; a waiter is whatever the server puts in. Costs nothing while nobody
 * waits.
 *
 * Invariants: a waiter stands in one line for each of its keys; no line is empty.
 */
import { latin1 } from '../util/latin1.ts';
import { Line, Round, type Waiter } from './waiting-lines.ts';

/** A key that has changed. */
export interface ChangedKey {
  readonly dbIndex: number;
  readonly key: string;
}

/** Those who wait for one key: lines by what they want. */
type Queue = Map<string, Line>;

export class Waiters<W extends Waiter = Waiter> {
  /** By database and key. */
  private readonly queues = new Map<number, Map<string, Queue>>();
  /** Keys that changed and are waited for, in the order of their change. */
  private changed = new Map<string, ChangedKey>();
  private nextArrival = 0;
  /** No waited-for key has a longer name. Grows only, until nobody waits. */
  private longest = 0;
  size = 0;

  /** Whether a waited-for key has changed since `take`. */
  get hasChanged(): boolean {
    return this.changed.size > 0;
  }

  /** A waiter comes: the last one for each of its keys. O(its keys). */
  add(waiter: W): void {
    const arrival = this.nextArrival++;
    let queues = this.queues.get(waiter.dbIndex);
    if (queues === undefined) {
      queues = new Map();
      this.queues.set(waiter.dbIndex, queues);
    }
    for (const [key, want] of waiter.wants) {
      if (key.length > this.longest) this.longest = key.length;
      let queue = queues.get(key);
      if (queue === undefined) {
        queue = new Map();
        queues.set(key, queue);
      }
      const name = lineName(waiter, want);
      let line = queue.get(name);
      if (line === undefined) {
        line = new Line(waiter);
        queue.set(name, line);
      }
      waiter.places.push(line.append(waiter, arrival));
    }
    this.size++;
  }

  /** Forgets a waiter. O(its keys). */
  remove(waiter: W): void {
    const queues = this.queues.get(waiter.dbIndex);
    if (queues === undefined || waiter.places.length === 0) return;
    for (const place of waiter.places) place.line.remove(place);
    let i = 0;
    for (const [key, want] of waiter.wants) {
      if (waiter.places[i++]!.line.first !== undefined) continue;
      const queue = queues.get(key)!;
      queue.delete(lineName(waiter, want));
      if (queue.size === 0) queues.delete(key);
    }
    waiter.places = [];
    if (queues.size === 0) this.queues.delete(waiter.dbIndex);
    this.size--;
    if (this.size === 0) this.longest = 0;
  }

  /** A key has changed: notes it if anybody waits for it. */
  keyChanged(dbIndex: number, buf: Uint8Array, off: number, len: number): void {
    const queues = this.queues.get(dbIndex);
    // A name that nobody can have asked for need not become a text: it may be huge.
    if (queues === undefined || len > this.longest) return;
    const key = latin1(buf, off, len);
    if (queues.has(key)) this.note(dbIndex, key);
  }

  /** A waiter wants to look at its keys again. */
  retry(waiter: W): void {
    for (const key of waiter.wants.keys()) this.note(waiter.dbIndex, key);
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

  /** Goes through those who wait for a key; they may come and go meanwhile. O(lines of the key). */
  round({ dbIndex, key }: ChangedKey): Round<W> {
    return new Round<W>(this.queues.get(dbIndex)?.get(key)?.values() ?? []);
  }

  /** Who will be the first of a line when this waiter, now the first of it, leaves. O(its keys). */
  successors(waiter: W): W[] {
    const found: W[] = [];
    for (const { before, after } of waiter.places) {
      if (before === undefined && after !== undefined) found.push(after.waiter as W);
    }
    return found;
  }

  private note(dbIndex: number, key: string): void {
    this.changed.set(`${dbIndex} ${key}`, { dbIndex, key });
  }
}

/** Whoever has the same name for a key stands in the same line. */
function lineName({ type, wakesWhenGone }: Waiter, want: string): string {
  return `${type}${wakesWhenGone ? '+' : '-'}${want}`;
}
