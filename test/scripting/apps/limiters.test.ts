/** Locks, rate limiters and a small queue as applications use them. */
import BeeQueue from 'bee-queue';
import { Redis } from 'ioredis';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import Redlock from 'redlock';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../../src/index.ts';

let server: RespiteServer;
const open: (() => unknown)[] = [];

beforeEach(async () => {
  server = await createServer();
});

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  await server.close();
});

function client(): Redis {
  const redis = new Redis(server.port, '127.0.0.1');
  open.push(() => redis.disconnect());
  return redis;
}

it('redlock locks, extends and unlocks', async () => {
  const redis = client();
  const locks = new Redlock([redis], { retryCount: 0 });
  const lock = await locks.lock('resource', 10_000);
  await expect(locks.lock('resource', 10_000)).rejects.toThrow();
  const longer = await lock.extend(60_000);
  expect(await redis.pttl('resource')).toBeGreaterThan(50_000);
  await longer.unlock();
  expect(await redis.exists('resource')).toBe(0);
  await (await locks.lock('resource', 10_000)).unlock();
});

it('rate-limiter-flexible counts, blocks and rewards', async () => {
  const limiter = new RateLimiterRedis({ storeClient: client(), points: 3, duration: 60 });
  for (const left of [2, 1, 0]) expect((await limiter.consume('user')).remainingPoints).toBe(left);
  await expect(limiter.consume('user')).rejects.toMatchObject({
    consumedPoints: 4,
    remainingPoints: 0,
  });
  await limiter.reward('user', 2);
  expect((await limiter.get('user'))?.consumedPoints).toBe(2);
  expect(await limiter.delete('user')).toBe(true);
});

it('rate-limit-redis loads its scripts, also after they were flushed', async () => {
  const redis = await createClient({ url: `redis://127.0.0.1:${server.port}` }).connect();
  open.push(() => redis.close());
  const sendCommand = (...args: string[]) => redis.sendCommand(args) as Promise<RedisReply>;
  const store = new RedisStore({ sendCommand });
  await store.init({ windowMs: 60_000 } as Parameters<typeof store.init>[0]);
  expect((await store.increment('ip')).totalHits).toBe(1);
  expect((await store.increment('ip')).totalHits).toBe(2);
  await redis.scriptFlush();
  const { totalHits, resetTime } = await store.increment('ip');
  expect(totalHits).toBe(3);
  expect(resetTime!.getTime()).toBeGreaterThan(Date.now());
  await store.decrement('ip');
  expect((await store.get('ip'))?.totalHits).toBe(2);
  await store.resetKey('ip');
  expect((await store.get('ip'))?.totalHits).toBeFalsy();
});

it('bee-queue works off its jobs, with a retry', async () => {
  const queue = new BeeQueue<{ n: number }>('bee', { redis: { port: server.port } });
  open.push(() => queue.close(100));
  queue.process(5, async (job) => {
    if (job.data.n === 3 && job.options.retries === 1) throw new Error('once');
    return job.data.n * 2;
  });
  const results = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const job = queue.createJob({ n }).retries(1);
      const done = new Promise((resolve, reject) => {
        job.on('succeeded', resolve);
        job.on('failed', reject);
      });
      await job.save();
      return done;
    }),
  );
  expect(results).toEqual([2, 4, 6]);
});
