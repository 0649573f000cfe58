/**
 * All clients of a server: who may come in, what each may pile up, and CLIENT PAUSE. It moves
 * replies from the shared buffer to connections; it runs no command.
 */

import type { ClientsPort, PauseMode } from '../commands/ports/clients.ts';
import type { Config } from '../config/config.ts';
import type { Connection } from '../net/connection.ts';
import type { PubSub } from '../pubsub/pubsub.ts';
import type { Reply } from '../resp/reply.ts';
import { type ParserLimits, RequestParser } from '../resp/request-parser.ts';
import { emptyOutbox } from '../session/outbox.ts';
import { type Driver, Session } from '../session/session.ts';
import { clearTimeout, setImmediate, setTimeout, TIMER_MAX_MS } from '../util/timers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Gates } from './gates.ts';
import type { LogLevel } from './log.ts';
import { isLoopback } from './loopback.ts';
import { OutputLimits } from './output-limits.ts';
import type { Stats } from './stats.ts';

/** Replies longer than this do not wait for the end of the turn. */
const LATER_BYTES = 64 * 1024;
/** Nor do any, past so many bytes of them. */
const DUE_BYTES = 1024 * 1024;
/** An outbox is sent early past this size, so that limits on it apply. */
const OUTBOX_BYTES = 64 * 1024;

/** What the clients share with the server that has them. */
export interface ClientsOptions {
  readonly config: Config;
  readonly gates: Gates;
  readonly pubsub: PubSub;
  readonly stats: Stats;
  readonly reply: Reply;
  readonly parserLimits: ParserLimits;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

export class Clients implements ClientsPort, Driver {
  /** Set once, before the first connection: dispatcher and clients need each other. */
  declare dispatcher: Dispatcher;
  readonly outputLimits = new OutputLimits();
  private readonly config: Config;
  private readonly gates: Gates;
  private readonly pubsub: PubSub;
  private readonly stats: Stats;
  private readonly reply: Reply;
  private readonly parserLimits: ParserLimits;
  private readonly now: () => number;
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly sessionsById = new Map<number, Session>();
  /** Sessions whose outbox is to be sent. */
  private addressees: Session[] = [];
  private turnEnds = false;
  /** Sessions with replies in the shared buffer, and where those of each begin and end. */
  private readonly due: Session[] = [];
  private readonly dueStarts: number[] = [];
  private readonly dueEnds: number[] = [];
  /** What lies before this in the shared buffer is due or sent. */
  private dueTo = 0;
  /** Called once at the end of a turn that `endTurn` asks for, before outboxes are sent. */
  onTurnEnd: () => void = () => {};
  /** The beginning of this turn's outboxes. */
  private newOutbox = emptyOutbox();
  private nextSessionId = 1;
  private pauseTimer: NodeJS.Timeout | undefined;
  /** Connections of sessions, those on their way out included. */
  private connections = 0;
  private allClosed: (() => void) | undefined;

  constructor(options: ClientsOptions) {
    this.config = options.config;
    this.gates = options.gates;
    this.pubsub = options.pubsub;
    this.stats = options.stats;
    this.reply = options.reply;
    this.parserLimits = options.parserLimits;
    this.now = options.now;
    this.log = options.log;
  }

  /** Every open session, oldest first. */
  all(): Iterable<Session> {
    return this.sessionsById.values();
  }

  get size(): number {
    return this.sessionsById.size;
  }

  byId(id: number): Session | undefined {
    return this.sessionsById.get(id);
  }

  /** Bytes that all clients cost. O(clients). */
  memoryBytes(): number {
    let total = 0;
    for (const session of this.sessionsById.values()) total += session.memoryBytes();
    return total;
  }

  /** Ends all connections; resolves when the last one is gone. */
  async endAll(): Promise<void> {
    clearTimeout(this.pauseTimer);
    this.sendDue();
    if (this.connections === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.allClosed = resolve;
    });
    for (const session of this.sessionsById.values()) session.kill();
    await gone;
  }

  readable(session: Session, bytes: number): void {
    this.stats.netInputBytes += bytes;
    this.dispatcher.process(session);
    const limit = this.config.number('client-query-buffer-limit');
    if (session.parser.bufferedBytes > limit) {
      this.stats.clientQueryLimitDisconnections++;
      this.log(
        'warning',
        `Closing client that reached max query buffer length: ${session.describe(this.now())}`,
      );
      session.kill();
    }
  }

