/**
 * respite in vitest: a server for the tests of a file, its URL in REDIS_URL before the program
 * under test is loaded, everything put back after each test.
 *
 *     // vitest.config.ts                 setupFiles: ['respite/vitest/setup']
 *     // or a setup file of your own:
 *     import { useServer } from 'respite/vitest';
 *     export const server = await useServer({ seed: { … } });
 */
import { afterAll, afterEach, expect } from 'vitest';
import type { RespiteServer, ServerOptions } from '../embedded/api.ts';
import { matchers, type TtlBounds } from '../embedded/matchers.ts';
import { startServer } from '../embedded/start.ts';
import { exportUrl } from '../embedded/test-server.ts';

declare module 'vitest' {
  interface Matchers<T> {
    /** The key is there; with a value, it is a string of that value. */
    toHaveKey(key: string, value?: string): Promise<T>;
    /** The key has a time to live: any, about so many seconds, or within bounds. */
    toHaveTTL(key: string, seconds?: number | TtlBounds): Promise<T>;
    /** The stream has so many entries. */
    toHaveStreamLength(key: string, length: number): Promise<T>;
  }
}

export type { TtlBounds } from '../embedded/matchers.ts';
export { matchers } from '../embedded/matchers.ts';

/**
 * Starts a server for the tests of this file: REDIS_URL, REDIS_HOST and REDIS_PORT name it, after
 * each test it is reset to what `options` say, after the last it is closed. Adds the matchers.
 */
export async function useServer(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await startServer(options);
  exportUrl(server);
  expect.extend(matchers);
  const beginning = server.snapshot();
  afterEach(async () => {
    await server.reset();
    server.restore(beginning);
  });
  afterAll(() => server.close());
  return server;
}
