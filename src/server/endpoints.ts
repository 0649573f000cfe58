/**
 * The addresses a server listens on, as the configuration names them: opened at start, opened anew
 * when CONFIG SET changes `port`, `tls-port` or `bind`. Source: the texts and rules of redis-server
 * 7.0.15.
 *
 * Either all sockets that are asked for listen or none does.
 */
import type { Config } from '../config/config.ts';
import { adoptPlain, Connection } from '../net/connection.ts';
import { ListenError } from '../net/listen-error.ts';
import { Listener, type TcpAddress } from '../net/listener.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';
import { Tls } from './tls.ts';

/** What endpoints need of the server that has them. */
export interface EndpointsOptions {
  readonly config: Config;
  /** Takes over a connection that came in. */
  readonly accept: (connection: Connection) => void;
  readonly log: (level: LogLevel, message: string) => void;
}

export class Endpoints {
  /** Whether port 0 means "any free port" (embedding) rather than "no TCP" (redis.conf). */
  anyPort = false;
  private readonly config: Config;
  private readonly log: (level: LogLevel, message: string) => void;
  readonly tls: Tls;
  private readonly listener: Listener;
  /** Listens for those who speak TLS. */
  private readonly tlsListener: Listener;
  private isOpen = false;
  private isRefusing = false;

  constructor({ config, accept, log }: EndpointsOptions) {
    this.config = config;
    this.log = log;
    this.tls = new Tls(config, log);
    this.listener = new Listener(accept, (socket, readBuffer, unixPath) => {
      return new Connection(socket, unixPath, adoptPlain(readBuffer), (peer) => this.refuse(peer));
    });
    const { acceptor } = this.tls;
    this.tlsListener = new Listener(accept, (socket, buffer) => acceptor.receive(socket, buffer));
  }

  /** Port of the first TCP socket, one for TLS if there is no other; 0 when there is none. */
  get port(): number {
    return (this.listener.address ?? this.tlsListener.address)?.port ?? 0;
  }

  /** Port of the first encrypted TCP socket, 0 when there is none. */
  get tlsPort(): number {
    return this.tlsListener.address?.port ?? 0;
  }

  /** Host of the first TCP socket, as one connects to it. */
  get host(): string {
    const first = this.listener.address ?? this.tlsListener.address;
    const address = first?.address ?? '127.0.0.1';
    if (address === '0.0.0.0') return '127.0.0.1';
    return address === '::' ? '::1' : address;
  }

  /** Opens the configured sockets. Throws ListenError; nothing stays open then. */
  async open(): Promise<void> {
    const { config } = this;
    const path = config.path('unixsocket');
    const plain = this.addresses(config.number('port'), this.anyPort);
    const encrypted = this.addresses(config.number('tls-port'), false);
    try {
      if (this.tls.isWanted && !this.tls.load()) {
        this.log('warning', 'Failed to configure TLS. Check logs for more info.');
        throw new ListenError('', 'Failed to configure TLS');
      }
      if (plain.length === 0 && encrypted.length === 0 && path === '') {
        this.log('warning', 'Configured to not listen anywhere, exiting.');
        throw new ListenError('', 'Configured to not listen anywhere');
      }
      await this.openTcp(this.listener, plain, 'tcp');
      await this.openTcp(this.tlsListener, encrypted, 'tls');
      if (path !== '') await this.openUnix(path);
    } catch (error) {
      this.closeListeners();
      throw error;
    }
    this.isOpen = true;
    // Otherwise CONFIG GET and the next CONFIG SET would know nothing of the port that was free.
    if (this.anyPort && plain.length > 0) config.assign('port', String(this.port));
  }

  /** As `open`, for TCP without TLS only, and without waiting. Throws ListenError. */
  openNow(): void {
    const { config, listener } = this;
    let port = config.number('port');
    for (const { optional, ...where } of this.addresses(port, this.anyPort)) {
      let failure: ListenError | undefined;
      const failed = (error: ListenError) => {
        failure = error;
      };
      if (listener.listenTcpNow({ ...where, port }, failed)) port = this.port;
      else if (!optional) {
        listener.close();
        throw failure ?? new ListenError(`${where.host}:${port}`, 'cannot listen at once');
      }
    }
    this.isOpen = true;
    config.assign('port', String(this.port));
  }

  /** Says in the log where clients are served, once they are. */
  announce(): void {
    const path = this.config.path('unixsocket');
    const plain = this.listener.address !== undefined;
    if (plain) this.log('notice', 'Ready to accept connections tcp');
    if (this.tlsListener.address !== undefined) {
      this.log('notice', 'Ready to accept connections tls');
    }
    if (path !== '') this.log('notice', `The server is now ready to accept connections at ${path}`);
  }

  /** CONFIG SET port. Throws CommandError. */
  movePort(): void {
    this.rebind(this.listener, this.config.number('port'), portRefused);
  }

