/**
 * The prefixes of BCAST mode: which clients want to be told of keys that begin with them, and which
 * such keys have changed in this turn of the event loop.
 *
 * Every change looks for the prefixes of its key: by length, with one hash that grows along the
 * key, so that a thousand prefixes cost no more than one.
 */
import type { ClientTracking } from './client-tracking.ts';
import { Invalidation } from './invalidation.ts';

const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

class Prefix {
  /** As latin1 text. */
  readonly text: string;
  readonly clients = new Set<ClientTracking>();
  /** Keys that have changed, with the id of the client that was the last to do it, 0 for none. */
  private changed = new Map<string, number>();
  /** These ids, and perhaps some of clients that were not the last. */
  private readonly authors = new Set<number>();

  constructor(text: string) {
    this.text = text;
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
  private readonly byHash = new Map<number, Prefix[]>();
  /** How many prefixes have each length that there is. */
  private readonly countOfLength = new Map<number, number>();
  /** These lengths in order, undefined until they are asked for. */
  private sortedLengths: readonly number[] | undefined;
  private changed = new Set<Prefix>();

  get size(): number {
    return this.byText.size;
  }

  add(text: string, tracking: ClientTracking): void {
    let prefix = this.byText.get(text);
    if (prefix === undefined) {
      prefix = new Prefix(text);
      this.byText.set(text, prefix);
      const hash = hashOf(text);
      const others = this.byHash.get(hash);
      if (others === undefined) this.byHash.set(hash, [prefix]);
      else others.push(prefix);
      this.countLength(text.length, 1);
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
    const hash = hashOf(text);
    const others = this.byHash.get(hash)!.filter((other) => other !== prefix);
    if (others.length === 0) this.byHash.delete(hash);
    else this.byHash.set(hash, others);
    this.countLength(text.length, -1);
    this.changed.delete(prefix);
  }

  /**
   * A key was changed by a client (its id, 0 for none): noted where a prefix matches; `keep` leaves
   * an earlier author standing. Returns whether it is the first such key since `send`. O(length).
   */
  note(buf: Uint8Array, off: number, len: number, author: number, keep: boolean): boolean {
    const { changed } = this;
    const before = changed.size;
    let key: string | undefined;
    let hash = HASH_START;
    let at = 0;
    for (const length of this.lengths) {
      if (length > len) break;
      for (; at < length; at++) hash = Math.imul(hash ^ buf[off + at]!, HASH_FACTOR);
      const prefixes = this.byHash.get(hash);
      if (prefixes === undefined) continue;
      key ??= Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1');
      for (const prefix of prefixes) {
        if (prefix.text.length !== length || !key.startsWith(prefix.text)) continue;
        changed.add(prefix);
        prefix.note(key, author, keep);
      }
    }
    return before === 0 && changed.size > 0;
  }

  /** Tells of all keys that have changed since the last time, in the order of prefixes and keys. */
  send(send: (tracking: ClientTracking, message: Invalidation) => void): void {
    const changed = [...this.changed].sort((a, b) => (a.text < b.text ? -1 : 1));
    this.changed = new Set();
    for (const prefix of changed) prefix.send(send);
  }

  private get lengths(): readonly number[] {
    this.sortedLengths ??= [...this.countOfLength.keys()].sort((a, b) => a - b);
    return this.sortedLengths;
  }

  /** One prefix more or less has this length. */
  private countLength(length: number, change: 1 | -1): void {
    const before = this.countOfLength.get(length) ?? 0;
    const count = before + change;
    if (count > 0) this.countOfLength.set(length, count);
    else this.countOfLength.delete(length);
    if (before === 0 || count === 0) this.sortedLengths = undefined;
  }
}

function hashOf(text: string): number {
  let hash = HASH_START;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), HASH_FACTOR);
  return hash;
}
