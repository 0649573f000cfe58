/**
 * From a session's bytes to its replies: parse, look up, gates, run.
 *
 * It is the only place where a command is refused or run. What a handler throws ends here: a
 * CommandError becomes the reply; anything else is our bug, and when data had begun to change the
 * process must not go on serving it (`dataDamaged`).
 *
 * Some commands write their reply while they change data (SPOP, LPOP, XREADGROUP). If it gets too
 * large, what they changed stays, each element whole: a loss to the client, as when its output
 * limit ends the connection, but no damage.
 *
 * Invariant: every request yields exactly one reply, unless CLIENT REPLY says otherwise.
 */

import { type Command, type CommandTable, Flag } from '../commands/command-table.ts';
import { type BlockRequest, type Context, Effect } from '../commands/context.ts';
import { keysOf } from '../commands/key-specs.ts';
import { ValueType } from '../datatypes/value-types.ts';
import { NO_EVENT } from '../keyspace/events.ts';
import { ArenaFullError } from '../memory/arena.ts';
import type { Reply } from '../resp/reply.ts';
import { ParseResult } from '../resp/request-parser.ts';
import type { Session } from '../session/session.ts';
import type { Tracking } from '../tracking/tracking.ts';
import { Args } from '../util/args.ts';
import { CommandError, errors, wrongArity } from '../util/errors.ts';
import { monotonicMs } from '../util/timers.ts';
import type { Blocked, Blocking } from './blocking.ts';
import { type Gates, isQueued } from './gates.ts';
import { Lookahead } from './lookahead.ts';
import type { Monitors } from './monitors.ts';
import type { Stats } from './stats.ts';
import { unknownCommand } from './unknown-command.ts';

/** Output of one batch is sent early past this size, so that limits on it apply. */
const FLUSH_BYTES = 1024 * 1024;
/** Requests read ahead at most. */
const BATCH_MAX = 64;
/** Fewer requests than this are not worth a look ahead. */
const PREFETCH_MIN = 4;
/** The clock is read again after so many commands of one batch at the latest. */
const COMMANDS_PER_CLOCK = 64;

export interface DispatcherHooks {
  /** Wall clock in ms. */
  now(): number;
  /** Sends the reply buffer's content to a session. */
  flush(session: Session): void;
  /** An HTTP request came in: a browser was led to talk to this port. Must end the session. */
  crossProtocol(session: Session): void;
  /** A handler failed on our account before it changed data. */
  handlerFailed(command: string, error: unknown): void;
  /** A handler failed after it began to change data. */
  dataDamaged(command: string, error: unknown): void;
}

export class Dispatcher {
  private readonly table: CommandTable;
  private readonly context: Context;
  private readonly reply: Reply;
  private readonly gates: Gates;
  private readonly stats: Stats;
  private readonly hooks: DispatcherHooks;
  /** The run of equal commands whose time is being taken. */
  private timed: Command | undefined;
  private timedCalls = 0;
  private timedSince = 0;
  /** The session whose requests are being run. */
  private serving: Session | undefined;
  /** Messages that went to this session itself while its present command ran. */
  private readonly ownMessages: Buffer[] = [];
  /** Where the reply of the present request begins if CLIENT REPLY leaves it out, else -1. */
  private mutedFrom = -1;
  /** Whether a command runs as part of another one. */
  private nested = false;
  /** Requests read ahead, and the commands they name. */
  private readonly batch: Args[] = [];
  private readonly commands: (Command | undefined)[] = [];
  private batchSize = 0;
  private readonly lookahead: Lookahead;
  /** Whose requests CLIENT PAUSE holds back, first come first. */
  private readonly heldBack = new Set<Session>();
  /** Set once, before the first command: dispatcher and blocked clients need each other. */
  declare blocking: Blocking;
  declare tracking: Tracking;
  declare monitors: Monitors;

  constructor(
    table: CommandTable,
    context: Context,
    reply: Reply,
    gates: Gates,
    stats: Stats,
    hooks: DispatcherHooks,
  ) {
    this.table = table;
    this.context = context;
    this.reply = reply;
    this.gates = gates;
    this.stats = stats;
    this.hooks = hooks;
    this.lookahead = new Lookahead(context.keyspace);
    context.call = (command, args, reply) => this.call(command, args, reply);
    for (let i = 0; i < BATCH_MAX; i++) {
      this.batch.push(new Args());
      this.commands.push(undefined);
    }
  }

