/**
 * A snapshot as another thread reads it: the segments of that moment under the numbers they had.
 * Nothing of it can be written; whatever only reads works over it as over the living arena.
 *
 * The thread holds the snapshot's buffers until it ends or the FrozenArena is collected, so a
 * worker that has done its work should end: the memory of what changed meanwhile is free only then.
 */
import {
  type Arena,
  CLASS_NONE,
  classSizes,
  NO_BYTES,
  NO_FLOATS,
  NO_WORDS,
  type Ref,
  SEGMENT_SHIFT,
} from './arena.ts';

/** Where the segments of a snapshot are: arrays by segment number. */
export interface SnapshotSegments {
  readonly chunkOf: Int32Array;
  readonly slotOf: Int32Array;
  readonly classOf: Int16Array;
}

/** Some of a snapshot's buffers, by chunk number. */
export interface SnapshotBuffers {
  readonly chunk: Int32Array;
  readonly slotBytes: Float64Array;
  readonly buffers: readonly SharedArrayBuffer[];
  /** Whether no other part follows. */
  readonly last: boolean;
}

/** All that another thread has to be told; every part can be posted to it. */
export interface SnapshotDescription {
  readonly segments: SnapshotSegments;
  readonly buffers: readonly SnapshotBuffers[];
}

/** Thrown by what would write. */
export class FrozenArenaError extends Error {
  constructor() {
    super('a frozen arena cannot be written');
  }
}

export class FrozenArena implements Arena {
  readonly u8: Uint8Array[] = [];
  readonly i32: Int32Array[] = [];
  readonly f64: Float64Array[] = [];
  writes = 0;
  private readonly segments: SnapshotSegments;
  private readonly buffers: (SharedArrayBuffer | undefined)[] = [];
  private readonly slotBytes: number[] = [];

  /** Nothing can be read before `add` has taken in the last part. */
  constructor(segments: SnapshotSegments) {
    this.segments = segments;
  }

  /** The arena of a description. O(segments). */
  static open(description: SnapshotDescription): FrozenArena {
    const arena = new FrozenArena(description.segments);
    for (const part of description.buffers) arena.add(part);
    return arena;
  }

  /** Takes in some buffers. Returns whether the arena is complete and can be read. */
  add(part: SnapshotBuffers): boolean {
    for (let i = 0; i < part.buffers.length; i++) {
      this.buffers[part.chunk[i]!] = part.buffers[i]!;
      this.slotBytes[part.chunk[i]!] = part.slotBytes[i]!;
    }
    if (part.last) this.openSegments();
    return part.last;
  }

  private openSegments(): void {
    const { chunkOf, slotOf } = this.segments;
    for (let segment = 0; segment < chunkOf.length; segment++) {
      const buffer = this.buffers[chunkOf[segment]!];
      if (chunkOf[segment]! < 0 || buffer === undefined) {
        this.u8.push(NO_BYTES);
        this.i32.push(NO_WORDS);
        this.f64.push(NO_FLOATS);
        continue;
      }
      const bytes = this.slotBytes[chunkOf[segment]!]!;
      const from = slotOf[segment]! * bytes;
      this.u8.push(new Uint8Array(buffer, from, bytes));
      this.i32.push(new Int32Array(buffer, from, bytes >> 2));
      this.f64.push(new Float64Array(buffer, from, bytes >> 3));
    }
  }

  word(ref: Ref, i: number): number {
    return this.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  float(ref: Ref, i: number): number {
    return this.f64[ref >>> 15]![(ref & 0x7fff) + i]!;
  }

  capacity(ref: Ref): number {
    const segment = ref >>> SEGMENT_SHIFT;
    const c = this.segments.classOf[segment] ?? CLASS_NONE;
    return c >= 0 ? classSizes[c]! : this.u8[segment]!.length;
  }

  setWord(_ref: Ref, _i: number, _value: number): void {
    throw new FrozenArenaError();
  }

  setFloat(_ref: Ref, _i: number, _value: number): void {
    throw new FrozenArenaError();
  }

  alloc(_bytes: number): Ref {
    throw new FrozenArenaError();
  }

  requireRoom(_bytes: number): void {
    throw new FrozenArenaError();
  }

  free(_ref: Ref): void {
    throw new FrozenArenaError();
  }

  realloc(_ref: Ref, _used: number, _bytes: number): Ref {
    throw new FrozenArenaError();
  }

  shouldMove(_ref: Ref): boolean {
    return false;
  }

  relocate(_ref: Ref): Ref {
    throw new FrozenArenaError();
  }

  touch(_ref: Ref): void {
    throw new FrozenArenaError();
  }

  allocTable(_bytes: number): Ref {
    throw new FrozenArenaError();
  }

  freeTable(_ref: Ref, _bytes: number): void {
    throw new FrozenArenaError();
  }
}
