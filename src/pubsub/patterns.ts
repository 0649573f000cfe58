/**
 * Patterns by their literal beginnings: a message is compared with those few patterns whose
 * beginning its channel has, not with all.
 */
import { globMatch } from '../util/glob.ts';
import { type Beginning, PrefixIndex } from '../util/prefix-index.ts';
import { Topic } from './topic.ts';

export class Pattern extends Topic implements Beginning {
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
  private readonly index = new PrefixIndex<Pattern>();
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
    this.index.add(pattern);
    return pattern;
  }

  remove(name: string): void {
    this.index.remove(this.byName.get(name)!);
    this.byName.delete(name);
  }

  /** The patterns that a channel matches, the oldest first. O(length + patterns tried). */
  matching(channel: string): readonly Pattern[] {
    const bytes = Buffer.from(channel, 'latin1');
    const found: Pattern[] = [];
    this.index.forEach(bytes, 0, bytes.length, (pattern) => {
      if (pattern.matches(bytes)) found.push(pattern);
    });
    return found.length > 1 ? found.sort((a, b) => a.order - b.order) : found;
  }
}