  /**
   * Runs every complete request that the session's parser holds, then sends the replies. Requests
   * are read ahead, some dozens at a time, so that what their keys will need can be fetched from
   * memory together rather than one after the other.
   */
  process(session: Session): void {
    const { reply } = this;
    this.stats.readsProcessed++;
    this.updateClock();
    this.serving = session;
    session.lastSeenMs = this.context.nowMs;
    reply.version = session.respVersion;
    let result: ParseResult = ParseResult.request;
    while (result === ParseResult.request && !session.closing && !session.isWaiting) {
      result = this.readAhead(session);
      const count = this.batchSize;
      if (count >= PREFETCH_MIN) this.lookahead.fetch(this.batch, this.commands, count, session);
      for (let i = 0; i < count; i++) {
        const args = this.batch[i]!;
        if (session.isWaiting) session.postponed.push(args.copy());
        else if (!session.closing) this.request(session, args, this.commands[i]);
        args.release();
        if (reply.pos > FLUSH_BYTES) this.hooks.flush(session);
      }
    }
    if (result === ParseResult.error && !session.closing) {
      const error = new CommandError(`ERR ${session.parser.error}`);
      this.refuse(session, reply.pos, undefined, error);
      session.closeAfterReply();
    }
    this.endTiming();
    this.serving = undefined;
    this.hooks.flush(session);
  }

  /** CLIENT PAUSE is over: runs what it held back, in the order in which clients had to wait. */
  resumeAll(): void {
    const sessions = [...this.heldBack];
    this.heldBack.clear();
    for (const session of sessions) {
      this.resume(session);
      session.parser.detach();
    }
  }

  /** Runs the requests that were held back, then what else the session has sent. */
  resume(session: Session): void {
    const held = session.postponed;
    session.postponed = [];
    this.updateClock();
    this.serving = session;
    this.reply.version = session.respVersion;
    for (const args of held) {
      if (session.isWaiting) session.postponed.push(args);
      else if (!session.closing) this.request(session, args, this.table.resolve(args));
    }
    this.process(session);
  }

  /** Runs a blocked command again as a key has changed. False when it goes on waiting. */
  retry(blocked: Blocked, key: string, reply: Reply): boolean {
    const { context } = this;
    const { session, command, args } = blocked;
    this.endTiming();
    context.session = session;
    context.command = command.spec;
    context.db = context.keyspace.dbs[session.dbIndex]!;
    context.awaitedKey = key;
    const writesBefore = context.keyspace.arena.writes;
    const before = context.blockRequest;
    context.blockRequest = undefined;
    this.tracking.begin(session, true);
    const { changes } = context.keyspace;
    const dirtyBefore = changes.dirty;
    context.effect = Effect.byChange;
    try {
      command.run!(context, args, reply);
    } catch (error) {
      const changed = context.keyspace.arena.writes !== writesBefore;
      this.failed(session, command, args, error, 0, changed, reply);
    }
    if (changes.journal.isRead) this.note(session.dbIndex, args, changes.dirty !== dirtyBefore);
    changes.journal.endUnit();
    const request = context.blockRequest as BlockRequest | undefined;
    const waits = request !== undefined;
    blocked.retryAtMs = request?.retryAtMs ?? 0;
    context.blockRequest = before;
    if (waits) this.tracking.replied();
    context.awaitedKey = undefined;
    return !waits;
  }

  /** Whether a session's requests are being run. */
  get isServing(): boolean {
    return this.serving !== undefined;
  }

  /** Reads up to a batch of requests; says why it stopped. */
  private readAhead(session: Session): ParseResult {
    const { parser } = session;
    // Authentication changes the parser's limits, so nothing is read past it.
    const max = parser.authenticated ? BATCH_MAX : 1;
    let n = 0;
    let result: ParseResult = ParseResult.request;
    while (n < max) {
      const args = this.batch[n]!;
      result = parser.next(args);
      if (result !== ParseResult.request) break;
      this.commands[n] = this.table.resolve(args);
      n++;
    }
    this.batchSize = n;
    return result;
  }

  updateClock(): void {
    const nowMs = this.hooks.now();
    this.context.nowMs = nowMs;
    this.context.keyspace.nowMs = nowMs;
    this.context.keyspace.expiryHeld = this.gates.pausedUntilMs !== 0;
  }

  /** One request, one reply. */
  private request(session: Session, args: Args, command: Command | undefined): void {
    const start = this.reply.pos;
    try {
      this.execute(session, args, command);
    } catch (error) {
      // Not the handler's: what surrounds it failed. Nobody else shall suffer from it.
      this.hooks.handlerFailed(command?.fullName ?? '', error);
      this.tidyUp();
      this.reply.rollback(start);
      this.reply.error('ERR internal error');
      session.closeAfterReply();
    }
    const { tracking } = session;
    // CLIENT CACHING is about the next command or transaction.
    if (tracking?.caching !== true || session.transaction.isOpen) return;
    const keeps = ((command?.parent?.flagBits ?? 0) & Flag.keepsCaching) !== 0;
    if (!keeps && session.postponed.length === 0) tracking.caching = false;
  }

