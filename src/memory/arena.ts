/**
 * The arena: all data of the store as bytes in segments of 256 KiB over SharedArrayBuffer.
 *
 *     ref (int32)  =  segment number (17 bits)  |  8-byte granule (15 bits);  0 is "none"
 *     segment      =  ref >>> 15
 *     byte         =  (ref & 0x7fff) << 3      int32 index = (ref & 0x7fff) << 1
 *
 * An ordinary segment is dedicated to one size class and carries a free list, a bump pointer and a
 * count of live blocks; when the last block goes, the segment returns to the pool. A larger block
 * has a segment of its own. A large hash table is a run of consecutive segment numbers over one
 * buffer of its own, whose pages cost nothing before they are used.
 *
 * Copy-on-write: `snapshot()` starts a new epoch. `touch(ref)` must precede every write into a
 * block that was not allocated just now: the first touch of a segment in an epoch swaps a copy in and
 * leaves the original to the snapshots. So never keep `u8[segment]` across touch, alloc or free.
 *
 * It must never allocate what is merely announced, and never move a live block on its own.
 */

/** An int32 that names a block; 0 is none. */
export type Ref = number;

export const SEGMENT_BYTES = 256 * 1024;
const SEGMENT_SHIFT = 15;
const GRANULE_MASK = 0x7fff;
/** Segment numbers are 17 bits: 32 GiB in ordinary segments. */
const SEGMENTS_MAX = 1 << 17;
/** The largest block that shares a segment. */
export const BLOCK_MAX = 64 * 1024;
/** Free buffers kept for reuse: 16 MiB. */
const POOL_MAX = 64;
const PAGE = 4096;

/** What a number without a segment shows. */
const NO_BYTES = new Uint8Array(0);

const CLASS_NONE = -1;
/** A segment that one block owns. */
const CLASS_OWN = -2;
/** A segment of a table run. */
const CLASS_TABLE = -3;

/** Thrown when the address space or the configured limit is used up; nothing has changed. */
export class ArenaFullError extends Error {
  constructor(bytes: number) {
    super(`the arena is full: no room for ${bytes} bytes`);
  }
}

/** Block sizes: steps of 8 to 64, then eight steps to each doubling (at most 12.5 % is lost). */
const classSizes: readonly number[] = makeClassSizes();
/** Class of a size in granules. */
const classOfGranules: Uint8Array = makeClassIndex();

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
  let c = 0;
  for (let g = 0; g < index.length; g++) {
    while (classSizes[c]! < g << 3) c++;
    index[g] = c;
  }
  return index;
}

/** What a snapshot holds: the segments as they were when it was taken. */
export class Snapshot {
  /** Bytes by segment number, views of shared buffers; of length 0 where no segment was. */
  readonly segments: readonly Uint8Array[];
  private readonly arena: Arena;
  private released = false;

  constructor(arena: Arena, segments: readonly Uint8Array[]) {
    this.arena = arena;
    this.segments = segments;
  }

  /** Gives the originals back. Idempotent. */
  release(): void {
    if (this.released) return;
    this.released = true;
    this.arena.snapshotReleased();
  }
}

export class Arena {
  readonly u8: Uint8Array[] = [];
  readonly i32: Int32Array[] = [];
  readonly f64: Float64Array[] = [];
  /** Exact: class sizes of live blocks, own segments, tables. */
  usedBytes = 0;
  /** Bytes of all buffers held, the pool included. */
  reservedBytes = 0;
  snapshotsAlive = 0;
  /** Counts touches, modulo 2^32: tells whether anything was written in between. */
  writes = 0;
  private epoch = 1;
  private segmentEpoch = new Int32Array(64);
  private segmentClass = new Int16Array(64);
  /** Bytes of an own segment in use for its block. */
  private liveBlocks = new Int32Array(64);
  /** First free block's granule + 1 (0: none). */
  private freeHead = new Int32Array(64);
  /** Next never used byte. */
  private bump = new Int32Array(64);
  /** Doubly linked list of a class's segments with room. */
  private nextRoom = new Int32Array(64);
  private previousRoom = new Int32Array(64);
  private readonly roomHead = new Int32Array(classSizes.length).fill(-1);
  private readonly freeNumbers: number[] = [];
  private readonly pool: SharedArrayBuffer[] = [];
  /** Buffers that a living snapshot may still read; back to the pool with the last one. */
  private retired: SharedArrayBuffer[] = [];
  private readonly bytesMax: number;

