import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { createServer } from 'respite';

const server = await createServer();
process.env.REDIS_URL = server.url;
const { redis, saveUser } = await import('./user.js');
afterEach(() => server.reset());
after(async () => {
  await redis.quit();
  await server.close();
});

test('saves a user', async () => {
  await saveUser({ id: 1, name: 'Ann' });
  assert.deepEqual(await server.exec('HGETALL', 'user:1'), { name: 'Ann' });
});

test('begins with nothing', async () => {
  assert.equal(await server.exec('DBSIZE'), 0);
});
