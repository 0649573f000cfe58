/**
 * Access data that comes with a value: RESTORE's IDLETIME and FREQ, and their like in RDB files.
 */
import { lruClock } from '../../keyspace/access-time.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Keyspace } from '../../keyspace/keyspace.ts';

const CLOCK_MAX = 0xffffff;
/** Info word of an entry, int32 index in its block; the low 8 bits are type and encoding. */
const INFO = 1;

/**
 * Makes an entry as old as it is said to be, in seconds, or gives it an LFU counter; whichever
 * the policy in force does not use is passed over, and so is -1.
 */
export function setAccess(
  space: Keyspace,
  entry: Entry,
  idleSeconds: number,
  frequency: number,
): void {
  let access: number;
  if (space.lfuEnabled) {
    if (frequency < 0) return;
    access = (space.freshAccess() & ~0xff) | frequency;
  } else {
    if (idleSeconds < 0) return;
    const now = lruClock(space.nowMs);
    // As redis-server 7.0.15: past the clock's start it goes on one turn later, which is taken to
    // be a second shorter than it is; what remains of longer times wraps.
    access = now - idleSeconds;
    if (access < 0) access += CLOCK_MAX;
    access &= CLOCK_MAX;
  }
  const { arena } = space;
  arena.touch(entry);
  const i32 = arena.i32[entry >>> 15]!;
  const at = ((entry & 0x7fff) << 1) + INFO;
  i32[at] = (i32[at]! & 0xff) | (access << 8);
}
