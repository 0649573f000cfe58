/**
 * What the documentation of others shows first, done with respite: miniredis, ioredis-mock,
 * redis-memory-server, testcontainers. `docs/testing-with-respite.md` has the table.
 */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, faults, type RespiteServer } from '../../src/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  return server;
}

function connect(to: string, options: object): Redis;
function connect(to: string | object): Redis;
function connect(...given: readonly unknown[]): Redis {
  const redis = Reflect.construct(Redis, given) as Redis;
  cleanups.push(() => redis.disconnect());
  return redis;
}

describe('miniredis', () => {
  it('data put there before, looked at after, and time that is put forward', async () => {
    const server = await start({ seed: { greeting: 'hi', user: { name: 'Ann' } } });
    const program = connect(server.url);
    expect(await program.get('greeting')).toBe('hi');
    await program.set('session', 'x', 'EX', 10);
    expect(server.toJSON().db[0]).toMatchObject({ user: { hash: { name: 'Ann' } } });
    server.clock.advance(11_000);
    expect(await program.exists('session')).toBe(0);
  });

  it('a time that is set is that of TIME and of ids', async () => {
    const server = await start();
    server.clock.freeze(new Date('2026-05-04T03:02:01Z'));
    const program = connect(server.url);
    expect(await program.xadd('events', '*', 'kind', 'login')).toBe('1777863721000-0');
    expect((await program.time()).map(Number)).toEqual([1777863721, 0]);
  });

  it('errors for all commands, until there are none', async () => {
    const server = await start();
    const program = connect(server.url, { enableReadyCheck: false });
    await program.ping();
    const fault = server.inject({}, { error: 'ERR forced' });
    await expect(program.get('a')).rejects.toThrow('ERR forced');
    fault.dispose();
    expect(await program.get('a')).toBe(null);
  });

  it('stopped and started again at its port, with its data', async () => {
    const server = await start({ seed: { a: '1' } });
    const program = connect(server.url, { retryStrategy: () => 5 });
    program.on('error', () => {});
    expect(await program.get('a')).toBe('1');
    await server.refuse(true);
    const closed = new Promise((resolve) => program.once('close', resolve));
    server.dropConnections();
    await closed;
    await server.refuse(false);
    expect(await program.get('a')).toBe('1');
  });
});

describe('ioredis-mock', () => {
  it('a client with data, without a server to connect to', async () => {
    const server = await start({
      seed: { next: '3', emails: { 'ann@example.org': '1' }, 'user:1': { id: '1', name: 'ann' } },
    });
    class Connector {
      private stream: ReturnType<typeof server.connect> | undefined;
      check() {
        return true;
      }
      async connect() {
        this.stream = server.connect();
        return this.stream;
      }
      disconnect() {
        this.stream?.destroy();
      }
    }
    const redis = connect({ Connector } as never);
    const id = await redis.incr('next');
    await redis.hset(`user:${id}`, { id, name: 'bob' });
    expect(id).toBe(4);
    expect(await redis.hget('user:4', 'name')).toBe('bob');
    expect(await redis.hget('emails', 'ann@example.org')).toBe('1');
  });

  it('a command made of Lua', async () => {
    const server = await start({ seed: { k1: '5', k2: '10' } });
    const redis = connect(server.url);
    redis.defineCommand('product', {
      numberOfKeys: 2,
      lua: 'return redis.call("GET", KEYS[1]) * redis.call("GET", KEYS[2]) * ARGV[1]',
    });
    const { product } = redis as unknown as { product(...args: string[]): Promise<number> };
    expect(await product.call(redis, 'k1', 'k2', '2')).toBe(100);
  });

  it('two clients that tell each other something, and keyspace events', async () => {
    const server = await start({ config: { 'notify-keyspace-events': 'KEA' } });
    const [publisher, subscriber] = [connect(server.url), connect(server.url)];
    const got = new Promise((resolve) => {
      subscriber.on('message', (channel, text) => resolve([channel, text]));
    });
    await subscriber.subscribe('news');
    await publisher.publish('news', 'hello');
    expect(await got).toEqual(['news', 'hello']);
    const event = new Promise((resolve) => {
      subscriber.on('pmessage', (_, channel, text) => resolve([channel, text]));
    });
    await subscriber.psubscribe('__key*__:*');
    await publisher.set('a', '1');
    expect(await event).toEqual(['__keyspace@0__:a', 'set']);
  });

  it('servers of their own where data must not be shared', async () => {
    const [one, other] = [await start(), await start()];
    await connect(one.url).set('a', '1');
    expect(await connect(other.url).get('a')).toBe(null);
  });
});

describe('redis-memory-server', () => {
  it('a host and a port, until it is stopped', async () => {
    const server = await createServer({ port: 0 });
    const { host, port } = server;
    const redis = connect({ host, port, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    redis.on('error', () => {});
    expect(await redis.set('a', 'b')).toBe('OK');
    const end = new Promise((resolve) => redis.once('end', resolve));
    await server.close();
    await end;
    await expect(redis.get('a')).rejects.toThrow();
  });

  it('arguments of the server', async () => {
    const server = await start({ config: { maxmemory: '5mb', 'maxmemory-policy': 'allkeys-lru' } });
    const client = createClient(server.options('node-redis'));
    await client.connect();
    cleanups.push(() => client.destroy());
    expect(await client.configGet('maxmemory*')).toMatchObject({
      maxmemory: '5242880',
      'maxmemory-policy': 'allkeys-lru',
    });
  });
});

describe('testcontainers', () => {
  it('a password and a database in the URL', async () => {
    const server = await start({ password: 'secret word' });
    const client = createClient({ url: server.urlFor({ db: 2 }) });
    await client.connect();
    cleanups.push(() => client.destroy());
    await client.set('key', 'val');
    expect(await server.exec('GET', 'key')).toBe(null);
    expect(server.toJSON().db[2]).toEqual({ key: { string: 'val' } });
    const { host, port } = server;
    const stranger = connect({ host, port, retryStrategy: () => null });
    stranger.on('error', () => {});
    await expect(stranger.get('key')).rejects.toThrow('NOAUTH');
  });

  it('data that the next one finds again: a snapshot', async () => {
    const server = await start({ seed: { a: '1' } });
    const next = await start({ from: server.snapshot() });
    expect(await next.exec('GET', 'a')).toBe('1');
    next.inject({ command: 'GET' }, faults.loading);
    await expect(next.exec('GET', 'a')).rejects.toThrow('LOADING');
    expect(await server.exec('GET', 'a')).toBe('1');
  });
});
