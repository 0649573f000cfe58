/** ioredis and node-redis as subscribers, in RESP2 and RESP3. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../src/index.ts';

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function start() {
  const server = await createServer({ config: { 'notify-keyspace-events': 'KEA' } });
  open.push(() => server.close());
  return server;
}

/** Resolves once the condition holds; a vitest timeout is the failure. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('ioredis', () => {
  it('subscribes to channels, patterns and shard channels, and ends that', async () => {
    const server = await start();
    const subscriber = new Redis(server.port, server.host);
    const publisher = new Redis(server.port, server.host);
    open.push(() => [subscriber, publisher].map((client) => client.disconnect()));
    const seen: string[] = [];
    subscriber.on('message', (channel, message) => seen.push(`${channel}: ${message}`));
    subscriber.on('pmessage', (pattern, channel, message) => {
      seen.push(`${pattern} ${channel}: ${message}`);
    });
    subscriber.on('smessage', (channel, message) => seen.push(`shard ${channel}: ${message}`));
    expect(await subscriber.subscribe('a', 'b')).toBe(2);
    expect(await subscriber.psubscribe('a*')).toBe(3);
    expect(await subscriber.ssubscribe('s')).toBe(1);
    expect(await publisher.publish('a', 'one')).toBe(2);
    expect(await publisher.publish('b', 'two')).toBe(1);
    expect(await publisher.spublish('s', 'three')).toBe(1);
    await until(() => seen.length === 4);
    expect(seen).toEqual(['a: one', 'a* a: one', 'b: two', 'shard s: three']);
    expect(await subscriber.ping()).toBeDefined();
    expect(await publisher.pubsub('NUMSUB', 'a', 'b')).toEqual(['a', 1, 'b', 1]);
    expect(await subscriber.unsubscribe('a')).toBe(2);
    // With names: ioredis waits for ever for an UNSUBSCRIBE of all beside shard channels, as it
    // does with redis-server.
    expect(await subscriber.unsubscribe('b')).toBe(1);
    expect(await subscriber.punsubscribe('a*')).toBe(0);
    expect(await subscriber.sunsubscribe('s')).toBe(0);
    expect(await publisher.publish('a', 'lost')).toBe(0);
    expect(await subscriber.set('k', 'v')).toBe('OK');
  });

  it('hears of expired keys', async () => {
    const server = await start();
    const subscriber = new Redis(server.port, server.host);
    const writer = new Redis(server.port, server.host);
    open.push(() => [subscriber, writer].map((client) => client.disconnect()));
    const seen: string[] = [];
    subscriber.on('message', (_channel, message) => seen.push(message));
    await subscriber.subscribe('__keyevent@0__:expired');
    await writer.set('session:1', 'x', 'PX', 10);
    await until(() => seen.length === 1);
    expect(seen).toEqual(['session:1']);
  });

  it('subscribes again after a lost connection', async () => {
    const server = await start();
    const subscriber = new Redis(server.port, server.host, { retryStrategy: () => 1 });
    const publisher = new Redis(server.port, server.host);
    open.push(() => [subscriber, publisher].map((client) => client.disconnect()));
    const seen: string[] = [];
    subscriber.on('message', (_channel, message) => seen.push(message));
    await subscriber.subscribe('a');
    expect(await publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1);
    while ((await publisher.publish('a', 'again')) === 0);
    await until(() => seen.length > 0);
    expect(seen[0]).toBe('again');
  });
});

describe.each([2, 3] as const)('node-redis in RESP%i', (RESP) => {
  it('subscribes to channels, patterns and shard channels, and ends that', async () => {
    const server = await start();
    const publisher = createClient({ url: server.url, RESP });
    const subscriber = createClient({ url: server.url, RESP });
    await Promise.all([publisher.connect(), subscriber.connect()]);
    open.push(() => [publisher, subscriber].map((client) => client.destroy()));
    const seen: string[] = [];
    const listener = (message: string, channel: string) => {
      seen.push(`${channel}: ${message}`);
    };
    await subscriber.subscribe(['a', 'b'], listener);
    await subscriber.pSubscribe('__keyspace@0__:k*', listener);
    await subscriber.sSubscribe('s', listener);
    expect(await publisher.publish('a', 'one')).toBe(1);
    expect(await publisher.sPublish('s', 'two')).toBe(1);
    await publisher.set('key', 'v');
    await until(() => seen.length === 3);
    expect(seen).toEqual(['a: one', 's: two', '__keyspace@0__:key: set']);
    await subscriber.unsubscribe();
    await subscriber.pUnsubscribe();
    await subscriber.sUnsubscribe('s');
    expect(await publisher.publish('a', 'lost')).toBe(0);
    // In RESP2 node-redis answers buffers from here on, with redis-server, too.
    expect(String(await subscriber.get('key'))).toBe('v');
  });
});

describe('node-redis in RESP3', () => {
  it('runs commands, transactions too, on the connection that is subscribed', async () => {
    const server = await start();
    const client = createClient({ url: server.url, RESP: 3 });
    await client.connect();
    open.push(() => client.destroy());
    const seen: string[] = [];
    await client.subscribe('c', (message) => {
      seen.push(message);
    });
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        Promise.all([
          client.set(`k${i}`, `v${i}`),
          client.publish('c', `m${i}`),
          client.get(`k${i}`),
        ]),
      ),
    );
    expect(replies).toEqual(Array.from({ length: 100 }, (_, i) => ['OK', 1, `v${i}`]));
    expect(await client.multi().set('x', '1').incr('x').exec()).toEqual(['OK', 2]);
    await until(() => seen.length === 100);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => `m${i}`));
  });
});
