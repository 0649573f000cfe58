/**
 * A client that speaks RESP: what a connection is to commands. It owns the client's protocol state
 * (RESP version, database, name, reply mode) and its parser; it runs nothing itself. The server
 * drives it through `Driver`.
 */
import type { User } from '../acl/user.ts';
import type { ReplyMode, SessionPort } from '../commands/ports/session.ts';
import { Subscriptions } from '../pubsub/topic.ts';
import type { ReplicaPeer } from '../replication/replica-peer.ts';
import type { RequestParser } from '../resp/request-parser.ts';
import type { ClientTracking } from '../tracking/client-tracking.ts';
import { type Args, requestBytes } from '../util/args.ts';
import { isLoopback } from '../util/loopback.ts';
import { Client, type Transport } from './client.ts';
import { Transaction } from './transaction.ts';

/** What the server does with a session's bytes and end. */
export interface Driver {
  /** The parser holds `bytes` new bytes. */
  readable(session: Session, bytes: number): void;
  drained(session: Session): void;
  /** Sends a message that is no reply. */
  deliver(session: Session, message: Buffer): void;
  /** An encrypted connection is made by someone whose certificate is valid, if any. */
  secured(session: Session, peerName: string): void;
  /** The session is over, whoever ended it. Called once. */
  ended(session: Session): void;
  /** The connection is closed. Called once. */
  closed(): void;
}

/** Fixed part of a client's memory: resident memory per client, measured with 9,990 idle ones. */
export const SESSION_BYTES = 6656;
/** A request that is put off, besides its bytes. */
const POSTPONED_BYTES = 400;

export class Session extends Client implements SessionPort {
  readonly parser: RequestParser;
  name = '';
  libName = '';
  libVersion = '';
  respVersion: 2 | 3 = 2;
  dbIndex = 0;
  user: User;
  replyMode: ReplyMode = 'on';
  noTouch = false;
  isMonitor = false;
  appliesEffects = false;
  /** Whether this is the link to the master. */
  isMaster = false;
  /** A reply went past what its class of clients may pile up: it is to be disconnected. */
  overflowed = false;
  /** Bytes that its replies may take together with those before them, 0 for no limit of its own. */
  replyMax = 0;
  readonly transaction = new Transaction();
  subscriptions: Subscriptions | undefined = undefined;
  tracking: ClientTracking | undefined = undefined;
  /** What it has told of itself as a replica; it is one when that says so. */
  replica: ReplicaPeer | undefined = undefined;
  /** Bytes of the replication stream there were after its latest command (WAIT). */
  streamOffset = 0;
  /** Full name of the latest command. */
  lastCommand = '';
  /** Requests that CLIENT PAUSE holds back, their arguments copied. */
  postponed: Args[] = [];
  /** Whether a command of this client waits for a key. */
  blocked = false;
  /** Bytes of that command's arguments, and all that it costs. */
  blockedBytes = 0;
  blockedCost = 0;
  /** Whether it was blocked and is about to go on. */
  isResuming = false;
  private readonly driver: Driver;

  constructor(
    id: number,
    connection: Transport,
    parser: RequestParser,
    driver: Driver,
    nowMs: number,
    user: User,
  ) {
    super(id, connection, nowMs);
    this.user = user;
    this.parser = parser;
    this.driver = driver;
  }

  // ---- bytes -------------------------------------------------------------------------------

  received(chunk: Uint8Array, length: number): void {
    if (this.closing) return;
    this.netInputBytes += length;
    this.parser.push(chunk, 0, length);
    this.driver.readable(this, length);
    this.parser.detach();
  }

  drained(): void {
    this.driver.drained(this);
  }

  secured(peerName: string | undefined): void {
    if (peerName !== undefined) this.driver.secured(this, peerName);
  }

  /** The connection has ended, whoever caused it. */
  connectionClosed(): void {
    this.finish();
    this.driver.closed();
  }

  private finish(): void {
    if (this.closed) return;
    this.closing = true;
    this.closed = true;
    this.driver.ended(this);
  }

  /** Whether its next command waits for something: a key, the end of a pause. */
  get isWaiting(): boolean {
    return this.blocked || this.postponed.length > 0;
  }

  get isLocal(): boolean {
    const { remoteAddress, unixPath } = this.connection;
    return unixPath !== undefined || isLoopback(remoteAddress);
  }

  /** As MONITOR shows where commands come from. */
  get origin(): string {
    const { unixPath } = this.connection;
    return unixPath === undefined ? this.address : `unix:${unixPath}`;
  }

  /** Whether nothing is answered: CLIENT REPLY leaves it out, or the connection is to end. */
  get isMuted(): boolean {
    return this.closing || this.replyMode === 'off' || this.replyMode === 'skip';
  }

  /** CLIENT LIST's type. */
  get type(): 'normal' | 'master' | 'replica' | 'pubsub' {
    if (this.isMaster) return 'master';
    if (this.replica?.isAttached === true) return 'replica';
    return this.subscriptions === undefined ? 'normal' : 'pubsub';
  }

  /** Whether it is shown what happens, and may not touch the keys: a monitor or a replica. */
  get isOnlooker(): boolean {
    return this.isMonitor || this.replica?.isAttached === true;
  }

