/**
 * respite inside a Node program.
 *
 *     import { createServer } from 'respite';
 *     const server = await createServer({ port: 0 });
 *     const client = new Redis(server.url);
 *     …
 *     await server.close();
 *
 * With `dir` the data is loaded from files and saved to them:
 *
 *     const server = await createServer({ dir: './data', config: { appendonly: 'yes' } });
 *
 * Several servers may run in one process; after `close()` none of them leaves a handle open.
 */
import { Config } from './config/config.ts';
import type { Change, ChangesOptions } from './server/change.ts';
import { Server, type ServerHooks } from './server/server.ts';

export { ConfigError } from './config/errors.ts';
export { ListenError } from './net/listen-error.ts';
export { type Change, ChangesLostError, type ChangesOptions } from './server/change.ts';

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
  /**
   * Saves an RDB file (`dbfilename` in `dir`) in the background: the data of this moment, or of a
   * later one when another save is under way. Resolves when the file is in its place and synced;
   * rejects when it cannot be had: then the old file is still there.
   */
  save(): Promise<void>;
  /**
   * Replaces all data and function libraries by what a file holds: an RDB file of any version, an
   * append-only file (its name ends in `.aof`), a manifest of such files, or the JSON lines of
   * `respite convert`. Clients are told -LOADING meanwhile. With `appendonly` it resolves when
   * what was loaded is in the append-only files, too. Rejects with what is wrong with the file: the
   * data is as it was if it is an RDB file, else there is none.
   */
  load(file: string): Promise<void>;
  /**
   * The changes of the data from now on, each as a command with the same effect on a copy. Costs
   * nothing while no stream is open; each must be read or ended (`break`, `return()`). A consumer
   * that is too slow for its buffer gets a ChangesLostError after what the buffer holds.
   */
  changes(options?: ChangesOptions): AsyncIterableIterator<Change, undefined> & AsyncDisposable;
  /**
   * Ends all connections and closes all sockets. With `appendonly` everything is written and
   * synced before it resolves, whatever `appendfsync` is; it saves no RDB file: call `save` first
   * if you want one. Safe to call twice.
   */
  close(): Promise<void>;
}

/**
 * Starts a server; resolves when its data is loaded. Rejects with a ListenError when the address
 * cannot be had, with a ConfigError when a directive is wrong, and with a LoadError when what is in
 * `dir` cannot be loaded.
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
    save: () => server.persistence.saveSoon(),
    load: (file) => server.load(file),
    changes: (wanted) => server.changeStreams.open(wanted),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function text(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
