import { createServer } from 'respite';

export const server = await createServer();
process.env.REDIS_URL = server.url;
export const mochaHooks = { afterEach: () => server.reset() };
export const mochaGlobalTeardown = () => server.close();