  /** `bytesMax` limits usedBytes; by default only the address space does. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.bytesMax = bytesMax;
    this.setSegment(0, NO_BYTES); // so that ref 0 is never a block
  }

  // ---- blocks ------------------------------------------------------------------------------

  /**
   * A block of at least `bytes` bytes, contents undefined, ready to be written. Throws
   * ArenaFullError. O(1).
   */
  alloc(bytes: number): Ref {
    if (bytes > BLOCK_MAX) return this.allocOwn(bytes);
    const c = classOfGranules[(bytes + 7) >>> 3]!;
    let segment = this.roomHead[c]!;
    if (segment < 0) segment = this.openSegment(c);
    const size = classSizes[c]!;
    let granule = this.freeHead[segment]!;
    if (granule !== 0) {
      granule--;
      if (this.segmentEpoch[segment] !== this.epoch) this.copySegment(segment);
      this.freeHead[segment] = this.i32[segment]![granule << 1]!;
    } else {
      if (this.segmentEpoch[segment] !== this.epoch) this.copySegment(segment);
      const at = this.bump[segment]!;
      granule = at >>> 3;
      this.bump[segment] = at + size;
    }
    this.liveBlocks[segment]!++;
    this.usedBytes += size;
    if (this.freeHead[segment] === 0 && this.bump[segment]! + size > SEGMENT_BYTES) {
      this.leaveRoomList(segment, c);
    }
    return (segment << SEGMENT_SHIFT) | granule;
  }

  /** Gives a block back. O(1). */
  free(ref: Ref): void {
    const segment = ref >>> SEGMENT_SHIFT;
    const c = this.segmentClass[segment]!;
    if (c < 0) {
      this.freeOwn(segment);
      return;
    }
    const size = classSizes[c]!;
    const wasFull = this.freeHead[segment] === 0 && this.bump[segment]! + size > SEGMENT_BYTES;
    this.usedBytes -= size;
    const live = --this.liveBlocks[segment]!;
    if (live === 0 && this.roomHead[c] !== segment) {
      if (!wasFull) this.leaveRoomList(segment, c);
      this.closeSegment(segment);
      return;
    }
    if (this.segmentEpoch[segment] !== this.epoch) this.copySegment(segment);
    const granule = ref & GRANULE_MASK;
    this.i32[segment]![granule << 1] = this.freeHead[segment]!;
    this.freeHead[segment] = granule + 1;
    if (wasFull) this.joinRoomList(segment, c);
  }

  /** Bytes that a block can hold. O(1). */
  capacity(ref: Ref): number {
    const c = this.segmentClass[ref >>> SEGMENT_SHIFT]!;
    return c >= 0 ? classSizes[c]! : this.u8[ref >>> SEGMENT_SHIFT]!.length;
  }

  /**
   * A block that holds `bytes` bytes and the first `used` bytes of `ref`: the same block when it
   * fits and is not more than twice too large, else a new one (the old one is freed). Own
   * segments grow with headroom, so repeated appends cost amortised O(1) a byte.
   */
  realloc(ref: Ref, used: number, bytes: number): Ref {
    const capacity = this.capacity(ref);
    if (bytes <= capacity && capacity <= bytes * 2 + 16) return ref;
    const wanted = bytes > BLOCK_MAX && bytes > capacity ? bytes + (bytes >> 2) : bytes;
    const to = this.alloc(wanted);
    const source = this.u8[ref >>> SEGMENT_SHIFT]!;
    const from = (ref & GRANULE_MASK) << 3;
    const target = this.u8[to >>> SEGMENT_SHIFT]!;
    const at = (to & GRANULE_MASK) << 3;
    if (used < 48) for (let i = 0; i < used; i++) target[at + i] = source[from + i]!;
    else target.set(source.subarray(from, from + used), at);
    this.free(ref);
    return to;
  }

  /** Must precede a write into a block. Almost free unless a snapshot holds the segment. */
  touch(ref: Ref): void {
    this.writes = (this.writes + 1) | 0;
    const segment = ref >>> SEGMENT_SHIFT;
    if (this.segmentEpoch[segment] !== this.epoch) this.copySegment(segment);
  }

