/**
 * A connection whose bytes are encrypted. It reads into the buffer that all connections share, like
 * a plain one; what it sends goes through OpenSSL, never past it to the descriptor.
 */
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls';
import { type AcceptedSocket, type Adopt, Connection } from './connection.ts';
import { nodeTls, reasonOf } from './tls-context.ts';

/** How those who connect are received. */
export interface TlsTerms {
  readonly context: SecureContext;
  /** Whether they are asked for a certificate. */
  readonly asks: boolean;
  /** Whether they must have one. One that is shown must be valid in any case. */
  readonly demands: boolean;
}

/** Who follows the handshake. */
export interface HandshakeWatcher {
  /** The handshake is done: what arrives from now on are requests. */
  done(connection: TlsConnection): void;
  /** It has failed; the connection ends. */
  failed(connection: TlsConnection, reason: string): void;
}

/** Bytes read in a row before others have their turn. */
const BURST_BYTES = 256 * 1024;

export class TlsConnection extends Connection {
  private readonly watcher: HandshakeWatcher;
  private isSecure = false;
  private burst = 0;

  constructor(accepted: Socket, readBuffer: Buffer, terms: TlsTerms, watcher: HandshakeWatcher) {
    super(accepted, undefined, adoptTls(readBuffer, terms));
    this.watcher = watcher;
    const { tls } = this;
    tls.on('secure', () => this.secured(terms));
    tls.on('_tlsError', (error: Error) => this.fail(reasonOf(error)));
  }

  override get encrypted(): boolean {
    return true;
  }

  /** The common name in the peer's certificate, undefined when it has none, or several. */
  private get peerName(): string | undefined {
    const name: unknown = this.tls.getPeerCertificate()?.subject?.CN;
    return typeof name === 'string' ? name : undefined;
  }

  override giveUp(reason: string): void {
    this.fail(reason);
    this.destroy();
  }

  protected override receive(length: number, chunk: Uint8Array): boolean {
    this.receiver?.received(chunk, length);
    this.burst += length;
    if (this.burst < BURST_BYTES) return true;
    this.burst = 0;
    this.readOn();
    return false;
  }

  protected override failed(error: Error): void {
    this.fail(reasonOf(error));
  }

  protected override ended(): void {
    this.fail('the peer closed the connection');
  }

  private get tls(): TLSSocket {
    return this.socket as unknown as TLSSocket;
  }

  private secured({ asks, demands }: TlsTerms): void {
    const { tls } = this;
    if (asks) {
      const hasOne = Object.keys(tls.getPeerCertificate() ?? {}).length > 0;
      const problem = verifyError(tls);
      if (problem !== undefined && (demands || hasOne)) {
        this.fail(problem);
        this.destroy();
        return;
      }
    }
    this.isSecure = true;
    this.watcher.done(this);
    this.receiver?.secured?.(asks ? this.peerName : undefined);
  }

  /** Told once, and only while there is no secure connection yet. */
  private fail(reason: string): void {
    if (this.isSecure) return;
    this.isSecure = true;
    this.watcher.failed(this, reason);
  }
}

/** Methods of Node's TLS sockets that are not in their types. */
interface TlsHandle {
  verifyError(): Error | null | undefined;
}

function verifyError(tls: TLSSocket): string | undefined {
  const handle = (tls as unknown as { _handle: TlsHandle | null })._handle;
  const error = handle?.verifyError();
  return error === null || error === undefined ? undefined : error.message;
}

/** Options that Node's typings leave out, and a handle that we add. */
interface HandleOptions extends TLSSocketOptions {
  readonly handle: unknown;
  readonly onread: object;
}

type WrapHandle = (wrap: unknown, handle: unknown, hasWrites: boolean) => unknown;

/** Node's socket over a handle that is there, which its constructor cannot be given. */
let handleSocket: (new (socket: undefined, options: HandleOptions) => TLSSocket) | undefined;

function makeHandleSocket(): new (socket: undefined, options: HandleOptions) => TLSSocket {
  const { TLSSocket: Base } = nodeTls();
  const wrapHandle: unknown = Reflect.get(Base.prototype, '_wrapHandle');
  class HandleSocket extends Base {
    /** Called by Node's constructor. */
    _wrapHandle(wrap: unknown, handle: unknown, hasWrites: boolean): unknown {
      const { _tlsOptions: options } = this as unknown as { _tlsOptions: HandleOptions };
      return (wrapHandle as WrapHandle).call(this, wrap, handle ?? options.handle, hasWrites);
    }
  }
  return HandleSocket as unknown as NonNullable<typeof handleSocket>;
}

function adoptTls(readBuffer: Buffer, { context, asks, demands }: TlsTerms): Adopt {
  return (accepted, receive) => {
    const options: TLSSocketOptions = {
      isServer: true,
      secureContext: context,
      requestCert: asks,
      rejectUnauthorized: demands,
    };
    const { TLSSocket: Base } = nodeTls();
    const handle = accepted._handle;
    const server = accepted._server;
    if (handle === null || server === undefined || !('_wrapHandle' in Base.prototype)) {
      // A runtime whose sockets are built otherwise: slower, same behaviour.
      const slow = new Base(accepted, options);
      slow.on('data', (chunk: Buffer) => void receive(chunk.length, chunk));
      return slow;
    }
    handleSocket ??= makeHandleSocket();
    accepted._handle = null;
    const onread = { buffer: readBuffer, callback: receive };
    const socket = new handleSocket(undefined, { ...options, handle, onread });
    const fresh = socket as unknown as AcceptedSocket & { connecting: boolean };
    fresh.connecting = false; // Node takes a socket without another below it for one that connects
    fresh._server = server; // so that server.close() still counts this connection
    return socket;
  };
}
