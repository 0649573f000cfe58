/**
 * The writable arena: blocks in segments of 256 KiB over shared memory, and copy-on-write.
 *
 * An ordinary segment is dedicated to one size class and carries a free list, a bump pointer and a
 * count of live blocks; when the last block goes, so does the segment. A larger block has a
 * segment of its own. A large hash table is a run of consecutive segment numbers over one buffer,
 * whose pages cost nothing before they are used. `chunks.ts` says where segments get their bytes.
 *
 * Copy-on-write: snapshots are numbered, `epoch` is the number of the next one. A segment that was
 * in use when a living snapshot was taken is copied by the first touch after it, and the original
 * left to the snapshots.
 *
 * It must never allocate what is merely announced, and never move a live block on its own.
 */
import {
  type Arena,
  ArenaFullError,
  BLOCK_MAX,
  CLASS_NONE,
  CLASS_OWN,
  CLASS_TABLE,
  classOfGranules,
  classSizes,
  GRANULE_MASK,
  NO_BYTES,
  NO_FLOATS,
  NO_WORDS,
  type Ref,
  SEGMENT_BYTES,
  SEGMENT_SHIFT,
  SEGMENTS_MAX,
} from './arena.ts';
import { type ArenaMark, type SegmentTables, type SharedArena, shareArena } from './arena-mark.ts';
import { Chunks } from './chunks.ts';
import { type ChunkUse, chooseSparse, type WasteLimits } from './compaction.ts';
import { type Freezer, Snapshot } from './snapshot.ts';

/** Blocks of one size. */
export interface ClassUsage {
  readonly size: number;
  blocks: number;
  bytes: number;
  segments: number;
  /** Bytes of the segments. */
  capacity: number;
}

export class HeapArena implements Arena, Freezer {
  readonly u8: Uint8Array[] = [];
  readonly i32: Int32Array[] = [];
  readonly f64: Float64Array[] = [];
  /** Exact: class sizes of live blocks, own segments, tables. */
  usedBytes = 0;
  /** Counts touches, modulo 2^32: tells whether anything was written in between. */
  writes = 0;
  /** Number of the next snapshot. */
  private epoch = 1;
  /** Numbers of the living snapshots, oldest first. */
  private readonly living: number[] = [];
  /** The largest of them, -1 without any: what is not younger must be copied before a write. */
  private newestLiving = -1;
  private readonly chunks = new Chunks();
  /** Segments that are being emptied, 1 each: no block is put into them. */
  private sparse: Uint8Array | undefined;
  /** Blocks that compactions have asked about, and those that were moved, since the start. */
  lookedAt = 0;
  relocated = 0;
  /** What was wasted after the last compaction: it could not do better. */
  private wasteLeft = 0;
  /** Bytes in use when a compaction began. */
  private usedBefore = 0;
  private segmentChunk = new Int32Array(64).fill(-1);
  private segmentSlot = new Int32Array(64);
  /** The number that the next snapshot had when the segment was filled. */
  private segmentEpoch = new Int32Array(64);
  private segmentClass = new Int16Array(64);
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
  /** Limit of `usedBytes`. */
  bytesMax: number;

  /** `bytesMax` limits usedBytes; by default only the address space does. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.bytesMax = bytesMax;
    this.growNumbers(0);
    this.clearSegment(0); // so that ref 0 is never a block
  }

  /** Bytes of all buffers held, those kept for reuse included. */
  get reservedBytes(): number {
    return this.chunks.reservedBytes;
  }

  /** Bytes that were copied for snapshots, or freed, and that these still need. */
  get snapshotBytes(): number {
    return this.chunks.retiredBytes;
  }

  get snapshotsAlive(): number {
    return this.living.length;
  }