  // ---- tables ------------------------------------------------------------------------------

  /**
   * A zeroed int32 table of `bytes` bytes, a power of two. Element i is at granule
   * `table + (i >>> 1)`, word `i & 1` of it. A large one costs memory only where it is touched.
   */
  allocTable(bytes: number): Ref {
    if (bytes <= BLOCK_MAX) {
      const ref = this.alloc(bytes);
      const at = (ref & GRANULE_MASK) << 3;
      this.u8[ref >>> SEGMENT_SHIFT]!.fill(0, at, at + bytes);
      return ref;
    }
    const count = Math.ceil(bytes / SEGMENT_BYTES);
    const size = count * SEGMENT_BYTES;
    if (this.usedBytes + size > this.bytesMax) throw new ArenaFullError(bytes);
    // The system hands zeroed pages out as they are touched: a new table of 64 MiB stalls nobody.
    const buffer = this.newBuffer(size);
    const first = this.takeNumberRun(count, bytes);
    for (let i = 0; i < count; i++) {
      this.setSegment(first + i, new Uint8Array(buffer, i * SEGMENT_BYTES, SEGMENT_BYTES));
      this.segmentClass[first + i] = CLASS_TABLE;
    }
    this.usedBytes += size;
    return (first << SEGMENT_SHIFT) | 0;
  }

  /** Gives a table of `bytes` bytes back. O(segments of the table). */
  freeTable(ref: Ref, bytes: number): void {
    if (bytes <= BLOCK_MAX) {
      this.free(ref);
      return;
    }
    const first = ref >>> SEGMENT_SHIFT;
    const count = Math.ceil(bytes / SEGMENT_BYTES);
    for (let segment = first; segment < first + count; segment++) {
      this.usedBytes -= SEGMENT_BYTES;
      this.closeSegment(segment);
    }
  }

  // ---- snapshots ---------------------------------------------------------------------------

  /** Freezes the present bytes for a reader. O(segments), some nanoseconds each. */
  snapshot(): Snapshot {
    this.epoch++;
    this.snapshotsAlive++;
    return new Snapshot(this, this.u8.slice());
  }

  /** Called by `Snapshot.release`. */
  snapshotReleased(): void {
    if (--this.snapshotsAlive > 0) return;
    const { retired } = this;
    this.retired = [];
    for (const buffer of retired) this.recycle(buffer);
  }

  // ---- inside ------------------------------------------------------------------------------

  private setSegment(segment: number, bytes: Uint8Array): void {
    this.growNumbers(segment);
    this.u8[segment] = bytes;
    this.i32[segment] = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.f64[segment] = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
    this.segmentEpoch[segment] = this.epoch;
    this.segmentClass[segment] = CLASS_NONE;
  }

  private growNumbers(segment: number): void {
    if (segment < this.segmentEpoch.length) return;
    const size = Math.max(this.segmentEpoch.length * 2, segment + 1);
    this.segmentEpoch = grown(this.segmentEpoch, size);
    this.liveBlocks = grown(this.liveBlocks, size);
    this.freeHead = grown(this.freeHead, size);
    this.bump = grown(this.bump, size);
    this.nextRoom = grown(this.nextRoom, size);
    this.previousRoom = grown(this.previousRoom, size);
    const classes = new Int16Array(size);
    classes.set(this.segmentClass);
    this.segmentClass = classes;
  }

  private takeNumber(bytes: number): number {
    const free = this.freeNumbers.pop();
    if (free !== undefined) return free;
    if (this.u8.length >= SEGMENTS_MAX) throw new ArenaFullError(bytes);
    return this.u8.length;
  }

  /** Consecutive numbers: from the free ones when there is such a run, else new ones. */
  private takeNumberRun(count: number, bytes: number): number {
    const free = this.freeNumbers;
    if (free.length >= count) {
      free.sort((a, b) => a - b);
      for (let start = 0; start + count <= free.length; start++) {
        const last = start + count - 1;
        if (free[last]! - free[start]! === count - 1) return free.splice(start, count)[0]!;
      }
    }
    const first = this.u8.length;
    if (first + count > SEGMENTS_MAX) throw new ArenaFullError(bytes);
    this.growNumbers(first + count - 1);
    return first;
  }

