/**
 * What DEBUG does to the server itself. `src/server/debug-tools.ts` implements it.
 */

/** Tools for testing. */
export interface DebugPort {
  /** Turns the active expire cycle on or off (DEBUG SET-ACTIVE-EXPIRE). */
  setActiveExpire(enabled: boolean): void;
  /** Blocks the whole server for `ms` (DEBUG SLEEP). */
  sleep(ms: number): void;
  /** A new replication id (DEBUG CHANGE-REPL-ID). */
  changeReplicationId(): void;
}
