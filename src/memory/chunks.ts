/**
 * Where segments get their bytes: chunks, shared buffers from the system, each cut into slots of
 * one size. A segment is a slot; so are its copies.
 *
 *     slots up to 1 MiB     up to 32 to a chunk of at most 4 MiB
 *     larger slots          a chunk of its own each
 *     a large hash table    a chunk of its own, one slot for each of its segments, used once
 *
 * Chunks are growable buffers that are never grown: V8 takes their pages from the system itself and
 * gives them back when it collects the buffer, while those of plain shared buffers stay with the C
 * library. V8 does not count shared memory, so it must be asked to collect (`giveBack`, and
 * docs/decisions/0010-memory-that-comes-back.md).
 *
 * A slot that only snapshots need is `retired`: it is free when no snapshot needs it any more.
 *
 * Invariants: a chunk stays while one of its slots is live or retired, so its number means the same
 * buffer as long as a snapshot refers to it; `roomAt` of a chunk is its place in the list of its
 * slot size's chunks with a free slot, or -1.
 */
import { mappedBuffer } from '../util/bytes.ts';
import { monotonicMs } from '../util/timers.ts';
import { ArenaFullError, SEGMENT_BYTES } from './arena.ts';
import { askForCollection, collectGarbage } from './collector.ts';

const PAGE = 4096;
const MIB = 1024 * 1024;
const CHUNK_BYTES = 4 * MIB;
/** The largest slot that shares a chunk. */
const SHARED_SLOT_MAX = MIB;
const SLOTS_MAX = 32;
/** Free buffers kept for reuse, and how many of them when nothing has happened for a moment. */
const SPARE_BYTES_MAX = 48 * MIB;
const IDLE_SPARE_BYTES_MAX = 8 * MIB;
const SPARE_MAX = SPARE_BYTES_MAX / 3;
/** Dropped bytes for which V8 is asked to collect: by `giveBack`, and at once. */
const ASK_BYTES = 16 * MIB;
const ASK_AT_ONCE_BYTES = 128 * MIB;
/** Dropped bytes for which it is made to collect before a new buffer is taken. */
const COLLECT_BYTES = 256 * MIB;
/** `giveBack` asks no more often than this, and in vain so many times before it insists. */
const ASK_EVERY_MS = 500;
const ASKS_MAX = 3;
/** When no buffer was taken or let go for so long, little is worth asking for, too. */
const QUIET_MS = 2000;
const QUIET_ASK_BYTES = 2 * MIB;

/** More than a chunk has slots. */
const SLOT_NUMBERS = 2 ** 20;

/** A slot that snapshots numbered `birth` to `death - 1` may need. */
interface Retired {
  readonly chunk: number;
  readonly slot: number;
  readonly birth: number;
  readonly death: number;
}

/** Whether a living snapshot has a number in [birth, death). */
export type IsNeeded = (birth: number, death: number) => boolean;

export class Chunks {
  /** Bytes of all chunks held, spare ones included. */
  reservedBytes = 0;
  /** Bytes of slots that only snapshots still need. */
  retiredBytes = 0;
  /** Bytes of buffers that were let go and that V8 has not collected yet. */
  droppedBytes = 0;
  /** The slot taken last. */
  chunk = 0;
  slot = 0;
  /** By chunk number. */
  readonly buffers: (SharedArrayBuffer | undefined)[] = [];
  /** Bytes of a chunk's slots. */
  readonly slotBytes: number[] = [];
  /** Slots that are live or retired. */
  private readonly held: number[] = [];
  /** One bit for each free slot; 0 also when slots are used once. */
  private readonly free: number[] = [];
  private readonly once: boolean[] = [];
  private readonly roomAt: number[] = [];
  /** The most slots of a chunk that were ever held: what lies beyond has no memory yet. */
  private readonly peak: number[] = [];
  /** Chunks that are being emptied: they hand out no slots. */
  private readonly barred = new Set<number>();
  /** Chunks with a free slot, by slot size. */
  private readonly room = new Map<number, number[]>();
  private readonly freeNumbers: number[] = [];
  private spares: SharedArrayBuffer[] = [];
  private spareBytes = 0;
  /** Whether a buffer was taken or let go since `giveBack` looked last; when it saw so last. */
  private isActive = false;
  private activeMs = 0;
  private retired: Retired[] = [];
  /** Told of each dropped buffer that V8 has collected. */
  private collected = this.watchCollections();
  private nextAskMs = 0;
  /** How often V8 was asked since it collected last. */
  private asks = 0;

