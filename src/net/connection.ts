/**
 * One connection: moves bytes, knows no command. All connections of a listener read into one
 * shared buffer that is consumed synchronously (net.Socket's `onread`), which halves the cost of a
 * small request against 'data' events: see docs/decisions/0002-shared-read-buffer.md.
 *
 * It must never keep a chunk after `received` returned, and never write a buffer again that the
 * kernel has not taken yet.
 */
import { writeSync } from 'node:fs';
import { type Server, Socket } from 'node:net';
import { setImmediate } from '../util/timers.ts';

/**
 * What the kernel does not take is kept in blocks of this size: a peer that reads nothing costs its
 * bytes, and not an object of the stream's for each small reply (300 bytes of heap each).
 */
const BLOCK_BYTES = 16 * 1024;

/** Who gets the bytes; a session. */
export interface Receiver {
  /** `chunk[0..length)` arrived; valid during the call only. */
  received(chunk: Uint8Array, length: number): void;
  /** The peer has taken all output. */
  drained(): void;
  /** The connection has ended; called once. */
  connectionClosed(): void;
  /** An encrypted connection is made; `peerName` is the common name in a valid certificate. */
  secured?(peerName: string | undefined): void;
}

/** What Node's accepted sockets have and their types do not tell. */
export interface AcceptedSocket extends Socket {
  _handle: { fd?: number } | null;
  _server: Server | null;
}

/**
 * Makes of an accepted, paused socket the one that is read from. `receive` gets what arrives, valid
 * during the call only; where it returns false, reading stops until `Connection.readOn`.
 */
export type Adopt = (
  accepted: AcceptedSocket,
  receive: (length: number, chunk: Uint8Array) => boolean,
) => Socket;

/** Bun's sockets have a handle and no `onread`. */
const isBun = process.versions['bun'] !== undefined;

export class Connection {
  receiver: Receiver | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Path of the unix socket it came in by, else undefined. */
  readonly unixPath: string | undefined;
  protected readonly socket: AcceptedSocket;
  /** Valid while the socket has its handle; -1 where there is none. */
  private readonly descriptor: number;
  /** False once nothing may be written any more. */
  protected open = true;
  /** Told when the peer turns out to speak TLS, before anything else has arrived. */
  private onTlsHello: ((connection: Connection) => void) | undefined;
  /** The end of what waits: what is added to it, before it goes into the stream. */
  private tail: Buffer | undefined = undefined;
  private tailBytes = 0;
  /** Blocks that the stream has and that are not sent. */
  private blocks = 0;
  private readonly written: () => void;

  /** Takes over a socket that a server with `pauseOnConnect` accepted. */
  constructor(
    accepted: Socket,
    unixPath: string | undefined,
    adopt: Adopt,
    onTlsHello?: (connection: Connection) => void,
  ) {
    this.onTlsHello = onTlsHello;
    this.unixPath = unixPath;
    this.remoteAddress = accepted.remoteAddress ?? '';
    this.remotePort = accepted.remotePort ?? 0;
    this.localAddress = accepted.localAddress ?? '';
    this.localPort = accepted.localPort ?? 0;
    const receive = (length: number, chunk: Uint8Array) => this.receive(length, chunk);
    this.socket = adopt(accepted as AcceptedSocket, receive) as AcceptedSocket;
    // That of an encrypted connection takes other bytes than ours.
    this.descriptor = this.encrypted ? -1 : (this.socket._handle?.fd ?? -1);
    this.socket.on('error', (error) => {
      this.open = false;
      this.failed(error);
    });
    this.socket.on('close', () => {
      this.open = false;
      this.ended();
      this.receiver?.connectionClosed();
    });
    this.written = () => {
      this.blocks--;
      this.goOn();
    };
    // A peer that half-closes is done: like Redis, what it is still owed is dropped with it.
    this.socket.on('end', () => this.destroy());
  }

  /** The file descriptor, or -1. */
  get fd(): number {
    return this.socket._handle?.fd ?? -1;
  }

  /** Bytes written but not taken by the kernel yet. */
  get unsentBytes(): number {
    return this.socket.writableLength + this.tailBytes;
  }

  /** In how many blocks they lie. */
  get unsentBlocks(): number {
    return this.unsentBytes === 0 ? 0 : this.blocks + (this.tail === undefined ? 0 : 1);
  }

  /**
   * Sends `buf[from..end)`. Returns true when the kernel took all of it, so that the caller may
   * reuse the buffer at once; on false it belongs to the connection.
   *
   * While nothing waits in the stream, the bytes go to the kernel past it: a third less time of our
   * own for a small reply or message (docs/decisions/0009-direct-writes.md).
   */
  write(buf: Buffer, from: number, end: number): boolean {
    const rest = this.writeDirectly(buf, from, end);
    if (rest === end) return true;
    return this.keep(buf, rest, end, false);
  }

  /** As `write`, but what the kernel has not taken is copied: the buffer is the caller's again. */
  writeCopy(buf: Buffer, from: number, end: number): boolean {
    const rest = this.writeDirectly(buf, from, end);
    if (rest === end) return true;
    return this.keep(buf, rest, end, true);
  }