  /** To be called some times a second: returns unused memory to the system. */
  giveBack(): void {
    // The empty segments that `free` left open.
    for (let c = 0; c < this.roomHead.length; c++) {
      const segment = this.roomHead[c]!;
      if (segment < 0 || this.liveBlocks[segment] !== 0) continue;
      this.leaveRoomList(segment, c);
      this.closeSegment(segment);
    }
    this.chunks.giveBack();
  }

  /** A large buffer that is none of the arena's was let go of: `giveBack` sees to it, too. */
  dropped(buffer: ArrayBufferLike): void {
    this.chunks.dropped(buffer);
  }

  /** Gives everything back that is not used, now: takes as long as a collection of V8. */
  purge(): void {
    this.giveBack();
    this.chunks.purge();
  }

  /**
   * What blocks there are by size, the smallest first; size 0 stands for values and tables with
   * segments of their own. O(segments).
   */
  usage(): ClassUsage[] {
    const sum = new Map<number, ClassUsage>();
    for (let segment = 1; segment < this.u8.length; segment++) {
      const c = this.segmentClass[segment]!;
      if (c === CLASS_NONE) continue;
      const size = c >= 0 ? classSizes[c]! : 0;
      const of = sum.get(size) ?? { size, blocks: 0, bytes: 0, segments: 0, capacity: 0 };
      sum.set(size, of);
      const blocks = c >= 0 ? this.liveBlocks[segment]! : 1;
      const { length } = this.u8[segment]!;
      of.blocks += blocks;
      of.bytes += c >= 0 ? blocks * size : length;
      of.segments++;
      of.capacity += length;
    }
    return [...sum.values()].sort((a, b) => a.size - b.size);
  }

