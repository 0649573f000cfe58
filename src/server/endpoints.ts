/**
 * The addresses a server listens on, as the configuration names them: opened at start, opened anew
 * when CONFIG SET changes `port` or `bind`. Source: the texts and rules of redis-server 7.0.15.
 *
 * Either all sockets that are asked for listen or none does.
 */
import type { Config } from '../config/config.ts';
import type { Connection } from '../net/connection.ts';
import { ListenError, Listener, type TcpAddress } from '../net/listener.ts';
import type { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';

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
  private readonly listener: Listener;
  private isOpen = false;

  constructor({ config, accept, log }: EndpointsOptions) {
    this.config = config;
    this.log = log;
    this.listener = new Listener(accept);
  }

  /** Port of the first TCP socket; 0 when there is none. */
  get port(): number {
    return this.listener.address?.port ?? 0;
  }

  /** Host of the first TCP socket, as one connects to it. */
  get host(): string {
    const address = this.listener.address?.address ?? '127.0.0.1';
    if (address === '0.0.0.0') return '127.0.0.1';
    return address === '::' ? '::1' : address;
  }

  /** Opens the configured sockets. Throws ListenError; nothing stays open then. */
  async open(): Promise<void> {
    const { config, listener } = this;
    const path = config.path('unixsocket');
    const addresses = this.addresses();
    try {
      if (addresses.length === 0 && path === '') {
        this.log('warning', 'Configured to not listen anywhere, exiting.');
        throw new ListenError('', 'Configured to not listen anywhere');
      }
      await this.openTcp(addresses);
      if (path !== '') await this.openUnix(path);
    } catch (error) {
      listener.close();
      throw error;
    }
    this.isOpen = true;
    // Otherwise CONFIG GET and the next CONFIG SET would know nothing of the port that was free.
    if (this.anyPort && addresses.length > 0) config.assign('port', String(this.port));
  }

  /** Says in the log where clients are served, once they are. */
  announce(): void {
    const path = this.config.path('unixsocket');
    if (this.port !== 0) this.log('notice', 'Ready to accept connections tcp');
    if (path !== '') this.log('notice', `The server is now ready to accept connections at ${path}`);
  }

  /**
   * Closes the TCP sockets and opens those that `port` and `bind` now ask for. Connections go on.
   * Throws `refusal` when an address cannot be had: no TCP socket listens then, and the caller puts
   * the old values back and calls again.
   */
  rebind(refusal: CommandError): void {
    if (!this.isOpen) return;
    const { listener } = this;
    listener.closeTcp();
    if (this.config.number('port') === 0) return;
    for (const { optional, ...where } of this.addresses()) {
      // Which of them may fail was decided by its code, which comes too late here.
      const failed = (error: ListenError) => this.logFailure(error);
      if (listener.listenTcpNow(where, failed) || optional) continue;
      listener.closeTcp();
      throw refusal;
    }
  }

  /** Stops listening. Open connections go on until they are ended. */
  close(): void {
    this.isOpen = false;
    this.listener.close();
  }

  private async openTcp(addresses: readonly BindAddress[]): Promise<void> {
    let port = this.config.number('port');
    for (const { optional, ...where } of addresses) {
      try {
        port = await this.listener.listenTcp({ ...where, port });
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        this.logFailure(error);
        if (mayBeMissing(error.code, optional)) continue;
        this.log('warning', `Failed listening on port ${port} (tcp), aborting.`);
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

  /** The addresses of `bind`; none without a port. */
  private addresses(): BindAddress[] {
    const { config } = this;
    const port = config.number('port');
    if (port === 0 && !this.anyPort) return [];
    const backlog = config.number('tcp-backlog');
    const words = config.string('bind').split(' ');
    return words
      .filter((word) => word !== '')
      .map((word) => {
        const optional = word.startsWith('-');
        const name = optional ? word.slice(1) : word;
        const host = anyAddress[name] ?? name;
        return { host, port, backlog, optional };
      });
  }
}

/** A word of `bind`. */
interface BindAddress extends TcpAddress {
  /** Whether the machine may lack it. */
  readonly optional: boolean;
}

const anyAddress: Readonly<Record<string, string>> = { '*': '0.0.0.0', '::*': '::' };

/** As redis-server: what the machine does not have may be missing, what is taken may not. */
function mayBeMissing(code: string, optional: boolean): boolean {
  if (code === 'EADDRNOTAVAIL') return optional;
  return code === 'EAFNOSUPPORT' || code === 'EPROTONOSUPPORT';
}
