/**
 * Things by a text with which other texts begin: finds those whose text is a beginning of a given
 * one without trying all. One hash grows along the given text and stops at each length there is, so
 * that a thousand beginnings cost no more than one.
 *
 * Invariants: a thing is in the bucket of its beginning's hash; `lengths`, while it is known, is
 * what `countOfLength` has, in order.
 */

/** FNV-1a, 32 bits. */
const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

/** Something found by a beginning, as latin1 text. */
export interface Beginning {
  readonly beginning: string;
}

export class PrefixIndex<T extends Beginning> {
  private readonly buckets = new Map<number, Set<T>>();
  /** How many things have a beginning of each length that there is. */
  private readonly countOfLength = new Map<number, number>();
  /** These lengths in order, undefined until they are asked for. */
  private sortedLengths: readonly number[] | undefined;

  /** O(length). */
  add(thing: T): void {
    const hash = hashOf(thing.beginning);
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) this.buckets.set(hash, new Set([thing]));
    else bucket.add(thing);
    this.countLength(thing.beginning.length, 1);
  }

  /** Takes out a thing that is there. O(length). */
  remove(thing: T): void {
    const hash = hashOf(thing.beginning);
    const bucket = this.buckets.get(hash)!;
    bucket.delete(thing);
    if (bucket.size === 0) this.buckets.delete(hash);
    this.countLength(thing.beginning.length, -1);
  }

  /**
   * Calls `found` for all things whose beginning a text has, shorter beginnings first. It must
   * not add or remove any. O(length + things tried).
   */
  forEach(buf: Uint8Array, off: number, len: number, found: (thing: T) => void): void {
    let hash = HASH_START;
    let at = 0;
    for (const length of this.lengths) {
      if (length > len) return;
      for (; at < length; at++) hash = Math.imul(hash ^ buf[off + at]!, HASH_FACTOR);
      const bucket = this.buckets.get(hash);
      if (bucket === undefined) continue;
      for (const thing of bucket) {
        if (thing.beginning.length === length && begins(thing.beginning, buf, off)) found(thing);
      }
    }
  }

  private get lengths(): readonly number[] {
    this.sortedLengths ??= [...this.countOfLength.keys()].sort((a, b) => a - b);
    return this.sortedLengths;
  }

  /** One thing more or less has a beginning of this length. */
  private countLength(length: number, change: 1 | -1): void {
    const before = this.countOfLength.get(length) ?? 0;
    const count = before + change;
    if (count > 0) this.countOfLength.set(length, count);
    else this.countOfLength.delete(length);
    if (before === 0 || count === 0) this.sortedLengths = undefined;
  }
}

function begins(beginning: string, buf: Uint8Array, off: number): boolean {
  for (let i = 0; i < beginning.length; i++) {
    if (beginning.charCodeAt(i) !== buf[off + i]) return false;
  }
  return true;
}

function hashOf(text: string): number {
  let hash = HASH_START;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), HASH_FACTOR);
  return hash;
}
