/**
 * The part of a server that has replicas, be it a master or a replica itself: who follows, who may
 * continue and who needs all data (PSYNC), the stream on its way to each of them, what they have
 * acknowledged. Copies of the data are made in `full-sync.ts`.
 *
 * Source: order of checks, texts and rules as redis-server 7.0.15.
 */
import type {
  ContinueRequest,
  ReplicaSettings,
  ShownReplica,
} from '../commands/ports/replication.ts';
import type { Config } from '../config/config.ts';
import { ReplicaPeer } from '../replication/replica-peer.ts';
import type { Session } from '../session/session.ts';
import { CommandError, errors } from '../util/errors.ts';
import { setImmediate } from '../util/timers.ts';
import { AckWaiters } from './ack-waiters.ts';
import type { Blocking } from './blocking.ts';
import { FullSync } from './full-sync.ts';
import type { Gates } from './gates.ts';
import type { InfoLine } from './info.ts';
import type { LogLevel } from './log.ts';
import type { Output } from './output.ts';
import type { Pause } from './pause.ts';
import type { Persistence } from './persistence.ts';
import { countOnline, replicaLines, secondsBetween, shownReplicas } from './replica-figures.ts';
import { nameOf } from './replica-name.ts';
import type { Replication } from './replication.ts';
import type { Links } from './replication-parts.ts';
import type { Stats } from './stats.ts';

/** Bytes that a replica is sent in one turn: the others, and clients, come next. */
const TURN_BYTES = 1024 * 1024;
const PING = Buffer.from('*1\r\n$4\r\nping\r\n');
const GETACK = Buffer.from('*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n');

const failingOver = new CommandError("NOMASTERLINK Can't SYNC while failing over");
const noLink = new CommandError("NOMASTERLINK Can't SYNC while not connected with my master");
const pendingOutput = new CommandError('ERR SYNC and PSYNC are invalid with pending output');
const needsMark = new CommandError('ERR Filtered replica requires EOF capability');

export interface MasterParts {
  readonly config: Config;
  readonly replication: Replication;
  readonly persistence: Persistence;
  readonly output: Output;
  readonly blocking: Blocking;
  readonly gates: Gates;
  readonly pause: Pause;
  readonly stats: Stats;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

export class ReplicationMaster implements Links {
  private readonly parts: MasterParts;
  private readonly sessions = new Set<Session>();
  private readonly fullSync: FullSync;
  private readonly waiters: AckWaiters;
  /** How far the stream may go to replicas: what lies behind is not safe yet (the barrier). */
  private safeOffset = 0;
  /** What is to be sent when the present turn has ended. */
  private due: { readonly turn: number; offset: number } | undefined = undefined;
  private ackWanted = false;
  /** When the last replica left, ms. */
  private aloneSinceMs = 0;
  private lastSecond = 0;
  private seconds = 0;

  constructor(parts: MasterParts) {
    this.parts = parts;
    this.fullSync = new FullSync({ ...parts, online: (session) => this.putOnline(session) });
    this.waiters = new AckWaiters(parts.blocking);
    const { config } = parts;
    for (const name of ['min-replicas-to-write', 'min-replicas-max-lag']) {
      config.onChange(name, () => this.countGood());
    }
    this.countGood();
  }

  /** Number of replicas. */
  get count(): number {
    return this.sessions.size;
  }

  all(): Iterable<Session> {
    return this.sessions;
  }

  // ---- coming and going ----------------------------------------------------------------------

  settings(session: Session): ReplicaSettings {
    session.replica ??= new ReplicaPeer();
    return session.replica;
  }

  sync(session: Session, request: ContinueRequest | undefined): void {
    if (session.replica?.isAttached === true || session.isMonitor || session.isMaster) return;
    const { log, output, replication, stats } = this.parts;
    const { failover } = replication;
    if (request?.isFailover === true) failover.takeOver(session, request.replid);
    if (failover.isRunning) throw failingOver;
    // It may be a master by now.
    if (replication.following?.isUp === false) throw noLink;
    if (output.owes(session)) throw pendingOutput;
    const peer = session.replica ?? new ReplicaPeer();
    if (peer.isFiltered && !peer.takesMarkedData) throw needsMark;
    log('notice', `Replica ${nameOf(session)} asks for synchronization`);
    if (request !== undefined) {
      if (request.offset === undefined) throw errors.notInteger;
      if (this.mayContinue(request.replid, request.offset)) {
        this.goOn(session, peer, request.offset);
        return;
      }
      if (!request.replid.startsWith('?')) stats.syncPartialErr++;
    }
    peer.isOld = request === undefined;
    stats.syncFull++;
    this.copyAll(session, peer);
  }

