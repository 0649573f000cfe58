/** The cron's work between requests comes in single slices, however often the timer ticks. */
import { afterEach, expect, it } from 'vitest';
import { Encoding } from '../../src/datatypes/value-types.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';

afterEach(closeAll);

it('a tick adds no second chain of slices to one under way', async () => {
  const server = await startServer();
  const db = server.keyspace.dbs[0]!;
  for (let i = 0; i < 200_000; i++) {
    const key = Buffer.from(`key:${i}`);
    db.setString(db.find(key, 0, key.length), key, 0, key.length, key, 0, 3, Encoding.raw, 0);
  }
  db.clear();
  const cron = server.cron as unknown as { tick(): void; work(): void };
  const work = cron.work.bind(cron);
  let slices = 0;
  cron.work = () => {
    slices++;
    work();
  };
  for (let i = 0; i < 5; i++) cron.tick();
  expect(slices).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(slices).toBe(1);
  while (server.keyspace.hasGarbage) await new Promise((resolve) => setImmediate(resolve));
  expect(db.size).toBe(0);
});
