/**
 * respite in Jest: a server for the tests of a file, its URL in REDIS_URL before the program under
 * test is loaded, everything put back after each test.
 *
 *     // jest.config.js                   setupFilesAfterEnv: ['respite/jest/setup']
 *     // or a setup file of your own:
 *     const { useServer } = require('respite/jest');
 *     module.exports = { server: useServer({ seed: { … } }) };
 *
 * Setup files of Jest cannot wait, so the server listens at once.
 */
import type { RespiteServer, ServerOptions } from '../embedded/api.ts';
import { matchers, type TtlBounds } from '../embedded/matchers.ts';
import { startServerNow } from '../embedded/start.ts';
import { exportUrl } from '../embedded/test-server.ts';
import { setTimeout } from '../util/timers.ts';

export type { TtlBounds } from '../embedded/matchers.ts';
export { matchers } from '../embedded/matchers.ts';

declare global {
  /** The matchers, for those who have @types/jest. */
  namespace jest {
    interface Matchers<R> {
      /** The key is there; with a value, it is a string of that value. */
      toHaveKey(key: string, value?: string): Promise<R>;
      /** The key has a time to live: any, about so many seconds, or within bounds. */
      toHaveTTL(key: string, seconds?: number | TtlBounds): Promise<R>;
      /** The stream has so many entries. */
      toHaveStreamLength(key: string, length: number): Promise<R>;
    }
  }
}

type Hook = (run: () => unknown) => void;

/** What Jest has made global. */
interface JestGlobals {
  readonly beforeAll?: Hook;
  readonly afterEach?: Hook;
  readonly afterAll?: Hook;
  readonly expect?: { extend(added: typeof matchers): void };
}

/** Options that need no waiting. */
export type JestServerOptions = Omit<ServerOptions, 'dir' | 'load'>;

/**
 * Starts a server for the tests of this file, at once: REDIS_URL, REDIS_HOST and REDIS_PORT name
 * it, after each test it is reset to what `options` say, after the last it is closed. Adds the
 * matchers. Throws a ListenError when the address cannot be had.
 */
export function useServer(options: JestServerOptions = {}): RespiteServer {
  const { beforeAll, afterEach, afterAll, expect } = globalThis as JestGlobals;
  if (beforeAll === undefined || afterEach === undefined || afterAll === undefined) {
    throw new Error('useServer() belongs into a file of setupFilesAfterEnv, or a test file');
  }
  const { seed, ...rest } = options;
  const server = startServerNow(rest);
  exportUrl(server);
  expect?.extend(matchers);
  let beginning = server.snapshot();
  beforeAll(async () => {
    if (seed === undefined) return;
    await server.seed(seed);
    beginning.dispose();
    beginning = server.snapshot();
  });
  afterEach(async () => {
    await server.reset();
    server.restore(beginning);
  });
  // Jest runs this before the hooks of the test file, which have clients to close.
  afterAll(() => void closeWhenLeft(server));
  return server;
}

/** Takes no more connections, and closes when the last one is gone, or a second later. */
async function closeWhenLeft(server: RespiteServer): Promise<void> {
  await server.refuse(true);
  for (let i = 0; i < 100 && server.clients.length > 0; i++) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 10).unref();
    });
  }
  await server.close();
}
