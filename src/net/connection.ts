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

/** Who gets the bytes; a session. */
export interface Receiver {
  /** `chunk[0..length)` arrived; valid during the call only. */
  received(chunk: Uint8Array, length: number): void;
  /** The peer has taken all output. */
  drained(): void;
  /** The connection has ended; called once. */
  connectionClosed(): void;
}

/** What Node's accepted sockets have and their types do not tell. */
interface AcceptedSocket extends Socket {
  _handle: { fd?: number } | null;
  _server: Server | null;
}

export class Connection {
  receiver: Receiver | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Path of the unix socket it came in by, else undefined. */
  readonly unixPath: string | undefined;
  private readonly socket: AcceptedSocket;
  /** Valid while the socket has its handle; -1 where there is none. */
  private readonly descriptor: number;
  /** False once nothing may be written any more. */
  private open = true;

  /**
   * Takes over a socket that a server with `pauseOnConnect` accepted. `readBuffer` is shared.
   */
  constructor(accepted: Socket, readBuffer: Buffer, unixPath: string | undefined) {
    this.unixPath = unixPath;
    this.remoteAddress = accepted.remoteAddress ?? '';
    this.remotePort = accepted.remotePort ?? 0;
    this.localAddress = accepted.localAddress ?? '';
    this.localPort = accepted.localPort ?? 0;
    this.socket = this.adopt(accepted as AcceptedSocket, readBuffer);
    this.descriptor = this.socket._handle?.fd ?? -1;
    this.socket.on('error', () => {
      this.open = false;
    });
    this.socket.on('close', () => {
      this.open = false;
      this.receiver?.connectionClosed();
    });
    this.socket.on('drain', () => this.receiver?.drained());
    // A peer that half-closes is done: like Redis, what it is still owed is dropped with it.
    this.socket.on('end', () => this.destroy());
  }

  /** The file descriptor, or -1. */
  get fd(): number {
    return this.socket._handle?.fd ?? -1;
  }

  /** Bytes written but not taken by the kernel yet. */
  get unsentBytes(): number {
    return this.socket.writableLength;
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
    this.socket.write(buf.subarray(rest, end));
    return this.socket.writableLength === 0;
  }

  /** As `write`, but what the kernel has not taken is copied: the buffer is the caller's again. */
  writeCopy(buf: Buffer, from: number, end: number): boolean {
    const rest = this.writeDirectly(buf, from, end);
    if (rest === end) return true;
    this.socket.write(Buffer.from(buf.subarray(rest, end)));
    return this.socket.writableLength === 0;
  }

  /** Offers bytes to the kernel past the stream; returns where those begin that it did not take. */
  private writeDirectly(buf: Buffer, from: number, end: number): number {
    const { socket } = this;
    if (!this.open) return end;
    if (this.descriptor < 0 || socket.writableLength > 0 || socket._handle === null) return from;
    return from + writeNow(this.descriptor, buf, from, end - from);
  }

  /** Sends what is pending, then ends. */
  end(): void {
    this.open = false;
    this.socket.end(() => this.socket.destroy());
  }

  /** Ends at once; unsent output is lost. */
  destroy(): void {
    this.open = false;
    this.socket.destroy();
  }

  /** 0 turns keepalive probes off. */
  setKeepAlive(seconds: number): void {
    if (this.unixPath === undefined) this.socket.setKeepAlive(seconds > 0, seconds * 1000);
  }

  setNoDelay(): void {
    if (this.unixPath === undefined) this.socket.setNoDelay(true);
  }

  private adopt(accepted: AcceptedSocket, readBuffer: Buffer): AcceptedSocket {
    const handle = accepted._handle;
    const server = accepted._server;
    if (handle === null || server === undefined) {
      // A runtime whose sockets are built otherwise: slower, same behaviour.
      accepted.on('data', (chunk: Buffer) => this.receiver?.received(chunk, chunk.length));
      return accepted;
    }
    accepted._handle = null;
    const onread = {
      buffer: readBuffer,
      callback: (length: number, buffer: Uint8Array): boolean => {
        this.receiver?.received(buffer, length);
        if (length < buffer.length) return true;
        // There is more, and libuv would go on reading it up to 32 times before it looks at anyone
        // else: 40 ms of one client's pipeline. False stops reading; the others come first.
        setImmediate(() => this.socket.resume());
        return false;
      },
    };
    // `handle` and `manualStart` are options of Node's own that its typings leave out.
    const options = { handle, onread, readable: true, writable: true, manualStart: true };
    const socket = new Socket(options) as AcceptedSocket;
    socket._server = server; // so that server.close() still counts this connection
    return socket;
  }

  /** Begins reading; called once the receiver is set. */
  start(): void {
    this.socket.resume();
    this.socket.read(0);
  }
}

/** What the kernel takes at once; 0 when it takes nothing or the connection is broken. */
function writeNow(descriptor: number, buf: Buffer, from: number, length: number): number {
  try {
    return writeSync(descriptor, buf, from, length, null);
  } catch {
    return 0;
  }
}
