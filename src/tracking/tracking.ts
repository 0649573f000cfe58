/**
 * Client-side caching: remembers what tracking clients have read, and tells them when it changes.
 *
 * Keys read one by one are in a table with a bound; in BCAST mode clients are told of all keys with
 * their prefixes instead, once a turn of the event loop. A client's own change is told after the
 * reply of the command, of a transaction after EXEC's: handlers must not find messages in between.
 * It listens to the keyspace only while there is somebody to tell or something to forget.
 * Source: redis-server 7.0.15 (tracking.c).
 */
import { heapGuard } from '../util/heap-guard.ts';
import { latin1 } from '../util/latin1.ts';
import { PackedTexts } from '../util/packed-texts.ts';
import { ClientTracking, type TrackedClient, type TrackingOptions } from './client-tracking.ts';
import { Invalidation, redirectBroken } from './invalidation.ts';
import { KeyTable } from './key-table.ts';
import { PrefixTable } from './prefix-table.ts';

/** Keys that a command takes out of a table past its bound; more each time it stays past it. */
const EVICTED_MAX = 100;
/** A longer name becomes a text only where the heap has room for some copies of it. */
const LONG_NAME = 1024 * 1024;
const LONG_NAME_COPIES = 6;

/** What the server does for tracking. */
export interface TrackingHost {
  clientById(id: number): TrackedClient | undefined;
  /** A keyed hash. */
  hash(buf: Uint8Array, off: number, len: number): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Begins or ends to tell of changed keys (`changed`, `flushed`). */
  listen(on: boolean): void;
  /** Has `broadcast` called before this turn of the event loop ends. */
  wantBroadcast(): void;
}

export class Tracking {
  /** Most keys remembered, 0 for no bound. */
  keysMax = 0;
  private readonly host: TrackingHost;
  private readonly keys: KeyTable;
  private readonly prefixes = new PrefixTable();
  private readonly clients = new Set<ClientTracking>();
  /** Connected clients that may be in the key table: they track, or did once. */
  private readonly readers = new Set<TrackedClient>();
  /** On whose behalf data is being changed, if anybody's. */
  private current: TrackedClient | undefined;
  /** Whether a command of that client runs, so that its messages must wait. */
  private executing = false;
  /** Whether that command had to wait for what another client has changed just now. */
  private hadToWait = false;
  /**
   * Keys that the present command's own client is to be told of after the reply; a missing text is
   * all keys. Bytes, as one command may change a million keys.
   */
  private pending = new PackedTexts();
  private pendingFor: ClientTracking | undefined = undefined;
  /** How often in a row eviction did not reach the bound. */
  private failures = 0;
  private readonly send: (tracking: ClientTracking, message: Invalidation) => void;

  constructor(host: TrackingHost) {
    this.host = host;
    this.keys = new KeyTable((buf, off, len) => host.hash(buf, off, len));
    this.send = (tracking, message) => this.sendTo(tracking, message);
  }

  /** Clients that track. */
  get clientCount(): number {
    return this.clients.size;
  }

  /** Keys remembered. */
  get keyCount(): number {
    return this.keys.size;
  }

  /** Clients remembered, of all keys together. */
  get itemCount(): number {
    return this.keys.items;
  }

  get prefixCount(): number {
    return this.prefixes.size;
  }

  /** Bytes of the key table, exact; prefixes count as their clients'. O(1). */
  get memoryBytes(): number {
    return this.keys.memoryBytes;
  }

  /** To be called some times a second: returns unused memory to the system. */
  giveBack(): void {
    this.keys.giveBack();
  }

  /** Turns tracking on, or changes its options. The mode (BCAST or not) must not change. */
  enable(client: TrackedClient, options: TrackingOptions): void {
    const tracking = client.tracking ?? new ClientTracking(client);
    client.tracking = tracking;
    this.clients.add(tracking);
    if (!options.bcast) this.readers.add(client);
    const every = options.bcast && options.prefixes.length === 0;
    const prefixes = every ? [''] : options.prefixes;
    tracking.update({ ...options, prefixes });
    for (const prefix of prefixes) this.prefixes.add(prefix, tracking);
    this.listen();
  }

  /**
   * Turns tracking off, if it is on; also called when the client is gone. What it has read is
   * forgotten as it changes, as it may turn tracking on again, or when the last reader is gone.
   */
  disable(client: TrackedClient): void {
    const { tracking } = client;
    if (tracking !== undefined) {
      for (const prefix of tracking.prefixes) this.prefixes.remove(prefix, tracking);
      client.tracking = undefined;
      this.clients.delete(tracking);
    }
    if (client.closed && this.readers.delete(client) && this.readers.size === 0) this.keys.clear();
    this.listen();
  }

  /** Fetches from memory what changes of keys with these hashes will need; returns any number. */
  prefetch(hashes: Int32Array, n: number): number {
    return this.keys.prefetch(hashes, n);
  }

  /** A client has read a key. O(length). */
  remember(client: TrackedClient, buf: Uint8Array, off: number, len: number): void {
    this.keys.add(buf, off, len, client.id);
  }

