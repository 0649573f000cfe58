/**
 * Clients that wait for keys: who waits for what, in which order, and which keys have changed
 * since. It knows no client; a waiter is whatever the server puts in. Costs nothing while nobody
 * waits; while somebody does, a change costs the hash of its key.
 *
 * Invariants: a waiter stands in one line for each of its keys; no line and no queue is empty; each
 * queue is in `queues` by its name and in `byHash`.
 */
import { Line, Round, type Waiter } from './waiting-lines.ts';

/** A key of a database. */
export interface WaitedKey {
  readonly dbIndex: number;
  /** Latin1 text. */
  readonly key: string;
}

/** A key that has changed. */
export interface ChangedKey extends WaitedKey {
  /** Whether somebody would take a value of this type, undefined for none. O(lines of the key). */
  isWanted(type: number | undefined): boolean;
}

/** Those who wait for one key: lines by what they want. */
class Queue implements ChangedKey {
  readonly dbIndex: number;
  readonly key: string;
  readonly hash: number;
  readonly lines = new Map<string, Line>();
  /** Whether it is among those that have changed. */
  isNoted = false;
  /** Another one whose key has the same hash. */
  next: Queue | undefined;

  constructor(dbIndex: number, key: string, hash: number, next: Queue | undefined) {
    this.dbIndex = dbIndex;
    this.key = key;
    this.hash = hash;
    this.next = next;
  }

  isWanted(type: number | undefined): boolean {
    for (const line of this.lines.values()) if (line.takes(type)) return true;
    return false;
  }

  isOf(dbIndex: number, buf: Uint8Array, off: number, len: number): boolean {
    const { key } = this;
    if (this.dbIndex !== dbIndex || key.length !== len) return false;
    for (let i = 0; i < len; i++) if (key.charCodeAt(i) !== buf[off + i]) return false;
    return true;
  }
}

export class Waiters<W extends Waiter = Waiter> {
  /** By database and key. */
  private readonly queues = new Map<number, Map<string, Queue>>();
  /** By the hashes of keys, so that a change finds its queue without making a text. */
  private readonly byHash = new Map<number, Queue>();
  /** Keys that changed and are waited for, in the order of their change. */
  private changed: Queue[] = [];
  /** What `take` returned last, to be used again. */
  private taken: Queue[] = [];
  private nextArrival = 0;
  /** No waited-for key has a longer name. Grows only, until nobody waits. */
  private longest = 0;
  private readonly hash: (buf: Uint8Array, off: number, len: number) => number;
  size = 0;

  /** `hash` is a keyed one: clients choose what they wait for. */
  constructor(hash: (buf: Uint8Array, off: number, len: number) => number) {
    this.hash = hash;
  }

  /** Whether a waited-for key has changed since `take`. */
  get hasChanged(): boolean {
    return this.changed.length > 0;
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
      const queue = queues.get(key) ?? this.addQueue(queues, waiter.dbIndex, key);
      const name = lineName(waiter, want);
      let line = queue.lines.get(name);
      if (line === undefined) {
        line = new Line(waiter);
        queue.lines.set(name, line);
      }
      waiter.places.push(line.append(waiter, arrival));
    }
    this.size++;
  }

  private addQueue(queues: Map<string, Queue>, dbIndex: number, key: string): Queue {
    if (key.length > this.longest) this.longest = key.length;
    const hash = this.hash(Buffer.from(key, 'latin1'), 0, key.length);
    const queue = new Queue(dbIndex, key, hash, this.byHash.get(hash));
    this.byHash.set(hash, queue);
    queues.set(key, queue);
    return queue;
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
      queue.lines.delete(lineName(waiter, want));
      if (queue.lines.size > 0) continue;
      queues.delete(key);
      this.removeHash(queue);
    }
    waiter.places = [];
    if (queues.size === 0) this.queues.delete(waiter.dbIndex);
    this.size--;
    if (this.size === 0) this.longest = 0;
  }

  private removeHash(queue: Queue): void {
    const { hash, next } = queue;
    let before = this.byHash.get(hash)!;
    if (before !== queue) {
      while (before.next !== queue) before = before.next!;
      before.next = next;
    } else if (next === undefined) this.byHash.delete(hash);
    else this.byHash.set(hash, next);
  }

  /** A key has changed: notes it if anybody waits for it. O(len). */
  keyChanged(dbIndex: number, buf: Uint8Array, off: number, len: number): void {
    // A name that nobody can have asked for need not be hashed: it may be huge.
    if (len > this.longest) return;
    let queue = this.byHash.get(this.hash(buf, off, len));
    while (queue !== undefined && !queue.isOf(dbIndex, buf, off, len)) queue = queue.next;
    if (queue !== undefined) this.note(queue);
  }

  /** A waiter wants to look at its keys again. */
  retry(waiter: W): void {
    const queues = this.queues.get(waiter.dbIndex);
    for (const key of waiter.wants.keys()) {
      const queue = queues?.get(key);
      if (queue !== undefined) this.note(queue);
    }
  }

  /** Any key of a database may have changed. */
  databaseChanged(dbIndex: number): void {
    for (const queue of this.queues.get(dbIndex)?.values() ?? []) this.note(queue);
  }

  /**
   * The keys that have changed since the last call, in the order of their change; good until the
   * next call.
   */
  take(): Iterable<ChangedKey> {
    const { changed, taken } = this;
    for (const queue of changed) queue.isNoted = false;
    taken.length = 0;
    this.changed = taken;
    this.taken = changed;
    return changed;
  }

  /** Goes through those who wait for a key; they may come and go meanwhile. O(lines of the key). */
  round({ dbIndex, key }: WaitedKey): Round<W> {
    return new Round<W>(this.queues.get(dbIndex)?.get(key)?.lines.values() ?? []);
  }

  /** Who will be the first of a line when this waiter, now the first of it, leaves. O(its keys). */
  successors(waiter: W): W[] {
    const found: W[] = [];
    for (const { before, after } of waiter.places) {
      if (before === undefined && after !== undefined) found.push(after.waiter as W);
    }
    return found;
  }

  private note(queue: Queue): void {
    if (queue.isNoted) return;
    queue.isNoted = true;
    this.changed.push(queue);
  }
}

/** Whoever has the same name for a key stands in the same line. */
function lineName({ type, wakesWhenGone }: Waiter, want: string): string {
  return `${type}${wakesWhenGone ? '+' : '-'}${want}`;
}
