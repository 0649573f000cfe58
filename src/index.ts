/**
 * respite inside a Node program.
 *
 *     import { createServer } from 'respite';
 *     const server = await createServer({ port: 0 });
 *     const client = new Redis(server.url);
 *     …
 *     await server.close();
 *
 * Several servers may run in one process; after `close()` none of them leaves a handle open.
 */
import { Config } from './config/config.ts';
import { Server, type ServerHooks } from './server/server.ts';

/** Directives by their redis.conf names (`'maxmemory': '100mb'`), and the hooks below. */
export interface ServerOptions {
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Directory that data is loaded from and saved to; without it nothing is loaded. */
  readonly dir?: string;
  /** Further redis.conf directives, by name. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** Replaces the wall clock: ms since the epoch. */
  readonly now?: () => number;
  /** Replaces the source of randomness: uniform in [0, 1). */
  readonly random?: () => number;
  /** Receives log lines; without it the server is silent. */
  readonly log?: (line: string) => void;
}

/** A running server. */
export interface RespiteServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `redis://host:port` */
  readonly url: string;
  /** Empties all databases. Clients stay connected. O(keys). */
  reset(): Promise<void>;
  /** Ends all connections and closes all sockets. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts a server. Rejects with a ListenError when the address cannot be had, and with a
 * ConfigError when a directive is wrong.
 */
export async function createServer(options: ServerOptions = {}): Promise<RespiteServer> {
  const config = new Config();
  config.loadPairs([
    ['port', String(options.port ?? 0)],
    ['bind', options.host ?? '127.0.0.1'],
    ['save', ''],
    ...(options.dir === undefined ? [] : [['dir', options.dir] as const]),
    ...Object.entries(options.config ?? {}).map(([k, v]) => [k, text(v)] as const),
  ]);
  const hooks: ServerHooks = {
    log: options.log ?? (() => {}),
    // A file that happens to lie in the working directory is none of ours.
    loadsData: options.dir !== undefined || options.config?.['dir'] !== undefined,
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.random === undefined ? {} : { random: options.random }),
  };
  const server = new Server(config, hooks);
  server.anyPort = true;
  await server.listen();
  const { host, port } = server.endpoints;
  return {
    host,
    port,
    url: `redis://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async reset() {
      server.resetData();
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function text(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
