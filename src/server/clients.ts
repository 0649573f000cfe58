/**
 * All clients of a server: who may come in, who is there, what each may pile up. It sends nothing
 * (`Output`) and runs no command (`Pipeline`).
 */

import type { User } from '../acl/user.ts';
import type { ClientsPort, PauseMode } from '../commands/ports/clients.ts';
import type { Config } from '../config/config.ts';
import type { Connection } from '../net/connection.ts';
import type { PubSub } from '../pubsub/pubsub.ts';
import { type ParserLimits, RequestParser } from '../resp/request-parser.ts';
import type { Transport } from '../session/client.ts';
import { type Driver, SESSION_BYTES, Session } from '../session/session.ts';
import { errors } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { isLoopback } from '../util/loopback.ts';
import { quoteWord, toLatin1 } from '../util/words.ts';
import type { Acl } from './acl.ts';
import { ClientMemory } from './client-memory.ts';
import type { Executor } from './executor.ts';
import type { Gates } from './gates.ts';
import type { LogLevel } from './log.ts';
import type { Output } from './output.ts';
import type { Pause } from './pause.ts';
import type { Pipeline } from './pipeline.ts';
import type { Stats } from './stats.ts';

/** What the clients share with the server that has them. */
export interface ClientsOptions {
  readonly acl: Acl;
  readonly config: Config;
  readonly gates: Gates;
  readonly pubsub: PubSub;
  readonly stats: Stats;
  readonly parserLimits: ParserLimits;
  readonly output: Output;
  readonly executor: Executor;
  readonly pipeline: Pipeline;
  readonly pauses: Pause;
  /** Those of the clients that are replicas. */
  readonly replicas: () => ReplicaClients;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

/** Clients looked at in a tick, at least. */
const IDLE_CHECKS_MIN = 100;
/** What happens to clients that are replicas. */
export interface ReplicaClients {
  /** It has taken all it was sent. */
  drained(session: Session): void;
  /** It is gone. */
  forget(session: Session): void;
}

/** Told of connections through sockets. */
export interface ClientsObserver {
  connected(session: Session): void;
  ended(session: Session): void;
}

export class Clients implements Driver, ClientsPort {
  private readonly acl: Acl;
  private readonly config: Config;
  private readonly gates: Gates;
  private readonly pubsub: PubSub;
  private readonly stats: Stats;
  private readonly parserLimits: ParserLimits;
  private readonly output: Output;
  private readonly executor: Executor;
  private readonly pipeline: Pipeline;
  private readonly pauses: Pause;
  private readonly replicas: () => ReplicaClients;
  private readonly now: () => number;
  private readonly log: (level: LogLevel, message: string) => void;
  readonly memory: ClientMemory;
  /** Told of connections that come and go, while somebody wants to know. */
  observer: ClientsObserver | undefined = undefined;
  /** Has a hand in each new session before it is served, while there is something to do. */
  prepare: ((session: Session) => void) | undefined = undefined;
  private readonly sessionsById = new Map<number, Session>();
  /** Those that do not take what they are owed as fast as it comes. */
  private readonly slow = new Set<Session>();
  /** Goes round all clients, some in each tick. */
  private round: Iterator<Session> | undefined = undefined;
  /** client-query-buffer-limit. */
  queryBufferMax = Number.POSITIVE_INFINITY;
  private nextSessionId = 1;
  /** Connections of sessions, those on their way out included. */
  private connections = 0;
  private allClosed: (() => void) | undefined;

