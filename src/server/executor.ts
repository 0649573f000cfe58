/**
 * The one place where commands are run: one request, one reply, zero or more effects. Requests of
 * sockets, what EXEC and scripts run, blocked clients' commands that run again, and what comes from
 * the append-only file or a master all enter here. It knows no socket and no parser.
 *
 * A call has a frame of its own, the context of its depth: a nested call changes nothing that the
 * outer one would have to put back. What follows a call is always the same, in this order:
 * effects into the journal, what the client has read (tracking), monitors; after a client's command
 * then CLIENT REPLY, messages to itself, invalidations to itself, and the clients that waited for
 * what it changed.
 *
 * What a handler throws ends here: a CommandError becomes the reply; anything else is our bug, and
 * when data had begun to change the process must not go on serving it (`dataDamaged`). Some
 * commands write their reply while they change data (SPOP, LPOP, XREADGROUP). If it gets too large,
 * what they changed stays, each element whole: a loss to the client, as when its output limit ends
 * the connection, but no damage.
 */
import { ALLOWED, check } from '../commands/access.ts';
import { type Command, type CommandTable, Flag } from '../commands/command-table.ts';
import { type Caller, Context, Effect } from '../commands/context.ts';
import { KeyList } from '../commands/key-list.ts';
import type { ServerPort } from '../commands/ports/server.ts';
import { Target } from '../keyspace/journal.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Waiters } from '../keyspace/waiters.ts';
import { ArenaFullError } from '../memory/arena.ts';
import type { Reply } from '../resp/reply.ts';
import type { Session } from '../session/session.ts';
import type { Tracking } from '../tracking/tracking.ts';
import { Args } from '../util/args.ts';
import { CommandError, errors, wrongArity } from '../util/errors.ts';
import { latin1 } from '../util/latin1.ts';
import { setImmediate } from '../util/timers.ts';
import { type Blocked, Blocking } from './blocking.ts';
import type { SizeWatch } from './call-sizes.ts';
import { CallTimer, type CallWatch } from './call-timer.ts';
import { type Gates, isQueued } from './gates.ts';
import type { Monitors } from './monitors.ts';
import type { Output } from './output.ts';
import type { Pause } from './pause.ts';
import { repairAfterFailure } from './repair.ts';
import { refusalInScript, ScriptError, type ScriptRules } from './script-rules.ts';
import type { Stats } from './stats.ts';
import { unknownCommand } from './unknown-command.ts';

// Flags that each request is asked for: constants, not properties to be looked up.
const TOUCHES_ARBITRARY_KEYS = Flag.touches_arbitrary_keys;
const READONLY = Flag.readonly;
/** Commands with more arguments than this are timed alone, whatever they do. */
const BRIEF_ARGUMENTS = 8;
/** By how much the clock may lag behind between two commands that came together, ms. */
const STALE_MS = 0.1;
/** What an error reply begins with. */
const MINUS = 45;

export interface ExecutorHooks {
  /** Wall clock in ms. */
  now(): number;
  /** An HTTP request came in: a browser was led to talk to this port. Must end the session. */
  crossProtocol(session: Session): void;
  /** A handler failed on our account before it changed data. */
  handlerFailed(command: string, error: unknown): void;
  /** A handler failed after it began to change data. */
  dataDamaged(command: string, error: unknown): void;
  /** Goes on with what a session has sent while its command waited for a key. */
  resume(session: Session): void;
  /** Tests: a command changed data and did not say so. */
  readonly unreportedWrite?: ((command: string) => void) | undefined;
}

/** What the executor works with. */
export interface ExecutorParts {
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  readonly server: ServerPort;
  /** The shared reply buffer. */
  readonly reply: Reply;
  readonly output: Output;
  readonly gates: Gates;
  readonly pause: Pause;
  readonly tracking: Tracking;
  readonly monitors: Monitors;
  readonly stats: Stats;
  /** Told of calls that took long. */
  readonly watch: CallWatch;
  /** Told of calls whose request or reply was large. */
  readonly sizes: SizeWatch;
  /** Where the replication stream is. */
  readonly stream: { readonly offset: number };
  readonly hooks: ExecutorHooks;
}

