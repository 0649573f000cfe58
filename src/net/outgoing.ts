/**
 * Connections that a server makes itself, to its master or to a target of MIGRATE. What arrives
 * goes into one buffer per connection and is consumed at once, as with those that come in
 * (`connection.ts`).
 */
import { connect, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { setImmediate } from '../util/timers.ts';
import { connectTls } from './tls-connect.ts';

const READ_BUFFER_BYTES = 128 * 1024;

/** Who gets what happens to a connection. */
export interface OutgoingEvents {
  connected(): void;
  /** `chunk[0..length)` arrived; valid during the call only. */
  received(chunk: Uint8Array, length: number): void;
  /** It is over, or was never made. Called once. */
  closed(reason: string): void;
}

/** Where to connect to. */
export interface OutgoingTarget {
  /** An address or a name, which is looked up now. */
  readonly host: string;
  readonly port: number;
  /** Address to come from; empty where the system chooses. */
  readonly sourceAddress: string;
  /** With what it is encrypted; undefined: not at all. */
  readonly tls: SecureContext | undefined;
}

export class Outgoing {
  private readonly socket: Socket;
  private readonly events: OutgoingEvents;
  private reason = 'the connection was closed';
  private isPaused = false;

  /** Begins to connect; `events` are called in later turns only. */
  constructor(target: OutgoingTarget, events: OutgoingEvents) {
    this.events = events;
    this.socket = target.tls === undefined ? this.plain(target) : encrypted(target, target.tls);
    if (target.tls !== undefined) {
      this.socket.on('data', (chunk: Buffer) => this.read(chunk.length, chunk));
    }
    this.listen(target.tls === undefined ? 'connect' : 'secureConnect');
  }

  private plain({ host, port, sourceAddress }: OutgoingTarget): Socket {
    return connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      ...(sourceAddress !== '' && { localAddress: sourceAddress }),
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (length, buffer) => this.read(length, buffer),
      },
    });
  }

  /**
   * Sends bytes, which are the connection's from now on; `taken` is called in a later turn, when
   * the system has them, and not at all when it never does.
   */
  write(bytes: Buffer, taken?: () => void): void {
    if (this.socket.destroyed) return;
    if (taken === undefined) this.socket.write(bytes);
    else this.socket.write(bytes, (error) => error == null && taken());
  }

  /** Nothing is read until `resume`; what has been read already may still come. */
  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.socket.resume();
  }

  /** Ends it at once; `closed` follows in a later turn. */
  destroy(): void {
    this.socket.destroy();
  }

  get remoteAddress(): string {
    return this.socket.remoteAddress ?? '';
  }

  get remotePort(): number {
    return this.socket.remotePort ?? 0;
  }

  get localAddress(): string {
    return this.socket.localAddress ?? '';
  }

  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  private listen(whenConnected: string): void {
    const { events, socket } = this;
    socket.once(whenConnected, () => events.connected());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.reason = error.code ?? error.message;
    });
    socket.on('end', () => {
      this.reason = 'the other side hung up';
      socket.destroy();
    });
    socket.on('close', () => events.closed(this.reason));
  }

  private read(length: number, buffer: Uint8Array): boolean {
    if (this.socket.destroyed) return false;
    this.events.received(buffer, length);
    if (this.isPaused) return false;
    if (length < READ_BUFFER_BYTES) return true;
    // There is more: others come first, as with connections that come in.
    setImmediate(() => {
      if (!this.isPaused && !this.socket.destroyed) this.socket.resume();
    });
    return false;
  }
}

function encrypted({ host, port, sourceAddress }: OutgoingTarget, context: SecureContext): Socket {
  const localAddress = sourceAddress === '' ? undefined : sourceAddress;
  const socket = connectTls({ host, port, context, localAddress });
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return socket;
}
