/**
 * The ordered checks between lookup and handler. Each looks at flags and state only; none knows a
 * command by name. Order as redis-server 7.0.15, processCommand.
 */
import { ALLOWED, check } from '../commands/access.ts';
import { type Command, Flag } from '../commands/command-table.ts';
import type { Session } from '../session/session.ts';
import type { Transaction } from '../session/transaction.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import type { Acl } from './acl.ts';

/** What a RESP2 client that is subscribed to something may not send: replies look like messages. */
function notWhileSubscribed(command: Command): CommandError {
  return new CommandError(
    `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / ` +
      'QUIT / RESET are allowed in this context',
  );
}

/** Replicas may not touch the keys, nor may monitors. */
const notForOnlookers = new CommandError("ERR Replica can't interact with the keyspace");
const KEYSPACE = Flag.write | Flag.readonly | Flag.may_replicate;

/** Commands that fail while the data cannot be brought to the disk. */
const NEEDS_DISK = Flag.write | Flag.fails_with_disk;

// Flags that each request is asked for: constants, not properties to be looked up.
const { allow_busy: ALLOW_BUSY, commits: COMMITS, denyoom: DENYOOM, ends_multi: ENDS_MULTI } = Flag;
const { immediate: IMMEDIATE } = Flag;
const { loading: LOADING, no_auth: NO_AUTH, no_multi: NO_MULTI } = Flag;
const { no_async_loading: NO_ASYNC_LOADING, stale: STALE, write: WRITE } = Flag;
const { protected: PROTECTED, subscriber: SUBSCRIBER } = Flag;

/** A command with more arguments is run only where the heap has room for what it makes of them. */
const MANY_ARGUMENTS = 65_536;
/** What a handler makes of an argument: a number in an array in data commands, else a text. */
const DATA_ARGUMENT_BYTES = 24;
const OTHER_ARGUMENT_BYTES = 100;

function fitsHeap({ flagBits }: Command, { argc }: Args): boolean {
  const isAboutData = (flagBits & (Flag.write | Flag.readonly)) !== 0;
  return heapGuard.hasRoom(argc * (isAboutData ? DATA_ARGUMENT_BYTES : OTHER_ARGUMENT_BYTES));
}

const notInTransaction = new CommandError('ERR Command not allowed inside a transaction');

/** Whether a session's command waits for EXEC. */
export function isQueued(session: Session, command: Command): boolean {
  return session.transaction.isOpen && (command.flagBits & IMMEDIATE) === 0;
}

/** The limit of memory: what `Eviction` is to the gates. */
export interface MemoryGate {
  /** 0 for no limit. */
  readonly maxBytes: number;
  /** Makes room; whether memory is full nevertheless. `more`: bytes that are not counted yet. */
  isFull(more: number): boolean;
}

export class Gates {
  /** Whether a client must authenticate first. */
  passwordRequired = false;
  /**
   * Whether commands that may grow data are refused for want of memory: as it was before the
   * present command, however much of it that uses.
   */
  isOutOfMemory = false;
  /** Why writes are refused: this server is a replica that its master alone may write to. */
  replicaRefusal: CommandError | undefined = undefined;
  /** Why all but the commands for it are refused: the link to the master is down. */
  staleRefusal: CommandError | undefined = undefined;
  /** Whether too few replicas keep up for a write (min-replicas-to-write). */
  lacksReplicas = false;
  /** Whether the data of the disk, or of a master, is being loaded. */
  isLoading = false;
  /** Whether a master's data is being loaded beside the present one, which is served. */
  isLoadingAsync = false;
  /** Why writes are refused because of the disk. */
  diskRefusal: CommandError | undefined = undefined;
  /** Why all but the commands for it are refused: a script has run for too long. */
  busy: CommandError | undefined = undefined;
  readonly acl: Acl;
  private readonly memory: MemoryGate;
  private readonly protectedCommands: (
    session: Session,
    command: Command,
  ) => CommandError | undefined;

  constructor(
    acl: Acl,
    memory: MemoryGate,
    protectedCommands: (session: Session, command: Command) => CommandError | undefined,
  ) {
    this.acl = acl;
    this.memory = memory;
    this.protectedCommands = protectedCommands;
  }

  /**
   * Why the command may not run now, or undefined. `own` are its flags, with those that its
   * arguments declare.
   */
  check(session: Session, command: Command, args: Args, own: number): CommandError | undefined {
    this.isOutOfMemory = false;
    if (session.appliesEffects) return undefined;
    if (args.argc > MANY_ARGUMENTS && !fitsHeap(command, args)) return errors.heapFull;
    const { transaction } = session;
    let flags = own;
    if ((flags & COMMITS) !== 0) flags |= transaction.flagBits;
    if ((flags & PROTECTED) !== 0) {
      const refused = this.protectedCommands(session, command);
      if (refused !== undefined) return refused;
    }
    if (this.passwordRequired && !session.authenticated && (flags & NO_AUTH) === 0) {
      return errors.noAuth;
    }
    if (transaction.isOpen && (command.flagBits & NO_MULTI) !== 0) return notInTransaction;
    const { user } = session;
    if (!user.unrestricted && check(user, command, args) !== ALLOWED) {
      return this.acl.refuse(session, command, args);
    }
    // Not inside of a script that runs for long: its effects and evictions must not mix.
    if (this.memory.maxBytes > 0 && this.busy === undefined) {
      this.isOutOfMemory = this.memory.isFull(transaction.bytes);
      // A queue takes memory, whatever it holds.
      const grows =
        (flags & DENYOOM) !== 0 || (transaction.isOpen && (command.flagBits & ENDS_MULTI) === 0);
      if (grows && this.isOutOfMemory) return errors.oom;
    }
    if (this.diskRefusal !== undefined && (flags & NEEDS_DISK) !== 0) return this.diskRefusal;
    if (this.lacksReplicas && (flags & WRITE) !== 0) return errors.noReplicas;
    if (this.replicaRefusal !== undefined && (flags & WRITE) !== 0) return this.replicaRefusal;
    if (session.isConfined && (command.flagBits & SUBSCRIBER) === 0) {
      return notWhileSubscribed(command);
    }
    if (this.isRestricted) {
      const refused = this.restriction(own, transaction);
      if (refused !== undefined) return refused;
    }
    if (session.isOnlooker && (flags & KEYSPACE) !== 0) return notForOnlookers;
    if (this.busy !== undefined && (command.flagBits & ALLOW_BUSY) === 0) return this.busy;
    return undefined;
  }

  /** Whether the data is not what it should be: an old one, or not all there. */
  private get isRestricted(): boolean {
    return this.isLoading || this.isLoadingAsync || this.staleRefusal !== undefined;
  }

  /** Why a command may not run on such data, or undefined. */
  private restriction(own: number, queue: Transaction): CommandError | undefined {
    // What EXEC runs must be allowed all of it.
    const shared = (own & COMMITS) === 0 ? own : own & queue.commonFlagBits;
    const any = (own & COMMITS) === 0 ? own : own | queue.flagBits;
    if (this.staleRefusal !== undefined && (shared & STALE) === 0) return this.staleRefusal;
    if (this.isLoading && (shared & LOADING) === 0) return errors.loading;
    if (this.isLoadingAsync && (any & NO_ASYNC_LOADING) !== 0) return errors.loading;
    return undefined;
  }
}
