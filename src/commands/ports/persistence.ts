/**
 * Snapshots and the append-only file as commands see them. `src/server/persistence.ts` implements
 * it. What is refused throws CommandError.
 */
import type { CommandError } from '../../util/errors.ts';

export interface PersistencePort {
  /** Unix time in seconds of the last successful save. */
  readonly lastSaveSeconds: number;
  /** Where the append-only file is, for `isOnDisk`; undefined without one. */
  readonly fileMark: number | undefined;
  /** Whether what was written up to a mark is on the disk; never when appending was switched. */
  isOnDisk(mark: number): boolean;
  /** Why nothing can be waited for without an append-only file. */
  readonly notAppending: CommandError;
  /** Saves before it returns. O(data). */
  save(): void;
  /** Saves in the background. `nested`: within a transaction, where nothing can begin. */
  bgsave(schedule: boolean, nested: boolean): 'started' | 'scheduled';
  /** Rewrites the append-only file in the background. */
  bgrewriteaof(nested: boolean): 'started' | 'scheduled';
  /**
   * All databases were emptied (FLUSHALL): a save under way is given up, and where save points are
   * set the RDB file holds no keys either from now on. O(1).
   */
  allFlushed(): void;
}
