import { server } from 'respite/vitest/setup';
import { afterAll, expect, test, vi } from 'vitest';
import { redis, saveUser } from './user.js';

afterAll(() => redis.quit());

test('saves a user for an hour', async () => {
  await saveUser({ id: 1, name: 'Ann' });
  await expect(server).toHaveKey('user:1');
  await expect(redis).toHaveTTL('user:1', 3600);
  server.clock.advance(3_600_000);
  await expect(server).not.toHaveKey('user:1');
});

test('begins with nothing, under fake timers too', async () => {
  expect(server.toJSON()).toEqual({ db: {} });
  vi.useFakeTimers();
  await saveUser({ id: 2, name: 'Bob' });
  await redis.xadd('log', '*', 'kind', 'login');
  await expect(server).toHaveStreamLength('log', 1);
  vi.useRealTimers();
});
