/**
 * One connected peer, whatever protocol it speaks: its connection, its addresses, what it is owed
 * and what it has moved. It knows no command and no protocol; `Session` is the RESP client.
 */
import type { Outbox } from './outbox.ts';

/** The connection as a client needs it; `src/net/connection.ts` is one. */
export interface Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly unixPath: string | undefined;
  readonly fd: number;
  readonly unsentBytes: number;
  /** In how many pieces they lie; absent: in one. */
  readonly unsentBlocks?: number;
  write(buf: Buffer, from: number, end: number): boolean;
  writeCopy(buf: Buffer, from: number, end: number): boolean;
  end(): void;
  destroy(): void;
  /** Whether small pieces leave at once, where the transport knows of that. */
  setNoDelay?(on: boolean): void;
}

/** CLIENT LIST's and the output limits' kinds of clients. */
export type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

export abstract class Client {
  readonly id: number;
  readonly createdAtMs: number;
  readonly connection: Transport;
  readonly address: string;
  readonly localAddress: string;
  abstract readonly type: ClientType;
  abstract authenticated: boolean;
  /** When it last sent something, ms since the epoch. */
  lastSeenMs: number;
  /** Messages that are no replies, to be sent at the end of the turn. */
  outbox: Outbox | undefined = undefined;
  /** Bytes of its output that wait for the barrier (`Output`). */
  heldBytes = 0;
  /** No further request is read once true; output still goes out. */
  closing = false;
  closed = false;
  /** When the soft output limit was first exceeded, 0 when it is not. */
  softLimitSinceMs = 0;
  /** Unsent bytes when the cron looked last. */
  unsentBefore = 0;
  /** CLIENT NO-EVICT: it stays whatever it costs. */
  noEvict = false;
  // Kept by `ClientMemory` alone: what it has been told of this client.
  countedBytes = 0;
  countedNames = 0;
  countedType: ClientType = 'normal';
  memoryClass = 0;
  netInputBytes = 0;
  netOutputBytes = 0;

  constructor(id: number, connection: Transport, nowMs: number) {
    this.id = id;
    this.connection = connection;
    this.createdAtMs = nowMs;
    this.lastSeenMs = nowMs;
    const unix = connection.unixPath;
    this.address =
      unix === undefined ? join(connection.remoteAddress, connection.remotePort) : `${unix}:0`;
    this.localAddress =
      unix === undefined ? join(connection.localAddress, connection.localPort) : `${unix}:0`;
  }

  /** `chunk[0..length)` arrived; valid during the call only. */
  abstract received(chunk: Uint8Array, length: number): void;

  /** The peer has taken all output. */
  abstract drained(): void;

  /** The connection has ended, whoever caused it. Called once. */
  abstract connectionClosed(): void;

  /** One line of CLIENT LIST without the line end. */
  abstract describe(nowMs: number): string;

  /** Bytes this client costs: its state, unread and waiting requests, unsent output. O(1). */
  abstract memoryBytes(): number;

  /** Bytes of the names that it gave itself. */
  abstract readonly nameBytes: number;

  /** Bytes of buffers for what it has sent and what is not done. */
  abstract readonly inputBytes: number;

  /** Ends the connection without delay; unsent output is lost. */
  abstract kill(): void;

  /** Bytes of output that the kernel has not taken yet. */
  get unsentBytes(): number {
    return (this.outbox?.bytes ?? 0) + this.heldBytes + this.connection.unsentBytes;
  }
}

function join(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
