/**
 * HTTP for those who watch: /metrics for Prometheus, /healthz and /readyz for probes. On a port of
 * its own, without a password, so by default only on the loopback interface. node:http is loaded
 * only by those who configure a port.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { ListenError } from '../net/listen-error.ts';

/** Peers beyond this many have to wait: probes and scrapes are few. */
const CONNECTIONS_MAX = 64;
/** A peer that sends its request slower than this is cut off. */
const REQUEST_MS = 5000;

export interface MetricsOptions {
  readonly port: number;
  readonly hosts: readonly string[];
  /** The text of a scrape, in OpenMetrics' format or Prometheus'. */
  readonly metrics: (isOpen: boolean) => string;
  /** Why the server cannot be used at present; empty when it can. */
  readonly unready: () => readonly string[];
}

export class MetricsServer {
  private readonly options: MetricsOptions;
  private readonly servers: HttpServer[] = [];

  constructor(options: MetricsOptions) {
    this.options = options;
  }

  /** Listens on all hosts. Rejects with ListenError; nothing stays open then. */
  async open(): Promise<void> {
    const { createServer } = process.getBuiltinModule('node:http');
    const { port, hosts } = this.options;
    for (const host of hosts) {
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
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, host, resolve);
        });
      } catch (error) {
        this.close();
        const { message, code } = error as NodeJS.ErrnoException;
        throw new ListenError(`${host}:${port}`, message, code);
      }
    }
  }

  close(): void {
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
