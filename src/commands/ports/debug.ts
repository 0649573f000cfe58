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
  /** Whether scripts may call what they otherwise must not (DEBUG SET-DISABLE-DENY-SCRIPTS). */
  allowAllInScripts(allowed: boolean): void;
  /** Stops or goes on with what is done now and then (DEBUG PAUSE-CRON). */
  pauseCron(paused: boolean): void;
  /** Has every write of the append-only file wait so long before it (DEBUG AOF-FLUSH-SLEEP). */
  sleepBeforeAof(micros: number): void;
  /** Writes every directive into the configuration file (DEBUG CONFIG-REWRITE-FORCE-ALL). */
  rewriteWholeConfig(): void;
  /** A new replication id (DEBUG CHANGE-REPL-ID). */
  changeReplicationId(): void;
}
