const { createServer } = require('respite');
const { server } = require('respite/jest/setup');
const { redis, saveUser } = require('./user.js');

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
  jest.useFakeTimers();
  await saveUser({ id: 2, name: 'Bob' });
  await expect(server).toHaveKey('user:2');
  jest.useRealTimers();
});

test('starts others', async () => {
  const other = await createServer({ seed: { a: '1' } });
  expect(await other.exec('GET', 'a')).toBe('1');
  await other.close();
});
