/**
 * Three and more servers of both kinds: chains, promotions, fail-backs, planned changes of roles.
 * Nobody needs all data twice, and all hold the same in the end.
 */
import { afterEach, expect, it } from 'vitest';
import { describeWithOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import {
  caughtUp,
  closeNodes,
  eventually,
  type Kind,
  nodes,
  randomCommands,
  run,
  sameData,
  startNode as start,
} from '../harness/topology.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const COMMANDS = FULL ? 5000 : 200;

afterEach(closeNodes);

/** All full syncs that the nodes have given. */
async function fullSyncs(): Promise<number> {
  let sum = 0;
  for (const node of nodes) sum += Number(await node.info('sync_full'));
  return sum;
}

const allMixes: readonly (readonly Kind[])[] = [
  ['redis', 'respite', 'redis'],
  ['respite', 'redis', 'respite'],
  ['respite', 'respite', 'respite'],
  ['redis', 'respite', 'respite'],
  ['redis', 'redis', 'respite'],
  ['respite', 'respite', 'redis'],
  ['respite', 'redis', 'redis'],
];

describeWithOracle('chains', () => {
  for (const mix of FULL ? allMixes : allMixes.slice(0, 2)) {
    it(`${mix.join(' <- ')}: promoted in the middle, and back`, async () => {
      const [first, second, third] = [
        await start(mix[0]!),
        await start(mix[1]!),
        await start(mix[2]!),
      ];
      // Nothing is said but what is written: one more word of the old master, and it cannot follow.
      for (const node of nodes) {
        await node.say('DEBUG SET-ACTIVE-EXPIRE 0');
        await node.say('CONFIG SET repl-ping-replica-period 3600');
      }
      await run(first, randomCommands(SEED, 200));
      await second.follow(first);
      await caughtUp(second, first);
      await third.follow(second);
      await caughtUp(third, second);
      await run(first, randomCommands(SEED + 1, COMMANDS));
      await caughtUp(second, first);
      await caughtUp(third, second);
      await sameData(first, second, third);
      expect(await fullSyncs()).toBe(2);
      // The middle is promoted under load; the old master follows it.
      await second.follow(undefined);
      await first.follow(second);
      await run(second, randomCommands(SEED + 2, COMMANDS));
      await caughtUp(first, second);
      await caughtUp(third, second);
      await sameData(first, second, third);
      expect(await second.info('master_replid2')).toMatch(/^[0-9a-f]{40}$/);
      // And back: the first is the master again, the others follow it.
      await first.follow(undefined);
      await second.follow(first);
      await run(first, randomCommands(SEED + 3, COMMANDS));
      await caughtUp(second, first);
      await caughtUp(third, second);
      await sameData(first, second, third);
      expect(await fullSyncs()).toBe(2);
    });
  }

  for (const mix of FULL ? allMixes : allMixes.slice(1, 3)) {
    it(`FAILOVER between ${mix[0]} and ${mix[1]}, and back, keeps every write`, async () => {
      const [first, second] = [await start(mix[0]!), await start(mix[1]!)];
      await second.follow(first);
      await caughtUp(second, first);
      await run(first, randomCommands(SEED, 200));
      for (const [from, to] of [
        [first, second],
        [second, first],
      ] as const) {
        expect(await from.say(`FAILOVER TO 127.0.0.1 ${to.port} TIMEOUT 10000`)).toBe('OK');
        await eventually('roles change', async () => (await to.info('role')) === 'master');
        await eventually(
          'it is over',
          async () => (await from.info('master_failover_state')) === 'no-failover',
        );
        await run(to, randomCommands(SEED + 1, 100));
        await caughtUp(from, to);
        await sameData(from, to);
      }
      expect(await fullSyncs()).toBe(1);
    });
  }

  it('pitfall 2: one who was away gets all data when the history it knows was replaced', async () => {
    const [old, other, middle, away] = [
      await start('respite'),
      await start('redis'),
      await start('respite'),
      await start('respite'),
    ];
    await old.say('SET of old');
    await other.say('SET of other');
    await middle.follow(old);
    await caughtUp(middle, old);
    await away.follow(middle);
    await caughtUp(away, middle);
    await away.say('SAVE');
    await away.end();
    await middle.follow(other);
    await caughtUp(middle, other);
    await other.say('SET more 1');
    await away.again();
    await away.follow(middle);
    await caughtUp(away, middle);
    await caughtUp(middle, other);
    await sameData(other, middle, away);
  });

  it('pitfall 8: an idle set with pings fails over without a full sync', async () => {
    const quick = 'repl-ping-replica-period 1';
    const [first, second, third] = [
      await start('respite', quick),
      await start('respite', quick),
      await start('redis', quick),
    ];
    await second.follow(first);
    await third.follow(first);
    await caughtUp(second, first);
    await caughtUp(third, first);
    await eventually('pings', async () => Number(await first.info('master_repl_offset')) > 14);
    await first.end();
    await second.follow(undefined);
    await third.follow(second);
    await caughtUp(third, second);
    await first.again();
    expect(await third.info('sync_full')).toBe('0');
    expect(await second.info('sync_full')).toBe('0');
    expect(await second.info('sync_partial_ok')).toBe('1');
  });

  it('what a master evicts and what expires there is gone everywhere, and nothing else', async () => {
    const [master, middle, last] = [
      await start('respite', 'maxmemory-policy allkeys-lru'),
      await start('respite', 'maxmemory 1mb', 'maxmemory-policy allkeys-lru'),
      await start('redis', 'maxmemory 1mb', 'maxmemory-policy allkeys-lru'),
    ];
    await middle.follow(master);
    await caughtUp(middle, master);
    await last.follow(middle);
    await caughtUp(last, middle);
    const used = Number(await master.info('used_memory'));
    await master.say(`CONFIG SET maxmemory ${used + 2_000_000}`);
    const value = 'x'.repeat(500);
    const writes = Array.from({ length: 8000 }, (_, i) =>
      i % 3 === 0 ? ['SET', `k${i}`, value, 'PX', '300'] : ['SET', `k${i}`, value],
    );
    await run(master, writes);
    expect(Number(await master.info('evicted_keys'))).toBeGreaterThan(100);
    await eventually('what is due has expired', async () =>
      (await master.info('db0')).includes('expires=0'),
    );
    await caughtUp(middle, master);
    await caughtUp(last, middle);
    await sameData(master, middle, last);
    expect(await middle.info('evicted_keys')).toBe('0');
  });

  it('pitfall 19: a replica that stood still has the same times to live', async () => {
    const [master, replica] = [await start('respite'), await start('respite')];
    await replica.follow(master);
    await caughtUp(replica, master);
    process.kill(replica.process.pid, 'SIGSTOP');
    await master.say('SET a 1 EX 100');
    await master.say('SET b 1');
    await master.say('EXPIRE b 100');
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(replica.process.pid, 'SIGCONT');
    await caughtUp(replica, master);
    for (const key of ['a', 'b']) {
      const at = await master.say(`PEXPIRETIME ${key}`);
      expect(await replica.say(`PEXPIRETIME ${key}`)).toBe(at);
    }
  });

  it('pitfall 16, 17: bits far out and groups of streams are the same everywhere', async () => {
    const [master, replica, last] = [
      await start('respite'),
      await start('respite'),
      await start('redis'),
    ];
    await replica.follow(master);
    await caughtUp(replica, master);
    await last.follow(replica);
    await caughtUp(last, replica);
    for (const line of [
      'SETBIT far 100000 0',
      'SETRANGE grown 5000 x',
      'XADD s 1-1 a b',
      'XADD s 2-1 a b',
      'XADD s 3-1 a b',
      'XGROUP CREATE s g 0',
      'XREADGROUP GROUP g c COUNT 2 STREAMS s >',
      'XCLAIM s g d 0 1-1',
      'XAUTOCLAIM s g e 0 0',
      'XACK s g 1-1',
    ]) {
      await master.say(line);
    }
    await caughtUp(replica, master);
    await caughtUp(last, replica);
    await sameData(master, replica, last);
    expect(await replica.say('XPENDING s g')).toBe(await master.say('XPENDING s g'));
    expect(await last.say('XPENDING s g')).toBe(await master.say('XPENDING s g'));
    expect(await last.say('STRLEN far')).toBe('(integer) 12501');
  });
});
