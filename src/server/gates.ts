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

// Flags that each request is asked for: constants, not properties to be looked up.
const { allow_busy: ALLOW_BUSY, commits: COMMITS, denyoom: DENYOOM, immediate: IMMEDIATE } = Flag;
const { loading: LOADING, no_auth: NO_AUTH, no_multi: NO_MULTI } = Flag;
const { protected: PROTECTED, subscriber: SUBSCRIBER } = Flag;

const notInTransaction = new CommandError('ERR Command not allowed inside a transaction');

/** Whether a session's command waits for EXEC. */
export function isQueued(session: Session, command: Command): boolean {
  return session.transaction.isOpen && (command.flagBits & IMMEDIATE) === 0;
}

export class Gates {
  /** Whether a client must authenticate first. */
  passwordRequired = false;
  /** Bytes of used memory past which commands that may grow data are refused; 0 for none. */
  maxMemory = 0;
  /** Whether the data of the disk is being loaded. */
  isLoading = false;
  /** Why writes are refused because of the disk. */
  diskRefusal: CommandError | undefined = undefined;
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
    if ((flags & COMMITS) !== 0) flags |= transaction.flagBits;
    if ((flags & PROTECTED) !== 0) {
      const refused = this.protectedCommands(session, command);
      if (refused !== undefined) return refused;
    }
    if (this.passwordRequired && !session.authenticated && (flags & NO_AUTH) === 0) {
      return errors.noAuth;
    }
    if (transaction.isOpen && (command.flagBits & NO_MULTI) !== 0) return notInTransaction;
    // A queue takes memory, whatever it holds.
    const grows = (flags & DENYOOM) !== 0 || isQueued(session, command);
    if (grows && this.maxMemory > 0 && this.usedMemory() + transaction.bytes > this.maxMemory) {
      return errors.oom;
    }
    if (this.diskRefusal !== undefined && (flags & NEEDS_DISK) !== 0) return this.diskRefusal;
    if (session.isConfined && (command.flagBits & SUBSCRIBER) === 0) {
      return notWhileSubscribed(command);
    }
    if (this.isLoading && (flags & LOADING) === 0) return errors.loading;
    if (session.isMonitor && (flags & KEYSPACE) !== 0) return notForMonitors;
    if (this.busy !== undefined && (command.flagBits & ALLOW_BUSY) === 0) return this.busy;
    return undefined;
  }
}
