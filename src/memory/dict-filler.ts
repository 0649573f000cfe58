/**
 * Puts many entries into a dict: links them in batches, so that the cache misses of a batch overlap
 * where one insertion after the other would wait for each. A third of the time with a million
 * entries.
 */
import type { Arena, Ref } from './arena.ts';
import type { Dict } from './dict.ts';

const BATCH = 64;
const HEADER = 12;
const EXTENDED_HEADER = 24;
const KEY_LENGTH = 0x3fffffff;

export class DictFiller {
  private readonly arena: Arena;
  private readonly dict: Dict;
  private readonly roots = new Int32Array(1);
  private readonly entries = new Int32Array(BATCH);
  private readonly hashes = new Int32Array(BATCH);
  private readonly scratch = new Int32Array(BATCH);
  private waiting = 0;

  constructor(arena: Arena, dict: Dict) {
    this.arena = arena;
    this.dict = dict;
  }

  /** The dict that is filled from now on; what waited for another one is forgotten. */
  begin(root: Ref): void {
    this.roots[0] = root;
    this.waiting = 0;
  }

  /**
   * Adds an entry, now or with the next ones. False when a key of the batch was there already; its
   * second entry was freed.
   */
  add(entry: Ref): boolean {
    this.entries[this.waiting] = entry;
    this.hashes[this.waiting] = this.dict.hashOfEntry(entry);
    return ++this.waiting < BATCH || this.flush();
  }

  /** Links what waits; false as in `add`. */
  flush(): boolean {
    const { dict, entries, hashes, roots } = this;
    const count = this.waiting;
    const root = roots[0]!;
    this.waiting = 0;
    dict.prefetch(roots, true, hashes, count, this.scratch);
    let distinct = true;
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      if (this.isIn(root, hashes[i]!, entry)) {
        this.arena.free(entry);
        distinct = false;
      } else dict.insert(root, hashes[i]!, entry);
    }
    return distinct;
  }

  /** Frees what waits. */
  discard(): void {
    for (let i = 0; i < this.waiting; i++) this.arena.free(this.entries[i]!);
    this.waiting = 0;
  }

  private isIn(root: Ref, hash: number, entry: Ref): boolean {
    const at = (entry & 0x7fff) << 3;
    const keyWord = this.arena.i32[entry >>> 15]![(at >> 2) + 2]!;
    const key = at + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
    return (
      this.dict.find(root, hash, this.arena.u8[entry >>> 15]!, key, keyWord & KEY_LENGTH) !== 0
    );
  }
}
