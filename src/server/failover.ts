/**
 * FAILOVER: a master hands its role to one of its replicas, and nothing is lost. It stops taking
 * writes, waits until the replica has all of the stream, follows it, and in asking to continue
 * tells it to be the master (`PSYNC <id> <offset> FAILOVER`). The replica's side is `takeOver`.
 *
 * Source: states, order of checks and texts as redis-server 7.0.15.
 */
import type { FailoverRequest } from '../commands/ports/replication.ts';
import type { Session } from '../session/session.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';
import type { Pause } from './pause.ts';
import { hostOf } from './replica-name.ts';
import type { Replication } from './replication.ts';
import type { FailoverPart } from './replication-parts.ts';

const err = (text: string) => new CommandError(`ERR ${text}`);
const noFailover = err('No failover in progress.');
const inProgress = err('FAILOVER already in progress.');
const notOnReplica = err('FAILOVER is not valid when server is a replica.');
const needsReplicas = err('FAILOVER requires connected replicas.');
const forceNeedsMore = err(
  'FAILOVER with force option requires both a timeout and target HOST and IP.',
);
const notAReplica = err('FAILOVER target HOST and PORT is not a replica.');
const notOnline = err('FAILOVER target replica is not online.');
const sentToMaster = err("PSYNC FAILOVER can't be sent to a master.");
const otherHistory = err('PSYNC FAILOVER replid must match my replid.');

/** `master_failover_state` in INFO. */
type FailoverState = 'no-failover' | 'waiting-for-sync' | 'failover-in-progress';

interface Target {
  readonly host: string;
  readonly port: number;
}

export interface FailoverParts {
  readonly replication: Replication;
  readonly pause: Pause;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

export class Failover implements FailoverPart {
  state: FailoverState = 'no-failover';
  private readonly parts: FailoverParts;
  /** Whom to hand over to; undefined: whoever is in sync first. */
  private target: Target | undefined = undefined;
  /** When to give up waiting, or to go on without it; 0 for never. */
  private endMs = 0;
  private isForced = false;

  constructor(parts: FailoverParts) {
    this.parts = parts;
  }

  get isRunning(): boolean {
    return this.state !== 'no-failover';
  }

  // ---- the master's side ---------------------------------------------------------------------

  start({ target, force, timeoutMs }: FailoverRequest): void {
    const { log, now, pause, replication } = this.parts;
    if (this.isRunning) throw inProgress;
    if (replication.isReplica) throw notOnReplica;
    if (replication.replicas.count === 0) throw needsReplicas;
    if (force && (timeoutMs === undefined || target === undefined)) throw forceNeedsMore;
    if (target !== undefined) {
      const session = this.find(target);
      if (session === undefined) throw notAReplica;
      if (session.replica?.isOnline !== true) throw notOnline;
    }
    this.target = target;
    this.endMs = timeoutMs === undefined ? 0 : now() + timeoutMs;
    this.isForced = force;
    this.state = 'waiting-for-sync';
    log('notice', 'FAILOVER requested: waiting for a replica that has all of the stream.');
    pause.holdWrites();
  }

  abort(): void {
    if (!this.isRunning) throw noFailover;
    this.giveUp('Failover manually aborted');
  }

  /** A replica has said how far it is, or time has passed. */
  check(): void {
    if (this.state !== 'waiting-for-sync') return;
    const { log, now } = this.parts;
    if (this.endMs !== 0 && now() >= this.endMs) {
      if (!this.isForced) {
        this.giveUp('Replica never caught up before timeout');
        return;
      }
      const { host, port } = this.target!;
      log('notice', `Failover to ${host}:${port} time out exceeded, failing over.`);
      this.handOver(this.target!);
      return;
    }
    const found = this.inSync();
    if (found === undefined) return;
    log('notice', 'Failover target is in sync, failing over.');
    this.handOver({ host: hostOf(found), port: found.replica!.listeningPort });
  }

  /** The target has answered PSYNC: it goes on as the master, or it does not. */
  answered(accepted: boolean): void {
    if (this.state !== 'failover-in-progress') return;
    if (accepted) this.clear();
    else this.giveUp('Failover target rejected psync request');
  }

  private inSync(): Session | undefined {
    const { identity, replicas } = this.parts.replication;
    const { target } = this;
    const isInSync = (session: Session | undefined) =>
      session?.replica?.ackOffset === identity.offset && session.replica.isOnline;
    if (target !== undefined) {
      const session = this.find(target);
      return isInSync(session) ? session : undefined;
    }
    for (const session of replicas.all()) if (isInSync(session)) return session;
    return undefined;
  }

  private find({ host, port }: Target): Session | undefined {
    for (const session of this.parts.replication.replicas.all()) {
      if (hostOf(session).toLowerCase() !== host.toLowerCase()) continue;
      if (session.replica!.listeningPort === port) return session;
    }
    return undefined;
  }

  private handOver({ host, port }: Target): void {
    this.target = { host, port };
    this.state = 'failover-in-progress';
    this.parts.replication.roles.follow(host, port, true);
  }

  private giveUp(why: string): void {
    const { log, replication } = this.parts;
    log('notice', `Aborting failover: ${why}`);
    const wasFollowing = this.state === 'failover-in-progress';
    this.clear();
    if (wasFollowing) replication.roles.promote();
  }

  private clear(): void {
    this.state = 'no-failover';
    this.endMs = 0;
    this.isForced = false;
    this.target = undefined;
    this.parts.pause.releaseWrites();
  }

  // ---- the replica's side --------------------------------------------------------------------

  /** The master wants this server to take its place. */
  takeOver(session: Session, replid: string): void {
    const { log, replication } = this.parts;
    log('warning', `Failover request received for replid ${replid}.`);
    if (!replication.isReplica) throw sentToMaster;
    if (replid.toLowerCase() !== replication.identity.replid) throw otherHistory;
    replication.roles.promote();
    log('notice', `MASTER MODE enabled (failover request from '${session.address}')`);
  }
}
