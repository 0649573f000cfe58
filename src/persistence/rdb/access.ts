/**
 * Access data that comes with a value: RESTORE's IDLETIME and FREQ, and their like in RDB files.
 */
import { lruClock } from '../../keyspace/access-time.ts';
import type { Db } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Values } from '../../keyspace/values.ts';

const CLOCK_MAX = 0xffffff;

/**
 * Makes an entry as old as it is said to be, in seconds, or gives it an LFU counter; whichever
 * the policy in force does not use is passed over, and so is -1.
 */
export function setAccess(
  space: Values,
  db: Db,
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
  db.setAccess(entry, access);
}
