/**
 * What a handler sees of the world: the selected database, the frozen clock, its session and the
 * server's ports. Nothing else; there is no service locator. One object is reused for every call.
 */
import type { Db } from '../keyspace/db.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Args } from '../util/args.ts';
import type { ServerPort, SessionPort } from './ports.ts';
import type { CommandSpec } from './spec.ts';

export class Context {
  db: Db;
  readonly keyspace: Keyspace;
  readonly server: ServerPort;
  /** Set by the dispatcher before every call. */
  declare session: SessionPort;
  /** The command being run; set by the dispatcher before every call. */
  declare command: CommandSpec;
  /** Wall clock in ms, the same for the whole command (and for a whole EXEC). */
  nowMs = 0;

  constructor(keyspace: Keyspace, server: ServerPort) {
    this.keyspace = keyspace;
    this.db = keyspace.dbs[0]!;
    this.server = server;
  }

  /** The handler changed the key that is argument i; `event` is its keyspace event. */
  changed(event: string, args: Args, i: number): void {
    this.keyspace.changed(this.db, event, args, i);
  }
}
