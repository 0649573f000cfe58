/**
 * What an arena is to those who work with it: all data of the store as bytes in segments, and how a
 * block is named, read, written, taken and given back. Two classes are arenas: `HeapArena`, the
 * writable one, and `FrozenArena`, a snapshot as another thread sees it. A thread uses one of them
 * only, so that the call sites of its hot loops see one class.
 *
 *     ref (int32)  =  segment number (17 bits)  |  8-byte granule (15 bits);  0 is "none"
 *     segment      =  ref >>> 15
 *     byte         =  (ref & 0x7fff) << 3      int32 index = (ref & 0x7fff) << 1
 *
 * `touch(ref)` must precede every write into a block that was not allocated just now: it gives the
 * writer a copy of the segment when a snapshot needs the original. So never keep `u8[segment]`
 * across touch, alloc or free.
 */

/** An int32 that names a block; 0 is none. */
export type Ref = number;

/** Bytes of an ordinary segment: what 15 bits of granules reach. */
export const SEGMENT_BYTES = 256 * 1024;
export const SEGMENT_SHIFT = 15;
export const GRANULE_MASK = 0x7fff;
/** Segment numbers are 17 bits: 32 GiB in ordinary segments. */
export const SEGMENTS_MAX = 1 << 17;
/** The largest block that shares a segment. */
export const BLOCK_MAX = 64 * 1024;

/** What a number without a segment shows. */
export const NO_BYTES = new Uint8Array(0);
export const NO_WORDS = new Int32Array(0);
export const NO_FLOATS = new Float64Array(0);

export interface Arena {
  /** Views of the segments by number; of length 0 where no segment is. */
  readonly u8: readonly Uint8Array[];
  readonly i32: readonly Int32Array[];
  readonly f64: readonly Float64Array[];
  /** Counts touches, modulo 2^32: tells whether anything was written in between. */
  writes: number;

  /** Int32 number `i` of a block. O(1). */
  word(ref: Ref, i: number): number;
  /** Sets int32 number `i` of a block, which was touched. O(1). */
  setWord(ref: Ref, i: number, value: number): void;
  /** Float64 number `i` of a block. O(1). */
  float(ref: Ref, i: number): number;
  /** Sets float64 number `i` of a block, which was touched. O(1). */
  setFloat(ref: Ref, i: number, value: number): void;
  /** Bytes that a block can hold. O(1). */
  capacity(ref: Ref): number;

  /**
   * A block of at least `bytes` bytes, contents undefined, ready to be written. Throws
   * ArenaFullError, and nothing has changed. O(1).
   */
  alloc(bytes: number): Ref;
  /**
   * Throws ArenaFullError when blocks of `bytes` bytes in all would go past the limit: for work
   * that must not stop half done. It reserves nothing. O(1).
   */
  requireRoom(bytes: number): void;
  /** Gives a block back. O(1). */
  free(ref: Ref): void;
  /**
   * A block that holds `bytes` bytes and the first `used` bytes of `ref`: the same block when it
   * fits and is not more than twice too large, else a new one (the old one is freed). Large
   * blocks grow with headroom, so repeated appends cost amortised O(1) a byte.
   */
  realloc(ref: Ref, used: number, bytes: number): Ref;
  /** Whether the owner of a block should move it (`relocate`) to save memory. O(1). */
  shouldMove(ref: Ref): boolean;
  /** Moves a block to another place; whoever refers to it must be told. O(capacity). */
  relocate(ref: Ref): Ref;
  /** Must precede a write into a block. Almost free unless a snapshot needs the segment. */
  touch(ref: Ref): void;
  /**
   * A zeroed int32 table of `bytes` bytes, a power of two. Element i is at granule
   * `table + (i >>> 1)`, word `i & 1` of it. A large one costs memory only where it is touched.
   */
  allocTable(bytes: number): Ref;
  /** Gives a table of `bytes` bytes back. O(segments of the table). */
  freeTable(ref: Ref, bytes: number): void;
}

/** Thrown when the address space or the configured limit is used up; nothing has changed. */
export class ArenaFullError extends Error {
  constructor(bytes: number) {
    super(`the arena is full: no room for ${bytes} bytes`);
  }
}

/** Classes of segments that are no size class of small blocks. */
export const CLASS_NONE = -1;
/** A segment that one block owns. */
export const CLASS_OWN = -2;
/** A segment of a table run. */
export const CLASS_TABLE = -3;

/** Block sizes: steps of 8 to 64, then eight steps to each doubling (at most 12.5 % is lost). */
export const classSizes: readonly number[] = makeClassSizes();
/** Class of a size in granules. */
export const classOfGranules: Uint8Array = makeClassIndex();

function makeClassSizes(): number[] {
  const sizes: number[] = [];
  for (let size = 16; size <= 64; size += 8) sizes.push(size);
  for (let base = 64; base < BLOCK_MAX; base *= 2) {
    for (let k = 1; k <= 8; k++) {
      const size = base + (base / 8) * k;
      if (size % 8 === 0) sizes.push(size);
    }
  }
  return sizes;
}

function makeClassIndex(): Uint8Array {
  const index = new Uint8Array((BLOCK_MAX >> 3) + 1);
  // Runs, not one by one: a loop of 8000 rounds would start V8's optimising compiler, and its code
  // would stay resident (3.5 MB of an idle server).
  let from = 0;
  for (const [c, size] of classSizes.entries()) {
    index.fill(c, from, (size >> 3) + 1);
    from = (size >> 3) + 1;
  }
  return index;
}
