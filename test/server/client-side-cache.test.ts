/** node-redis's client-side cache: what it has stored goes when another client writes. */
import { BasicClientSideCache, createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../src/index.ts';
import { until } from '../harness/in-process-server.ts';

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A client with a cache, the cache, and a client without one. */
async function clients() {
  const server = await createServer();
  open.push(() => server.close());
  const url = `redis://127.0.0.1:${server.port}`;
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 1000, evictPolicy: 'LRU' });
  const cached = createClient({ url, RESP: 3, clientSideCache: cache });
  const other = createClient({ url });
  await Promise.all([cached.connect(), other.connect()]);
  open.push(() => cached.destroy());
  open.push(() => other.destroy());
  /** Resolves when the cache holds so many replies. */
  const holds = (count: number) => until(() => cache.size() === count);
  return { cached, other, cache, holds };
}

describe("node-redis's clientSideCache", () => {
  it('answers from the cache until another client writes', async () => {
    const { cached, other, cache, holds } = await clients();
    await other.set('k', 'old');
    expect(await cached.get('k')).toBe('old');
    expect(await cached.get('k')).toBe('old');
    expect(cache.stats()).toMatchObject({ hitCount: 1, missCount: 1 });
    await other.set('k', 'new');
    await holds(0);
    expect(await cached.get('k')).toBe('new');
    expect(cache.stats()).toMatchObject({ hitCount: 1, missCount: 2 });
  });

  it('sees its own writes, transactions, and keys that expire', async () => {
    const { cached, other, holds } = await clients();
    await cached.set('k', '1');
    expect(await cached.get('k')).toBe('1');
    await cached.set('k', '2');
    expect(await cached.get('k')).toBe('2');
    await cached.multi().incr('k').set('l', 'x').exec();
    await holds(0);
    expect(await cached.mGet(['k', 'l'])).toEqual(['3', 'x']);
    await other.pExpire('k', 1);
    await holds(0);
    await expect.poll(() => cached.get('k')).toBe(null);
  });

  it('loses everything with FLUSHALL', async () => {
    const { cached, other, holds } = await clients();
    await other.mSet({ a: '1', b: '2' });
    await cached.hGetAll('h');
    expect(await cached.get('a')).toBe('1');
    expect(await cached.get('b')).toBe('2');
    await holds(3);
    await other.flushAll();
    await holds(0);
    expect(await cached.get('a')).toBe(null);
  });
});