  constructor(options: ClientsOptions) {
    this.acl = options.acl;
    this.config = options.config;
    this.gates = options.gates;
    this.pubsub = options.pubsub;
    this.stats = options.stats;
    this.parserLimits = options.parserLimits;
    this.output = options.output;
    this.executor = options.executor;
    this.pipeline = options.pipeline;
    this.pauses = options.pauses;
    this.replicas = options.replicas;
    this.now = options.now;
    this.log = options.log;
    this.memory = new ClientMemory({
      all: () => this.sessionsById.values(),
      now: this.now,
      onEvict: (client) => {
        this.log('notice', `Evicting client: ${client.describe(this.now())}`);
        this.stats.evictedClients++;
      },
      onHelpless: () => {
        this.log('warning', 'Over client maxmemory after evicting all evictable clients');
      },
    });
    this.executor.blocking.onCost = (session) => this.recount(session);
  }

  all(): Iterable<Session> {
    return this.sessionsById.values();
  }

  get size(): number {
    return this.sessionsById.size;
  }

  byId(id: number): Session | undefined {
    return this.sessionsById.get(id);
  }

  pause(untilMs: number, mode: PauseMode): void {
    this.pauses.begin(untilMs, mode);
  }

  unpause(): void {
    this.pauses.end();
  }

  /** Ends all connections; resolves when the last one is gone. */
  async endAll(): Promise<void> {
    this.pauses.stop();
    this.output.sendDue();
    this.output.stop();
    if (this.connections === 0) return;
    const gone = new Promise<void>((resolve) => {
      this.allClosed = resolve;
    });
    for (const session of this.sessionsById.values()) session.kill();
    await gone;
  }

  // ---- Driver --------------------------------------------------------------------------------

  readable(session: Session, bytes: number): void {
    this.stats.netInputBytes += bytes;
    this.pipeline.process(session);
    if (session.closed) return;
    // Any byte is a sign of life: a replica that loads sends line ends.
    if (session.replica !== undefined) session.replica.ackMs = session.lastSeenMs;
    const { bufferedBytes } = session.parser;
    const { argumentBytes } = session.transaction;
    if (bufferedBytes > 0 || argumentBytes > 0) {
      // A transaction's commands count: they came in and are not done.
      this.limitInput(session, bufferedBytes + argumentBytes);
      if (session.closed) return;
    }
    session.parser.detach();
    this.recount(session);
  }

  /** Ends a client that has sent more than it may without being served. */
  private limitInput(session: Session, bytes: number): void {
    if (bytes <= this.queryBufferMax) return;
    this.stats.clientQueryLimitDisconnections++;
    const beginning = quoteWord(session.parser.beginning(64));
    this.log(
      'warning',
      'Closing client that reached max query buffer length: ' +
        `${session.describe(this.now())} (qbuf initial bytes: ${beginning})`,
    );
    session.kill();
  }

  secured(session: Session, peerName: string): void {
    if (this.config.string('tls-auth-clients-user') !== 'cn') return;
    this.acl.certified(session, toLatin1(peerName));
  }

  drained(session: Session): void {
    session.lastSeenMs = this.now();
    this.slow.delete(session);
    if (session.replica?.isAttached === true) this.replicas().drained(session);
    if (session.unsentBytes === 0) session.softLimitSinceMs = 0;
    this.recount(session);
  }

  /** Has the sums follow what a client costs now; the largest may have to go for it. */
  recount(session: Session): void {
    if (session.closed) return;
    const { memory } = this;
    memory.recount(session);
    if (memory.isExceeded) memory.evict();
  }

  /** A client has not taken all that it was sent. */
  unsent(session: Session): void {
    this.slow.add(session);
    this.recount(session);
  }

  deliver(session: Session, message: Buffer): void {
    this.output.deliver(session, message);
  }

  ended(session: Session): void {
    if (session.replica?.isAttached === true) this.replicas().forget(session);
    this.executor.forget(session);
    this.pubsub.forget(session);
    this.sessionsById.delete(session.id);
    this.slow.delete(session);
    this.memory.forget(session);
    heapGuard.count('clients', -SESSION_BYTES);
    this.observer?.ended(session);
  }

  closed(): void {
    this.connections--;
    if (this.connections === 0) this.allClosed?.();
  }

