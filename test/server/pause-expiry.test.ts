/** CLIENT PAUSE holds expiry: nothing goes while clients are paused, and it goes afterwards. */
import { afterEach, expect, it } from 'vitest';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

it('CLIENT PAUSE keeps hash fields that are due until it is over', async () => {
  let nowMs = 1_000_000;
  const server = await startServer({}, { now: () => nowMs });
  const client = await Talker.open(server);
  for (const line of ['HSET h f v', 'HSET h2 f v g w', 'HPEXPIRE h 60 FIELDS 1 f']) {
    await client.ask(line);
  }
  await client.ask('HPEXPIRE h2 60 FIELDS 1 f');
  await client.ask('CLIENT PAUSE 3000 WRITE');
  nowMs += 150;
  for (const line of ['HGET h f', 'HGETALL h2', 'HLEN h2', 'HSCAN h2 0', 'SORT_RO h2']) {
    await client.ask(line);
  }
  expect(await client.ask('EXISTS h')).toBe(':1');
  expect(await client.ask('DBSIZE')).toBe(':2');
  expect(server.keyspace.expiredFields).toBe(0);

  await client.ask('CLIENT UNPAUSE');
  expect(await client.ask('HGET h f')).toBe('$-1');
  expect(await client.ask('EXISTS h')).toBe(':0');
  expect(await client.ask('HGETALL h2')).toBe('*2 $1 g $1 w');
  expect(server.keyspace.expiredFields).toBe(2);
});
