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

/** How much must be wasted for the work to be worth it. */
export interface WasteLimits {
  /** Bytes between blocks. */
  readonly bytes: number;
  /** The same as a part of the bytes of live blocks. */
  readonly share: number;
}

/** What is to be emptied, and how much is wasted as a part of what lives. */
export interface Sparse {
  readonly chunks: readonly ChunkUse[];
  readonly share: number;
}

/** Chunks kept are taken to be filled as far as this, and a chunk filled further is kept. */
const FILLED = 0.9;
const SPARSE = 0.7;

/**
 * The sparsest chunks, as many as those that stay have room for; undefined when too little is
 * wasted, or hardly more than `wasteLeft`, which an earlier compaction could not help.
 */
export function chooseSparse(
  uses: readonly ChunkUse[],
  wasteLeft: number,
  limits: WasteLimits,
): Sparse | undefined {
  let live = 0;
  let waste = 0;
  for (const use of uses) {
    live += use.liveBytes;
    waste += use.residentBytes - use.liveBytes;
  }
  if (waste < wasteLeft + Math.max(limits.bytes, live * limits.share)) return undefined;
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
  return chosen.length === 0 ? undefined : { chunks: chosen, share: waste / Math.max(1, live) };
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