  /** Has the stream send bytes, or keeps them for it; true when the kernel took them after all. */
  private keep(buf: Buffer, from: number, end: number, copy: boolean): boolean {
    const { socket } = this;
    const idle = socket.writableLength === 0 && this.tail === undefined;
    if (!idle && end - from < BLOCK_BYTES) {
      this.append(buf, from, end);
      return false;
    }
    this.pushTail();
    const bytes = buf.subarray(from, end);
    this.blocks++;
    socket.write(copy ? Buffer.from(bytes) : bytes, this.written);
    return socket.writableLength === 0;
  }

  private append(buf: Buffer, from: number, end: number): void {
    let at = from;
    while (at < end) {
      this.tail ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const length = Math.min(end - at, BLOCK_BYTES - this.tailBytes);
      this.tail.set(buf.subarray(at, at + length), this.tailBytes);
      this.tailBytes += length;
      at += length;
      if (this.tailBytes === BLOCK_BYTES) this.pushTail();
    }
  }

  private pushTail(): void {
    const { tail, tailBytes } = this;
    if (tail === undefined) return;
    this.tail = undefined;
    this.tailBytes = 0;
    this.blocks++;
    this.socket.write(tail.subarray(0, tailBytes), this.written);
  }

  /** The stream has sent something. */
  private goOn(): void {
    if (this.socket.writableLength > 0 || this.socket.destroyed) return;
    this.pushTail();
    if (this.socket.writableLength === 0) this.receiver?.drained();
  }

  /** Offers bytes to the kernel past the stream; returns where those begin that it did not take. */
  private writeDirectly(buf: Buffer, from: number, end: number): number {
    const { socket } = this;
    if (!this.open) return end;
    if (this.descriptor < 0 || this.tail !== undefined) return from;
    if (socket.writableLength > 0 || socket._handle === null) return from;
    return from + writeNow(this.descriptor, buf, from, end - from);
  }

  /** Sends what is pending, then ends. */
  end(): void {
    this.open = false;
    this.pushTail();
    this.socket.end(() => this.socket.destroy());
  }

  /** Ends at once; unsent output is lost. */
  destroy(): void {
    this.open = false;
    this.socket.destroy();
  }

  /** Ends a connection that nobody serves; an encrypted one before its handshake. */
  giveUp(_reason: string): void {
    this.destroy();
  }

  /** 0 turns keepalive probes off. */
  setKeepAlive(seconds: number): void {
    if (this.unixPath === undefined) this.socket.setKeepAlive(seconds > 0, seconds * 1000);
  }

  setNoDelay(on = true): void {
    if (this.unixPath === undefined) this.socket.setNoDelay(on);
  }

  /** Whether what is sent is encrypted. */
  get encrypted(): boolean {
    return false;
  }

  /** Begins reading; called once the receiver is set. */
  start(): void {
    this.socket.resume();
    this.socket.read(0);
  }

  /** Bytes arrived. Returns false when reading has stopped for this turn of the event loop. */
  protected receive(length: number, chunk: Uint8Array): boolean {
    if (this.onTlsHello !== undefined) {
      if (isTlsHello(chunk, length)) this.onTlsHello(this);
      this.onTlsHello = undefined;
      if (!this.open) return false;
    }
    this.receiver?.received(chunk, length);
    if (length < chunk.length) return true;
    // There is more, and libuv would go on reading it up to 32 times before it looks at anyone
    // else: 40 ms of one client's pipeline. False stops reading; the others come first.
    this.readOn();
    return false;
  }

  /** Reads on in the next turn. */
  protected readOn(): void {
    setImmediate(() => this.socket.resume());
  }

  /** The socket has failed; `ended` follows. */
  protected failed(_error: Error): void {}

  /** The socket is closed; the receiver is told next. */
  protected ended(): void {}
}

/** Whether bytes begin a TLS handshake: no request of RESP or of a person begins so. */
function isTlsHello(chunk: Uint8Array, length: number): boolean {
  return length >= 3 && chunk[0] === 0x16 && chunk[1] === 3 && chunk[2]! <= 4;
}

/** Reads a socket as it is, into a buffer that all connections share. */
export function adoptPlain(readBuffer: Buffer): Adopt {
  return (accepted, receive) => {
    const handle = accepted._handle;
    const server = accepted._server;
    if (handle === null || server === undefined || isBun) {
      // A runtime whose sockets are built otherwise: slower, same behaviour.
      accepted.on('data', (chunk: Buffer) => void receive(chunk.length, chunk));
      return accepted;
    }
    accepted._handle = null;
    const onread = { buffer: readBuffer, callback: receive };
    // `handle` and `manualStart` are options of Node's own that its typings leave out.
    const options = { handle, onread, readable: true, writable: true, manualStart: true };
    const socket = new Socket(options) as AcceptedSocket;
    socket._server = server; // so that server.close() still counts this connection
    return socket;
  };
}

/** What the kernel takes at once; 0 when it takes nothing or the connection is broken. */
function writeNow(descriptor: number, buf: Buffer, from: number, length: number): number {
  try {
    return writeSync(descriptor, buf, from, length, null);
  } catch {
    return 0;
  }
}
