/**
 * The patterns of a selector's rules on keys. A name is compared with those only that can begin as
 * it does, so that many rules cost little more than one.
 */
import { Pattern } from './pattern.ts';

export class PatternSet {
  /** In the order of the rules. */
  readonly list: readonly Pattern[];
  /** For each first byte of a name the place in `buckets`. */
  private readonly bucketOf = new Uint8Array(256);
  /** Patterns that begin with a byte of their own; the first bucket is of those that do not. */
  private readonly buckets: Pattern[][] = [[]];

  constructor(list: readonly Pattern[]) {
    this.list = list;
    for (const pattern of list) this.bucketFor(pattern.firstByte).push(pattern);
  }

  private bucketFor(byte: number): Pattern[] {
    const { bucketOf, buckets } = this;
    if (byte < 0) return buckets[0]!;
    if (bucketOf[byte] === 0) {
      if (buckets.length > 255) return buckets[0]!;
      bucketOf[byte] = buckets.length;
      buckets.push([]);
    }
    return buckets[bucketOf[byte]!]!;
  }

  /** The same with one more pattern; one that is there already allows more instead. O(patterns). */
  with(text: string, access: number): PatternSet {
    const known = this.list.find((each) => each.text === text);
    if (known === undefined) return new PatternSet([...this.list, new Pattern(text, access)]);
    const wider = new Pattern(text, known.access | access);
    return new PatternSet(this.list.map((each) => (each === known ? wider : each)));
  }

  /** Whether a pattern that allows this access matches a name. */
  allows(buf: Uint8Array, off: number, len: number, access: number): boolean {
    const { buckets } = this;
    if (len === 0) return anyAllows(this.list, buf, off, len, access);
    const bucket = this.bucketOf[buf[off]!]!;
    if (bucket > 0 && anyAllows(buckets[bucket]!, buf, off, len, access)) return true;
    return anyAllows(buckets[0]!, buf, off, len, access);
  }
}

function anyAllows(
  patterns: readonly Pattern[],
  buf: Uint8Array,
  off: number,
  len: number,
  access: number,
): boolean {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]!;
    if ((pattern.access & access) === access && pattern.matches(buf, off, len)) return true;
  }
  return false;
}

export const NO_PATTERNS = new PatternSet([]);
