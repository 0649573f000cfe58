/**
 * Patterns by what a channel must begin with to match them: a message is tried against those few
 * whose literal beginning its channel has, not against all.
 *
 * Invariants: a pattern is in exactly one bucket, that of the hash of its literal beginning; one
 * hash grows along the channel, so that a thousand lengths of beginnings cost no more than one.
 */
import { globMatch } from '../util/glob.ts';
import { Topic } from './topic.ts';

const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

export class Pattern extends Topic {
  /** Patterns are served in the order in which they were first asked for. */
  readonly order: number;
  /** What comes before the first special character. */
  readonly beginning: string;
  private readonly bytes: Buffer;

  constructor(name: string, order: number) {
    super(name);
    this.order = order;
    this.beginning = /^[^*?[\\]*/.exec(name)![0];
    this.bytes = Buffer.from(name, 'latin1');
  }

  matches(channel: Buffer): boolean {
    const { bytes } = this;
    return globMatch(bytes, 0, bytes.length, channel, 0, channel.length, false);
  }
}

export class Patterns {
  private readonly byName = new Map<string, Pattern>();
  private readonly buckets = new Map<number, Set<Pattern>>();
  /** How many patterns have a beginning of each length that there is. */
  private readonly countOfLength = new Map<number, number>();
  /** These lengths in order, undefined until they are asked for. */
  private sortedLengths: readonly number[] | undefined;
  private nextOrder = 0;

  get size(): number {
    return this.byName.size;
  }

  names(): IterableIterator<string> {
    return this.byName.keys();
  }

  get(name: string): Pattern | undefined {
    return this.byName.get(name);
  }

  /** Adds a pattern, which must be absent. */
  add(name: string): Pattern {
    const pattern = new Pattern(name, this.nextOrder++);
    this.byName.set(name, pattern);
    const hash = hashOf(pattern.beginning);
    const bucket = this.buckets.get(hash);
    if (bucket !== undefined) bucket.add(pattern);
    else this.buckets.set(hash, new Set([pattern]));
    this.countLength(pattern.beginning.length, 1);
    return pattern;
  }

  remove(name: string): void {
    const pattern = this.byName.get(name)!;
    const hash = hashOf(pattern.beginning);
    const bucket = this.buckets.get(hash)!;
    this.byName.delete(name);
    bucket.delete(pattern);
    if (bucket.size === 0) this.buckets.delete(hash);
    this.countLength(pattern.beginning.length, -1);
  }

  /** The patterns that a channel matches, the oldest first. O(length + patterns tried). */
  matching(channel: string): readonly Pattern[] {
    let bytes: Buffer | undefined;
    let found: Pattern[] = [];
    let hash = HASH_START;
    let at = 0;
    for (const length of this.lengths) {
      if (length > channel.length) break;
      for (; at < length; at++) hash = Math.imul(hash ^ channel.charCodeAt(at), HASH_FACTOR);
      const bucket = this.buckets.get(hash);
      if (bucket === undefined) continue;
      bytes ??= Buffer.from(channel, 'latin1');
      for (const pattern of bucket) {
        if (pattern.beginning.length === length && pattern.matches(bytes)) found.push(pattern);
      }
    }
    if (found.length > 1) found = found.sort((a, b) => a.order - b.order);
    return found;
  }

  private get lengths(): readonly number[] {
    this.sortedLengths ??= [...this.countOfLength.keys()].sort((a, b) => a - b);
    return this.sortedLengths;
  }

  /** One pattern more or less has a beginning of this length. */
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
