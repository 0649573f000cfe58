/**
 * respite inside a Node program: docs/embedding.md.
 *
 *     import { createServer } from 'respite';
 *     const server = await createServer();
 *     const client = new Redis(server.url);
 *     …
 *     await server.reset();
 *     await server.close();
 *
 * Several servers may run in one process; after `close()` none of them leaves a handle open.
 */
import type { RespiteServer, ServerOptions, ThreadOptions } from './embedded/api.ts';
import { startServer } from './embedded/start.ts';
import { startThread } from './embedded/thread.ts';
import type { ThreadedServer } from './embedded/thread-types.ts';

export { ConfigError } from './config/errors.ts';
export type * from './embedded/api.ts';
export type * from './embedded/client-types.ts';
export { faults } from './embedded/fault-presets.ts';
export type * from './embedded/fault-types.ts';
export type * from './embedded/local-types.ts';
export type * from './embedded/looking-types.ts';
export { ReplyError } from './embedded/reply-error.ts';
export type * from './embedded/state-types.ts';
export type * from './embedded/thread-types.ts';
export { ListenError } from './net/listen-error.ts';
export { type Change, ChangesLostError, type ChangesOptions } from './server/change.ts';
export type { Profile } from './server/profiles.ts';

/**
 * Starts a server; resolves when its data is loaded. Rejects with a ListenError when the address
 * cannot be had, with a ConfigError when an option or directive is wrong, and with a LoadError when
 * what is in `dir` cannot be loaded. With `thread: true` it runs in a thread of its own.
 */
export async function createServer(options: ThreadOptions): Promise<ThreadedServer>;
export async function createServer(options?: ServerOptions): Promise<RespiteServer>;
export async function createServer(
  options: ServerOptions | ThreadOptions = {},
): Promise<RespiteServer | ThreadedServer> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('createServer() takes an object of options');
  }
  if ('thread' in options && options.thread) return startThread(options);
  return startServer(options);
}