  /** Forgets what belongs to a command that was left in the middle. */
  private tidyUp(): void {
    const { context } = this;
    this.nested = false;
    context.mayBlock = true;
    context.blockRequest = undefined;
    context.keyspace.dict.forget();
    this.tracking.replied();
    this.ownMessages.length = 0;
  }

  private execute(session: Session, args: Args, command: Command | undefined): void {
    const { reply, stats } = this;
    let start = reply.pos;
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
    const refused = this.gates.check(session, command);
    if (refused !== undefined) {
      this.refuse(session, start, command, refused);
      return;
    }
    if (this.context.keyspace.changes.invalidations !== undefined) {
      this.tracking.limit(session);
      this.putOwnMessages(start);
      start = reply.pos;
    }
    if (this.gates.holdsBack(session, command)) {
      session.postponed.push(args.copy());
      this.heldBack.add(session);
      return;
    }
    if (isQueued(session, command)) {
      session.transaction.add(command, args);
      reply.queued();
      this.settleReplyMode(session, start);
      return;
    }
    this.run(session, command, args, start);
  }

  private run(session: Session, command: Command, args: Args, start: number): void {
    const { context, reply } = this;
    const { keyspace } = context;
    const member = args.memberAt;
    if (member >= 0) {
      keyspace.dict.remember(args.buf, args.off[member]!, args.len[member]!, args.memberHash);
    }
    const muted = session.isMuted;
    this.mutedFrom = muted ? start : -1;
    context.session = session;
    this.tracking.begin(session, false);
    this.invoke(session, command, args, reply);
    keyspace.changes.journal.endUnit((command.flagBits & Flag.touchesArbitraryKeys) !== 0);
    if (member >= 0) keyspace.dict.forget();
    if (context.blockRequest !== undefined) {
      this.blocking.block(session, command, context.blockRequest);
      context.blockRequest = undefined;
    }
    if (muted && session.replyMode !== 'on') reply.rollback(start);
    this.putOwnMessages(start);
    this.tracking.replied();
    if (keyspace.changes.waiters.hasChanged) this.blocking.serve();
    this.putOwnMessages(reply.pos);
    // What has to wait is answered later: it is then that SKIP is used up.
    if (session.replyMode === 'skip' && !session.blocked) session.replyMode = 'on';
    else if (session.replyMode === 'skipNext') session.replyMode = 'skip';
    // A command that may take long must not leave a stale clock behind.
    if (!command.brief) this.endTiming();
    reply.version = session.respVersion;
  }

  /** Runs a command as part of another one (EXEC): the clock stands still meanwhile. */
  private call(command: Command, args: Args, reply: Reply): void {
    const session = this.context.session as Session;
    const start = reply.pos;
    const muted = session.isMuted;
    this.nested = true;
    this.invoke(session, command, args, reply);
    this.nested = false;
    if (muted && session.isMuted) {
      reply.rollback(start);
      if (this.mutedFrom < 0 && reply === this.reply) this.putOwnMessages(start);
    } else if (muted && this.mutedFrom >= 0) this.cut(start, reply);
    else if (reply === this.reply) this.putOwnMessages(start);
    reply.version = session.respVersion;
  }

  /**
   * CLIENT REPLY ON came as part of EXEC: as in redis-server 7.0.15, EXEC's header stays away
   * nevertheless.
   */
  private cut(start: number, reply: Reply): void {
    const rest = Buffer.from(reply.buf.subarray(start, reply.pos));
    reply.rollback(this.mutedFrom);
    reply.raw(rest);
    this.mutedFrom = -1;
  }

