/**
 * FAILOVER's master side, step by step, with a scripted replica that is in sync or is not, and takes
 * the role over or does not. Between real servers: chains.test.ts.
 */
import { afterEach, expect, it } from 'vitest';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { ScriptedMaster } from '../harness/scripted-master.ts';
import { ScriptedReplica } from '../harness/scripted-replica.ts';

afterEach(closeAll);

/** A master, a replica that lags, and where that one would listen. */
async function lagging() {
  const server = await startServer({ 'repl-diskless-sync-delay': '0' });
  const target = await ScriptedMaster.start();
  atClose(() => target.close());
  const client = await Talker.open(server);
  const replica = await ScriptedReplica.open(server.port);
  atClose(() => replica.close());
  await replica.conf('listening-port', String(target.port), 'capa', 'eof', 'capa', 'psync2');
  await replica.psync();
  await replica.rdb();
  replica.acknowledge(0);
  await until(() => server.replication.replicas.online().length === 1);
  expect(await client.ask('SET a 1')).toBe('+OK');
  const writer = await Talker.open(server);
  return { server, client, writer, replica, target };
}

it('that times out, or is given up, leaves the master as it was', async () => {
  const { server, client, writer } = await lagging();
  for (const [start, end] of [
    ['FAILOVER TIMEOUT 150', undefined],
    ['FAILOVER', 'FAILOVER ABORT'],
  ] as const) {
    expect(await client.ask(start)).toBe('+OK');
    expect(server.replication.failover.state).toBe('waiting-for-sync');
    expect(await client.ask('FAILOVER')).toBe('-ERR FAILOVER already in progress.');
    const { offset } = server.replication;
    writer.send('SET b 1');
    await until(() => server.pause.untilMs > 0);
    // CLIENT UNPAUSE is about another pause; reads go on, and nobody may begin to follow.
    expect(await client.ask('CLIENT UNPAUSE')).toBe('+OK');
    expect(await client.ask('GET b')).toMatch(/^\$(-1|1 1)$/);
    const late = await ScriptedReplica.open(server.port);
    expect(await late.psync()).toBe("-NOMASTERLINK Can't SYNC while failing over");
    late.close();
    expect(server.replication.offset).toBe(offset);
    if (end !== undefined) expect(await client.ask(end)).toBe('+OK');
    expect(await writer.next()).toBe('+OK');
    expect(server.replication.failover.state).toBe('no-failover');
    expect(server.replication.isReplica).toBe(false);
  }
  expect(await client.ask('FAILOVER ABORT')).toBe('-ERR No failover in progress.');
});

it.each(['takes it', 'refuses'])('to a replica in sync that %s', async (what) => {
  const { server, client, writer, replica, target } = await lagging();
  const { offset, identity } = server.replication;
  const { replid } = identity;
  expect(await client.ask(`FAILOVER TO 127.0.0.1 ${target.port}`)).toBe('+OK');
  writer.send('SET b 1');
  replica.acknowledge(offset);
  const link = await target.accept();
  expect(await link.handshake()).toBe(`PSYNC ${replid} ${offset + 1} FAILOVER`);
  if (what === 'refuses') {
    link.send(Buffer.from("-ERR PSYNC FAILOVER can't be sent to a master.\r\n"));
    expect(await writer.next()).toBe('+OK');
    expect(server.replication.isReplica).toBe(false);
    expect(await client.ask('ROLE')).toMatch(/^\*3 \$6 master/);
  } else {
    link.send(Buffer.from(`+CONTINUE ${'f'.repeat(40)}\r\n`));
    expect(await writer.next()).toMatch(/^-READONLY/);
    expect(identity.replid).toBe('f'.repeat(40));
    expect(identity.replid2).toBe(replid);
    expect(await client.ask('ROLE')).toMatch(/^\*5 \$5 slave .*connected/);
  }
  expect(server.replication.failover.state).toBe('no-failover');
});

it('that is forced goes on without the replica being in sync', async () => {
  const { server, client, target } = await lagging();
  const { port } = target;
  expect(await client.ask(`FAILOVER TO 127.0.0.1 ${port} FORCE TIMEOUT 100`)).toBe('+OK');
  const link = await target.accept();
  expect(await link.handshake()).toMatch(/ FAILOVER$/);
  expect(server.replication.failover.state).toBe('failover-in-progress');
  expect(await client.ask('FAILOVER ABORT')).toBe('+OK');
  expect(server.replication.isReplica).toBe(false);
  expect(await client.ask('SET b 1')).toBe('+OK');
});
