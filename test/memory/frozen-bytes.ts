import { FrozenArena } from '../../src/memory/frozen-arena.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';

/** The bytes of a living snapshot by segment number, as a reader in another thread sees them. */
export function frozenBytes(snapshot: Snapshot): readonly Uint8Array[] {
  return FrozenArena.open(snapshot.describe()).u8;
}