export class Executor implements Caller {
  readonly blocking: Blocking;
  /** Whether reads leave expired keys where they are: a replica's master removes them. */
  leavesExpiry = false;
  /** Told of the reply of a command that had to wait, while somebody looks at replies. */
  lateReply: ((session: Session, reply: Reply) => void) | undefined = undefined;
  private readonly table: CommandTable;
  private readonly keyspace: Keyspace;
  private readonly server: ServerPort;
  private readonly reply: Reply;
  private readonly output: Output;
  private readonly gates: Gates;
  private readonly pause: Pause;
  private readonly tracking: Tracking;
  private readonly monitors: Monitors;
  private readonly stats: Stats;
  private readonly stream: { readonly offset: number };
  private readonly hooks: ExecutorHooks;
  /** Whether a test wants to be told of writes that nobody reports. */
  private readonly isStrict: boolean;
  /** Whether a command of a transaction runs. */
  isInExec = false;
  /** The frames, one for each depth ever reached. */
  private frames: Context[] = [];
  private readonly timer: CallTimer;
  private readonly sizes: SizeWatch;
  private readonly keys = new KeyList();
  /** The request that is not finished: a script in it runs for long. */
  private unfinished: Unfinished | undefined = undefined;
  /** Where the reply of the present request begins if CLIENT REPLY leaves it out, else -1. */
  private mutedFrom = -1;

  constructor(parts: ExecutorParts) {
    this.table = parts.table;
    this.keyspace = parts.keyspace;
    this.server = parts.server;
    this.reply = parts.reply;
    this.output = parts.output;
    this.gates = parts.gates;
    this.pause = parts.pause;
    this.tracking = parts.tracking;
    this.monitors = parts.monitors;
    this.stats = parts.stats;
    this.timer = new CallTimer(parts.watch);
    this.sizes = parts.sizes;
    this.stream = parts.stream;
    this.hooks = parts.hooks;
    this.isStrict = parts.hooks.unreportedWrite !== undefined;
    this.blocking = new Blocking(parts.keyspace.changes.waiters as Waiters<Blocked>, {
      now: this.hooks.now,
      keyspace: parts.keyspace,
      updateClock: () => this.updateClock(),
      isTorn: () => this.isBusy,
      retry: (blocked, key, reply) => this.retry(blocked, key, reply),
      failed: (command, error, byClient) => {
        if (byClient) command.failedCalls++;
        this.stats.countError(error);
      },
      send: (session, reply) => {
        this.applyReplyMode(session, 0, reply);
        this.lateReply?.(session, reply);
        this.output.sendReply(session, reply);
      },
      replied: () => this.tracking.replied(),
      resume: (session) => this.hooks.resume(session),
    });
    this.frame(0);
  }

  /** The frame of a depth: made once, then used again. */
  private frame(depth: number): Context {
    let frame = this.frames[depth];
    if (frame === undefined) {
      frame = new Context(this.keyspace, this.server, this, depth);
      this.frames[depth] = frame;
    }
    return frame;
  }

  /** Reads the wall clock, which then stands still until this is called again. */
  updateClock(): void {
    const { keyspace } = this;
    this.timer.bookedMs = 0;
    keyspace.nowMs = this.hooks.now();
    keyspace.expiryHeld = this.pause.untilMs !== 0 || this.leavesExpiry;
  }

  /**
   * Books the time of what ran last: nothing runs after it in this turn, or its arguments are about
   * to change.
   */
  stopTiming(): void {
    this.timer.end();
  }

  /** Books the time of what ran last; the clock moves on. */
  private endTiming(): void {
    if (this.timer.end()) this.updateClock();
  }

  // ---- a client's request --------------------------------------------------------------------

