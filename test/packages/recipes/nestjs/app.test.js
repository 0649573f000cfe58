import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { Test } from '@nestjs/testing';
import { createServer } from 'respite';
import { AppModule, REDIS_OPTIONS, Visits } from './app.js';

const server = await createServer();
const app = await Test.createTestingModule({ imports: [AppModule] })
  .overrideProvider(REDIS_OPTIONS)
  .useValue(server.options('ioredis', { db: 1 }))
  .compile();
afterEach(() => server.reset());
after(async () => {
  await app.close();
  await server.close();
});

test('counts visits', async () => {
  const visits = app.get(Visits);
  assert.equal(await visits.count('home'), 1);
  assert.equal(await visits.count('home'), 2);
  assert.deepEqual(server.toJSON(), { db: { 1: { 'visits:home': { string: '2' } } } });
});
