/**
 * SHUTDOWN of a master whose replica lags: it waits for it, `shutdown-timeout` seconds at most.
 */
import { afterEach, expect, it } from 'vitest';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { ScriptedReplica } from '../harness/scripted-replica.ts';

afterEach(closeAll);

/** A master whose replica has not acknowledged a write. */
async function lagging(directives: Record<string, string> = {}) {
  const server = await startServer({ 'repl-diskless-sync-delay': '0', ...directives });
  const client = await Talker.open(server);
  const replica = await ScriptedReplica.open(server.port);
  atClose(() => replica.close());
  await replica.conf('capa', 'eof', 'capa', 'psync2');
  await replica.psync();
  await replica.rdb();
  replica.acknowledge(0);
  await until(() => server.replication.replicas.online().length === 1);
  expect(await client.ask('SET a 1')).toBe('+OK');
  return { server, client, replica, other: await Talker.open(server) };
}

const NONE = '-ERR No shutdown in progress.';

it('can be given up while it waits; writes wait meanwhile', async () => {
  const { server, client, other } = await lagging();
  expect(await client.ask('SHUTDOWN ABORT')).toBe(NONE);
  client.send('SHUTDOWN NOSAVE');
  await until(() => server.lifecycle.wait.isRunning);
  // Who asks again waits too, whatever he asks for (redis-server 7.0.15).
  const again = await Talker.open(server);
  again.send('SHUTDOWN NOW');
  await until(() => server.blocking.size === 2);
  expect(await other.ask('GET a')).toBe('$1 1');
  // The replica is none of them.
  expect(await other.ask('INFO clients')).toMatch(/connected_clients:3\s.*blocked_clients:2\s/s);
  expect(await other.ask('INFO server')).toMatch(/shutdown_in_milliseconds:\d+/);
  const writer = await Talker.open(server);
  writer.send('SET b 1');
  await until(() => server.pause.size === 1);
  expect(await other.ask('SHUTDOWN ABORT')).toBe('+OK');
  for (const talker of [client, again]) {
    expect(await talker.next()).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
  }
  expect(await writer.next()).toBe('+OK');
  expect(await other.ask('SHUTDOWN ABORT')).toBe(NONE);
  expect(await other.ask('INFO server')).not.toMatch(/shutdown_in_milliseconds/);
});

it('goes on when who asked for it is unblocked', async () => {
  const { server, client, other } = await lagging();
  const id = /:(\d+)/.exec(await client.ask('CLIENT ID'))![1];
  client.send('SHUTDOWN');
  await until(() => server.blocking.size === 1);
  expect(await other.ask(`CLIENT UNBLOCK ${id}`)).toBe(':1');
  expect(await client.next()).toBe('-UNBLOCKED client unblocked via CLIENT UNBLOCK');
  client.send('XREAD BLOCK 0 STREAMS s $');
  await until(() => server.blocking.size === 1);
  expect(await other.ask('SHUTDOWN ABORT')).toBe('+OK');
  other.send('XADD s 1-1 f v');
  expect(await client.next()).toContain('1-1');
});

it('ends when the replica has everything', async () => {
  const { server, client, replica } = await lagging();
  client.send('SHUTDOWN');
  await until(() => server.lifecycle.wait.isRunning);
  replica.acknowledge(server.replication.offset);
  await expect(client.next()).rejects.toThrow(/clos|end/i);
});

it.each([
  ['SHUTDOWN', { 'shutdown-timeout': '1' }],
  ['SHUTDOWN', { 'shutdown-timeout': '0' }],
  ['SHUTDOWN NOW', {}],
])('%s with %o does not wait longer', async (line, directives) => {
  const { client } = await lagging(directives as Record<string, string>);
  client.send(line);
  await expect(client.next()).rejects.toThrow(/clos|end/i);
});