  /**
   * One request of a client, one reply in the shared buffer: it is refused, queued, held back or
   * run. `command` is what the request names, undefined when there is no such command.
   */
  request(session: Session, args: Args, command: Command | undefined): void {
    const start = this.reply.pos;
    try {
      this.admit(session, args, command);
    } catch (error) {
      // A bug of ours outside any handler. Answer this client with an error, go on serving others.
      this.hooks.handlerFailed(command?.fullName ?? '', error);
      this.abandon();
      this.reply.rollback(start);
      this.reply.error('ERR internal error');
      session.closeAfterReply();
    }
    const { tracking } = session;
    // CLIENT CACHING is about the next command or transaction.
    if (tracking?.caching !== true || session.transaction.isOpen) return;
    const keeps = ((command?.parent?.flagBits ?? 0) & Flag.keeps_caching) !== 0;
    if (!keeps && session.postponed.length === 0) tracking.caching = false;
  }

  /** Forgets what belongs to a command that was left in the middle. */
  private abandon(): void {
    this.keyspace.dict.forget();
    this.keyspace.changes.journal.endUnit();
    this.tracking.replied();
    this.output.putOwnMessages();
  }

  private admit(session: Session, args: Args, command: Command | undefined): void {
    const { reply, stats } = this;
    const start = reply.pos;
    if (command === undefined) {
      stats.commandsProcessed++;
      session.lastCommand = '';
      if (args.is(0, 'POST') || args.is(0, 'HOST:')) this.hooks.crossProtocol(session);
      else this.refuse(session, start, undefined, unknownCommand(this.table, args));
      return;
    }
    session.lastCommand = command.fullName;
    const { arity } = command;
    if (arity > 0 ? args.argc !== arity : args.argc < -arity) {
      this.refuse(session, start, command, wrongArity(command.fullName));
      return;
    }
    const flags = this.flagsOf(command, args);
    const refused = this.gates.check(session, command, args, flags);
    if (refused !== undefined) {
      this.refuse(session, start, command, refused);
      return;
    }
    if (this.keyspace.changes.invalidations !== undefined) {
      this.tracking.limit();
      this.output.putOwnMessages();
    }
    const { pause } = this;
    if (pause.untilMs !== 0 && pause.holds(session, command, flags)) {
      pause.hold(session, args);
      return;
    }
    if (isQueued(session, command)) {
      const queuedAt = reply.pos;
      session.transaction.add(command, args, flags);
      reply.queued();
      this.applyReplyMode(session, queuedAt);
      return;
    }
    this.run(session, command, args);
  }

  /** Whether a command of a master has to wait: for a script half done, or the end of a pause. */
  holdsEffect(session: Session, command: Command): boolean {
    return this.isBusy || this.pause.holdsEffect(session, command);
  }

  /** The command's flags, with those that a script declares of itself. */
  private flagsOf(command: Command, args: Args): number {
    const { flagBits } = command;
    if (command.flagsOf === undefined) return flagBits;
    return command.flagsOf(this.frames[0]!, args, flagBits);
  }

  private run(session: Session, command: Command, args: Args): void {
    const { keyspace, reply } = this;
    const frame = this.frames[0]!;
    const start = reply.pos;
    const member = args.memberAt;
    if (member >= 0) {
      keyspace.dict.memoHash(args.buf, args.off[member]!, args.len[member]!, args.memberHash);
    }
    const muted = session.isMuted;
    this.mutedFrom = muted ? start : -1;
    this.tracking.begin(session, false);
    this.timer.begin(command, session, args);
    // A command that took long must not leave a stale clock after it.
    if (this.timer.bookedMs >= STALE_MS) this.updateClock();
    frame.awaitedKey = undefined;
    this.invoke(frame, session, command, args, reply);
    this.observe(session, command, args);
    if (frame.goOn !== undefined) {
      this.putAside(session, command, args.copy(), this.timer.putAside(), start);
      return;
    }
    const { journal, waiters } = keyspace.changes;
    if (journal.count > 0 && this.unfinished === undefined) {
      journal.endUnit((command.flagBits & TOUCHES_ARBITRARY_KEYS) !== 0);
    }
    if (journal.isRead) session.streamOffset = this.stream.offset;
    if (member >= 0) keyspace.dict.forget();
    if (frame.blockRequest !== undefined) {
      this.blocking.block(session, command, frame.blockRequest);
    }
    if (muted && session.replyMode !== 'on') reply.rollback(start);
    if (!session.blocked) this.measure(session, command, args, reply.pos - start);
    this.output.putOwnMessages();
    this.tracking.replied();
    if (waiters.hasChanged) this.blocking.serve();
    this.output.putOwnMessages();
    // What has to wait is answered later: it is then that SKIP is used up.
    if (session.replyMode === 'skip' && !session.blocked) session.replyMode = 'on';
    else if (session.replyMode === 'skipNext') session.replyMode = 'skip';
    // Its time ends where that of the next one begins, or with `stopTiming`.
    if (!isBrief(command, args)) this.timer.closeGroup();
    reply.version = session.respVersion;
  }