  private mayContinue(replid: string, offset: number): boolean {
    const { backlog, identity } = this.parts.replication;
    if (!identity.knows(replid, offset)) {
      if (!replid.startsWith('?')) this.tellRefusal(`it asks for history ${replid}`);
      return false;
    }
    if (backlog?.has(offset) === true) return true;
    this.tellRefusal(`the backlog lacks offset ${offset}`);
    return false;
  }

  private tellRefusal(why: string): void {
    this.parts.log('notice', `Partial resynchronization not accepted: ${why}`);
  }

  /** The replica has all before `offset`. */
  private goOn(session: Session, peer: ReplicaPeer, offset: number): void {
    const { log, now, output, replication, stats } = this.parts;
    this.attach(session, peer);
    peer.phase = 'online';
    peer.ackMs = now();
    peer.cursor = replication.backlog!.cursor(offset);
    const id = peer.takesNewIds ? ` ${replication.identity.replid}` : '';
    const line = Buffer.from(`+CONTINUE${id}\r\n`, 'latin1');
    output.stream(session, line, 0, line.length);
    stats.syncPartialOk++;
    log(
      'notice',
      `Partial resynchronization request from ${nameOf(session)} accepted. Sending ` +
        `${peer.queuedBytes} bytes of backlog starting from offset ${offset}.`,
    );
    this.countGood();
    this.fed();
  }

  private copyAll(session: Session, peer: ReplicaPeer): void {
    const { config, replication } = this.parts;
    this.attach(session, peer);
    if (config.bool('repl-disable-tcp-nodelay')) session.connection.setNoDelay?.(false);
    if (replication.backlog === undefined) {
      // Nothing was counted so far: nobody may continue over it. A replica's id is its master's.
      if (!replication.isReplica) replication.identity.renew();
      replication.startBacklog();
    }
    this.fullSync.add(session);
    setImmediate(() => this.fullSync.beginIfDue());
  }

  private attach(session: Session, peer: ReplicaPeer): void {
    session.replica = peer;
    this.sessions.add(session);
  }

  /** A replica has all data: the stream is next. */
  private putOnline(session: Session): void {
    const { log, now } = this.parts;
    const peer = session.replica!;
    if (peer.rdbOnly) {
      log('notice', `RDB transfer completed, rdb only replica ${nameOf(session)} is let go`);
      session.closing = true;
      session.connection.end();
      return;
    }
    peer.phase = 'online';
    peer.ackMs = now();
    log('notice', `Synchronization with replica ${nameOf(session)} succeeded`);
    this.countGood();
    this.send(session);
  }

  /** The session has ended. */
  forget(session: Session): void {
    if (!this.sessions.delete(session)) return;
    const { log, now } = this.parts;
    log('notice', `Connection with replica ${nameOf(session)} lost.`);
    this.fullSync.forget(session);
    session.replica!.detach();
    if (this.sessions.size === 0) this.aloneSinceMs = now();
    this.countGood();
  }

  /** Ends all links: who is there may ask to continue. */
  disconnectAll(): void {
    for (const session of [...this.sessions]) session.kill();
  }

  // ---- the stream ----------------------------------------------------------------------------

  /** There are more bytes: they leave when the turn ends, or when they are safe. */
  fed(): void {
    const { output, replication } = this.parts;
    const { offset } = replication.identity;
    if (this.due?.turn === output.turn) {
      this.due.offset = offset;
      return;
    }
    const due = { turn: output.turn, offset };
    this.due = due;
    output.whenSafe(() => {
      this.safeOffset = due.offset;
      for (const session of this.sessions) this.send(session);
    });
  }

  /** Sends a replica what it lacks, as far as its socket takes it. */
  private send(session: Session): void {
    const { cursor, isOnline, streamsOnAck } = session.replica!;
    if (cursor === undefined || session.closed) return;
    const { connection } = session;
    const { output, now } = this.parts;
    if (!isOnline || streamsOnAck) {
      // What is kept for it while it gets its data has the same limits.
      output.enforceLimit(session, now());
      return;
    }
    let budget = TURN_BYTES;
    while (connection.unsentBytes === 0 && budget > 0) {
      const limit = Math.min(budget, this.safeOffset + 1 - cursor.offset);
      if (limit <= 0) break;
      const went = cursor.read((buf, from, end) => {
        const length = Math.min(limit, end - from);
        output.stream(session, buf, from, from + length);
        budget -= length;
        return length;
      });
      if (!went) break;
    }
    if (connection.unsentBytes > 0) output.enforceLimit(session, now());
    else if (budget <= 0) setImmediate(() => this.send(session));
  }

  /** A replica has taken what it was sent. */
  drained(session: Session): void {
    if (!this.fullSync.drained(session)) this.send(session);
  }

  // ---- acknowledgements ----------------------------------------------------------------------

