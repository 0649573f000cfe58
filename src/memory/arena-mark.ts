/**
 * A moment of a writable arena to which it can be brought back: a snapshot of its bytes, and all
 * that the arena knows about them. Its bytes can also be copied out, for arenas in other threads to
 * begin with.
 */
import { SEGMENT_BYTES } from './arena.ts';
import type { Snapshot } from './snapshot.ts';

/** What an arena knows about its segments, by segment number. */
export interface SegmentTables {
  readonly classOf: Int16Array;
  readonly liveBlocks: Int32Array;
  readonly freeHead: Int32Array;
  readonly bump: Int32Array;
  readonly nextRoom: Int32Array;
  readonly previousRoom: Int32Array;
  readonly roomHead: Int32Array;
  readonly freeNumbers: readonly number[];
  readonly usedBytes: number;
}

export interface ArenaMark {
  readonly snapshot: Snapshot;
  /** Since which snapshot's number each segment's slot is as it is. */
  readonly epochOf: Int32Array;
  readonly tables: SegmentTables;
}

/** The bytes of a mark on their own; it can be posted. Nobody writes into its buffers. */
export interface SharedArena {
  readonly tables: SegmentTables;
  /** Where each segment is: a buffer's index (-1 for none) and the slot in it. */
  readonly bufferOf: Int32Array;
  readonly slotOf: Int32Array;
  /** Bytes of a buffer's slots. */
  readonly slotBytes: readonly number[];
  readonly buffers: readonly SharedArrayBuffer[];
}

/** Ordinary segments in one buffer. */
const SLOTS = 256;

/** Copies the bytes of all segments; `bytesAt` gives those of one, as they were. O(bytes). */
export function shareArena(
  tables: SegmentTables,
  bytesAt: (segment: number) => Uint8Array | undefined,
): SharedArena {
  const count = tables.classOf.length;
  const bufferOf = new Int32Array(count).fill(-1);
  const slotOf = new Int32Array(count);
  const buffers: SharedArrayBuffer[] = [];
  const slotBytes: number[] = [];
  const copy = (segments: readonly number[], bytes: number): void => {
    const buffer = new SharedArrayBuffer(segments.length * bytes);
    const target = new Uint8Array(buffer);
    for (const [slot, segment] of segments.entries()) {
      target.set(bytesAt(segment)!, slot * bytes);
      bufferOf[segment] = buffers.length;
      slotOf[segment] = slot;
    }
    buffers.push(buffer);
    slotBytes.push(bytes);
  };
  let group: number[] = [];
  for (let segment = 0; segment < count; segment++) {
    const bytes = bytesAt(segment)?.length;
    if (bytes === undefined) continue;
    if (bytes !== SEGMENT_BYTES) copy([segment], bytes);
    else if (group.push(segment) === SLOTS) {
      copy(group, SEGMENT_BYTES);
      group = [];
    }
  }
  if (group.length > 0) copy(group, SEGMENT_BYTES);
  return { tables, bufferOf, slotOf, slotBytes, buffers };
}