  word(ref: Ref, i: number): number {
    return this.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  setWord(ref: Ref, i: number, value: number): void {
    this.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }

  float(ref: Ref, i: number): number {
    return this.f64[ref >>> 15]![(ref & 0x7fff) + i]!;
  }

  setFloat(ref: Ref, i: number, value: number): void {
    this.f64[ref >>> 15]![(ref & 0x7fff) + i] = value;
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
      if (this.segmentEpoch[segment]! <= this.newestLiving) this.copySegment(segment);
      this.freeHead[segment] = this.i32[segment]![granule << 1]!;
    } else {
      if (this.segmentEpoch[segment]! <= this.newestLiving) this.copySegment(segment);
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
    // Of each class one empty segment stays open: a block taken and freed in turn costs little.
    if (live === 0 && (this.roomHead[c] !== segment || this.nextRoom[segment]! >= 0)) {
      if (!wasFull && !this.isEmptied(segment)) this.leaveRoomList(segment, c);
      this.closeSegment(segment);
      return;
    }
    if (this.segmentEpoch[segment]! <= this.newestLiving) this.copySegment(segment);
    const granule = ref & GRANULE_MASK;
    this.i32[segment]![granule << 1] = this.freeHead[segment]!;
    this.freeHead[segment] = granule + 1;
    if (wasFull && !this.isEmptied(segment)) this.joinRoomList(segment, c);
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

  requireRoom(bytes: number): void {
    if (this.usedBytes + bytes > this.bytesMax) throw new ArenaFullError(bytes);
  }

  /** Must precede a write into a block. Almost free unless a snapshot holds the segment. */
  touch(ref: Ref): void {
    this.writes = (this.writes + 1) | 0;
    const segment = ref >>> SEGMENT_SHIFT;
    if (this.segmentEpoch[segment]! <= this.newestLiving) this.copySegment(segment);
  }

  // ---- tables ------------------------------------------------------------------------------

  /**
   * A zeroed int32 table of `bytes` bytes, a power of two. Element i is at granule
   * `table + (i >>> 1)`, word `i & 1` of it. A large one costs memory only where it is touched.
   */
  allocTable(bytes: number): Ref {
    if (bytes <= SEGMENT_BYTES) {
      const ref = this.alloc(bytes);
      const at = (ref & GRANULE_MASK) << 3;
      this.u8[ref >>> SEGMENT_SHIFT]!.fill(0, at, at + bytes);
      return ref;
    }
    const count = Math.ceil(bytes / SEGMENT_BYTES);
    const size = count * SEGMENT_BYTES;
    if (this.usedBytes + size > this.bytesMax) throw new ArenaFullError(bytes);
    const first = this.takeNumberRun(count, bytes);
    // The system hands zeroed pages out as they are touched: a new table of 64 MiB stalls nobody.
    try {
      this.chunks.takeZeroes(count);
    } catch (error) {
      if (first < this.u8.length) for (let i = 0; i < count; i++) this.freeNumbers.push(first + i);
      throw error;
    }
    const { chunk } = this.chunks;
    for (let i = 0; i < count; i++) this.setSegment(first + i, CLASS_TABLE, chunk, i);
    this.usedBytes += size;
    return (first << SEGMENT_SHIFT) | 0;
  }

  /** Gives a table of `bytes` bytes back. O(segments of the table). */
  freeTable(ref: Ref, bytes: number): void {
    if (bytes <= SEGMENT_BYTES) {
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

  // ---- compaction --------------------------------------------------------------------------

  /**
   * Chooses segments whose blocks should move, when more memory than these limits lies between
   * blocks. From then on, until `endCompaction`, `shouldMove` tells which blocks those are. Returns
   * what is wasted as a part of what lives, 0 when nothing is to be moved. Not while a snapshot
   * lives: each move would copy. O(segments).
   */
  beginCompaction(limits: WasteLimits): number {
    if (this.living.length > 0 || this.sparse !== undefined) return 0;
    const chosen = chooseSparse(this.chunkUses(), this.wasteLeft, limits);
    if (chosen === undefined) return 0;
    const sparse = new Uint8Array(SEGMENTS_MAX);
    for (const { chunk, segments } of chosen.chunks) {
      this.chunks.bar(chunk);
      for (const segment of segments) {
        if (this.hasRoom(segment)) this.leaveRoomList(segment, this.segmentClass[segment]!);
        sparse[segment] = 1;
      }
    }
    this.sparse = sparse;
    this.usedBefore = this.usedBytes;
    return chosen.share;
  }

  /** Whether a compaction is under way and wants this block to move (`relocate`). O(1). */
  shouldMove(ref: Ref): boolean {
    this.lookedAt++;
    return this.isEmptied(ref >>> SEGMENT_SHIFT);
  }

  /** Moves a block to another place; whoever refers to it must be told. O(capacity). */
  relocate(ref: Ref): Ref {
    this.relocated++;
    const bytes = this.capacity(ref);
    const to = this.alloc(bytes);
    const from = (ref & GRANULE_MASK) << 3;
    const source = this.u8[ref >>> SEGMENT_SHIFT]!.subarray(from, from + bytes);
    this.u8[to >>> SEGMENT_SHIFT]!.set(source, (to & GRANULE_MASK) << 3);
    this.free(ref);
    return to;
  }

  /**
   * What could not be moved stays where it is; of one that was `complete` the next one expects no
   * more. O(segments).
   */
  endCompaction(complete = true): void {
    const { sparse } = this;
    if (sparse === undefined) return;
    this.sparse = undefined;
    this.chunks.unbar();
    for (let segment = 0; segment < this.u8.length; segment++) {
      if (sparse[segment] === 1 && this.hasRoom(segment)) {
        this.joinRoomList(segment, this.segmentClass[segment]!);
      }
    }
    if (!complete) return;
    // What was deleted meanwhile is waste that the next one can help.
    this.wasteLeft = Math.min(0, this.usedBytes - this.usedBefore);
    for (const use of this.chunkUses()) this.wasteLeft += use.residentBytes - use.liveBytes;
  }

  private isEmptied(segment: number): boolean {
    return this.sparse !== undefined && this.sparse[segment] === 1;
  }

  /** Whether an ordinary segment can take another block. */
  private hasRoom(segment: number): boolean {
    const c = this.segmentClass[segment]!;
    if (c < 0) return false;
    return this.freeHead[segment] !== 0 || this.bump[segment]! + classSizes[c]! <= SEGMENT_BYTES;
  }

  /** How well the shared chunks are filled. O(segments). */
  private chunkUses(): ChunkUse[] {
    const uses = new Map<number, ChunkUse>();
    for (let segment = 0; segment < this.u8.length; segment++) {
      const chunk = this.segmentChunk[segment]!;
      if (chunk < 0 || !this.chunks.isShared(chunk)) continue;
      let use = uses.get(chunk);
      if (use === undefined) {
        const slotBytes = this.chunks.slotBytes[chunk]!;
        const bytes = this.chunks.buffers[chunk]!.byteLength;
        const residentBytes = this.chunks.freeBytes(chunk);
        use = { chunk, slotBytes, bytes, liveBytes: 0, residentBytes, segments: [] };
        uses.set(chunk, use);
      }
      const c = this.segmentClass[segment]!;
      use.segments.push(segment);
      use.liveBytes += c >= 0 ? this.liveBlocks[segment]! * classSizes[c]! : use.slotBytes;
      use.residentBytes += c >= 0 ? this.bump[segment]! : use.slotBytes;
    }
    return [...uses.values()];
  }

  // ---- snapshots ---------------------------------------------------------------------------

  /** Freezes the present bytes for a reader. O(segments), some nanoseconds each. */
  snapshot(): Snapshot {
    const number = this.epoch++;
    this.living.push(number);
    this.newestLiving = number;
    const count = this.u8.length;
    return new Snapshot(this, number, {
      chunkOf: this.segmentChunk.slice(0, count),
      slotOf: this.segmentSlot.slice(0, count),
      classOf: this.segmentClass.slice(0, count),
    });
  }

  // ---- going back --------------------------------------------------------------------------

  /** This moment, to come back to while its snapshot is not released. O(segments). */
  mark(): ArenaMark {
    this.endCompaction();
    const snapshot = this.snapshot();
    const count = this.u8.length;
    return { snapshot, epochOf: this.segmentEpoch.slice(0, count), tables: this.tables() };
  }

  private tables(): SegmentTables {
    const count = this.u8.length;
    return {
      classOf: this.segmentClass.slice(0, count),
      liveBlocks: this.liveBlocks.slice(0, count),
      freeHead: this.freeHead.slice(0, count),
      bump: this.bump.slice(0, count),
      nextRoom: this.nextRoom.slice(0, count),
      previousRoom: this.previousRoom.slice(0, count),
      roomHead: this.roomHead.slice(),
      freeNumbers: this.freeNumbers.slice(),
      usedBytes: this.usedBytes,
    };
  }

  private setTables(tables: SegmentTables): void {
    this.segmentClass.set(tables.classOf);
    this.liveBlocks.set(tables.liveBlocks);
    this.freeHead.set(tables.freeHead);
    this.bump.set(tables.bump);
    this.nextRoom.set(tables.nextRoom);
    this.previousRoom.set(tables.previousRoom);
    this.roomHead.set(tables.roomHead);
    this.freeNumbers.length = 0;
    for (const number of tables.freeNumbers) this.freeNumbers.push(number);
    this.usedBytes = tables.usedBytes;
  }

  /**
   * Brings all bytes back to a mark of this arena. Segments that were not written since stay as
   * they are. O(segments + slots kept for snapshots), some nanoseconds each.
   */
  rewind({ snapshot, epochOf, tables }: ArenaMark): void {
    this.endCompaction();
    const { chunkOf, slotOf } = snapshot.segments;
    const count = chunkOf.length;
    const { u8, segmentChunk, segmentSlot, chunks } = this;
    const changed: number[] = [];
    for (let segment = 0; segment < Math.max(u8.length, count); segment++) {
      const chunk = segment < count ? chunkOf[segment]! : -1;
      const now = segment < u8.length ? segmentChunk[segment]! : -1;
      if (chunk >= 0 && chunk === now && slotOf[segment] === segmentSlot[segment]) continue;
      if (now >= 0) this.letGo(segment);
      if (chunk < 0) this.clearSegment(segment);
      else changed.push(segment);
    }
    chunks.takeBack(changed.map((segment) => [chunkOf[segment]!, slotOf[segment]!] as const));
    for (const segment of changed) {
      this.setSegment(segment, tables.classOf[segment]!, chunkOf[segment]!, slotOf[segment]!);
      this.segmentEpoch[segment] = epochOf[segment]!;
    }
    for (const views of [u8, this.i32, this.f64]) views.length = count;
    this.setTables(tables);
    this.writes = (this.writes + 1) | 0;
  }

  /** Copies a mark's bytes, for `adopt` in another arena. O(bytes). */
  share({ snapshot, tables }: ArenaMark): SharedArena {
    const { chunkOf, slotOf } = snapshot.segments;
    return shareArena(tables, (segment) => {
      const chunk = chunkOf[segment]!;
      if (chunk < 0) return undefined;
      const bytes = this.slotBytesOf(chunk);
      return new Uint8Array(this.bufferOf(chunk), slotOf[segment]! * bytes, bytes);
    });
  }

  /**
   * Replaces everything by shared bytes, which stay as they are for others: what is written is
   * copied first, as if an eternal snapshot held them. O(segments).
   */
  adopt(shared: SharedArena): void {
    const { tables, bufferOf, slotOf, slotBytes, buffers } = shared;
    for (let segment = 0; segment < this.u8.length; segment++) {
      if (this.segmentChunk[segment]! >= 0) this.letGo(segment);
      this.clearSegment(segment);
    }
    const chunks = buffers.map((buffer, i) => this.chunks.addForeign(buffer, slotBytes[i]!));
    const count = tables.classOf.length;
    this.growNumbers(count);
    for (let segment = 0; segment < count; segment++) {
      const chunk = chunks[bufferOf[segment]!];
      if (chunk === undefined) this.clearSegment(segment);
      else {
        this.setSegment(segment, tables.classOf[segment]!, chunk, slotOf[segment]!);
        this.segmentEpoch[segment] = 0;
      }
    }
    for (const views of [this.u8, this.i32, this.f64]) views.length = count;
    this.setTables(tables);
    this.living.unshift(0);
    this.newestLiving = this.living.at(-1)!;
  }

  /** For `Snapshot.release`. O(bytes copied or freed while it lived). */
  snapshotReleased(number: number): void {
    this.living.splice(this.living.indexOf(number), 1);
    this.newestLiving = this.living.at(-1) ?? -1;
    this.chunks.releaseRetired((birth, death) => this.isNeeded(birth, death));
  }

  /** For `Snapshot`: a chunk's buffer, and the bytes of its slots. */
  bufferOf(chunk: number): SharedArrayBuffer {
    return this.chunks.buffers[chunk]!;
  }

  slotBytesOf(chunk: number): number {
    return this.chunks.slotBytes[chunk]!;
  }

  private isNeeded(birth: number, death: number): boolean {
    return this.living.some((number) => birth <= number && number < death);
  }

  // ---- inside ------------------------------------------------------------------------------

  /** A segment shows a slot from now on. */
  private setSegment(segment: number, c: number, chunk: number, slot: number): void {
    this.growNumbers(segment);
    const buffer = this.chunks.buffers[chunk]!;
    const bytes = this.chunks.slotBytes[chunk]!;
    // Lengths are given: views that follow a growable buffer's length are slower.
    this.u8[segment] = new Uint8Array(buffer, slot * bytes, bytes);
    this.i32[segment] = new Int32Array(buffer, slot * bytes, bytes >> 2);
    this.f64[segment] = new Float64Array(buffer, slot * bytes, bytes >> 3);
    this.segmentChunk[segment] = chunk;
    this.segmentSlot[segment] = slot;
    this.segmentEpoch[segment] = this.epoch;
    this.segmentClass[segment] = c;
  }

  private clearSegment(segment: number): void {
    if (this.sparse !== undefined) this.sparse[segment] = 0;
    this.u8[segment] = NO_BYTES;
    this.i32[segment] = NO_WORDS;
    this.f64[segment] = NO_FLOATS;
    this.segmentChunk[segment] = -1;
    this.segmentClass[segment] = CLASS_NONE;
  }

  private growNumbers(segment: number): void {
    if (segment < this.segmentEpoch.length) return;
    const size = Math.max(this.segmentEpoch.length * 2, segment + 1);
    this.segmentChunk = grown(this.segmentChunk, size);
    this.segmentSlot = grown(this.segmentSlot, size);
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

  /** Consecutive numbers: new ones while there are such, else a run of free ones. */
  private takeNumberRun(count: number, bytes: number): number {
    const first = this.u8.length;
    if (first + count <= SEGMENTS_MAX) {
      this.growNumbers(first + count - 1);
      return first;
    }
    const free = this.freeNumbers;
    free.sort((a, b) => a - b);
    for (let start = 0; start + count <= free.length; start++) {
      const last = start + count - 1;
      if (free[last]! - free[start]! === count - 1) return free.splice(start, count)[0]!;
    }
    throw new ArenaFullError(bytes);
  }

  private openSegment(c: number): number {
    if (this.usedBytes + classSizes[c]! > this.bytesMax) throw new ArenaFullError(classSizes[c]!);
    const segment = this.openSlot(SEGMENT_BYTES, c);
    this.liveBlocks[segment] = 0;
    this.freeHead[segment] = 0;
    this.bump[segment] = 0;
    this.joinRoomList(segment, c);
    return segment;
  }

  /** A segment over a slot of its own. */
  private openSlot(bytes: number, c: number): number {
    const segment = this.takeNumber(bytes);
    try {
      this.chunks.take(bytes);
    } catch (error) {
      if (segment < this.u8.length) this.freeNumbers.push(segment);
      throw error;
    }
    this.setSegment(segment, c, this.chunks.chunk, this.chunks.slot);
    return segment;
  }

  private closeSegment(segment: number): void {
    this.letGo(segment);
    this.clearSegment(segment);
    this.freeNumbers.push(segment);
  }

  /** A segment's slot is not needed any more, but perhaps by a snapshot. */
  private letGo(segment: number): void {
    const chunk = this.segmentChunk[segment]!;
    const slot = this.segmentSlot[segment]!;
    const birth = this.segmentEpoch[segment]!;
    if (birth <= this.newestLiving) this.chunks.retire(chunk, slot, birth, this.epoch);
    else this.chunks.release(chunk, slot);
  }

  private allocOwn(bytes: number): Ref {
    if (this.usedBytes + bytes > this.bytesMax) throw new ArenaFullError(bytes);
    const segment = this.openSlot(bytes, CLASS_OWN);
    this.usedBytes += this.u8[segment]!.length;
    return (segment << SEGMENT_SHIFT) | 0;
  }

  private freeOwn(segment: number): void {
    this.usedBytes -= this.u8[segment]!.length;
    this.closeSegment(segment);
  }

  /** The first write into a segment that a living snapshot needs. */
  private copySegment(segment: number): void {
    const original = this.u8[segment]!;
    this.chunks.take(original.length);
    const { chunk, slot } = this.chunks;
    const c = this.segmentClass[segment]!;
    this.letGo(segment);
    this.setSegment(segment, c, chunk, slot);
    const copy = this.u8[segment]!;
    copy.set(original);
    if (c === CLASS_OWN) this.usedBytes += copy.length - original.length;
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
