/**
 * Replies that come in pieces: a transport before another one, which cuts what is sent at random
 * bytes and lets time pass between the pieces.
 */
import Denque from 'denque';
import type { Server } from '../server/server.ts';
import type { Transport } from '../session/client.ts';
import type { Session } from '../session/session.ts';
import { clearTimeout, setTimeout } from '../util/timers.ts';
import { checkNumber, refuseUnknown } from './check.ts';
import type { SlowReplies } from './fault-types.ts';

export class SlowTransport implements Transport {
  readonly inner: Transport;
  private readonly random: () => number;
  private readonly bytes: number;
  private readonly delayMs: number;
  private readonly pieces = new Denque<Buffer>();
  private queued = 0;
  private timer: NodeJS.Timeout | undefined;
  private ending = false;

  constructor(inner: Transport, random: () => number, { bytes = 8, delayMs = 1 }: SlowReplies) {
    this.inner = inner;
    this.random = random;
    this.bytes = bytes;
    this.delayMs = delayMs;
  }

  get remoteAddress(): string {
    return this.inner.remoteAddress;
  }

  get remotePort(): number {
    return this.inner.remotePort;
  }

  get localAddress(): string {
    return this.inner.localAddress;
  }

  get localPort(): number {
    return this.inner.localPort;
  }

  get unixPath(): string | undefined {
    return this.inner.unixPath;
  }

  get fd(): number {
    return this.inner.fd;
  }

  get unsentBytes(): number {
    return this.queued + this.inner.unsentBytes;
  }

  /** Whether pieces wait: it cannot be taken away yet. */
  get isBusy(): boolean {
    return this.queued > 0;
  }

  write(buf: Buffer, from: number, end: number): boolean {
    for (let at = from; at < end; ) {
      const next = Math.min(end, at + 1 + Math.floor(this.random() * this.bytes));
      this.pieces.push(Buffer.from(buf.subarray(at, next)));
      at = next;
    }
    this.queued += end - from;
    this.timer ??= setTimeout(() => this.sendNext(), 0);
    return true;
  }

  writeCopy(buf: Buffer, from: number, end: number): boolean {
    return this.write(buf, from, end);
  }

  end(): void {
    this.ending = true;
    if (!this.isBusy) this.inner.end();
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.pieces.clear();
    this.queued = 0;
    this.inner.destroy();
  }

  /** Sends the rest at once. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (let piece = this.pieces.shift(); piece !== undefined; piece = this.pieces.shift()) {
      this.send(piece);
    }
    if (this.ending) this.inner.end();
  }

  private sendNext(): void {
    this.timer = undefined;
    const piece = this.pieces.shift();
    if (piece !== undefined) this.send(piece);
    if (this.isBusy) this.timer = setTimeout(() => this.sendNext(), this.delayMs);
    else if (this.ending) this.inner.end();
  }

  private send(piece: Buffer): void {
    this.queued -= piece.length;
    this.inner.write(piece, 0, piece.length);
  }
}

/** Has all connections of a server, those to come too, send through slow transports. */
export class SlowNetwork {
  private readonly server: Server;
  private options: SlowReplies | undefined;
  private readonly slowed = new Map<Session, SlowTransport>();

  constructor(server: Server) {
    this.server = server;
  }

  begin(options: SlowReplies): Disposable {
    refuseUnknown('slowReplies()', options, ['bytes', 'delayMs']);
    checkNumber('bytes', options.bytes, 1);
    checkNumber('delayMs', options.delayMs, 0);
    this.end();
    this.options = options;
    for (const session of this.server.clients.all()) this.slow(session);
    this.server.clients.prepare = (session) => this.slow(session);
    return { [Symbol.dispose]: () => this.options === options && this.end() };
  }

  end(): void {
    this.options = undefined;
    this.server.clients.prepare = undefined;
    for (const [session, transport] of this.slowed) {
      transport.flush();
      setTransport(session, transport.inner);
    }
    this.slowed.clear();
  }

  private slow(session: Session): void {
    if (this.options === undefined) return;
    const { random } = this.server.keyspace;
    const transport = new SlowTransport(session.connection, random, this.options);
    this.slowed.set(session, transport);
    setTransport(session, transport);
  }
}

/** A session's connection never changes but here. */
function setTransport(session: Session, transport: Transport): void {
  (session as { connection: Transport }).connection = transport;
}