  /**
   * Bytes of output that the kernel has not taken yet. Of a replica those of the stream, which it
   * shares with others: a copy of the data comes as fast as it is taken.
   */
  override get unsentBytes(): number {
    const { replica } = this;
    if (replica === undefined || !replica.isAttached) return super.unsentBytes;
    return replica.isOnline ? super.unsentBytes + replica.queuedBytes : replica.queuedBytes;
  }

  /**
   * Whether it may send little else than subscriptions: it could not tell replies from messages.
   */
  get isConfined(): boolean {
    return this.respVersion === 2 && this.subscriptions !== undefined;
  }

  get authenticated(): boolean {
    return this.parser.authenticated;
  }

  set authenticated(yes: boolean) {
    this.parser.authenticated = yes;
  }

  // ---- SessionPort -------------------------------------------------------------------------

  sendMessage(message: Buffer): void {
    this.driver.deliver(this, message);
  }

  closeAfterReply(): void {
    this.closing = true;
  }

  kill(): void {
    this.connection.destroy();
    this.finish();
  }

  reset(): void {
    this.transaction.end();
    this.respVersion = 2;
    this.dbIndex = 0;
    this.name = '';
    // Redis: the reply that CLIENT REPLY SKIP leaves out may be RESET's own.
    if (this.replyMode !== 'skip') this.replyMode = 'on';
    this.noEvict = false;
    this.noTouch = false;
  }

  describe(nowMs: number, request?: Args): string {
    const { transaction } = this;
    const flags = this.flags();
    const unsent = this.connection.unsentBytes + (this.replica?.queuedBytes ?? 0);
    const delayed = (this.outbox?.bytes ?? 0) + this.heldBytes;
    const requested = request === undefined ? 0 : requestBytes(request);
    const { channel, pattern, shardChannel } = this.subscriptions ?? noSubscriptions;
    return (
      `id=${this.id} addr=${this.address} laddr=${this.localAddress} fd=${this.connection.fd} ` +
      `name=${this.name} age=${seconds(nowMs - this.createdAtMs)} ` +
      `idle=${seconds(nowMs - this.lastSeenMs)} flags=${flags} db=${this.dbIndex} ` +
      `sub=${channel.size} psub=${pattern.size} ssub=${shardChannel.size} multi=${transaction.shownLength} ` +
      `qbuf=${this.parser.bufferedBytes + requested} qbuf-free=${this.parser.freeBytes} ` +
      `argv-mem=${this.waitingBytes() + (request?.byteLength ?? 0)} multi-mem=${transaction.bytes} rbs=0 rbp=0 obl=${delayed} ` +
      `oll=${this.connection.unsentBlocks ?? (unsent > 0 ? 1 : 0)} omem=${unsent} tot-mem=${this.memoryBytes()} ` +
      `events=${unsent > 0 ? 'rw' : 'r'} ` +
      `cmd=${this.lastCommand === '' ? 'NULL' : this.lastCommand} user=${this.user.name} redir=${this.tracking?.redirect ?? -1} ` +
      `resp=${this.respVersion} lib-name=${this.libName} lib-ver=${this.libVersion} watch=${transaction.watches.length}`
    );
  }

  /** Bytes of the arguments that wait: for a key, or for the end of a pause. */
  private waitingBytes(): number {
    let total = this.blockedBytes;
    // A few dozens at most: what it sends while it waits is not even parsed.
    for (const args of this.postponed) total += args.byteLength;
    return total;
  }

  get inputBytes(): number {
    return this.parser.ownBytes + this.waitingBytes();
  }

  memoryBytes(): number {
    const subscriptions = this.subscriptions?.bytes ?? 0;
    const state = SESSION_BYTES + this.nameBytes + subscriptions + this.transaction.memoryBytes;
    const prefixes = this.tracking?.prefixBytes ?? 0;
    const waiting = this.blockedCost + this.postponed.length * POSTPONED_BYTES;
    return state + prefixes + waiting + this.inputBytes + super.unsentBytes;
  }

  get nameBytes(): number {
    return this.name.length + this.libName.length + this.libVersion.length;
  }

  private flags(): string {
    const { transaction } = this;
    let flags = this.isMonitor ? 'O' : '';
    if (this.replica?.isAttached === true) flags += 'S';
    if (this.isMaster) flags += 'M';
    if (this.subscriptions !== undefined) flags += 'P';
    if (transaction.isOpen || transaction.running > 0) flags += 'x';
    if (this.isWaiting) flags += 'b';
    if (this.tracking !== undefined) flags += 't';
    if (this.tracking?.brokenRedirect === true) flags += 'R';
    if (this.tracking?.bcast === true) flags += 'B';
    if (transaction.broken) flags += 'd';
    if (this.closing) flags += 'c';
    if (this.isResuming) flags += 'u';
    if (this.connection.unixPath !== undefined) flags += 'U';
    if (this.noEvict) flags += 'e';
    if (this.noTouch) flags += 'T';
    return flags === '' ? 'N' : flags;
  }
}

const noSubscriptions = new Subscriptions();

function seconds(ms: number): number {
  return ms > 0 ? Math.floor(ms / 1000) : 0;
}
