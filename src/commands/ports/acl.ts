/**
 * Users, what they may do, and what was refused, as commands see it. `src/server/acl.ts` implements
 * it.
 */
import type { AclLog } from '../../acl/log.ts';
import type { User } from '../../acl/user.ts';
import type { Users } from '../../acl/users.ts';
import type { Args } from '../../util/args.ts';
import type { Command } from '../command-table.ts';
import type { SessionPort } from './session.ts';

export interface AclPort {
  /** To be looked at only; the methods here change it. */
  readonly users: Users;
  readonly log: AclLog;
  /**
   * Logs a session in when user and password match; false, and noted in the log, when they don't.
   * `args` is the command line that asked for it.
   */
  authenticate(session: SessionPort, name: string, password: Uint8Array, args: Args): boolean;
  /** The session is the default user again, logged in if that one needs no password. */
  logout(session: SessionPort): void;
  /**
   * Applies rules to a user, who is made if need be, all of them or none. Ends the connections
   * that are subscribed to what the user may not listen to any more; `by` only once it has its
   * reply. Throws CommandError.
   */
  setUser(name: string, words: readonly string[], by: SessionPort): void;
  /** Takes users away and ends their connections. Returns how many there were. */
  deleteUsers(names: readonly string[], by: SessionPort): number;
  /** Puts the users of the file in the place of all. Throws CommandError. */
  load(by: SessionPort): void;
  /** Writes all users into the file. Throws CommandError. */
  save(): void;
  /** Why a user may not run a command line, in words for ACL DRYRUN; undefined when it may be. */
  explain(user: User, command: Command, args: Args): string | undefined;
}