  drained(session: Session): void {
    session.lastSeenMs = this.now();
    session.softLimitSinceMs = 0;
  }

  deliver(session: Session, message: Buffer): void {
    if (session.closing || this.dispatcher.deliver(session, message)) return;
    if (session.outbox === undefined) {
      this.addressees.push(session);
      this.endTurn();
      session.outbox = this.newOutbox.add(message);
    } else session.outbox = session.outbox.add(message);
    if (session.outbox.bytes > OUTBOX_BYTES) this.sendOutbox(session);
  }

  /** Has outboxes sent when this turn of the event loop ends. */
  endTurn(): void {
    if (this.turnEnds) return;
    this.turnEnds = true;
    setImmediate(() => {
      this.sendDue();
      this.onTurnEnd();
      this.turnEnds = false;
      this.sendOutboxes();
    });
  }

  /** Once a turn, so that what many publishers send to one session leaves in one write. */
  private sendOutboxes(): void {
    const { addressees } = this;
    this.addressees = [];
    this.newOutbox = emptyOutbox();
    for (const session of addressees) this.sendOutbox(session);
  }

  private sendOutbox(session: Session): void {
    const { outbox } = session;
    if (outbox === undefined) return;
    session.outbox = undefined;
    if (session.closed) return;
    this.sendDue();
    let bytes = outbox.join();
    if (session.connection.unsentBytes > 0) bytes = unpinned(bytes);
    this.countOutput(session, bytes.length);
    if (!session.connection.write(bytes, 0, bytes.length))
      this.enforceOutputLimit(session, this.now());
  }

  private countOutput(session: Session, bytes: number): void {
    session.netOutputBytes += bytes;
    this.stats.netOutputBytes += bytes;
    this.stats.writesProcessed++;
  }

  ended(session: Session): void {
    this.dispatcher.forget(session);
    this.pubsub.forget(session);
    this.sessionsById.delete(session.id);
  }

  closed(): void {
    this.connections--;
    if (this.connections === 0) this.allClosed?.();
  }

  /** Timeouts and soft output limits; called by the cron. */
  check(nowMs: number): void {
    const idleMs = this.config.number('timeout') * 1000;
    for (const session of this.sessionsById.values()) {
      const { isWaiting, isMonitor, subscriptions, unsentBytes } = session;
      const mayBeIdle = isWaiting || isMonitor || subscriptions !== undefined;
      // Whoever still takes what it is owed is not idle.
      if (unsentBytes < session.unsentBefore) session.lastSeenMs = nowMs;
      session.unsentBefore = unsentBytes;
      if (idleMs > 0 && nowMs - session.lastSeenMs > idleMs && !mayBeIdle) {
        this.log('verbose', 'Closing idle client');
        session.kill();
      } else this.enforceOutputLimit(session, nowMs);
    }
  }

  /** A connection came in: a session for it, or a refusal. */
  accept(connection: Connection): void {
    this.stats.connectionsReceived++;
    const refusal = this.refusal(connection);
    if (refusal !== undefined) {
      this.stats.rejectedConnections++;
      const line = Buffer.from(`-${refusal}\r\n`, 'latin1');
      connection.start();
      connection.write(line, 0, line.length);
      connection.end();
      return;
    }
    connection.setNoDelay();
    connection.setKeepAlive(this.config.number('tcp-keepalive'));
    const parser = new RequestParser(this.parserLimits);
    const session = new Session(this.nextSessionId++, connection, parser, this, this.now());
    session.authenticated = !this.gates.passwordRequired;
    connection.receiver = session;
    this.sessionsById.set(session.id, session);
    this.connections++;
    connection.start();
  }

  /** Why a connection may not come in, or undefined. */
  private refusal(connection: Connection): string | undefined {
    if (this.sessionsById.size >= this.config.number('maxclients')) {
      return 'ERR max number of clients reached';
    }
    const local = connection.unixPath !== undefined || isLoopback(connection.remoteAddress);
    if (local || this.gates.passwordRequired || !this.config.bool('protected-mode'))
      return undefined;
    return protectedModeText;
  }

  /**
   * The shared reply buffer holds replies to a session behind what other sessions are due: they are
   * sent when the turn ends, or at once when they are large, many or the last ones.
   */
  flush(session: Session): void {
    const { reply, dueTo } = this;
    const length = reply.pos - dueTo;
    const much = length > LATER_BYTES || reply.pos > DUE_BYTES;
    if (session.outbox !== undefined || session.closing || much) {
      this.sendDue();
      this.send(session, reply, dueTo);
      this.dueTo = 0;
    } else if (length > 0) {
      this.due.push(session);
      this.dueStarts.push(dueTo);
      this.dueEnds.push(reply.pos);
      this.dueTo = reply.pos;
      this.endTurn();
    }
  }