  /** Runs the handler and writes its reply or error. */
  private invoke(session: Session, command: Command, args: Args, reply: Reply): void {
    const { context, stats } = this;
    if (command !== this.timed || this.timedCalls >= COMMANDS_PER_CLOCK) {
      this.endTiming();
      this.timed = command;
      this.timedSince = monotonicMs();
    }
    this.timedCalls++;
    const { keyspace } = context;
    context.command = command.spec;
    context.db = keyspace.dbs[session.dbIndex]!;
    keyspace.renewsAccess = !session.noTouch;
    stats.commandsProcessed++;
    const start = reply.pos;
    const { dbIndex } = session;
    const { changes } = keyspace;
    const writesBefore = keyspace.arena.writes;
    const dirtyBefore = changes.dirty;
    context.effect = Effect.byChange;
    try {
      command.run!(context, args, reply);
    } catch (error) {
      const changed = keyspace.arena.writes !== writesBefore;
      this.failed(session, command, args, error, start, changed, reply);
    }
    if (changes.journal.isRead) this.note(dbIndex, args, changes.dirty !== dirtyBefore);
    if (session.tracking?.remembers === true && (command.flagBits & Flag.readonly) !== 0) {
      for (const { index } of keysOf(command.spec, args) ?? []) {
        this.tracking.remember(session, args.buf, args.off[index]!, args.len[index]!);
      }
    }
    if (this.monitors.size > 0) this.monitors.show(session, command, args, reply);
  }

  /** Puts the command itself into the journal, unless its handler has put something else there. */
  private note(dbIndex: number, args: Args, changed: boolean): void {
    const { effect, keyspace } = this.context;
    const verbatim = changed ? effect !== Effect.replaced : effect === Effect.forced;
    if (verbatim) keyspace.changes.journal.command(dbIndex, args);
  }

  private failed(
    session: Session,
    command: Command,
    args: Args,
    error: unknown,
    start: number,
    changed: boolean,
    reply: Reply,
  ): void {
    reply.rollback(start);
    command.failedCalls++;
    const isFull = error instanceof ArenaFullError;
    const isCut = error === errors.replyTooLarge;
    const wrote = changed && (command.flagBits & Flag.write) !== 0;
    if (wrote && (isFull || isCut)) this.settle(command, args);
    let refusal = isFull ? errors.oom : error;
    if (wrote && isCut) refusal = errors.replyTooLargeAfterWrite;
    if (refusal instanceof CommandError) {
      reply.error(refusal.line);
      this.stats.countError(refusal.line);
      return;
    }
    if (changed) this.hooks.dataDamaged(command.fullName, error);
    else this.hooks.handlerFailed(command.fullName, error);
    reply.error('ERR internal error');
    this.stats.countError('ERR');
    session.closeAfterReply();
  }

  /**
   * The arena was full, or the reply too large, when a command had begun to write: no collection
   * stays behind empty, and who watches, caches or waits for its keys learns of what it did.
   */
  private settle(command: Command, args: Args): void {
    const { db, keyspace } = this.context;
    for (const { index, flags } of keysOf(command.spec, args) ?? []) {
      if (flags.includes('RO')) continue;
      const entry = db.find(args.buf, args.off[index]!, args.len[index]!);
      const type = entry === 0 ? ValueType.string : db.typeOf(entry);
      // A stream may well be empty.
      if (type !== ValueType.string && type !== ValueType.stream) {
        const value = keyspace.cursor(type);
        db.open(entry, value);
        if (value.size === 0) db.remove(entry);
        else db.fieldsChanged(entry, value);
      }
      keyspace.changes.changed(db, NO_EVENT, args, index);
    }
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
    this.settleReplyMode(session, start);
  }

  /** Takes back what CLIENT REPLY leaves out, of a command that did not run or had to wait. */
  settleReplyMode(session: Session, start: number, reply = this.reply): void {
    if (session.isMuted) reply.rollback(start);
    if (session.replyMode === 'skip') session.replyMode = 'on';
  }

  /**
   * Takes a message that is no reply to the session that is being served, for a place among its
   * replies: before that of the command that caused it, as redis-server 7.0.15 does, but never in
   * the middle of a reply. False for other sessions.
   */
  deliver(session: Session, message: Buffer): boolean {
    if (session !== this.serving) return false;
    this.ownMessages.push(message);
    return true;
  }

  private putOwnMessages(start: number): void {
    if (this.ownMessages.length === 0) return;
    this.reply.insertRaw(start, this.ownMessages);
    this.ownMessages.length = 0;
  }

  /** The session has ended: nothing waits or watches for it any more. */
  forget(session: Session): void {
    this.blocking.forget(session);
    this.tracking.disable(session);
    this.monitors.remove(session);
    this.heldBack.delete(session);
    this.endTransaction(session);
  }

  private endTransaction(session: Session): void {
    this.context.keyspace.changes.watches.forget(session.transaction);
    session.transaction.end();
  }

  /** Books the time of the present run of equal commands and refreshes the clock. */
  private endTiming(): void {
    const command = this.timed;
    if (command === undefined) return;
    command.calls += this.timedCalls;
    command.microseconds += (monotonicMs() - this.timedSince) * 1000;
    this.timed = undefined;
    this.timedCalls = 0;
    if (!this.nested) this.updateClock();
  }
}
