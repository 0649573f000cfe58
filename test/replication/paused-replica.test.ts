/**
 * A replica on which CLIENT PAUSE was said stands still: it goes on listening to its master, applies
 * nothing, and has lost nothing afterwards. And what is said of masters that are slow or silent.
 */
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import {
  caughtUp,
  closeNodes,
  eventually,
  type Kind,
  type Node,
  startNode,
} from '../harness/topology.ts';

afterEach(closeNodes);
afterEach(closeAll);

async function heard(replica: Node, master: Node): Promise<void> {
  await eventually('the replica has received all', async () => {
    const offset = await master.info('master_repl_offset');
    return (await replica.info('slave_read_repl_offset')) === offset;
  });
}

async function pair(kind: Kind): Promise<[replica: Node, master: Node]> {
  const [replica, master] = [await startNode(kind), await startNode('redis')];
  // Nothing is said but what is written.
  await master.say('CONFIG SET repl-ping-replica-period 3600');
  await replica.follow(master);
  await caughtUp(replica, master);
  // The stream begins with the database.
  await master.say('SET before 1');
  await caughtUp(replica, master);
  return [replica, master];
}

describeWithOracle('a paused replica', () => {
  for (const kind of ['respite', 'redis'] as const) {
    it(`${kind}: applies no write before the pause ends`, async () => {
      const [replica, master] = await pair(kind);
      await replica.say('CLIENT PAUSE 100000 WRITE');
      const before = await replica.info('slave_repl_offset');
      await master.say('SET k 1');
      for (let i = 0; i < 100; i++) await master.say('INCR k');
      await master.ask('EVAL', "redis.call('SET', 'a', 1) redis.call('SET', 'b', 1)", '0');
      await heard(replica, master);
      expect(await replica.info('slave_repl_offset')).toBe(before);
      expect(await replica.say('EXISTS k a b')).toBe('(integer) 0');
      expect(await replica.info('master_link_status')).toBe('up');
      await replica.say('CLIENT UNPAUSE');
      await caughtUp(replica, master);
      expect(await replica.say('GET k')).toBe('"101"');
      expect(await replica.say('EXISTS a b')).toBe('(integer) 2');
    });

    it(`${kind}: a transaction that came in part is applied as a whole`, async () => {
      const [replica, master] = await pair(kind);
      await replica.say('CLIENT PAUSE 100000 WRITE');
      const client = await master.connect();
      for (const line of ['MULTI', 'SET x 1', 'INCR x', 'EXEC'])
        await client.call(...line.split(' '));
      await heard(replica, master);
      expect(await replica.say('GET x')).toBe('(nil)');
      await replica.say('CLIENT UNPAUSE');
      await caughtUp(replica, master);
      expect(await replica.say('GET x')).toBe('"2"');
      client.close();
    });
  }
});

it('rdb-key-save-delay slows what is streamed to replicas, too', async () => {
  const [replica, master] = [await startNode('respite'), await startNode('respite')];
  await master.say('DEBUG POPULATE 10');
  await master.say('CONFIG SET rdb-key-save-delay 100000000');
  await replica.follow(master);
  await eventually('the transfer goes on', async () => {
    const isSaving = (await master.info('rdb_bgsave_in_progress')) === '1';
    return isSaving && (await replica.say('ROLE')).includes('"sync"');
  });
  await replica.follow(undefined);
  await eventually('it is given up', async () => {
    return (await master.info('rdb_bgsave_in_progress')) === '0';
  });
});

it('says of a master that accepts and is silent that connecting took too long', async () => {
  const silent = net.createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const log: string[] = [];
  const server = await startServer({ 'repl-timeout': '1' }, { log: (line) => log.push(line) });
  atClose(() => silent.close());
  const client = await Talker.open(server);
  await client.ask(`REPLICAOF 127.0.0.1 ${(silent.address() as net.AddressInfo).port}`);
  await until(() => log.some((line) => line.includes('Timeout connecting to the MASTER (pong)')));
  await client.ask('REPLICAOF NO ONE');
});
