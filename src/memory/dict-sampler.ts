/**
 * Takes entries of dicts by chance, for whoever compares a few of very many: all entries of some
 * runs of neighbouring buckets. Every run is equally likely and none of its entries is left out, so
 * each entry is taken equally often, however long its chain is. The buckets of a run share a cache
 * line, and the loads of all entries overlap: twenty cost little more than one.
 */
import type { Arena, Ref } from './arena.ts';

/** Words of a dict's root (`dict.ts`). */
const TABLE = 0;
const BITS = 1;
const SECOND = 3;
/** Buckets of a run; small tables are one run. */
const RUN_BITS = 3;
/** Runs of a sample: at load 1 they have 32 entries. */
export const SAMPLE_RUNS = 4;
/** Entries of a sample; if ever there are more, the last ones are left out. */
const SAMPLE_MAX = 128;

export class DictSampler {
  /** The entries taken are `entries[0 .. count)`. */
  readonly entries = new Int32Array(SAMPLE_MAX);
  /** Their words that belong to the owner (`ENTRY_INFO`), after `load`. */
  readonly infos = new Int32Array(SAMPLE_MAX);
  /** What was said of the run they came from. */
  readonly owners = new Int32Array(SAMPLE_MAX);
  count = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Number of runs of a dict, those that are empty included. O(1). */
  runs(root: Ref): number {
    const first = runsOf(this.word(root, BITS));
    return this.word(root, SECOND) === 0 ? first : first + runsOf(this.word(root, SECOND + BITS));
  }

  /** Begins a sample of at most SAMPLE_RUNS runs. */
  begin(): void {
    this.count = 0;
  }

  /** Adds run `run` of a dict, 0 <= run < `runs`, to the sample. O(1). */
  add(root: Ref, run: number, owner: number): void {
    const first = runsOf(this.word(root, BITS));
    const side = run < first ? TABLE : SECOND;
    const { i32 } = this.arena;
    const { entries, owners } = this;
    const table = this.word(root, side);
    const from = (run < first ? run : run - first) << RUN_BITS;
    const end = from + Math.min(1 << RUN_BITS, 1 << this.word(root, side + BITS));
    let count = this.count;
    for (let b = from; b < end; b++) {
      const g = (table + (b >>> 1)) | 0;
      const head = i32[g >>> 15]![((g & 0x7fff) << 1) | (b & 1)]!;
      if (head === 0) continue;
      owners[count] = owner;
      entries[count++] = head;
    }
    this.count = count;
  }

  /** Reads the entries of the runs that were added. O(entries). */
  load(): void {
    const { i32 } = this.arena;
    const { entries, infos, owners } = this;
    let count = this.count;
    for (let i = 0; i < count; i++) {
      const entry = entries[i]!;
      const words = i32[entry >>> 15]!;
      const at = (entry & 0x7fff) << 1;
      infos[i] = words[at + 1]!;
      if (words[at] !== 0 && count < SAMPLE_MAX) {
        owners[count] = owners[i]!;
        entries[count++] = words[at]!;
      }
    }
    this.count = count;
  }

  private word(root: Ref, i: number): number {
    return this.arena.i32[root >>> 15]![((root & 0x7fff) << 1) + i]!;
  }
}

function runsOf(bits: number): number {
  return 1 << Math.max(0, bits - RUN_BITS);
}
