/**
 * A moment of an arena, kept for readers while the arena goes on. Taking one copies three short
 * arrays; its buffers are named to a reader afterwards, in parts, so that no turn of the event
 * loop waits for all of them (docs/decisions/0011-frozen-arena.md).
 *
 *     const snapshot = arena.snapshot();
 *     worker.postMessage(snapshot.segments);
 *     for (const part of snapshot.parts()) worker.postMessage(part);   // a part a turn, if many
 *     ...                                       in the worker: new FrozenArena(segments), add(part)
 *     snapshot.release();                       when the worker has ended
 */
import type { SnapshotBuffers, SnapshotDescription, SnapshotSegments } from './frozen-arena.ts';

/** Buffers in one part: 512 take about half a millisecond to post. */
const PART_BUFFERS = 512;

/** What a snapshot asks of its arena. */
export interface Freezer {
  /** Bytes that were copied for snapshots, or freed, and that these still need. */
  readonly snapshotBytes: number;
  bufferOf(chunk: number): SharedArrayBuffer;
  slotBytesOf(chunk: number): number;
  snapshotReleased(number: number): void;
}

export class Snapshot {
  /** What a reader is told first; it can be posted. */
  readonly segments: SnapshotSegments;
  private readonly arena: Freezer;
  private readonly number: number;
  private released = false;

  constructor(arena: Freezer, number: number, segments: SnapshotSegments) {
    this.arena = arena;
    this.number = number;
    this.segments = segments;
  }

  /** Bytes that this snapshot and others alive hold beside the data, at present. */
  get heldBytes(): number {
    return this.arena.snapshotBytes;
  }

  /** The buffers, in parts that take less than a millisecond to post. Not after `release`. */
  *parts(): Generator<SnapshotBuffers> {
    const { chunkOf } = this.segments;
    const seen = new Set<number>();
    let chunks: number[] = [];
    for (let segment = 0; segment < chunkOf.length; segment++) {
      const chunk = chunkOf[segment]!;
      if (chunk < 0 || seen.has(chunk)) continue;
      seen.add(chunk);
      chunks.push(chunk);
      if (chunks.length < PART_BUFFERS) continue;
      yield this.part(chunks, false);
      chunks = [];
    }
    yield this.part(chunks, true);
  }

  private part(chunks: number[], last: boolean): SnapshotBuffers {
    return {
      chunk: Int32Array.from(chunks),
      slotBytes: Float64Array.from(chunks, (c) => this.arena.slotBytesOf(c)),
      buffers: chunks.map((c) => this.arena.bufferOf(c)),
      last,
    };
  }

  /** All parts at once, for a reader in this thread or an arena that is not large. O(segments). */
  describe(): SnapshotDescription {
    return { segments: this.segments, buffers: [...this.parts()] };
  }

  /** Its readers are done. Idempotent. O(segments copied or freed meanwhile). */
  release(): void {
    if (this.released) return;
    this.released = true;
    this.arena.snapshotReleased(this.number);
  }
}
