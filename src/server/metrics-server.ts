/**
 * HTTP for those who watch: /metrics for Prometheus, /healthz and /readyz for probes. On a port of
 * its own, without a password, so by default only on the loopback interface. node:http is loaded
 * only by those who configure a port.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/config.ts';
import { ListenError } from '../net/listen-error.ts';
import { familyOf, listenNow } from '../net/listener.ts';
import { CommandError } from '../util/errors.ts';
import { type BindWord, mayBeMissing, readBind } from './endpoints.ts';
import type { LogLevel } from './log.ts';

/** Peers beyond this many have to wait: probes and scrapes are few. */
const CONNECTIONS_MAX = 64;
/** A peer that sends its request slower than this is cut off. */
const REQUEST_MS = 5000;
/** Connections that may wait to be accepted. */
const BACKLOG = 511;

const refused = new CommandError('ERR Unable to listen for metrics there. Check server logs.');

export interface MetricsOptions {
  readonly config: Config;
  /** The text of a scrape, in OpenMetrics' format or Prometheus'. */
  readonly metrics: (isOpen: boolean) => string;
  /** Why the server cannot be used at present; empty when it can. */
  readonly unready: () => readonly string[];
  readonly log: (level: LogLevel, message: string) => void;
}

export class MetricsServer {
  private readonly options: MetricsOptions;
  private readonly servers: HttpServer[] = [];
  /** Between `open` and `close`. */
  private isOpen = false;

  constructor(options: MetricsOptions) {
    this.options = options;
  }

  /**
   * Listens where the directives say, if they do. Rejects with ListenError; nothing stays open
   * then.
   */
  async open(): Promise<void> {
    this.isOpen = true;
    const { port, hosts } = this.where();
    for (const { host, optional } of hosts) {
      const server = this.create();
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, host, resolve);
        });
      } catch (error) {
        const { message, code } = error as NodeJS.ErrnoException;
        if (mayBeMissing(code ?? '', optional)) continue;
        this.close();
        const failure = new ListenError(`${host}:${port}`, message, code);
        this.logFailure(failure);
        throw failure;
      }
    }
    this.announce();
  }

  /**
   * The directives have changed: closes the sockets and opens those that are asked for. Throws
   * CommandError when an address cannot be had: nothing listens then, and the caller puts the old
   * values back and calls again.
   */
  move(): void {
    if (!this.isOpen) return;
    this.closeServers();
    const { port, hosts } = this.where();
    for (const { host, optional } of hosts) {
      const failed = (error: ListenError) => {
        if (!mayBeMissing(error.code ?? '', optional)) this.logFailure(error);
      };
      const named = host === 'localhost' ? '127.0.0.1' : undefined;
      const address = familyOf(host) === 0 ? named : host;
      const isOpen = listenNow(this.create(), address, { host, port, backlog: BACKLOG }, failed);
      // Why it cannot be had is known later.
      if (isOpen || optional) continue;
      this.closeServers();
      throw refused;
    }
    this.announce();
  }

  close(): void {
    this.isOpen = false;
    this.closeServers();
  }

  private logFailure({ address, message }: ListenError): void {
    this.options.log('warning', `Cannot listen for metrics at ${address}: ${message}`);
  }

  private where(): { port: number; hosts: readonly BindWord[] } {
    const { config } = this.options;
    const port = config.number('metrics-port');
    const hosts = readBind(config.string('metrics-bind'));
    return { port, hosts: port === 0 ? [] : hosts };
  }

  private announce(): void {
    const { port, hosts } = this.where();
    if (hosts.length === 0) return;
    this.options.log(
      'notice',
      `Metrics at http://${hosts.map(({ host }) => host).join(' ')}:${port}/metrics`,
    );
  }

  private create(): HttpServer {
    const { createServer } = process.getBuiltinModule('node:http');
    const server = createServer(
      {
        requestTimeout: REQUEST_MS,
        headersTimeout: REQUEST_MS,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => this.answer(request, response),
    );
    server.maxConnections = CONNECTIONS_MAX;
    this.servers.push(server);
    return server;
  }

  private closeServers(): void {
    for (const server of this.servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '', headers } = request;
    const send = (code: number, type: string, text: string) => {
      response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(method === 'HEAD' ? undefined : text);
    };
    const plain = 'text/plain; charset=utf-8';
    if (method !== 'GET' && method !== 'HEAD') {
      send(405, plain, 'only GET and HEAD\n');
      return;
    }
    switch (url.split('?')[0]) {
      case '/metrics': {
        const isOpen = headers.accept?.includes('application/openmetrics-text') === true;
        const type = isOpen
          ? 'application/openmetrics-text; version=1.0.0; charset=utf-8'
          : 'text/plain; version=0.0.4; charset=utf-8';
        send(200, type, this.options.metrics(isOpen));
        return;
      }
      case '/healthz':
        send(200, plain, 'ok\n');
        return;
      case '/readyz': {
        const reasons = this.options.unready();
        if (reasons.length === 0) send(200, plain, 'ok\n');
        else send(503, plain, `${reasons.join('\n')}\n`);
        return;
      }
      default:
        send(404, plain, 'there are /metrics, /healthz and /readyz\n');
    }
  }
}
