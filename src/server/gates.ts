/**
 * The ordered checks between lookup and handler. Each looks at flags and state only; none knows a
 * command by name. Order as redis-server 7.0.15, processCommand.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';

/** What a RESP2 client that is subscribed to something may not send: replies look like messages. */
function notWhileSubscribed(command: Command): CommandError {
  return new CommandError(
    `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / ` +
      'QUIT / RESET are allowed in this context',
  );
}

/** A monitor is to the keyspace what a replica is: it may not touch it. */
const notForMonitors = new CommandError("ERR Replica can't interact with the keyspace");
const KEYSPACE = Flag.write | Flag.readonly | Flag.may_replicate;

/** Commands that fail while the data cannot be brought to the disk. */
const NEEDS_DISK = Flag.write | Flag.fails_with_disk;

const notInTransaction = new CommandError('ERR Command not allowed inside a transaction');

/** Whether a session's command waits for EXEC. */
export function isQueued(session: Session, command: Command): boolean {
  return session.transaction.isOpen && (command.flagBits & Flag.immediate) === 0;
}

export class Gates {
  /** Whether a client must authenticate first. */
  passwordRequired = false;
  /** Bytes of used memory past which commands that may grow data are refused; 0 for none. */
  maxMemory = 0;
  /** Whether the data of the disk is being loaded. */
  isLoading = false;
  /** Why writes are refused because of the disk; set while anything is brought there. */
  diskRefusal: (() => CommandError | undefined) | undefined = undefined;
  /** Why all but the commands for it are refused: a script has run for too long. */
  busy: CommandError | undefined = undefined;
  private readonly usedMemory: () => number;
  private readonly protectedCommands: (
    session: Session,
    command: Command,
  ) => CommandError | undefined;

  constructor(
    usedMemory: () => number,
    protectedCommands: (session: Session, command: Command) => CommandError | undefined,
  ) {
    this.usedMemory = usedMemory;
    this.protectedCommands = protectedCommands;
  }

  /** Whether commands that may grow data are refused. */
  get isOutOfMemory(): boolean {
    return this.maxMemory > 0 && this.usedMemory() > this.maxMemory;
  }

  /** Why the command may not run now, or undefined. */
  check(session: Session, command: Command, _args: Args): CommandError | undefined {
    if (session.appliesEffects) return undefined;
    const { transaction } = session;
    let flags = command.flagBits;
    if ((flags & Flag.commits) !== 0) flags |= transaction.flagBits;
    if ((flags & Flag.protected) !== 0) {
      const refused = this.protectedCommands(session, command);
      if (refused !== undefined) return refused;
    }
    if (this.passwordRequired && !session.authenticated && (flags & Flag.no_auth) === 0) {
      return errors.noAuth;
    }
    if (transaction.isOpen && (command.flagBits & Flag.no_multi) !== 0) return notInTransaction;
    // A queue takes memory, whatever it holds.
    const grows = (flags & Flag.denyoom) !== 0 || isQueued(session, command);
    if (grows && this.maxMemory > 0 && this.usedMemory() + transaction.bytes > this.maxMemory) {
      return errors.oom;
    }
    if (this.diskRefusal !== undefined && (flags & NEEDS_DISK) !== 0) {
      const refused = this.diskRefusal();
      if (refused !== undefined) return refused;
    }
    if (session.isConfined && (command.flagBits & Flag.subscriber) === 0) {
      return notWhileSubscribed(command);
    }
    if (this.isLoading && (flags & Flag.loading) === 0) return errors.loading;
    if (session.isMonitor && (flags & KEYSPACE) !== 0) return notForMonitors;
    if (this.busy !== undefined && (command.flagBits & Flag.allow_busy) === 0) return this.busy;
    return undefined;
  }
}
