/** From options to a running server. */
import { ConfigError } from '../config/errors.ts';
import { silence } from '../server/log.ts';
import { Server, type ServerHooks } from '../server/server.ts';
import type { ServerOptions } from './api.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { configOf } from './options.ts';
import { sharedOf } from './state.ts';

/** Starts a server; resolves when its data is there. What fails leaves nothing open. */
export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const server = make(options);
  await server.listen();
  const embedded = new EmbeddedServer(server);
  try {
    if (options.load !== undefined) await embedded.load(options.load);
    if (options.seed !== undefined) await embedded.seed(options.seed);
  } catch (error) {
    await embedded.close();
    throw error;
  }
  return embedded;
}

/**
 * As `startServer`, but at once: for setup files that cannot wait. `dir`, `load` and `seed` are
 * refused: they take time.
 */
export function startServerNow(options: ServerOptions): EmbeddedServer {
  for (const name of ['dir', 'load', 'seed'] as const) {
    if (options[name] !== undefined) throw ConfigError.ofOption(name, 'needs createServer()');
  }
  const server = make(options);
  server.listenNow();
  return new EmbeddedServer(server);
}

function make(options: ServerOptions): Server {
  const config = configOf(options);
  const begin = options.from === undefined ? undefined : sharedOf(options.from);
  const hooks: ServerHooks = {
    log: options.log ?? silence,
    // A file that happens to lie in the working directory is none of ours.
    loadsData: options.dir !== undefined || options.config?.['dir'] !== undefined,
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.random === undefined ? {} : { random: options.random }),
    ...(options.compat === undefined ? {} : { profile: options.compat }),
    ...(begin === undefined ? {} : { hashKey: begin.hashKey }),
  };
  const server = new Server(config, hooks);
  server.anyPort = true;
  if (begin !== undefined) server.keyspace.adopt(begin);
  return server;
}