  /** CONFIG SET tls-port. Throws CommandError. */
  moveTlsPort(): void {
    if (!this.isOpen) return;
    const port = this.config.number('tls-port');
    if (port !== 0) this.tls.ensure();
    this.rebind(this.tlsListener, port, portRefused);
  }

  /** A directive of TLS has changed. Throws CommandError. */
  reloadTls(): void {
    if (this.isOpen) this.tls.reload();
  }

  /** CONFIG SET bind. Throws CommandError. */
  moveAddresses(): void {
    this.rebind(this.listener, this.config.number('port'), bindRefused);
    this.rebind(this.tlsListener, this.config.number('tls-port'), bindRefused);
  }

  /**
   * Closes the sockets of a port and opens those that the directives ask for. Connections go on.
   * Throws `refusal` when an address cannot be had: no socket of that port listens then, and the
   * caller puts the old values back and calls again.
   */
  private rebind(listener: Listener, port: number, refusal: CommandError): void {
    if (!this.isOpen) return;
    listener.closeTcp();
    for (const { optional, ...where } of this.addresses(port, false)) {
      // Which of them may fail was decided by its code, which comes too late here.
      const failed = (error: ListenError) => this.logFailure(error);
      if (listener.listenTcpNow(where, failed) || optional) continue;
      listener.closeTcp();
      throw refusal;
    }
  }

  /** Closes the TCP sockets, as if there were no server, or opens them again (embedding). */
  setRefusing(refusing: boolean): void {
    if (refusing === this.isRefusing || !this.isOpen) return;
    this.isRefusing = refusing;
    if (!refusing) this.moveAddresses();
    else for (const listener of [this.listener, this.tlsListener]) listener.closeTcp();
  }

  /** Stops listening. Open connections go on until they are ended. */
  close(): void {
    this.isOpen = false;
    this.closeListeners();
    this.tls.acceptor.close();
  }

  private closeListeners(): void {
    this.listener.close();
    this.tlsListener.close();
  }

  /** Someone speaks TLS where none is spoken. */
  private refuse(peer: Connection): void {
    const from = `${peer.remoteAddress}:${peer.remotePort}`;
    this.log('warning', `A TLS client came to the port without TLS; connection closed (${from}).`);
    peer.destroy();
  }

  private async openTcp(
    listener: Listener,
    addresses: readonly BindAddress[],
    kind: 'tcp' | 'tls',
  ): Promise<void> {
    let port = addresses[0]?.port ?? 0;
    for (const { optional, ...where } of addresses) {
      try {
        port = await listener.listenTcp({ ...where, port });
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        this.logFailure(error);
        if (mayBeMissing(error.code, optional)) continue;
        const shown = kind === 'tls' ? 'TLS' : 'tcp';
        this.log('warning', `Failed listening on port ${port} (${shown}), aborting.`);
        throw error;
      }
    }
  }

  private async openUnix(path: string): Promise<void> {
    const mode = Number.parseInt(this.config.string('unixsocketperm') || '0', 8);
    try {
      await this.listener.listenUnix(path, mode, this.config.number('tcp-backlog'));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.log('warning', `Failed opening Unix socket: bind: ${error.message}`);
      throw error instanceof ListenError ? error : new ListenError(path, error.message);
    }
  }

  private logFailure({ address, message }: ListenError): void {
    const what = 'Warning: Could not create server TCP listening socket';
    this.log('warning', `${what} ${address}: bind: ${message}`);
  }

  /** The addresses of `bind`; none without a port, unless any will do. */
  private addresses(port: number, anyPort: boolean): BindAddress[] {
    const { config } = this;
    if (port === 0 && !anyPort) return [];
    const backlog = config.number('tcp-backlog');
    return readBind(config.string('bind')).map((word) => ({ ...word, port, backlog }));
  }
}

/** A word of `bind`. */
export interface BindWord {
  readonly host: string;
  /** Whether the machine may lack it. */
  readonly optional: boolean;
}

/** What the words of `bind` and `metrics-bind` name: `*` and `::*` are all addresses. */
export function readBind(words: string): BindWord[] {
  return words
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const optional = word.startsWith('-');
      const name = optional ? word.slice(1) : word;
      return { host: anyAddress[name] ?? name, optional };
    });
}

interface BindAddress extends TcpAddress, BindWord {}

const portRefused = new CommandError('ERR Unable to listen on this port. Check server logs.');
const bindRefused = new CommandError('ERR Failed to bind to specified addresses.');

const anyAddress: Readonly<Record<string, string>> = { '*': '0.0.0.0', '::*': '::' };

/** As redis-server: what the machine does not have may be missing, what is taken may not. */
export function mayBeMissing(code: string, optional: boolean): boolean {
  if (code === 'EADDRNOTAVAIL') return optional;
  return code === 'EAFNOSUPPORT' || code === 'EPROTONOSUPPORT';
}
