/**
 * What a handler sees of the world: the selected database, the frozen clock, its session and the
 * server's ports. Nothing else; there is no service locator. It is the frame of a call: there is
 * one for each depth (a client's command, what EXEC or a script runs in it, ...), used again and
 * again.
 *
 * Only commands that run others (EXEC, EVAL, FCALL) nest, and they hold no shared cursor or
 * register while they do: that is what makes those safe.
 */
import type { Value } from '../datatypes/value.ts';
import type { Changes } from '../keyspace/changes.ts';
import type { Db } from '../keyspace/db.ts';
import type { Entry, UnixMs } from '../keyspace/entry.ts';
import type { KeyEvent } from '../keyspace/events.ts';
import type { EffectLine } from '../keyspace/journal.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Reply } from '../resp/reply.ts';
import type { Args } from '../util/args.ts';
import { heapGuard } from '../util/heap-guard.ts';
import type { Command } from './command-table.ts';
import type { Spec } from './facts.ts';
import type { ServerPort } from './ports/server.ts';
import type { SessionPort } from './ports/session.ts';

/** Runs commands as part of another one; the executor is one. */
export interface Caller {
  /** Calls that are part of the one in frame `outer` are about to come; the time, monotonic ms. */
  beginCalls(outer: Context): number;
  /**
   * Runs a command as part of the one in frame `outer`; its reply or error is written to `reply`.
   */
  call(outer: Context, command: Command, args: Args, reply: Reply): void;
}

/** What a handler asks for that finds nothing to do and may wait. */
export interface BlockRequest {
  /** The command to run again; copied. Usually the handler's own arguments. */
  readonly args: Args;
  /** Keys of the selected database whose change makes it run again, as latin1 text. */
  readonly keys: readonly string[];
  /**
   * What is wanted of each of `keys`, as text: when a command that waits for a value of the same
   * type finds nothing, others with the same text are not run at all. Nothing when every value of
   * the type will do.
   */
  readonly wants?: readonly string[];
  /** Type that a key must have for the command to be run again. */
  readonly type: number;
  /** Whether it is run again as well when a key is gone or of another type. */
  readonly wakesWhenGone?: boolean;
  /** When it gives up, wall clock in ms; 0 for never. */
  readonly untilMs: number;
  /** When it is run again though no key has changed, wall clock in ms; 0 or nothing for never. */
  readonly retryAtMs?: number;
  /** Writes the reply of a wait that was in vain. */
  readonly onTimeout: (reply: Reply) => void;
  /** Called when the wait is over, in whatever way. */
  readonly onEnd?: () => void;
  /** Writes the reply where nothing may wait, if that is another one. */
  readonly onDenied?: (reply: Reply) => void;
}

/** What waiting for one key costs on the heap, its name not counted: measured. */
export const WAITING_KEY_BYTES = 900;

/** Bytes that a command costs while it waits. O(keys). */
export function waitingCost({ args, keys, wants }: BlockRequest): number {
  // The arguments, their positions, and the names of the keys once more.
  let bytes = WAITING_KEY_BYTES * (1 + keys.length) + 2 * args.byteLength + 8 * args.argc;
  for (const want of wants ?? []) bytes += want.length;
  return bytes;
}

/**
 * How a command goes to the journal: if it changed data; not itself; always; always, to replicas.
 */
export const Effect = { byChange: 0, replaced: 1, forced: 2, forReplicas: 3 } as const;

export class Context {
  db: Db;
  readonly keyspace: Keyspace;
  readonly server: ServerPort;
  /** Set by the executor before every call. */
  declare session: SessionPort;
  /** The command being run; set by the executor before every call. */
  declare command: Spec;
  /** 0 for a client's own command, 1 for what that one runs, and so on. */
  readonly depth: number;
  /**
   * The key, as latin1 text, whose change makes a command that had to wait run again. To it all
   * other keys are as if they were missing, and so is this one while it is of another type.
   */
  awaitedKey: string | undefined;
  /** What the command asked for with `block`; the executor takes it. */
  blockRequest: BlockRequest | undefined;
  /** Set when the call is not finished: goes on with it, true when it is. The executor takes it. */
  goOn: (() => boolean) | undefined;
  /** As `goOn`, of the call that this one has just made by `call`. */
  pending: (() => boolean) | undefined;
  /** Whether a script calls it; the executor sets it. */
  isInScript = false;
  /** How the command that runs goes to the journal. */
  effect: number = Effect.byChange;
  private readonly changes: Changes;

  private readonly caller: Caller;

  constructor(keyspace: Keyspace, server: ServerPort, caller: Caller, depth: number) {
    this.keyspace = keyspace;
    this.changes = keyspace.changes;
    this.db = keyspace.dbs[0]!;
    this.server = server;
    this.caller = caller;
    this.depth = depth;
  }

  /** Wall clock in ms, the same for the whole command (and for a whole EXEC). */
  get nowMs(): number {
    return this.keyspace.nowMs;
  }

  /**
   * False inside a transaction or script, and for effects of a file or a master: what would wait
   * gives up at once.
   */
  get mayBlock(): boolean {
    return this.depth === 0 && !this.session.appliesEffects;
  }

