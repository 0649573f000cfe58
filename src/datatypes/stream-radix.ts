/**
 * How many nodes Redis's radix tree would have for a stream's nodes: XINFO STREAM reports it. The
 * keys are ids of 16 bytes, big end first, added in ascending order. A tree node is a leaf, a place
 * where keys part, or a run of bytes between two such places.
 */
const KEY_BYTES = 16;
const WORDS = 4;

export class RadixTreeCount {
  /** Keys added. */
  keys = 0;
  private nodes = 0;
  private readonly before = new Int32Array(WORDS);
  /** Depths at which keys part on the way to the last key, from the top. */
  private readonly partings: number[] = [];
  private commonBefore = -1;

  /** Adds the key that is in four words of an array. Amortised O(1). */
  add(words: Int32Array, at: number): void {
    if (this.keys > 0) this.part(this.commonBytes(words, at));
    for (let i = 0; i < WORDS; i++) this.before[i] = words[at + i]!;
    this.keys++;
  }

  /** Forgets all keys. */
  clear(): void {
    this.keys = 0;
    this.nodes = 0;
    this.partings.length = 0;
    this.commonBefore = -1;
  }

  /** The number of nodes for the keys added so far. */
  total(): number {
    const { keys, nodes, partings, commonBefore } = this;
    if (keys === 0) return 1;
    let total = nodes + 1 + run(commonBefore, KEY_BYTES);
    for (let i = 0; i < partings.length; i++) {
      total += 1 + run(i > 0 ? partings[i - 1]! : -1, partings[i]!);
    }
    return total;
  }

  /** The last key shares `common` bytes with the next one: counts what lies below that place. */
  private part(common: number): void {
    const { partings } = this;
    this.nodes += 1 + run(Math.max(common, this.commonBefore), KEY_BYTES);
    while (partings.length > 0 && partings[partings.length - 1]! > common) {
      const depth = partings.pop()!;
      const above = partings.length > 0 ? partings[partings.length - 1]! : -1;
      this.nodes += 1 + run(Math.max(above, common), depth);
    }
    if (common >= 0 && partings[partings.length - 1] !== common) partings.push(common);
    this.commonBefore = common;
  }

  private commonBytes(words: Int32Array, at: number): number {
    for (let i = 0; i < WORDS; i++) {
      const different = words[at + i]! ^ this.before[i]!;
      if (different !== 0) return i * 4 + (Math.clz32(different) >> 3);
    }
    return KEY_BYTES;
  }
}

/** One node when there are bytes between the place above, which takes one itself, and `depth`. */
function run(above: number, depth: number): number {
  return depth - above - 1 > 0 ? 1 : 0;
}
