/**
 * Bringing keys to other servers, as MIGRATE sees it. `src/server/migrations.ts` implements it.
 */
import type { CommandError } from '../../util/errors.ts';
import type { SessionPort } from './session.ts';

/** A key that is to be brought to another server. */
export interface MigratingKey {
  /** The argument that it is. */
  readonly argument: number;
  /** As latin1 text. */
  readonly name: string;
  /** The request that makes it there. */
  readonly request: Buffer;
}

/** What MIGRATE was asked to do. */
export interface Migration {
  readonly host: string;
  readonly port: number;
  /** The target's database, as SELECT takes it. */
  readonly database: string;
  /** Longest time without any progress, ms. */
  readonly timeoutMs: number;
  /** AUTH's arguments, latin1; none: the target is not logged in to. */
  readonly login: readonly string[];
  /** At least one. */
  readonly keys: readonly MigratingKey[];
}

/** What has become of a migration. */
export interface MigrationOutcome {
  /** Arguments that are keys which the target has now, and which are here as they were sent. */
  readonly arrived: readonly number[];
  /** What went wrong, with some keys or with all. */
  readonly error: CommandError | undefined;
}

/** What is on its way to other servers. */
export interface MigrationsPort {
  /**
   * Begins to send keys of the session's database. Its command is about to block; it is run again
   * when all is over. Until the wait ends writes of all clients are held back.
   */
  start(session: SessionPort, migration: Migration): void;
  /** What has become of the session's migration. Call it when the command runs again. */
  outcome(session: SessionPort): MigrationOutcome;
  /** The session does not wait any longer: what is still under way is given up. */
  end(session: SessionPort): void;
}