  /**
   * Takes keys out of a table that is past its bound, and tells their clients: some for every
   * command and some times a second, so that none takes long, but more and more until it helps.
   * NOLOOP is no reason to keep silent: nobody has changed these keys.
   */
  limit(): void {
    const { keys, keysMax } = this;
    if (keys.size <= keysMax || keysMax === 0 || this.clients.size === 0) {
      this.failures = 0;
      return;
    }
    this.failures++;
    for (let n = this.failures * EVICTED_MAX; n > 0 && keys.size > keysMax; n--) {
      const { key, clients } = keys.takeAny(this.host.random);
      if (key !== undefined) this.invalidate(key, clients);
      else this.forgetAll();
    }
  }

  /**
   * A key is taken out whose name was not kept: nobody can be told of it alone, so all clients are
   * to forget all that they have read. That is once for as many keys as the table may hold.
   */
  private forgetAll(): void {
    for (const tracking of this.clients) if (!tracking.bcast) this.tellAll(tracking);
    this.keys.clear();
  }

  /** A client's command is about to run, or to run again after it `hadToWait`. */
  begin(client: TrackedClient, hadToWait: boolean): void {
    this.current = client;
    this.hadToWait = hadToWait;
    this.executing = true;
  }

  /** It has run and its reply is written: the client is told of what it has changed itself. */
  replied(): void {
    this.current = undefined;
    this.executing = false;
    this.hadToWait = false;
    if (this.pendingFor !== undefined) this.sendPending(this.pendingFor);
  }

  private sendPending(tracking: ClientTracking): void {
    const { pending } = this;
    this.pending = new PackedTexts();
    this.pendingFor = undefined;
    const { bytes, begins, size } = pending;
    for (let i = 0; i < size; i++) {
      const key = latin1(bytes, begins[i]!, pending.lengthOf(i));
      this.sendTo(tracking, pending.isMissing(i) ? undefined : Invalidation.of([key]));
    }
  }

  // ---- changes -------------------------------------------------------------------------------

  /** A key has changed, or has `expired` without anybody's doing. O(length). */
  changed(_db: unknown, key: Uint8Array, off: number, len: number, expired: boolean): void {
    if (len > LONG_NAME && !heapGuard.hasRoom(LONG_NAME_COPIES * len)) {
      // Nobody can be told of it alone: its name does not fit into the heap.
      this.flushed();
      return;
    }
    if (this.prefixes.size > 0) {
      const author = expired || this.current === undefined ? 0 : this.current.id;
      const first = this.prefixes.note(key, off, len, author, this.hadToWait);
      if (first) this.host.wantBroadcast();
    }
    if (this.keys.size === 0) return;
    const clients = this.keys.take(key, off, len);
    if (clients === undefined) return;
    this.invalidate(latin1(key, off, len), clients);
    if (this.keys.size === 0) this.listen();
  }

  /** All keys of one or more databases are gone: every client is to forget everything. */
  flushed(): void {
    for (const tracking of this.clients) {
      this.tellAll(tracking);
    }
    this.keys.clear();
    this.listen();
  }

  /** Tells the clients in BCAST mode of what has changed in this turn. */
  broadcast(): void {
    this.prefixes.send(this.send);
  }

  private invalidate(key: string, clients: readonly number[]): void {
    const message = Invalidation.of([key]);
    for (const id of clients) this.invalidateFor(id, key, message);
  }

  private invalidateFor(id: number, key: string, message: Invalidation): void {
    const client = this.host.clientById(id);
    if (client?.tracking === undefined || client.tracking.bcast) return;
    if (client.tracking.noLoop && client === this.current) return;
    if (this.mustWait(client.tracking)) {
      const bytes = Buffer.from(key, 'latin1');
      this.pending.add(bytes, 0, bytes.length);
    } else this.sendTo(client.tracking, message);
  }

  /**
   * Tells a client to forget all keys, now or after the reply of its own command. That may switch
   * its protocol, so the null's form is chosen only when it is sent.
   */
  private tellAll(tracking: ClientTracking): void {
    if (this.mustWait(tracking)) this.pending.addMissing();
    else this.sendTo(tracking, undefined);
  }

  /** Whether what a client is told comes after the reply of the command that it runs. */
  private mustWait(tracking: ClientTracking): boolean {
    if (!this.executing || tracking.client !== this.current) return false;
    this.pendingFor = tracking;
    return true;
  }

  private sendTo(tracking: ClientTracking, given: Invalidation | undefined): void {
    const { client, redirect } = tracking;
    const message = given ?? Invalidation.ofAll[client.respVersion];
    const target = redirect === 0 ? client : this.host.clientById(redirect);
    if (target === undefined) {
      tracking.brokenRedirect = true;
      if (client.respVersion === 3) client.sendMessage(redirectBroken(redirect));
    } else if (target.respVersion === 3) target.sendMessage(message.push);
    else if (redirect !== 0 && target.type === 'pubsub') target.sendMessage(message.message);
    // Else there is no way to send it: RESP2 has no messages outside of subscriptions.
  }

  private listen(): void {
    this.host.listen(this.clients.size > 0 || this.keys.size > 0);
  }
}