  // ---- slots -------------------------------------------------------------------------------

  /**
   * Takes a slot of at least `bytes` bytes, more than a small block has or SEGMENT_BYTES: `chunk`
   * and `slot` tell which. Contents undefined. Throws ArenaFullError. O(1).
   */
  take(bytes: number): void {
    if (bytes > SHARED_SLOT_MAX) {
      const buffer = this.takeBuffer(Math.ceil(bytes / PAGE) * PAGE);
      this.chunk = this.addChunk(buffer, buffer.byteLength, 0, false);
      this.slot = 0;
      this.held[this.chunk] = 1;
      return;
    }
    const size = slotBytesFor(bytes);
    const list = this.roomFor(size);
    let chunk = list[list.length - 1];
    if (chunk === undefined) {
      const count = Math.min(SLOTS_MAX, Math.floor(CHUNK_BYTES / size));
      const mask = count === SLOTS_MAX ? -1 : (1 << count) - 1;
      chunk = this.addChunk(this.takeBuffer(size * count), size, mask, false);
      this.joinRoom(chunk, list);
    }
    const mask = this.free[chunk]!;
    const slot = 31 - Math.clz32(mask & -mask);
    this.free[chunk] = mask & ~(1 << slot);
    const held = ++this.held[chunk]!;
    if (held > this.peak[chunk]!) this.peak[chunk] = held;
    if (this.free[chunk] === 0) this.leaveRoom(chunk, list);
    this.chunk = chunk;
    this.slot = slot;
  }

  /** A chunk of zeroes with `slots` slots of a segment's size, all of them taken: `chunk`. O(1). */
  takeZeroes(slots: number): void {
    this.chunk = this.addChunk(this.newBuffer(slots * SEGMENT_BYTES), SEGMENT_BYTES, 0, true);
    this.held[this.chunk] = slots;
  }

  /** A slot is needed by nobody any more. O(1). */
  release(chunk: number, slot: number): void {
    const left = --this.held[chunk]!;
    const size = this.slotBytes[chunk]!;
    if (left === 0) {
      if (this.roomAt[chunk]! >= 0) this.leaveRoom(chunk, this.roomFor(size));
      this.removeChunk(chunk);
      return;
    }
    if (this.once[chunk]) return;
    this.free[chunk]! |= 1 << slot;
    if (this.roomAt[chunk]! < 0 && !this.barred.has(chunk)) {
      this.joinRoom(chunk, this.roomFor(size));
    }
  }

  /** Whether a chunk's slots are handed out again when they are free. */
  isShared(chunk: number): boolean {
    return !this.once[chunk] && this.slotBytes[chunk]! <= SHARED_SLOT_MAX;
  }

  /** Bytes of free slots that were used before, so that the system has given them memory. O(1). */
  freeBytes(chunk: number): number {
    return (this.peak[chunk]! - this.held[chunk]!) * this.slotBytes[chunk]!;
  }

  /** A shared chunk hands out no slots until `unbar`. O(1). */
  bar(chunk: number): void {
    this.barred.add(chunk);
    if (this.roomAt[chunk]! >= 0) this.leaveRoom(chunk, this.roomFor(this.slotBytes[chunk]!));
  }

