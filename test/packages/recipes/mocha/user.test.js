import assert from 'node:assert/strict';
import sinon from 'sinon';
import { server } from './hooks.mjs';
import { redis, saveUser } from './user.js';

after(() => redis.quit());

it('saves a user', async () => {
  await saveUser({ id: 1, name: 'Ann' });
  assert.deepEqual(await server.exec('HGETALL', 'user:1'), { name: 'Ann' });
});

it('begins with nothing, under the fake timers of sinon too', async () => {
  const clock = sinon.useFakeTimers();
  await saveUser({ id: 2, name: 'Bob' });
  assert.equal(await server.exec('DBSIZE'), 1);
  clock.restore();
});
