/**
 * Which chunks to empty when much memory lies between blocks: after nine in ten of many small
 * values were deleted, every segment is still in use. The arena never moves a block on its own; it
 * only names those whose owner should.
 */

/** How well a chunk is filled. */
export interface ChunkUse {
  readonly chunk: number;
  readonly slotBytes: number;
  /** Bytes of the chunk. */
  readonly bytes: number;
  /** Bytes of live blocks. */
  liveBytes: number;
  /** Bytes that the system has given memory for, about. */
  residentBytes: number;
  /** Numbers of the segments in it. */
  readonly segments: number[];
}

const MIB = 1024 * 1024;
/** Less than this is never worth the work. */
const WASTE_MIN_BYTES = 32 * MIB;
/** Nor is less than this part of what lives. */
const WASTE_MIN_SHARE = 0.25;
/** Chunks kept are taken to be filled as far as this, and a chunk filled further is kept. */
const FILLED = 0.9;
const SPARSE = 0.5;

/**
 * The sparsest chunks, as many as those that stay have room for; undefined when too little is
 * wasted, or hardly more than `wasteLeft`, which an earlier compaction could not help.
 */
export function chooseSparse(
  uses: readonly ChunkUse[],
  wasteLeft: number,
): readonly ChunkUse[] | undefined {
  let live = 0;
  let waste = 0;
  for (const use of uses) {
    live += use.liveBytes;
    waste += use.residentBytes - use.liveBytes;
  }
  if (waste < wasteLeft + Math.max(WASTE_MIN_BYTES, live * WASTE_MIN_SHARE)) return undefined;
  const chosen: ChunkUse[] = [];
  for (const group of bySlotBytes(uses)) {
    group.sort((a, b) => b.liveBytes / b.bytes - a.liveBytes / a.bytes);
    const total = group.reduce((sum, use) => sum + use.liveBytes, 0);
    let room = 0;
    for (const use of group) {
      if (room < total || use.liveBytes > use.bytes * SPARSE) room += use.bytes * FILLED;
      else chosen.push(use);
    }
  }
  return chosen.length === 0 ? undefined : chosen;
}

function bySlotBytes(uses: readonly ChunkUse[]): ChunkUse[][] {
  const groups = new Map<number, ChunkUse[]>();
  for (const use of uses) {
    const group = groups.get(use.slotBytes);
    if (group === undefined) groups.set(use.slotBytes, [use]);
    else group.push(use);
  }
  return [...groups.values()];
}
