/** From options to a running server. */
import { Server, type ServerHooks } from '../server/server.ts';
import type { ServerOptions } from './api.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { configOf } from './options.ts';
import { sharedOf } from './state.ts';

/** Starts a server; resolves when its data is there. What fails leaves nothing open. */
export async function startServer(options: ServerOptions): Promise<EmbeddedServer> {
  const config = configOf(options);
  const { from, load, seed } = options;
  const begin = from === undefined ? undefined : sharedOf(from);
  const hooks: ServerHooks = {
    log: options.log ?? (() => {}),
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
  await server.listen();
  const embedded = new EmbeddedServer(server);
  try {
    if (load !== undefined) await embedded.load(load);
    if (seed !== undefined) await embedded.seed(seed);
  } catch (error) {
    await embedded.close();
    throw error;
  }
  return embedded;
}
