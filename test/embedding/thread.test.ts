/** `createServer({ thread: true })`: the same server in a thread of its own. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, faults } from '../../src/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('a server in a thread', () => {
  it('does all that one in this thread does, by messages', async () => {
    const server = await createServer({ thread: true, password: 'pw', seed: { a: '1' } });
    cleanups.push(() => server.close());
    const client = new Redis(server.options('ioredis'));
    cleanups.push(() => client.disconnect());
    expect(await client.incr('a')).toBe(2);
    expect(server.url).toBe(`redis://:pw@127.0.0.1:${server.port}`);
    expect(await server.exec('GET', 'a')).toBe('2');
    await expect(server.exec('NOPE')).rejects.toMatchObject({ name: 'ReplyError', code: 'ERR' });
    await server.clock.freeze(1_000_000);
    await client.set('t', '1', 'EX', 5);
    await server.clock.advance(5000);
    expect(await client.get('t')).toBe(null);
    expect(await server.clock.now()).toBe(1_005_000);
    const fault = await server.inject({ key: 'a' }, faults.oom);
    await expect(client.get('a')).rejects.toThrow('OOM');
    expect(await fault.hits()).toBe(1);
    await fault.dispose();
    const shared = await server.snapshot();
    await server.reset();
    expect(await server.toJSON()).toEqual({ db: {} });
    const clone = await createServer({ from: shared });
    cleanups.push(() => clone.close());
    expect(clone.toJSON()).toEqual({ db: { 0: { a: { string: '2' } } } });
    const [info] = await server.clients();
    expect(info).toMatchObject({ db: 0, user: 'default' });
    expect(await server.dropConnections()).toBe(1);
  });

  it('answers while this thread is busy', async () => {
    const server = await createServer({ thread: true });
    cleanups.push(() => server.close());
    await server.exec('SET', 'a', 1, 'PX', 30);
    const until = performance.now() + 60;
    while (performance.now() < until);
    expect(await server.exec('GET', 'a')).toBe(null);
  });

  it('fails to start as it does here, and ends', async () => {
    const server = await createServer({ thread: true });
    await expect(createServer({ thread: true, port: server.port })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EADDRINUSE',
      port: server.port,
    });
    await expect(createServer({ thread: true, config: { hz: 'x' } })).rejects.toMatchObject({
      name: 'ConfigError',
      directive: 'hz',
    });
    await server.close();
    await server.close();
    await expect(server.exec('PING')).rejects.toThrow(/closed/);
  });
});
