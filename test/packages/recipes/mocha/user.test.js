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
  // All of them: not even a client library would answer (it uses process.nextTick).
  const all = sinon.useFakeTimers();
  assert.equal(await server.exec('DBSIZE'), 0);
  all.restore();
  const some = sinon.useFakeTimers({
    toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date'],
  });
  await saveUser({ id: 2, name: 'Bob' });
  assert.equal(await server.exec('DBSIZE'), 1);
  some.restore();
});