  /** Calls by `call` are about to come; the time, monotonic ms. */
  beginCalls(): number {
    return this.caller.beginCalls(this);
  }

  /**
   * Runs a command as part of this one: in a frame of its own, at the same moment of the clock,
   * without gates, arity check or queueing. Its reply or error is written to `reply`.
   */
  call(command: Command, args: Args, reply: Reply): void {
    this.caller.call(this, command, args, reply);
  }

  /**
   * Whether what ends at this time (ms) is over already, so that it need not be stored. Never so
   * where nothing expires by itself (a replica, loading): who sent the command says when it goes.
   */
  isOver(expireAt: UnixMs): boolean {
    return expireAt <= this.nowMs && this.keyspace.expiryEnabled;
  }

  /**
   * The call is not finished when the handler returns: `goOn` is called in later turns of the event
   * loop until it returns true, and may throw what a handler may. What it writes to `reply` then
   * follows what was written before. Nothing but this changes data meanwhile.
   */
  suspend(goOn: () => boolean): void {
    this.goOn = goOn;
  }

  /**
   * After `call`: whether the command called is not finished. If so, `then` goes on with this one
   * afterwards (true when it is finished), and the handler must return.
   */
  suspendedIn(then: () => boolean): boolean {
    const { pending } = this;
    if (pending === undefined) return false;
    this.pending = undefined;
    this.suspend(() => pending() && then());
    return true;
  }

  /** Whether the command is run again after it had to wait. */
  get retrying(): boolean {
    return this.awaitedKey !== undefined;
  }

  /**
   * Whether the key that is argument i counts: in a command run again only the one that changed.
   */
  isAwaited(args: Args, i: number): boolean {
    return this.awaitedKey === undefined || args.latin1(i) === this.awaitedKey;
  }

  /**
   * Opens the value at argument i for writing, or 0 when the key is missing. Throws WRONGTYPE, but
   * not for a command that was waiting: to it a value of another type is none.
   */
  openAwaited(args: Args, i: number, value: Value): Entry {
    if (!this.retrying) return this.db.writeValue(args, i, value);
    if (!this.isAwaited(args, i)) return 0;
    const entry = this.db.write(args, i);
    if (entry === 0 || this.db.typeOf(entry) !== value.type) return 0;
    return this.db.writeValue(args, i, value);
  }

  /**
   * Makes the client wait until one of the keys changes, then the command is run again. Where
   * nothing may wait, the reply of a wait in vain is given at once.
   */
  block(request: BlockRequest, reply: Reply): void {
    if (this.mayBlock) {
      if (!this.retrying) heapGuard.require(waitingCost(request));
      this.blockRequest = request;
    } else (request.onDenied ?? request.onTimeout)(reply);
  }

  /**
   * The handler changed the key that is argument i; `event` is its keyspace event. `count` is by
   * how much `rdb_changes_since_last_save` grows: 0 for what another event has counted.
   */
  changed(event: KeyEvent, args: Args, i: number, count = 1): void {
    this.changes.changed(this.db, event, args, i, count);
  }

  /**
   * As `changed`, of what belongs to a value but is not part of it (a stream's groups): waiting
   * clients learn of it, watching and caching ones do not.
   */
  changedMetadata(event: KeyEvent, args: Args, i: number, count = 1): void {
    this.changes.changedMetadata(this.db, event, args, i, count);
  }

  /** `count` changes that only the journal need learn of (pending entries of a group). */
  wrote(count = 1): void {
    this.changes.wrote(count);
  }

  // ---- effects -----------------------------------------------------------------------------

  /** Whether somebody reads the journal: only then need a handler work out what to put there. */
  get effectsWanted(): boolean {
    return this.changes.journal.isRead;
  }

  /**
   * Begins a line that goes to the journal in place of the command itself, for a command whose
   * effect depends on clock, chance or former data; may be called several times. By default the
   * command goes there as it came if it changed data. Undefined while nobody reads:
   * `ctx.instead('PEXPIREAT')?.argument(args, 1).integer(atMs)`.
   */
  instead(name: string): EffectLine | undefined {
    this.effect = Effect.replaced;
    const { journal } = this.changes;
    return journal.isRead ? journal.line(this.db.index, name) : undefined;
  }

  /** What the command changed is no effect to be copied, or its effects are in the journal. */
  noEffect(): void {
    this.effect = Effect.replaced;
  }

  /** The command goes to the journal though it changed nothing (FLUSHALL of no keys). */
  forceEffect(): void {
    this.effect = Effect.forced;
  }

  /** The command goes to replicas, and to no file, though it changed nothing (PUBLISH). */
  forwardToReplicas(): void {
    this.effect = Effect.forReplicas;
  }

  /**
   * `count` elements of the value at argument i were added, changed or removed: tells so, and
   * removes a key whose value is empty now. `entry` is the key's, `value` is open on it.
   */
  changedValue(
    event: KeyEvent,
    entry: Entry,
    value: Value,
    args: Args,
    i: number,
    count = 1,
  ): void {
    this.changed(event, args, i, count);
    if (value.size === 0) {
      this.db.removeEntry(entry);
      this.changed('del', args, i, 0);
    } else this.db.fieldsChanged(entry, value);
  }
}