  /** Chunks hand out slots again. O(barred chunks). */
  unbar(): void {
    for (const chunk of this.barred) {
      if (this.free[chunk] !== 0) this.joinRoom(chunk, this.roomFor(this.slotBytes[chunk]!));
    }
    this.barred.clear();
  }

  // ---- snapshots ---------------------------------------------------------------------------

  /**
   * A slot in use since snapshot number `birth` is needed by snapshots before `death` only. O(1).
   */
  retire(chunk: number, slot: number, birth: number, death: number): void {
    this.retired.push({ chunk, slot, birth, death });
    this.retiredBytes += this.slotBytes[chunk]!;
  }

  /** Releases the retired slots that no snapshot needs. O(retired slots). */
  releaseRetired(isNeeded: IsNeeded): void {
    const { retired } = this;
    this.retired = [];
    for (const r of retired) {
      if (isNeeded(r.birth, r.death)) this.retired.push(r);
      else {
        this.retiredBytes -= this.slotBytes[r.chunk]!;
        this.release(r.chunk, r.slot);
      }
    }
  }

  /** Retired slots are live again. O(retired slots). */
  takeBack(slots: readonly (readonly [chunk: number, slot: number])[]): void {
    if (slots.length === 0) return;
    const wanted = new Set(slots.map(([chunk, slot]) => chunk * SLOT_NUMBERS + slot));
    this.retired = this.retired.filter(({ chunk, slot }) => {
      if (!wanted.has(chunk * SLOT_NUMBERS + slot)) return true;
      this.retiredBytes -= this.slotBytes[chunk]!;
      return false;
    });
  }

  /**
   * A buffer that others read, too: all of its slots are taken, and none is ever handed out again.
   */
  addForeign(buffer: SharedArrayBuffer, slotBytes: number): number {
    const chunk = this.addChunk(buffer, slotBytes, 0, true);
    // One more than there are slots: it never becomes a spare buffer to write into.
    this.held[chunk] = buffer.byteLength / slotBytes + 1;
    this.reservedBytes += buffer.byteLength;
    return chunk;
  }

  // ---- giving back -------------------------------------------------------------------------

  /**
   * To be called some times a second: lets unused spare buffers go and asks V8 to collect what was
   * dropped, when that is much or nothing happens any more.
   */
  giveBack(): void {
    const nowMs = monotonicMs();
    if (this.isActive) this.activeMs = nowMs;
    const isQuiet = nowMs - this.activeMs > QUIET_MS;
    if (!this.isActive) this.trimSpares(isQuiet ? 0 : IDLE_SPARE_BYTES_MAX);
    this.isActive = false;
    if (this.droppedBytes < (isQuiet ? QUIET_ASK_BYTES : ASK_BYTES)) return;
    if (nowMs < this.nextAskMs) return;
    this.nextAskMs = nowMs + ASK_EVERY_MS;
    this.ask();
  }

  /** Lets all spare buffers go and has V8 collect, whatever it finds: now, with a pause. */
  purge(): void {
    this.trimSpares(0);
    this.collect();
  }

  private ask(): void {
    if (++this.asks > ASKS_MAX || !askForCollection()) this.collect();
  }

  private collect(): void {
    collectGarbage();
    this.asks = 0;
    // V8 tells of it later, and what could not be collected is not waited for.
    this.droppedBytes = 0;
    this.collected = this.watchCollections();
  }

  private watchCollections(): FinalizationRegistry<number> {
    const registry = new FinalizationRegistry<number>((bytes) => {
      if (registry !== this.collected) return;
      this.droppedBytes -= bytes;
      this.asks = 0;
    });
    return registry;
  }

  private trimSpares(bytesMax: number): void {
    while (this.spareBytes > bytesMax) {
      const buffer = this.spares.shift()!;
      this.spareBytes -= buffer.byteLength;
      this.drop(buffer);
    }
  }

  // ---- chunks ------------------------------------------------------------------------------