  // ---- other ways in -------------------------------------------------------------------------

  /**
   * As `request`, for a session whose replies nobody gets: commands of a file or of a master. The
   * arguments must stay as they are until the next call or `stopTiming`. Returns the error that it
   * was answered with, empty when it was none.
   */
  apply(session: Session, args: Args, command: Command): string {
    const { reply } = this;
    const { pos } = reply;
    this.request(session, args, command);
    const failed = reply.pos > pos && reply.buf[pos] === MINUS;
    const error = failed ? latin1(reply.buf, pos + 1, reply.pos - pos - 3) : '';
    reply.rollback(pos);
    return error;
  }

  /**
   * Runs a command as part of the one that runs in `outer` (EXEC): in a frame of its own, at the
   * same moment of the clock. Its reply or error is written to `reply`.
   */
  call(outer: Context, command: Command, args: Args, reply: Reply): void {
    const session = outer.session as Session;
    const frame = this.frame(outer.depth + 1);
    const start = reply.pos;
    const muted = session.isMuted;
    const sinceMs = this.timer.nestedSince;
    frame.awaitedKey = undefined;
    const refused = session.user.unrestricted
      ? undefined
      : this.gates.acl.refuseInExec(session, command, args);
    if (refused === undefined) {
      this.isInExec = true;
      this.invoke(frame, session, command, args, reply);
      this.isInExec = false;
      this.observe(session, command, args);
    } else this.refuseNested(command, refused, reply);
    if (frame.goOn !== undefined) {
      const kept = args.copy();
      outer.pending = () => {
        if (!this.goOnWith(frame, command, reply)) return false;
        this.timer.nested(command, session, kept);
        this.measure(session, command, kept, reply.pos - start);
        return true;
      };
      return;
    }
    this.timer.nested(command, session, args, sinceMs);
    if (muted && session.isMuted) reply.rollback(start);
    else if (muted && this.mutedFrom >= 0) this.dropExecHeader(start, reply);
    this.measure(session, command, args, Math.max(0, reply.pos - start));
    reply.version = session.respVersion;
  }

  /**
   * Runs a command that a script calls, under the rules of scripts; `reply` holds nothing before.
   * Its reply is always written, whatever CLIENT REPLY says of the script's own.
   * Source of order and texts: redis-server 7.0.15 (scriptCall).
   */
  callForScript(outer: Context, args: Args, reply: Reply, script: ScriptRules): void {
    const session = outer.session as Session;
    const command = this.table.resolve(args);
    const refused = refusalInScript(command, args, script, session, this.gates.acl);
    if (command === undefined || refused !== undefined) {
      this.refuseNested(command, refused!, reply);
      return;
    }
    if ((command.flagBits & Flag.write) !== 0) script.wrote = true;
    const frame = this.frame(outer.depth + 1);
    frame.awaitedKey = undefined;
    frame.isInScript = true;
    this.invoke(frame, session, command, args, reply);
    frame.isInScript = false;
    this.observe(session, command, args, true);
    this.timer.nestedInScript(command, session, args, isBrief(command, args));
  }

  /** A command that EXEC or a script may not run: its reply is an error. */
  private refuseNested(command: Command | undefined, { line }: CommandError, reply: Reply): void {
    if (command !== undefined) command.rejectedCalls++;
    this.stats.countError(line);
    reply.error(line);
  }

