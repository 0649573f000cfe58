/**
 * ioredis and node-redis as an application uses them: optimistic locking, work queues with blocking
 * pops, consumer groups.
 */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';

let server: RespiteServer;
const open: (() => unknown)[] = [];

beforeEach(async () => {
  server = await createServer();
});

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  await server.close();
});

describe('ioredis', () => {
  function client(): Redis {
    const redis = new Redis(server.port, '127.0.0.1');
    open.push(() => redis.disconnect());
    return redis;
  }

  it('adds up under WATCH, ten clients at once', async () => {
    const add = async (redis: Redis, times: number) => {
      for (let done = 0; done < times; ) {
        await redis.watch('sum');
        const sum = Number(await redis.get('sum'));
        const result = await redis
          .multi()
          .set('sum', sum + 1)
          .get('sum')
          .exec();
        if (result === null) continue;
        expect(result).toEqual([
          [null, 'OK'],
          [null, String(sum + 1)],
        ]);
        done++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, () => add(client(), 20)));
    expect(await client().get('sum')).toBe('200');
  });

  it('tells of errors in transactions', async () => {
    const redis = client();
    await redis.set('text', 'x');
    const results = await redis.multi().incr('n').incr('text').incr('n').exec();
    expect(results?.map(([error, value]) => error?.message ?? value)).toEqual([
      1,
      'ERR value is not an integer or out of range',
      2,
    ]);
    await expect(redis.multi().call('NOSUCH').incr('n').exec()).rejects.toThrow('EXECABORT');
    expect(await redis.get('n')).toBe('2');
  });

  it('works off a queue with BLMOVE, each job once', async () => {
    const producer = client();
    const done: string[] = [];
    const workers = Array.from({ length: 5 }, async (_, i) => {
      const redis = client();
      for (;;) {
        const job = await redis.blmove('jobs', `doing:${i}`, 'LEFT', 'RIGHT', 0.5);
        if (job === null) return;
        done.push(job);
        await redis.multi().lrem(`doing:${i}`, 1, job).zadd('finished', done.length, job).exec();
      }
    });
    for (let i = 0; i < 100; i++) await producer.rpush('jobs', `job${i}`);
    await Promise.all(workers);
    expect([...done].sort()).toEqual(Array.from({ length: 100 }, (_, i) => `job${i}`).sort());
    expect(await producer.zcard('finished')).toBe(100);
    expect(await producer.keys('doing:*')).toEqual([]);
  });
});

for (const RESP of [2, 3] as const) {
  describe(`node-redis in RESP${RESP}`, () => {
    async function client() {
      const redis = createClient({ url: server.url, RESP });
      open.push(() => redis.destroy());
      await redis.connect();
      return redis;
    }

    it('runs transactions, typed, and refuses them when a watched key has changed', async () => {
      const redis = await client();
      const other = await client();
      const replies = await redis
        .multi()
        .set('k', 'v')
        .hSet('h', { a: '1', b: '2' })
        .hGetAll('h')
        .zAdd('z', { score: 1.5, value: 'm' })
        .zScore('z', 'm')
        .exec();
      expect(replies.slice(0, 2)).toEqual(['OK', 2]);
      expect({ ...(replies[2] as unknown as object) }).toEqual({ a: '1', b: '2' });
      expect(replies.slice(3)).toEqual([1, 1.5]);
      await redis.watch('k');
      await other.set('k', 'w');
      await expect(redis.multi().set('k', 'x').exec()).rejects.toThrow('watched');
      expect(await redis.get('k')).toBe('w');
    });

    it('shares a stream among the consumers of a group', async () => {
      const producer = await client();
      await producer.xGroupCreate('events', 'group', '0', { MKSTREAM: true });
      const seen: string[] = [];
      const consumers = ['a', 'b', 'c'].map(async (name) => {
        const redis = await client();
        for (;;) {
          const found = await redis.xReadGroup(
            'group',
            name,
            { key: 'events', id: '>' },
            { COUNT: 5, BLOCK: 500 },
          );
          if (found === null) return;
          for (const { messages } of found as { messages: { id: string }[] }[]) {
            seen.push(...messages.map(({ id }) => id));
            await redis.xAck(
              'events',
              'group',
              messages.map(({ id }) => id),
            );
          }
        }
      });
      const sent: string[] = [];
      for (let i = 0; i < 60; i++) sent.push(await producer.xAdd('events', '*', { i: String(i) }));
      await Promise.all(consumers);
      expect(seen.sort()).toEqual(sent.sort());
      expect((await producer.xPending('events', 'group')).pending).toBe(0);
    });
  });
}
