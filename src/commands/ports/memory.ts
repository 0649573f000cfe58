/**
 * What the server tells of its memory beyond INFO. `src/server/memory-reports.ts` implements it.
 */

/** Bytes of one database's tables. */
export interface DatabaseMemory {
  readonly index: number;
  /** The table of keys, without the keys. */
  readonly keys: number;
  /** The index of times to live. */
  readonly expires: number;
}

/** What MEMORY STATS tells; bytes, but for ratios and percentages. */
export interface MemoryStats {
  /** Whole numbers up to `overhead.total`, in the order of the reply. */
  readonly parts: readonly (readonly [name: string, bytes: number])[];
  /** Databases with keys. */
  readonly databases: readonly DatabaseMemory[];
  readonly rest: readonly (readonly [name: string, value: number, isRatio: boolean])[];
}

export interface MemoryPort {
  stats(): MemoryStats;
  /** What is wrong with the memory, and what to do about it: a text for people. */
  diagnosis(): string;
  /** What the allocator holds, by size: a text for people. O(segments). */
  allocatorText(): string;
  /** Gives all unused memory back to the system now. Takes some milliseconds. */
  purge(): void;
}