  /** Whether the client of a frame may run a command line; undefined when nobody can. */
  mayRun(outer: Context, args: Args): boolean | undefined {
    const command = this.table.resolve(args);
    if (command?.run === undefined) return undefined;
    return check(outer.session.user, command, args) === ALLOWED;
  }

  /** Calls that are part of the one in `outer` are about to come. */
  beginCalls(_outer: Context): number {
    return this.timer.beginNested();
  }

  /**
   * As `beginCalls`, of those that a script makes. `atOnce`: nothing was done so far for the one in
   * `outer` that takes time.
   */
  beginScript(outer: Context, atOnce: boolean): number {
    return this.timer.beginScript(atOnce && outer.depth === 0);
  }

  /**
   * An error is part of what a script answers: its line, unless it is counted already, and whether
   * the call fails with it once more.
   */
  countInReply(request: Args, line: string | undefined, isFailure: boolean): void {
    if (line !== undefined) this.stats.countError(line);
    const command = isFailure ? this.table.resolve(request) : undefined;
    if (command !== undefined) command.failedCalls++;
  }

  /** The script has ended. */
  endScript(): void {
    this.timer.endScript();
  }

  /**
   * CLIENT REPLY ON came as part of EXEC: as in redis-server 7.0.15, EXEC's header stays away
   * nevertheless.
   */
  private dropExecHeader(start: number, reply: Reply): void {
    const rest = Buffer.from(reply.buf.subarray(start, reply.pos));
    reply.rollback(this.mutedFrom);
    reply.raw(rest);
    this.mutedFrom = -1;
  }

  // ---- requests that take several turns of the event loop ------------------------------------

  /** Whether a request is not finished: nothing else may change data meanwhile. */
  get isBusy(): boolean {
    return this.unfinished !== undefined;
  }

  /** The request of a session goes on in the next turn. Its frames are kept for it. */
  private putAside(
    session: Session,
    command: Command,
    args: Args,
    ms: number,
    start: number,
  ): void {
    const { reply } = this;
    session.blocked = true;
    this.unfinished = {
      session,
      command,
      args,
      ms,
      frames: this.frames,
      nowMs: this.keyspace.nowMs,
      written: Buffer.from(reply.buf.subarray(start, reply.pos)),
    };
    reply.rollback(start);
    this.frames = [];
    this.frame(0);
    setImmediate(() => this.goOn());
  }

  /** Goes on with the unfinished request. */
  private goOn(): void {
    const { keyspace, output, reply } = this;
    const unfinished = this.unfinished!;
    const { session, command } = unfinished;
    output.serve(session);
    this.frames = unfinished.frames;
    keyspace.nowMs = unfinished.nowMs;
    keyspace.renewsAccess = !session.noTouch;
    reply.version = session.respVersion;
    const start = reply.pos;
    reply.raw(unfinished.written);
    this.tracking.begin(session, false);
    this.timer.beginNested();
    const finished = this.goOnWith(this.frames[0]!, command, reply);
    const ms = unfinished.ms + this.timer.proceeded(command);
    if (!finished) {
      this.putAside(session, command, unfinished.args, ms, start);
      output.serve(undefined);
      return;
    }
    this.unfinished = undefined;
    this.timer.finished(command, session, unfinished.args, ms);
    this.updateClock();
    keyspace.changes.journal.endUnit();
    session.streamOffset = this.stream.offset;
    session.blocked = false;
    this.applyReplyMode(session, start);
    this.measure(session, command, unfinished.args, reply.pos - start);
    output.putOwnMessages();
    this.tracking.replied();
    if (keyspace.changes.waiters.hasChanged) this.blocking.serve();
    output.putOwnMessages();
    output.serve(undefined);
    if (session.closed) reply.rollback(start);
    else output.flush(session);
    this.hooks.resume(session);
  }