  /** Sends a reply of its own to a session. */
  sendReply(session: Session, reply: Reply): void {
    this.sendDue();
    this.send(session, reply, 0);
  }

  /** Sends the replies that are due, in one write for each session. */
  private sendDue(): void {
    const { due, dueStarts, dueEnds, reply } = this;
    for (let i = 0; i < due.length; i++) {
      const session = due[i]!;
      const from = dueStarts[i]!;
      const end = dueEnds[i]!;
      this.countOutput(session, end - from);
      if (!session.connection.writeCopy(reply.buf, from, end)) {
        this.enforceOutputLimit(session, this.now());
      }
    }
    due.length = 0;
    dueStarts.length = 0;
    dueEnds.length = 0;
    // Whoever is being served has noted where its reply begins.
    if (reply.pos > this.dueTo || this.dispatcher.isServing) return;
    reply.clear();
    this.dueTo = 0;
  }

  /** Sends a reply buffer's content from a position on; ends the session when it is closing. */
  private send(session: Session, reply: Reply, from: number): void {
    if (session.outbox !== undefined) this.sendOutbox(session);
    const length = reply.pos - from;
    if (length > 0 && !session.closed) {
      this.countOutput(session, length);
      const { connection } = session;
      // A small reply must not keep a large buffer alive while the peer does not take it.
      const small = length * 2 < reply.buf.length;
      const taken = small
        ? connection.writeCopy(reply.buf, from, reply.pos)
        : connection.write(reply.buf, from, reply.pos);
      if (taken || small) reply.clear();
      else reply.renew();
      if (!taken) this.enforceOutputLimit(session, this.now());
    } else reply.clear();
    if (session.closing && !session.closed) session.connection.end();
  }

  private enforceOutputLimit(session: Session, nowMs: number): void {
    const unsent = session.unsentBytes;
    if (unsent === 0) return;
    if (this.outputLimits.exceeded(session, unsent, nowMs, this.gates.passwordRequired)) {
      this.stats.clientOutputLimitDisconnections++;
      const line = session.describe(nowMs);
      this.log('warning', `Client ${line} closed for overcoming of output buffer limits.`);
      session.kill();
    }
  }

  /** Goes on with a session's requests after the present command. */
  resumeLater(session: Session): void {
    session.isResuming = true;
    setImmediate(() => {
      session.isResuming = false;
      if (session.closed) return;
      this.dispatcher.resume(session);
      session.parser.detach();
    });
  }

  // ---- CLIENT PAUSE --------------------------------------------------------------------------

  pause(untilMs: number, mode: PauseMode): void {
    const { gates } = this;
    // As Redis: a pause under way is never shortened nor made weaker.
    if (gates.pausedUntilMs === 0 || mode === 'all') gates.pauseMode = mode;
    gates.pausedUntilMs = Math.max(gates.pausedUntilMs, untilMs);
    const left = Math.min(gates.pausedUntilMs - this.now(), TIMER_MAX_MS);
    clearTimeout(this.pauseTimer);
    this.pauseTimer = setTimeout(() => this.endPause(), left + 1);
    this.pauseTimer.unref();
  }

  unpause(): void {
    this.gates.pausedUntilMs = 0;
    clearTimeout(this.pauseTimer);
    // Not now: the command that asks is still being run.
    setImmediate(() => this.dispatcher.resumeAll());
  }

  /** Ends a pause whose time has come. The timer calls it, and the cron where the clock may jump. */
  endPause(): void {
    const { pausedUntilMs } = this.gates;
    if (pausedUntilMs === 0) return;
    if (this.now() >= pausedUntilMs) {
      this.gates.pausedUntilMs = 0;
      this.dispatcher.resumeAll();
    } else this.pause(pausedUntilMs, this.gates.pauseMode);
  }
}

/** What a slow client waits for must not keep a block alive of which it is a small part. */
function unpinned(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 2) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

const protectedModeText =
  'DENIED respite is running in protected mode because no password is set for the default user ' +
  'and the connection does not come from the loopback interface. Connect from this machine, set ' +
  'a password (requirepass), or turn protected mode off (protected-mode no) if the network is ' +
  'trusted.';
