/**
 * This server as a replica: whom it follows, the link to it and when it is made again, what it asks
 * to continue from, and what changes with the role. The link itself is `master-link.ts`, the data
 * of a full sync `master-load.ts`, the stream `master-stream.ts`.
 *
 * Whoever was followed and is not lets the history go on: `identity` says how far it has come, and
 * `cached` which database the stream had selected there. Together they are what can be continued.
 * Source: order, texts and rules as redis-server 7.0.15 (docs/replication.md).
 */
import type { ReplicaPort } from '../commands/ports/replica.ts';
import type { Config } from '../config/config.ts';
import type { SyncRequest } from '../replication/handshake.ts';
import { randomId, type StreamPosition } from '../replication/identity.ts';
import { type LinkOwner, type LinkState, MasterLink } from '../replication/master-link.ts';
import type { Session } from '../session/session.ts';
import { monotonicMs, setTimeout } from '../util/timers.ts';
import type { Dialer } from './dial.ts';
import type { InfoLine } from './info.ts';
import type { LogLevel } from './log.ts';
import { type LoadMode, MasterLoad, type MasterLoadParts } from './master-load.ts';
import { MasterStream, type MasterStreamParts } from './master-stream.ts';
import { MasterTransport } from './master-transport.ts';
import type { Output } from './output.ts';
import type { Replication } from './replication.ts';
import type { Following } from './replication-parts.ts';

const SECOND_MS = 1000;
/** Least time between two attempts to connect. */
const PAUSE_MS = 100;

/** Whom a replica follows. */
export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** What the role changes elsewhere. */
export interface RoleHooks {
  /** The role, or what clients may do in it, is another one. */
  roleChanged(): void;
  /** Commands that wait for a key are of a master: their clients are sent away. */
  endBlocked(): void;
  /** Gives the master a place among the clients. */
  admit(transport: MasterTransport): Session;
  /** The data is about to be replaced: saves and the append-only file stop. */
  beforeReplace(): void;
  /** There is a whole data set: the append-only file begins anew. */
  afterSync(): void;
  /** The answer to a request for FAILOVER: whether the master has handed its part over. */
  failoverAnswered(accepted: boolean): void;
}

export interface ReplicaParts {
  readonly config: Config;
  readonly replication: Replication;
  readonly output: Output;
  readonly dial: Dialer;
  readonly stream: Omit<MasterStreamParts, 'session' | 'forward' | 'desync' | 'hold'>;
  readonly load: Omit<MasterLoadParts, 'beforeReplace'>;
  readonly hooks: RoleHooks;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
}

/** What can be continued: the history and offset are those of `identity`. */
interface CachedMaster {
  readonly db: number;
}

/** A full sync under way. */
interface Sync {
  /** Undefined where the master knows no PSYNC: nothing can be continued afterwards. */
  readonly replid: string | undefined;
  readonly offset: number;
  load: MasterLoad | undefined;
}

export class ReplicaSide implements Following, LinkOwner, ReplicaPort {
  master: MasterAddress | undefined = undefined;
  private readonly parts: ReplicaParts;
  private link: MasterLink | undefined = undefined;
  private sync: Sync | undefined = undefined;
  private masterStream: MasterStream | undefined = undefined;
  private cached: CachedMaster | undefined = undefined;
  /** Whether the master does not count bytes: it gets no acknowledgements. */
  private isUncounted = false;
  private isFailover = false;
  /** Since when the link is down, wall clock ms; 0 when it has never been up. */
  private downSinceMs = 0;
  private lastAttemptMs = Number.NEGATIVE_INFINITY;
  private lastSecondMs = 0;
  private isClosed = false;

  constructor(parts: ReplicaParts) {
    this.parts = parts;
    const [host = '', port = ''] = parts.config.string('replicaof').split(' ');
    if (host !== '') this.master = { host, port: Number(port) };
  }

  // ---- roles ---------------------------------------------------------------------------------

  /** Takes the part that the configuration names; `begin` connects, once the data is there. */
  start(): void {
    if (this.master === undefined) return;
    this.parts.replication.following = this;
    this.parts.hooks.roleChanged();
  }

  /** The data of the disk is loaded: connects, if there is a master to follow. */
  begin(): void {
    if (this.master !== undefined && this.link === undefined && !this.isClosed) this.connect();
  }