  private takeBuffer(): SharedArrayBuffer {
    const pooled = this.pool.pop();
    if (pooled !== undefined) return pooled;
    return this.newBuffer(SEGMENT_BYTES);
  }

  /** A buffer from the system; its refusal is that the arena is full. */
  private newBuffer(bytes: number): SharedArrayBuffer {
    let buffer: SharedArrayBuffer;
    try {
      buffer = new SharedArrayBuffer(bytes);
    } catch {
      throw new ArenaFullError(bytes);
    }
    this.reservedBytes += bytes;
    return buffer;
  }

  private openSegment(c: number): number {
    if (this.usedBytes + classSizes[c]! > this.bytesMax) throw new ArenaFullError(classSizes[c]!);
    const buffer = this.takeBuffer();
    const segment = this.takeNumber(SEGMENT_BYTES);
    this.setSegment(segment, new Uint8Array(buffer));
    this.segmentClass[segment] = c;
    this.liveBlocks[segment] = 0;
    this.freeHead[segment] = 0;
    this.bump[segment] = 0;
    this.joinRoomList(segment, c);
    return segment;
  }

  private closeSegment(segment: number): void {
    const bytes = this.u8[segment]!;
    const inTable = this.segmentClass[segment] === CLASS_TABLE;
    const old = this.segmentEpoch[segment]! !== this.epoch;
    this.setSegment(segment, NO_BYTES);
    this.freeNumbers.push(segment);
    if (inTable) this.reservedBytes -= bytes.length;
    else this.retire(bytes, old);
  }

  /** A segment's bytes are not needed any more, but perhaps by a snapshot. */
  private retire(bytes: Uint8Array, old: boolean): void {
    const buffer = bytes.buffer as SharedArrayBuffer;
    if (this.snapshotsAlive > 0 && old) this.retired.push(buffer);
    else this.recycle(buffer);
  }

  private recycle(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength === SEGMENT_BYTES && this.pool.length < POOL_MAX) this.pool.push(buffer);
    else this.reservedBytes -= buffer.byteLength;
  }

  private allocOwn(bytes: number): Ref {
    const size = Math.ceil(bytes / PAGE) * PAGE;
    if (this.usedBytes + size > this.bytesMax) throw new ArenaFullError(bytes);
    const buffer = this.newBuffer(size);
    const segment = this.takeNumber(bytes);
    this.setSegment(segment, new Uint8Array(buffer));
    this.segmentClass[segment] = CLASS_OWN;
    this.usedBytes += size;
    return (segment << SEGMENT_SHIFT) | 0;
  }

  private freeOwn(segment: number): void {
    this.usedBytes -= this.u8[segment]!.length;
    this.closeSegment(segment);
  }

  /** The first touch of a segment in this epoch. */
  private copySegment(segment: number): void {
    // Without a living snapshot nobody reads the original: it simply joins the epoch.
    if (this.snapshotsAlive === 0) {
      this.segmentEpoch[segment] = this.epoch;
      return;
    }
    const original = this.u8[segment]!;
    const size = original.length;
    const copy = new Uint8Array(size === SEGMENT_BYTES ? this.takeBuffer() : this.newBuffer(size));
    const c = this.segmentClass[segment]!;
    copy.set(original);
    this.setSegment(segment, copy);
    this.segmentClass[segment] = c;
    // A table's buffer serves many segments: it goes when the last of them is let go.
    if (c === CLASS_TABLE) this.reservedBytes -= size;
    else this.retire(original, true);
  }

  private joinRoomList(segment: number, c: number): void {
    const head = this.roomHead[c]!;
    this.nextRoom[segment] = head;
    this.previousRoom[segment] = -1;
    if (head >= 0) this.previousRoom[head] = segment;
    this.roomHead[c] = segment;
  }

  private leaveRoomList(segment: number, c: number): void {
    const next = this.nextRoom[segment]!;
    const previous = this.previousRoom[segment]!;
    if (next >= 0) this.previousRoom[next] = previous;
    if (previous >= 0) this.nextRoom[previous] = next;
    else this.roomHead[c] = next;
  }
}

function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(size);
  out.set(array);
  return out;
}
