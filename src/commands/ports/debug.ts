/**
 * What DEBUG does to the server itself. `src/server/debug-tools.ts` implements it.
 */

/** Tools for testing. */
export interface DebugPort {
  /** Turns the active expire cycle on or off (DEBUG SET-ACTIVE-EXPIRE). */
  setActiveExpire(enabled: boolean): void;
  /** Blocks the whole server for `ms` (DEBUG SLEEP). */
  sleep(ms: number): void;
  /**
   * Saves the data, empties the databases and loads it again, each if wanted; `replace`: keys of
   * the file take the place of those that are there (DEBUG RELOAD). Throws CommandError.
   */
  reload(options: {
    readonly save: boolean;
    readonly flush: boolean;
    readonly replace: boolean;
  }): void;
  /** Empties the databases and loads the append-only files (DEBUG LOADAOF). Throws CommandError. */
  loadAof(): void;
  /** A new replication id (DEBUG CHANGE-REPL-ID). */
  changeReplicationId(): void;
}