  /** A file was loaded that says where in a history its data is. */
  loaded({ replid, offset, db }: StreamPosition): void {
    const { identity } = this.parts.replication;
    identity.adopt(replid, offset);
    this.parts.replication.startBacklog();
    this.cached = { db };
    this.log('notice', 'The data is of a known moment of its history: it may be continued.');
  }

  follows(host: string, port: number): boolean {
    const { master } = this;
    return master !== undefined && master.port === port && sameHost(master.host, host);
  }

  follow(host: string, port: number, isFailover = false): void {
    const { config, replication, hooks } = this.parts;
    const wasMaster = this.master === undefined;
    this.leave('another master is to be followed');
    hooks.endBlocked();
    this.master = { host, port };
    this.isFailover = isFailover;
    config.assign('replicaof', `${host} ${port}`);
    if (wasMaster) {
      // Those who follow this server can go on with its new master, and so can it itself.
      if (replication.backlog === undefined) replication.startBacklog();
      this.cached = { db: 0 };
    }
    replication.following = this;
    replication.emit();
    hooks.roleChanged();
    this.log('notice', `Connecting to MASTER ${host}:${port}`);
    this.connect();
  }

  promote(): void {
    const { config, replication, hooks } = this.parts;
    if (this.master === undefined) return;
    this.leave('this server is a master now');
    this.master = undefined;
    this.cached = undefined;
    this.isFailover = false;
    config.assign('replicaof', '');
    replication.following = undefined;
    replication.identity.shift();
    // They come back and continue: their history is the second one here.
    replication.replicas.disconnectAll();
    replication.emit();
    hooks.roleChanged();
    // A sync that failed has left it off.
    hooks.afterSync();
  }

  /** The server ends. */
  close(): void {
    this.isClosed = true;
    this.leave('the server ends');
  }

  /** Ends the link; what can be continued stays known. */
  private leave(reason: string): void {
    const { link } = this;
    this.link = undefined;
    link?.drop();
    this.linkGone(reason);
  }

  // ---- the link ------------------------------------------------------------------------------

  /** Called by the cron: time limits, signs of life, and attempts to connect. */
  tick(): void {
    if (this.master === undefined || this.isClosed) return;
    const nowMs = monotonicMs();
    if (nowMs - this.lastSecondMs < SECOND_MS) return;
    this.lastSecondMs = nowMs;
    const { link } = this;
    if (link === undefined) {
      if (!this.parts.load.gates.isLoading) this.connect();
      return;
    }
    const timeoutMs = this.parts.config.number('repl-timeout') * SECOND_MS;
    const isLoading = this.sync?.load?.isLoading === true;
    if (!isLoading && nowMs - link.lastInputMs > timeoutMs) {
      this.log('warning', `${timeoutText(link.state)} (${link.waitsFor})`);
      link.end('timeout');
    } else if (isLoading) link.keepAlive();
    else if (this.masterStream !== undefined) this.acknowledge();
  }

  /** Tells the master how far the stream has been applied, once that is safe. */
  acknowledge(): void {
    const { link, masterStream } = this;
    if (link === undefined || masterStream === undefined || this.isUncounted) return;
    const { appliedOffset } = masterStream;
    const { output } = this.parts;
    if (output.barrier === undefined) link.acknowledge(appliedOffset);
    else {
      output.whenSafe(() => {
        if (this.link === link) link.acknowledge(appliedOffset);
      });
    }
  }

  private connect(): void {
    const { config, dial, stream } = this.parts;
    const master = this.master!;
    this.lastAttemptMs = monotonicMs();
    const link = new MasterLink({
      introduction: {
        user: config.string('masteruser'),
        password: config.string('masterauth') || undefined,
        port: config.number('replica-announce-port') || dial.announcedPort(),
        announcedIp: config.string('replica-announce-ip'),
      },
      isFailover: this.isFailover,
      owner: this,
      now: monotonicMs,
      mustWait: () => stream.executor.isBusy,
    });
    this.link = link;
    this.log('notice', 'MASTER <-> REPLICA sync started');
    try {
      link.open(dial.open(master, link));
    } catch (error) {
      // The TLS directives have become useless meanwhile.
      link.end(error instanceof Error ? error.message : String(error));
    }
  }

