/** `inactive` and `active-time` of XINFO: there for those who want a Redis 7.2 or later. */
import { afterEach, expect, it } from 'vitest';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

async function talk(profile: '7.0' | '7.2' | '8.x' | 'valkey' | undefined) {
  const clock = { ms: 1_000_000_000_000 };
  const hooks = profile === undefined ? {} : { profile };
  const server = await startServer({}, { now: () => clock.ms, ...hooks });
  const talker = await Talker.open(server);
  const consumers = async () =>
    (await talker.ask('XINFO CONSUMERS s g')).replaceAll(/[$]\d+ /g, '');
  for (const line of ['XADD s 1-1 f v', 'XGROUP CREATE s g 0', 'XGROUP CREATECONSUMER s g c']) {
    expect(await talker.ask(line)).not.toMatch(/^-/);
  }
  return { clock, talker, consumers };
}

it.each(['7.2', '8.x', 'valkey'] as const)('%s tells when something was got', async (profile) => {
  const { clock, talker, consumers } = await talk(profile);
  expect(await consumers()).toBe('*1 *8 name c pending :0 idle :0 inactive :-1');
  clock.ms += 1000;
  await talker.ask('XREADGROUP GROUP g c STREAMS s >');
  clock.ms += 500;
  expect(await consumers()).toBe('*1 *8 name c pending :1 idle :500 inactive :500');
  // It asks, and gets nothing.
  await talker.ask('XREADGROUP GROUP g c STREAMS s >');
  clock.ms += 50;
  expect(await consumers()).toMatch(/inactive :550$/);
  const full = (await talker.ask('XINFO STREAM s FULL')).replaceAll(/[$]\d+ /g, '');
  expect(full).toMatch(
    /\*10 name c seen-time :\d+ active-time :1000000001000 pel-count :1 pending/,
  );
});

it.each(['7.0', undefined] as const)('%s has the fields of 7.0', async (profile) => {
  const { talker, consumers } = await talk(profile);
  expect(await consumers()).toBe('*1 *6 name c pending :0 idle :0');
  const full = await talker.ask('XINFO STREAM s FULL');
  expect(full).toMatch(/seen-time/);
  expect(full).not.toMatch(/active-time/);
});
