/**
 * Patterns by what a channel must begin with to match them: a message is tried against those few
 * whose literal beginning its channel has, not against all.
 *
 * Invariants: a pattern is in exactly one bucket, that of its literal beginning; `lengths` has the
 * length of every bucket's beginning once, ascending.
 */
import { globMatch } from '../util/glob.ts';
import { Topic } from './topic.ts';

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
  private readonly buckets = new Map<string, Set<Pattern>>();
  private readonly bucketsOfLength = new Map<number, number>();
  private lengths: number[] = [];
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
    const bucket = this.buckets.get(pattern.beginning);
    if (bucket !== undefined) bucket.add(pattern);
    else {
      this.buckets.set(pattern.beginning, new Set([pattern]));
      this.countLength(pattern.beginning.length, 1);
    }
    return pattern;
  }

  remove(name: string): void {
    const pattern = this.byName.get(name)!;
    const { beginning } = pattern;
    const bucket = this.buckets.get(beginning)!;
    this.byName.delete(name);
    bucket.delete(pattern);
    if (bucket.size > 0) return;
    this.buckets.delete(beginning);
    this.countLength(beginning.length, -1);
  }

  /** The patterns that a channel matches, the oldest first. O(lengths + patterns tried). */
  matching(channel: string): readonly Pattern[] {
    let bytes: Buffer | undefined;
    let found: Pattern[] = [];
    for (const length of this.lengths) {
      if (length > channel.length) break;
      const bucket = this.buckets.get(channel.slice(0, length));
      if (bucket === undefined) continue;
      bytes ??= Buffer.from(channel, 'latin1');
      for (const pattern of bucket) if (pattern.matches(bytes)) found.push(pattern);
    }
    if (found.length > 1) found = found.sort((a, b) => a.order - b.order);
    return found;
  }

  /** One bucket more or less whose beginning has this length. */
  private countLength(length: number, change: number): void {
    const count = (this.bucketsOfLength.get(length) ?? 0) + change;
    if (count > 0) this.bucketsOfLength.set(length, count);
    else this.bucketsOfLength.delete(length);
    if (count === (change > 0 ? 1 : 0)) {
      this.lengths = [...this.bucketsOfLength.keys()].sort((a, b) => a - b);
    }
  }
}