  /** At once after a link that was up, but for a master that breaks it each time. */
  private reconnectSoon(): void {
    const waitMs = Math.max(0, PAUSE_MS - (monotonicMs() - this.lastAttemptMs));
    const timer = setTimeout(() => {
      const isFree = this.link === undefined && !this.parts.load.gates.isLoading;
      if (isFree && this.master !== undefined && !this.isClosed) this.connect();
    }, waitMs);
    timer.unref();
  }

  // ---- LinkOwner -----------------------------------------------------------------------------

  syncRequest(): SyncRequest | undefined {
    if (this.cached === undefined) return undefined;
    const { replid, offset } = this.parts.replication.identity;
    return { replid, offset: offset + 1 };
  }

  fullSync(replid: string | undefined, offset: number): void {
    this.answered(true);
    this.sync = { replid, offset, load: undefined };
  }

  continues(replid: string | undefined): void {
    const { replication } = this.parts;
    const { identity } = replication;
    this.answered(true);
    if (this.cached === undefined) {
      this.link?.end('the master continues what nobody asked for');
      return;
    }
    this.log('notice', 'Successful partial resynchronization with master.');
    if (replid !== undefined && replid !== identity.replid) {
      identity.continueAs(replid);
      this.log('notice', `Master replication ID changed to ${replid}`);
      // They hold the old id: they come back to learn the new one.
      replication.replicas.disconnectAll();
    }
    if (replication.backlog === undefined) replication.startBacklog();
    this.beginStream(this.cached.db, identity.offset);
    this.acknowledge();
    this.log('notice', 'MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.');
  }

  dataBegins(total: number): void {
    const sync = this.sync!;
    const { identity } = this.parts.replication;
    const mode = this.loadMode();
    const servesOld = mode === 'staged' && sync.replid === identity.replid;
    const parts = { ...this.parts.load, beforeReplace: () => this.beforeReplace() };
    sync.load = new MasterLoad(parts, { mode, total, servesOld });
    if (mode !== 'file') this.log('notice', 'MASTER <-> REPLICA sync: Loading DB in memory');
  }

  data(buf: Uint8Array, from: number, to: number): void {
    this.sync!.load!.data(buf, from, to);
  }

  dataEnds(): void {
    const sync = this.sync!;
    const link = this.link!;
    let isDone = false;
    sync.load!.finish((error) => {
      isDone = true;
      if (this.sync !== sync) return;
      this.sync = undefined;
      if (error !== undefined) {
        const what = 'Failed trying to load the MASTER synchronization DB';
        this.log('warning', `${what}: ${error.message}`);
        link.end('the data could not be loaded');
        return;
      }
      this.synced(sync);
      link.resume();
    });
    // A file is loaded in later turns.
    if (!isDone) link.pause();
  }

  stream(buf: Uint8Array, from: number, to: number): void {
    this.masterStream?.receive(buf, from, to);
  }

  ended(reason: string): void {
    this.link = undefined;
    this.answered(false);
    this.log('warning', `Connection with master lost: ${reason}`);
    const { masterStream } = this;
    this.linkGone(reason);
    if (masterStream !== undefined && this.master !== undefined) this.reconnectSoon();
  }

  log(level: LogLevel, message: string): void {
    this.parts.log(level, message);
  }

  // ---- what the link brings ------------------------------------------------------------------

  /** The master has answered, or will not any more. */
  private answered(accepted: boolean): void {
    if (!this.isFailover) return;
    this.isFailover = false;
    this.parts.hooks.failoverAnswered(accepted);
  }

  private loadMode(): LoadMode {
    const { config, load } = this.parts;
    const wanted = config.string('repl-diskless-load');
    if (wanted === 'swapdb') return 'staged';
    const isEmpty = load.keyspace.dbs.every(({ size }) => size === 0);
    return wanted === 'on-empty-db' && isEmpty ? 'direct' : 'file';
  }

  /** The data goes, and with it the history it had. */
  private beforeReplace(): void {
    const { replication, hooks } = this.parts;
    this.cached = undefined;
    replication.replicas.disconnectAll();
    replication.dropBacklog();
    hooks.beforeReplace();
  }

  /** All data of a full sync is there. */
  private synced({ replid, offset, load }: Sync): void {
    const { replication, hooks } = this.parts;
    this.isUncounted = replid === undefined;
    replication.identity.adopt(replid ?? randomId(), offset);
    replication.startBacklog();
    this.beginStream(load!.streamDb, offset);
    this.log('notice', 'MASTER <-> REPLICA sync: Finished with success');
    this.acknowledge();
    hooks.afterSync();
  }

