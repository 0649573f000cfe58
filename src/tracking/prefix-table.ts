/**
 * The prefixes of BCAST mode: which clients want to be told of keys that begin with them, and which
 * such keys have changed in this turn of the event loop.
 */
import { EMPTY_BYTES } from '../util/bytes.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { latin1 } from '../util/latin1.ts';
import { type Beginning, PrefixIndex } from '../util/prefix-index.ts';
import { type ClientTracking, prefixCost } from './client-tracking.ts';
import { Invalidation } from './invalidation.ts';

class Prefix implements Beginning {
  /** As latin1 text. */
  readonly beginning: string;
  readonly clients = new Set<ClientTracking>();
  /** Keys that have changed, with the id of the client that was the last to do it, 0 for none. */
  private changed = new Map<string, number>();
  /** These ids, and perhaps some of clients that were not the last. */
  private readonly authors = new Set<number>();

  constructor(text: string) {
    this.beginning = text;
  }

  note(key: string, author: number, keep: boolean): void {
    if (keep && this.changed.has(key)) return;
    this.changed.set(key, author);
    this.authors.add(author);
  }

  /** Tells of the keys that have changed and forgets them. */
  send(send: (tracking: ClientTracking, message: Invalidation) => void): void {
    const all = this.message(0);
    for (const tracking of this.clients) {
      const { id } = tracking.client;
      const message = tracking.noLoop && this.authors.has(id) ? this.message(id) : all;
      if (message !== undefined) send(tracking, message);
    }
    this.changed = new Map();
    this.authors.clear();
  }

  /** The keys in order, without those that a client (0 for none) has changed itself. */
  private message(without: number): Invalidation | undefined {
    const keys: string[] = [];
    for (const [key, author] of this.changed)
      if (without === 0 || author !== without) keys.push(key);
    return keys.length === 0 ? undefined : Invalidation.of(keys.sort());
  }
}

export class PrefixTable {
  private readonly byText = new Map<string, Prefix>();
  private readonly index = new PrefixIndex<Prefix>();
  private changed = new Set<Prefix>();
  /** The change that is being noted; the key as text once a prefix has matched. */
  private key: string | undefined;
  private buf: Uint8Array = EMPTY_BYTES;
  private off = 0;
  private len = 0;
  private author = 0;
  private keep = false;
  private readonly noteAt: (prefix: Prefix) => void;

  constructor() {
    // One function for all changes: a change must not cost an object.
    this.noteAt = (prefix) => {
      this.key ??= latin1(this.buf, this.off, this.len);
      this.changed.add(prefix);
      prefix.note(this.key, this.author, this.keep);
    };
  }

  get size(): number {
    return this.byText.size;
  }

  add(text: string, tracking: ClientTracking): void {
    let prefix = this.byText.get(text);
    if (prefix === undefined) {
      prefix = new Prefix(text);
      this.byText.set(text, prefix);
      this.index.add(prefix);
      this.count(prefixCost(text.length));
    }
    prefix.clients.add(tracking);
  }

  /** A prefix goes with its last client, and with it what that was not told yet. */
  remove(text: string, tracking: ClientTracking): void {
    const prefix = this.byText.get(text);
    if (prefix === undefined) return;
    prefix.clients.delete(tracking);
    if (prefix.clients.size > 0) return;
    this.byText.delete(text);
    this.index.remove(prefix);
    this.changed.delete(prefix);
    this.count(-prefixCost(text.length));
  }

  private count(bytes: number): void {
    heapGuard.count('tracking prefixes', bytes);
  }

  /**
   * A key was changed by a client (its id, 0 for none): noted where a prefix matches; `keep` leaves
   * an earlier author standing. Returns whether it is the first such key since `send`. O(length).
   */
  note(buf: Uint8Array, off: number, len: number, author: number, keep: boolean): boolean {
    const before = this.changed.size;
    this.buf = buf;
    this.off = off;
    this.len = len;
    this.author = author;
    this.keep = keep;
    this.key = undefined;
    this.index.forEach(buf, off, len, this.noteAt);
    this.buf = EMPTY_BYTES;
    return before === 0 && this.changed.size > 0;
  }

  /** Tells of all keys that have changed since the last time, in the order of prefixes and keys. */
  send(send: (tracking: ClientTracking, message: Invalidation) => void): void {
    const changed = [...this.changed].sort((a, b) => (a.beginning < b.beginning ? -1 : 1));
    this.changed = new Set();
    for (const prefix of changed) prefix.send(send);
  }
}