  private addChunk(
    buffer: SharedArrayBuffer,
    slotBytes: number,
    free: number,
    once: boolean,
  ): number {
    const chunk = this.freeNumbers.pop() ?? this.buffers.length;
    this.buffers[chunk] = buffer;
    this.slotBytes[chunk] = slotBytes;
    this.free[chunk] = free;
    this.once[chunk] = once;
    this.held[chunk] = 0;
    this.peak[chunk] = 0;
    this.roomAt[chunk] = -1;
    return chunk;
  }

  private removeChunk(chunk: number): void {
    const buffer = this.buffers[chunk]!;
    this.isActive = true;
    this.buffers[chunk] = undefined;
    this.barred.delete(chunk);
    this.freeNumbers.push(chunk);
    if (buffer.byteLength > SPARE_MAX) {
      this.drop(buffer);
      return;
    }
    this.spares.push(buffer);
    this.spareBytes += buffer.byteLength;
    this.trimSpares(SPARE_BYTES_MAX);
  }

  private drop(buffer: SharedArrayBuffer): void {
    this.reservedBytes -= buffer.byteLength;
    this.dropped(buffer);
  }

  /**
   * A buffer, not of chunks perhaps, was let go of: it goes back to the system as those of chunks
   * do. V8 counts an ArrayBuffer's bytes, but does not look at them while nothing is allocated.
   */
  dropped(buffer: ArrayBufferLike): void {
    this.isActive = true;
    this.droppedBytes += buffer.byteLength;
    this.collected.register(buffer, buffer.byteLength);
  }

  /** A spare buffer that is large enough and wastes at most a quarter, or a new one. */
  private takeBuffer(bytes: number): SharedArrayBuffer {
    const { spares } = this;
    this.isActive = true;
    for (let i = spares.length - 1; i >= 0; i--) {
      const { byteLength } = spares[i]!;
      if (byteLength < bytes || byteLength > bytes * 1.25) continue;
      this.spareBytes -= byteLength;
      return spares.splice(i, 1)[0]!;
    }
    return this.newBuffer(bytes);
  }

  /** A buffer from the system; its refusal is that the arena is full. */
  private newBuffer(bytes: number): SharedArrayBuffer {
    if (this.droppedBytes >= COLLECT_BYTES) this.collect();
    else if (this.droppedBytes >= ASK_AT_ONCE_BYTES) this.ask();
    let buffer: SharedArrayBuffer | undefined = tryBuffer(bytes);
    if (buffer === undefined && this.droppedBytes + this.spareBytes > 0) {
      this.trimSpares(0);
      this.collect();
      buffer = tryBuffer(bytes);
    }
    if (buffer === undefined) throw new ArenaFullError(bytes);
    this.reservedBytes += bytes;
    return buffer;
  }

  private roomFor(slotBytes: number): number[] {
    let list = this.room.get(slotBytes);
    if (list === undefined) {
      list = [];
      this.room.set(slotBytes, list);
    }
    return list;
  }

  private joinRoom(chunk: number, list: number[]): void {
    this.roomAt[chunk] = list.length;
    list.push(chunk);
  }

  private leaveRoom(chunk: number, list: number[]): void {
    const at = this.roomAt[chunk]!;
    const last = list.pop()!;
    if (last !== chunk) {
      list[at] = last;
      this.roomAt[last] = at;
    }
    this.roomAt[chunk] = -1;
  }
}

/** Slots up to SHARED_SLOT_MAX have sizes in eight steps to each doubling, as blocks have. */
function slotBytesFor(bytes: number): number {
  if (bytes === SEGMENT_BYTES) return bytes;
  const step = 2 ** (31 - Math.clz32(bytes - 1) - 3);
  return Math.ceil(bytes / step) * step;
}

function tryBuffer(bytes: number): SharedArrayBuffer | undefined {
  try {
    return mappedBuffer(bytes);
  } catch {
    return undefined;
  }
}