  private beginStream(db: number, offset: number): void {
    const { replication, stream, hooks } = this.parts;
    const link = this.link!;
    const session = hooks.admit(new MasterTransport(link, this.parts.dial));
    session.dbIndex = db;
    this.masterStream = new MasterStream(
      {
        ...stream,
        session,
        forward: (buf, from, to) => replication.feed(buf, from, to),
        desync: (reason) => this.desync(reason),
        hold: (isHeld) => (isHeld ? link.pause() : link.resume()),
      },
      offset,
    );
    this.downSinceMs = 0;
    hooks.roleChanged();
  }

  /** What the master sends makes no sense: nothing of it can be continued. */
  private desync(reason: string): void {
    this.log('warning', reason);
    this.isUncounted = true;
    this.link?.end('protocol error');
  }

  private linkGone(_reason: string): void {
    const { sync, masterStream } = this;
    this.sync = undefined;
    this.masterStream = undefined;
    sync?.load?.abort();
    if (masterStream === undefined) return;
    masterStream.end();
    const { session } = masterStream;
    this.cached = this.isUncounted ? undefined : { db: session.dbIndex };
    if (this.cached !== undefined) this.log('notice', 'Caching the disconnected master state.');
    this.isUncounted = false;
    this.downSinceMs = this.parts.now();
    session.kill();
    this.parts.hooks.roleChanged();
  }

  // ---- what others read ----------------------------------------------------------------------

  get isUp(): boolean {
    return this.masterStream !== undefined;
  }

  get streamDb(): number | undefined {
    return this.masterStream?.session.dbIndex ?? this.cached?.db;
  }

  /** ROLE's word for the link. */
  get state(): string {
    return this.link?.state ?? 'connect';
  }

  get appliedOffset(): number {
    return this.masterStream?.appliedOffset ?? -1;
  }

  infoLines(): readonly InfoLine[] {
    const { config, replication } = this.parts;
    const { link, master, masterStream } = this;
    const known = masterStream !== undefined || this.cached !== undefined;
    const applied = known ? replication.identity.offset : 1;
    return [
      ['master_host', master?.host ?? ''],
      ['master_port', master?.port ?? 0],
      ['master_link_status', this.isUp ? 'up' : 'down'],
      ['master_last_io_seconds_ago', this.isUp ? this.silentSeconds(link) : -1],
      ['master_sync_in_progress', this.sync === undefined ? 0 : 1],
      ['slave_read_repl_offset', masterStream?.readOffset ?? applied],
      ['slave_repl_offset', masterStream?.appliedOffset ?? applied],
      ...this.syncLines(),
      ...this.downLines(),
      ['slave_priority', config.number('replica-priority')],
      ['slave_read_only', config.bool('replica-read-only') ? 1 : 0],
      ['replica_announced', config.bool('replica-announced') ? 1 : 0],
    ];
  }

  private syncLines(): readonly InfoLine[] {
    const { link, sync } = this;
    if (sync === undefined) return [];
    const total = Math.max(0, link?.transfer?.total ?? 0);
    const received = link?.transfer?.received ?? 0;
    const share = total === 0 ? 0 : (received / total) * 100;
    return [
      ['master_sync_total_bytes', total],
      ['master_sync_read_bytes', received],
      ['master_sync_left_bytes', total - received],
      ['master_sync_perc', share.toFixed(2)],
      ['master_sync_last_io_seconds_ago', this.silentSeconds(link)],
    ];
  }

  private downLines(): readonly InfoLine[] {
    if (this.isUp) return [];
    const { downSinceMs } = this;
    const seconds = downSinceMs === 0 ? -1 : (this.parts.now() - downSinceMs) / SECOND_MS;
    return [['master_link_down_since_seconds', Math.floor(seconds)]];
  }

  private silentSeconds(link: MasterLink | undefined): number {
    if (link === undefined) return -1;
    return Math.floor((monotonicMs() - link.lastInputMs) / SECOND_MS);
  }
}

function sameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** What is said of a master that has been silent for too long, in the words people look for. */
function timeoutText(state: LinkState): string {
  if (state === 'connected') return 'MASTER timeout: no data nor PING received';
  return state === 'sync'
    ? 'Timeout receiving bulk data from MASTER'
    : 'Timeout connecting to the MASTER';
}