  acknowledge(session: Session, offset: number, fsynced: number | undefined): void {
    const peer = session.replica;
    if (peer === undefined || !peer.isAttached) return;
    peer.acknowledge(offset, this.parts.now());
    if (fsynced !== undefined) peer.fsyncedOffset = Math.max(peer.fsyncedOffset, fsynced);
    if (peer.streamsOnAck && peer.isOnline) {
      peer.streamsOnAck = false;
      this.send(session);
    }
    this.waiters.check();
    this.parts.replication.failover.check();
    this.countGood();
  }

  countAcknowledged(offset: number): number {
    return countOnline(this.sessions, ({ ackOffset }) => ackOffset >= offset);
  }

  countFsynced(offset: number): number {
    return countOnline(this.sessions, ({ fsyncedOffset }) => fsyncedOffset >= offset);
  }

  awaitUntil(
    session: Session,
    isDone: () => boolean,
    failure?: () => CommandError | undefined,
  ): void {
    this.waiters.add(session, isDone, failure);
    this.askForAck();
    this.parts.output.whenSafe(() => this.waiters.check());
  }

  /** Has replicas say how far they are; once for all who want to know in this turn. */
  askForAck(): void {
    if (this.ackWanted) return;
    this.ackWanted = true;
    setImmediate(() => this.sendGetAck());
  }

  /** Not while writes are held back: the stream stands still then. The cron tries again. */
  private sendGetAck(): void {
    const { pause, replication } = this.parts;
    if (!this.ackWanted || pause.untilMs !== 0) return;
    this.ackWanted = false;
    if (!replication.isReplica) replication.propagation.put(GETACK);
  }

  /** Tells the gates whether too few replicas keep up for a write. */
  countGood(): void {
    const { config, gates, replication } = this.parts;
    const wanted = config.number('min-replicas-to-write');
    gates.lacksReplicas =
      wanted > 0 &&
      config.number('min-replicas-max-lag') > 0 &&
      !replication.isReplica &&
      this.good() < wanted;
  }

  /** Replicas that have been heard of lately enough. */
  private good(): number {
    const { config, now } = this.parts;
    const most = config.number('min-replicas-max-lag');
    return countOnline(this.sessions, ({ ackMs }) => secondsBetween(ackMs, now()) <= most);
  }

  // ---- now and then --------------------------------------------------------------------------

  /** Called by the cron. */
  tick(nowMs: number): void {
    this.fullSync.tick();
    this.parts.replication.failover.check();
    this.sendGetAck();
    this.waiters.check();
    const second = Math.floor(nowMs / 1000);
    if (second === this.lastSecond) return;
    this.lastSecond = second;
    this.seconds++;
    this.everySecond(nowMs);
  }

  private everySecond(nowMs: number): void {
    const { config, log, replication } = this.parts;
    if (this.sessions.size === 0) {
      this.dropBacklogIfAlone(nowMs);
      return;
    }
    const period = config.number('repl-ping-replica-period');
    if (this.seconds % period === 0 && !replication.isReplica && !replication.failover.isRunning) {
      replication.propagation.put(PING);
    }
    const timeoutMs = config.number('repl-timeout') * 1000;
    this.fullSync.everySecond(nowMs, timeoutMs);
    for (const session of [...this.sessions]) {
      const { isOnline, isOld, ackMs } = session.replica!;
      if (!isOnline || isOld || nowMs - ackMs <= timeoutMs) continue;
      log('warning', `Disconnecting timedout replica (streaming sync): ${nameOf(session)}`);
      session.kill();
    }
    this.countGood();
  }

  /** Later writes would not be counted: whoever comes back must not continue over them. */
  private dropBacklogIfAlone(nowMs: number): void {
    const { config, log, replication } = this.parts;
    const ttl = config.number('repl-backlog-ttl');
    if (ttl === 0 || replication.backlog === undefined || replication.isReplica) return;
    if (nowMs - this.aloneSinceMs <= ttl * 1000) return;
    replication.identity.renew();
    replication.dropBacklog();
    log('notice', `Replication backlog freed after ${ttl} seconds without connected replicas.`);
  }

  /** A backlog begins its life without replicas now: its time runs from here. */
  restartTtl(): void {
    this.aloneSinceMs = this.parts.now();
  }

  // ---- what others are shown -----------------------------------------------------------------

  online(): ShownReplica[] {
    return shownReplicas(this.sessions);
  }

  /** INFO's lines about them. */
  infoLines(): InfoLine[] {
    const { config, now } = this.parts;
    const gated =
      config.number('min-replicas-to-write') > 0 && config.number('min-replicas-max-lag') > 0;
    return [
      ['connected_slaves', this.sessions.size],
      ...(gated ? [['min_slaves_good_slaves', this.good()] as const] : []),
      ...replicaLines(this.sessions, now()),
    ];
  }
}
