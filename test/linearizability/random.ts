/** Random numbers that a seed repeats (xorshift, Marsaglia 2003). */

export class Random {
  private state: number;

  constructor(seed: number) {
    // Spreads neighbouring seeds; zero would stay zero.
    this.state = Math.imul(seed + 1, 0x9e3779b1) || 1;
    for (let i = 0; i < 8; i++) this.below(1);
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  /** True once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