  /** Goes on with the call in a frame; false when it is still not finished. */
  private goOnWith(frame: Context, command: Command, reply: Reply): boolean {
    const goOn = frame.goOn!;
    const start = reply.pos;
    frame.goOn = undefined;
    try {
      if (!goOn()) {
        frame.goOn ??= goOn;
        return false;
      }
    } catch (error) {
      this.failed(frame, command, NO_ARGS, error, start, false, reply);
    }
    reply.version = (frame.session as Session).respVersion;
    return true;
  }

  /** Runs a blocked command again as a key has changed. False when it goes on waiting. */
  private retry(blocked: Blocked, key: string, reply: Reply): boolean {
    const { session, command, args } = blocked;
    this.endTiming();
    this.timer.beginNested();
    this.tracking.begin(session, true);
    // A client's command may have been serving: its frame is done with, its depth is not left.
    const frame = this.frame(0);
    frame.awaitedKey = key;
    const start = reply.pos;
    this.invoke(frame, session, command, args, reply);
    frame.awaitedKey = undefined;
    const ms = this.timer.proceeded(command);
    this.keyspace.changes.journal.endUnit();
    const request = frame.blockRequest;
    frame.blockRequest = undefined;
    blocked.retryAtMs = request?.retryAtMs ?? 0;
    if (request === undefined) {
      this.timer.finished(command, session, args, ms);
      this.measure(session, command, args, reply.pos - start);
      return true;
    }
    this.tracking.replied();
    return false;
  }

  // ---- one call ------------------------------------------------------------------------------

  /** Runs the handler in a frame, writes its reply or error, and does what follows every call. */
  private invoke(
    frame: Context,
    session: Session,
    command: Command,
    args: Args,
    reply: Reply,
  ): void {
    const { keyspace } = this;
    const { changes, arena } = keyspace;
    frame.session = session;
    frame.command = command.spec;
    frame.db = keyspace.dbs[session.dbIndex]!;
    frame.effect = Effect.byChange;
    frame.blockRequest = undefined;
    frame.goOn = undefined;
    frame.pending = undefined;
    keyspace.renewsAccess = !session.noTouch;
    const { dbIndex } = session;
    const start = reply.pos;
    const writesBefore = arena.writes;
    const madeBefore = changes.made;
    const removalsBefore = this.isStrict ? changes.removals : 0;
    try {
      command.run!(frame, args, reply);
    } catch (error) {
      const changed = arena.writes !== writesBefore;
      this.failed(frame, command, args, error, start, changed, reply);
    }
    const changed = changes.made !== madeBefore;
    if (changes.journal.isRead) this.note(frame, dbIndex, args, changed);
    if (this.isStrict && !changed && arena.writes !== writesBefore) {
      this.checkReported(command, removalsBefore);
    }
  }

  /** Tells a test of a command that changed data and did not say so. */
  private checkReported(command: Command, removalsBefore: number): void {
    if (this.keyspace.changes.removals !== removalsBefore) return;
    this.hooks.unreportedWrite?.(command.fullName);
  }

  /** What others see of a call that has run: not of one that runs again after it had to wait. */
  private observe(session: Session, command: Command, args: Args, byScript = false): void {
    this.stats.commandsProcessed++;
    if (session.tracking?.remembers === true && (command.flagBits & READONLY) !== 0) {
      this.keys.clear();
      command.keys?.find(args, this.keys);
      for (let i = 0; i < this.keys.count; i++) {
        const index = this.keys.at[i]!;
        this.tracking.remember(session, args.buf, args.off[index]!, args.len[index]!);
      }
    }
    if (this.monitors.size > 0) this.monitors.show(session, command, args, byScript);
  }

  /** Tells of a call whose request or reply is large: two comparisons for all others. */
  private measure(session: Session, command: Command, args: Args, replyBytes: number): void {
    const { sizes } = this;
    const last = args.argc - 1;
    // A copy has no headers between its arguments; a header has less than 16 bytes.
    const most = args.off[last]! + args.len[last]! - args.off[0]! + (args.argc << 4) + 16;
    if (most < sizes.requestFrom && replyBytes < sizes.replyFrom) return;
    sizes.measured(session, command, args, replyBytes);
  }

