/** One clock: the real one in microseconds, or an embedder's; timers that no test framework fakes. */
import { Redis } from 'ioredis';
import { afterEach, expect, it, vi } from 'vitest';
import { createServer } from '../../src/index.ts';
import { Clock, checkedRandom } from '../../src/server/clock.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(async () => {
  vi.useRealTimers();
  await closeAll();
});

it('micros() stays within the millisecond that now() tells, and goes on within it', () => {
  const clock = new Clock(undefined);
  const seen = new Set<number>();
  let before = 0;
  const wrong: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const early = Date.now();
    const micros = clock.micros();
    const late = Date.now();
    const ms = Math.floor(micros / 1000);
    if (!Number.isInteger(micros) || ms < early || ms > late || micros < before) wrong.push(micros);
    before = micros;
    seen.add(micros % 1000);
  }
  expect(wrong).toEqual([]);
  expect(seen.size).toBeGreaterThan(100);
});

it('an injected clock is rounded down, and stands still where it tells no time', () => {
  const values = [1000.5, 1000.5, 1001.9, Number.NaN, -1, Number.POSITIVE_INFINITY, 2000];
  const clock = new Clock(() => values.shift()!);
  expect([1, 2, 3, 4, 5, 6].map(() => clock.now())).toEqual([1000, 1001, 1001, 1001, 1001, 2000]);
});

it('createServer() refuses hooks that tell no time and no number', async () => {
  await expect(createServer({ now: () => Number.NaN })).rejects.toThrow(TypeError);
  await expect(createServer({ now: () => '5' as unknown as number })).rejects.toThrow(TypeError);
  await expect(createServer({ random: () => Number.NaN })).rejects.toThrow(TypeError);
});

it('a random source outside [0, 1) is brought into it', () => {
  const values = [0, 0.5, 1, 7, -3, Number.NaN];
  const random = checkedRandom(() => values.shift()!);
  const seen = [1, 2, 3, 4, 5].map(() => random());
  expect(seen[0]).toBe(0.5);
  expect(seen.every((value) => value >= 0 && value < 1)).toBe(true);
});

it('keys expire by a clock with fractions', async () => {
  let now = 1_000_000.25;
  const server = await startServer({}, { now: () => now });
  const client = await Talker.open(server);
  expect(await client.ask('SET k v PX 100')).toBe('+OK');
  expect(await client.ask('PEXPIRETIME k')).toBe(':1000100');
  now += 99.5;
  expect(await client.ask('GET k')).toBe('$1 v');
  now += 1.5;
  expect(await client.ask('GET k')).toBe('$-1');
  expect(await client.ask('TIME')).toBe('*2 $4 1000 $6 101000');
});

it('RANDOMKEY and SPOP work with a source that returns 1', async () => {
  const server = await startServer({}, { random: () => 1 });
  const client = await Talker.open(server);
  await client.ask('SADD s a b c');
  expect(await client.ask('RANDOMKEY')).toBe('$1 s');
  expect(await client.ask('SRANDMEMBER s')).toMatch(/^\$1 [abc]$/);
});

it('BLPOP ends by an injected clock, not by real time', async () => {
  let now = 1_000_000;
  const server = await startServer({ hz: '100' }, { now: () => now });
  const client = await Talker.open(server);
  const other = await Talker.open(server);
  client.send('BLPOP q 3600');
  while (server.blocking.size === 0) await other.ask('PING');
  now += 3_600_000;
  expect(await client.next()).toBe('*-1');
  client.send('BLPOP q 0.001');
  while (server.blocking.size === 0) await other.ask('PING');
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(server.blocking.size).toBe(1);
  now += 1;
  expect(await client.next()).toBe('*-1');
});

it('CLIENT PAUSE ends by an injected clock, not by real time', async () => {
  let now = 1_000_000;
  const server = await startServer({ hz: '100' }, { now: () => now });
  const client = await Talker.open(server);
  expect(await client.ask('CLIENT PAUSE 3600000')).toBe('+OK');
  client.send('PING');
  now += 3_600_001;
  expect(await client.next()).toBe('+PONG');
});

it('a server works while timers and Date are fakes, started before or meanwhile', async () => {
  const early = await createServer();
  vi.useFakeTimers({
    toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'],
  });
  const late = await createServer();
  for (const server of [early, late]) {
    const client = await Talker.open({ port: server.port } as Parameters<typeof Talker.open>[0]);
    expect(await client.ask('SET k v PX 30')).toBe('+OK');
    expect(await client.ask('BLPOP q 0.05')).toBe('*-1');
    expect(await client.ask('GET k')).toBe('$-1');
    expect(await client.ask('CLIENT PAUSE 20')).toBe('+OK');
    expect(await client.ask('PING')).toBe('+PONG');
    expect(await client.ask('SUBSCRIBE c')).toBe('*3 $9 subscribe $1 c :1');
    await server.close();
  }
});

it('ioredis works while setImmediate is a fake', async () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  await using server = await createServer();
  const redis = new Redis(server.url);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});
