/**
 * What a handler sees of the world: the selected database, the frozen clock, its session and the
 * server's ports. Nothing else; there is no service locator. One object is reused for every call.
 */
import type { Value } from '../datatypes/value.ts';
import type { Db } from '../keyspace/db.ts';
import type { Entry } from '../keyspace/entry.ts';
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

  /**
   * Elements of the value at argument i were added, changed or removed: tells so, and removes a key
   * whose value is empty now. `entry` is the key's, `value` is open on it.
   */
  changedValue(event: string, entry: Entry, value: Value, args: Args, i: number): void {
    this.changed(event, args, i);
    if (value.size === 0) {
      this.db.removeEntry(entry);
      this.changed('del', args, i);
    } else this.db.fieldsChanged(entry, value);
  }
}