  /** Timeouts, soft output limits; called by the cron. O(slow clients + a part of all). */
  check(nowMs: number): void {
    this.memory.retry();
    for (const session of this.slow) {
      const { unsentBytes } = session;
      // Whoever still takes what it is owed is not idle.
      if (unsentBytes < session.unsentBefore) session.lastSeenMs = nowMs;
      session.unsentBefore = unsentBytes;
      this.recount(session);
      this.output.enforceLimit(session, nowMs);
    }
    if (this.config.number('timeout') > 0) this.endIdle(nowMs);
  }

  /** Looks at some clients, at each once a second. */
  private endIdle(nowMs: number): void {
    const idleMs = this.config.number('timeout') * 1000;
    let left = Math.max(IDLE_CHECKS_MIN, Math.ceil(this.size / this.config.number('hz')));
    for (; left > 0; left--) {
      this.round ??= this.sessionsById.values();
      const { value: session, done } = this.round.next();
      if (done === true) {
        this.round = undefined;
        return;
      }
      const { isMaster, isOnlooker, isWaiting, subscriptions } = session;
      if (isMaster || isOnlooker || isWaiting || subscriptions !== undefined) continue;
      if (nowMs - session.lastSeenMs <= idleMs) continue;
      this.log('verbose', 'Closing idle client');
      session.kill();
    }
  }

  /** A connection came in: a session for it, or a refusal. */
  accept(connection: Connection): void {
    this.stats.connectionsReceived++;
    const refusal = this.refusal(connection);
    if (refusal !== undefined) {
      this.stats.rejectedConnections++;
      if (connection.encrypted) connection.giveUp(refusal);
      else {
        connection.start();
        this.output.refuse(connection, `-${refusal}\r\n`);
      }
      return;
    }
    connection.setNoDelay();
    connection.setKeepAlive(this.config.number('tcp-keepalive'));
    const session = this.add(connection, this.acl.users.default);
    this.acl.logout(session);
    connection.receiver = session;
    connection.start();
    this.prepare?.(session);
    this.observer?.connected(session);
  }

  /** A client in this process, without a socket: trusted as the program itself. */
  openLocal(transport: Transport): Session {
    const session = this.add(transport, this.acl.unrestricted);
    session.authenticated = true;
    return session;
  }

  private add(transport: Transport, user: User): Session {
    const parser = new RequestParser(this.parserLimits);
    const id = this.nextSessionId++;
    const session = new Session(id, transport, parser, this, this.now(), user);
    this.sessionsById.set(session.id, session);
    heapGuard.count('clients', SESSION_BYTES);
    this.recount(session);
    this.connections++;
    return session;
  }

  /** A place for the link to the master: its commands are effects, and may do anything. */
  admitMaster(link: Transport): Session {
    const parser = new RequestParser(this.parserLimits);
    const id = this.nextSessionId++;
    const session = new Session(id, link, parser, this, this.now(), this.acl.unrestricted);
    session.isMaster = true;
    session.appliesEffects = true;
    this.sessionsById.set(session.id, session);
    heapGuard.count('clients', SESSION_BYTES);
    return session;
  }

  /** Why a connection may not come in, or undefined. */
  private refusal(connection: Connection): string | undefined {
    if (this.sessionsById.size >= this.config.number('maxclients')) {
      return 'ERR max number of clients reached';
    }
    if (!heapGuard.hasRoom(SESSION_BYTES)) return errors.heapFull.line;
    const local = connection.unixPath !== undefined || isLoopback(connection.remoteAddress);
    if (local || this.gates.passwordRequired || !this.config.bool('protected-mode'))
      return undefined;
    return protectedModeText;
  }
}

const protectedModeText =
  'DENIED respite is running in protected mode because no password is set for the default user ' +
  'and the connection does not come from the loopback interface. Connect from this machine, set ' +
  'a password (requirepass), or turn protected mode off (protected-mode no) if the network is ' +
  'trusted.';
