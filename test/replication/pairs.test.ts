/**
 * Replicas of this server's kind and a redis-server as master: data of all types under load, links
 * that break, restarts. Whatever happens, both hold the same in the end.
 */
import { afterEach, expect, it } from 'vitest';
import { describeWithOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import {
  caughtUp,
  closeNodes,
  eventually,
  type Node,
  randomCommands,
  run,
  sameData,
  startNode as start,
} from '../harness/topology.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const COMMANDS = FULL ? 20_000 : 800;

afterEach(closeNodes);

const library =
  '#!lua name=lib\nredis.register_function("f", function(keys) return redis.call("INCR", keys[1]) end)';

/** What the random commands lack: functions, scripts, other databases, waits, large values. */
async function particulars(node: Node): Promise<void> {
  await node.ask('FUNCTION', 'LOAD', 'REPLACE', library);
  await node.say('FCALL f 1 counted');
  await node.ask(
    'EVAL',
    "for i=1,20 do redis.call('SADD', KEYS[1], i) end return redis.call('SPOP', KEYS[1], 5)",
    '1',
    'popped',
  );
  await node.ask('SET', 'large', 'x'.repeat(300_000));
  await node.say('SELECT 9');
  await node.say('SET elsewhere 1 PX 60000');
  await node.say('SELECT 0');
  await node.say('DEL source');
  const waiting = await node.connect();
  waiting.send('BLMOVE', 'source', 'destination', 'LEFT', 'RIGHT', '0');
  await eventually('a client waits', async () => (await node.info('blocked_clients')) === '1');
  await node.say('RPUSH source a b');
  await waiting.receive();
  waiting.close();
}

describeWithOracle('a replica of redis-server', () => {
  for (const load of ['disabled', 'on-empty-db', 'swapdb']) {
    it(`gets everything, before and after its full sync (repl-diskless-load ${load})`, async () => {
      const master = await start(
        'redis',
        'requirepass pw',
        'masterauth pw',
        `repl-diskless-sync ${load === 'disabled' ? 'no' : 'yes'}`,
      );
      master.password = 'pw';
      await particulars(master);
      const replica = await start(
        'respite',
        `repl-diskless-load ${load}`,
        'masterauth pw',
        `replicaof 127.0.0.1 ${master.port}`,
      );
      await particulars(master);
      await caughtUp(replica, master);
      await sameData(master, replica);
      expect(await replica.say('SET a b')).toContain('READONLY');
    });
  }

  it('follows random commands of all types, while its link is broken again and again', async () => {
    const master = await start('redis');
    const replica = await start('respite', `replicaof 127.0.0.1 ${master.port}`);
    await caughtUp(replica, master);
    let isRunning = true;
    const load = run(master, randomCommands(SEED, COMMANDS)).then(() => {
      isRunning = false;
    });
    let breaks = 0;
    while (isRunning || breaks < 3) {
      await replica.say('CLIENT KILL TYPE master');
      breaks++;
      await eventually(
        'the link is up',
        async () => (await replica.info('master_link_status')) === 'up',
      );
    }
    await load;
    await caughtUp(replica, master);
    await sameData(master, replica);
    expect(await master.info('sync_full')).toBe('1');
    expect(Number(await master.info('sync_partial_ok'))).toBeGreaterThan(1);
  });

  it('continues after a restart from its RDB file, and in the database that was selected', async () => {
    const master = await start('redis');
    const replica = await start('respite', `replicaof 127.0.0.1 ${master.port}`);
    await master.say('SELECT 3');
    await master.say('SET a 1');
    await master.say('SET gone 1 PX 200');
    await caughtUp(replica, master);
    await replica.say('SAVE');
    await replica.end();
    await master.say('INCR a');
    await eventually('a key expires', async () => (await master.say('DBSIZE')) === '(integer) 1');
    await replica.again();
    await caughtUp(replica, master);
    await sameData(master, replica);
    expect(await master.info('sync_full')).toBe('1');
    expect(await master.info('sync_partial_ok')).toBe('1');
  });

  it('pitfall 20: gets everything after a restart from an append-only file', async () => {
    const master = await start('redis');
    const replica = await start('respite', 'appendonly yes', `replicaof 127.0.0.1 ${master.port}`);
    await run(master, randomCommands(SEED + 1, 200));
    await caughtUp(replica, master);
    await eventually(
      'the file is there',
      async () => (await replica.info('aof_rewrite_in_progress')) === '0',
    );
    await master.say('SET last 1');
    await caughtUp(replica, master);
    await replica.end();
    await replica.again();
    await caughtUp(replica, master);
    await sameData(master, replica);
    expect(await master.info('sync_full')).toBe('2');
    expect(await replica.info('aof_enabled')).toBe('1');
    // What it has appended since its full sync is all of the data.
    await replica.end();
    await master.end();
    await replica.again();
    expect(await replica.say('GET last')).toBe('"1"');
  });

  it('pitfall 25: is up only when all data is there, under load', async () => {
    const keys = FULL ? 1_000_000 : 50_000;
    const master = await start('redis');
    await master.say(`DEBUG POPULATE ${keys} key 20`);
    const replica = await start('respite');
    const load = run(
      master,
      randomCommands(SEED + 2, COMMANDS).filter(([name]) => !/FLUSH/.test(name!)),
    );
    await replica.follow(master);
    await eventually(
      'the link is up',
      async () => (await replica.info('master_link_status')) === 'up',
    );
    const [, size] = /(\d+)/.exec(await replica.say('DBSIZE')) ?? [];
    expect(Number(size)).toBeGreaterThanOrEqual(keys);
    await load;
    await caughtUp(replica, master);
    await sameData(master, replica);
  });

  it('pitfall 21: keeps expired keys when it starts again', async () => {
    const master = await start('redis');
    await master.say('DEBUG SET-ACTIVE-EXPIRE 0');
    const replica = await start('respite', `replicaof 127.0.0.1 ${master.port}`);
    await master.say('SET a 1 PX 1');
    await master.say('SET b 1');
    await caughtUp(replica, master);
    await replica.say('SAVE');
    await replica.end();
    await replica.again();
    expect(await replica.say('DBSIZE')).toBe('(integer) 2');
    expect(await replica.say('GET a')).toBe('(nil)');
    await caughtUp(replica, master);
    expect(await replica.say('DBSIZE')).toBe('(integer) 2');
    await master.say('GET a');
    await caughtUp(replica, master);
    expect(await replica.say('DBSIZE')).toBe('(integer) 1');
  });
});