  /** Puts the command itself into the journal, unless its handler has put something else there. */
  private note(frame: Context, dbIndex: number, args: Args, changed: boolean): void {
    const { effect } = frame;
    if (effect === Effect.replaced || (effect === Effect.byChange && !changed)) return;
    const targets = effect === Effect.forReplicas ? Target.replicas : Target.all;
    // What a client has asked for lies where it is until it has run, and its unit ends with it.
    const stay = frame.depth === 0 && frame.goOn === undefined && this.unfinished === undefined;
    this.keyspace.changes.journal.command(dbIndex, args, targets, stay);
  }

  private failed(
    frame: Context,
    command: Command,
    args: Args,
    error: unknown,
    start: number,
    changed: boolean,
    reply: Reply,
  ): void {
    const session = frame.session as Session;
    reply.rollback(start);
    command.failedCalls++;
    const isFull = error instanceof ArenaFullError;
    const isCut = error === errors.replyTooLarge;
    if (isCut && session.replyMax > 0) {
      session.overflowed = true;
      session.closeAfterReply();
    }
    const wrote = changed && (command.flagBits & Flag.write) !== 0;
    if (wrote && (isFull || isCut)) repairAfterFailure(frame, command, args);
    let refusal = isFull ? errors.oom : error;
    if (wrote && isCut) refusal = errors.replyTooLargeAfterWrite;
    if (refusal instanceof CommandError) {
      reply.error(refusal.line);
      if (!(refusal instanceof ScriptError && refusal.counted)) {
        this.stats.countError(refusal.line);
      }
      return;
    }
    if (changed) this.hooks.dataDamaged(command.fullName, error);
    else this.hooks.handlerFailed(command.fullName, error);
    reply.error('ERR internal error');
    this.stats.countError('ERR');
    session.closeAfterReply();
  }

  // ---- refusals and reply modes --------------------------------------------------------------

  /** A request that is no command at all (a protocol error): its reply is an error. */
  refuseRequest(session: Session, error: CommandError): void {
    this.refuse(session, this.reply.pos, undefined, error);
  }

  /** A command that is not run: its reply is an error, and an open transaction is spoilt. */
  private refuse(
    session: Session,
    start: number,
    command: Command | undefined,
    error: CommandError,
  ): void {
    let { line } = error;
    session.transaction.refuse();
    if (command !== undefined) {
      command.rejectedCalls++;
      if ((command.flagBits & Flag.commits) !== 0) {
        line = `EXECABORT Transaction discarded because of: ${line.replace(/^ERR /, '')}`;
        this.endTransaction(session);
      }
    }
    this.stats.countError(line);
    this.reply.error(line);
    this.applyReplyMode(session, start);
  }

  /** Takes back what CLIENT REPLY leaves out, of a command that did not run or had to wait. */
  private applyReplyMode(session: Session, start: number, reply = this.reply): void {
    if (session.isMuted) reply.rollback(start);
    if (session.replyMode === 'skip') session.replyMode = 'on';
  }

  /** The session has ended: nothing waits or watches for it any more. */
  forget(session: Session): void {
    this.blocking.forget(session);
    this.tracking.disable(session);
    this.monitors.remove(session);
    this.pause.forget(session);
    this.endTransaction(session);
  }

  private endTransaction(session: Session): void {
    this.keyspace.changes.watches.forget(session.transaction);
    session.transaction.end();
  }
}

/** A request that takes several turns of the event loop. */
interface Unfinished {
  readonly session: Session;
  readonly command: Command;
  readonly args: Args;
  /** Time it took so far. */
  readonly ms: number;
  readonly frames: Context[];
  /** Its clock stands still. */
  readonly nowMs: number;
  /** What was written of its reply. */
  readonly written: Buffer;
}

/** Whether a call takes next to no time: the clock need not be read for it alone. */
function isBrief(command: Command, args: Args): boolean {
  return command.isBrief && args.argc <= BRIEF_ARGUMENTS;
}

const NO_ARGS = new Args();
