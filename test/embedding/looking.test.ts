/** What a server tells of its work: recordings, events, counters, keyspace events. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer, type ServerOptions } from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  return server;
}

describe('record', () => {
  it('notes commands with client, arguments and reply', async () => {
    const server = await start();
    const client = await Connection.open(server.port);
    cleanups.push(() => client.close());
    await client.call('CLIENT', 'SETNAME', 'app');
    const recorder = server.record();
    await client.call('SET', 'a', '1');
    await client.call('INCR', 'a');
    await client.call('NOPE', 'x');
    await client.call('CONFIG', 'GET', 'hz');
    const shown = recorder.commands.map(({ name, args, reply }) => [name, args, String(reply)]);
    expect(shown).toEqual([
      ['set', ['a', '1'], 'OK'],
      ['incr', ['a'], '2'],
      ['NOPE', ['x'], expect.stringContaining("unknown command 'NOPE'")],
      ['config|get', ['hz'], 'hz,10'],
    ]);
    expect(recorder.commands[0]).toMatchObject({ client: { name: 'app', db: 0 } });
    expect(recorder.commands[0]!.ms).toBeGreaterThanOrEqual(0);
    expect(recorder.of('SET')).toHaveLength(1);
    recorder.clear();
    recorder.stop();
    await client.call('PING');
    expect(recorder.commands).toEqual([]);
  });

  it('has the replies of commands that waited, and no secrets', async () => {
    const server = await start({ password: 'pw' });
    using recorder = server.record();
    const client = server.client();
    const waiting = client.exec('BLPOP', 'q', 0);
    expect(recorder.commands).toEqual([]);
    await server.exec('RPUSH', 'q', 'x');
    await waiting;
    expect(recorder.of('blpop')[0]!.reply).toEqual(['q', 'x']);
    await server.exec('AUTH', 'pw');
    expect(recorder.of('auth')[0]!.args).toEqual(['(redacted)']);
  });

  it('keeps the latest when there are too many, and only those of its names', async () => {
    const server = await start();
    using few = server.record({ max: 10 });
    using pings = server.record({ commands: ['PING'] });
    for (let i = 0; i < 100; i++) await server.exec('ECHO', i);
    await server.exec('PING');
    expect(few.commands.length).toBeLessThan(20);
    expect(few.commands.at(-2)!.args).toEqual(['99']);
    expect(pings.commands).toHaveLength(1);
  });
});

describe('events', () => {
  it('tell of clients, commands, errors and the end', async () => {
    const server = await createServer();
    const told: string[] = [];
    const listener = ({ name }: { name: string }) => told.push(name);
    server.on('command', listener);
    server.on('connect', ({ address }) => told.push(address.startsWith('127') ? 'connect' : '?'));
    server.on('disconnect', () => told.push('disconnect'));
    server.on('error', (error, { name }) => told.push(`${name}: ${error.message.slice(0, 3)}`));
    server.once('close', () => told.push('close'));
    const client = await Connection.open(server.port);
    await client.call('PING');
    await client.call('INCR', 'a', 'b');
    client.close();
    await expect.poll(() => told).toContain('disconnect');
    server.off('command', listener);
    await server.exec('PING');
    await server.close();
    expect(told).toEqual(['connect', 'ping', 'incr', 'incr: ERR', 'disconnect', 'close']);
  });
});

describe('counters and keyEvents', () => {
  it('count since the start or the reset', async () => {
    const server = await start();
    await server.exec('SET', 'a', 1);
    await server.exec('GET', 'a');
    await server.exec('GET', 'none');
    await server.exec('INCR', 'a', 1).catch(() => {});
    expect(server.counters).toMatchObject({
      hits: 1,
      misses: 1,
      errors: 1,
      byCommand: { get: 2, set: 1 },
    });
    await server.reset();
    expect(server.counters).toMatchObject({ hits: 0, commands: 0, byCommand: {} });
  });

  it('tell events whatever the configuration says, and leave it as it is', async () => {
    const server = await start();
    await using events = server.keyEvents({ match: 'user:*', db: 0 });
    const subscriber = server.client();
    const messages: unknown[] = [];
    subscriber.onPush((push) => messages.push(push));
    await subscriber.exec('PSUBSCRIBE', '__key*');
    await server.exec('SET', 'other', 1);
    await server.exec('SET', 'user:1', 1);
    await server.exec('DEL', 'user:1');
    expect((await events.next()).value).toEqual({ db: 0, event: 'set', key: 'user:1' });
    expect((await events.next()).value).toEqual({ db: 0, event: 'del', key: 'user:1' });
    await server.exec('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
    await server.exec('SET', 'user:2', 1);
    expect((await events.next()).value).toEqual({ db: 0, event: 'set', key: 'user:2' });
    await expect.poll(() => messages.length).toBe(3);
    await events.return?.();
    await server.exec('SET', 'user:3', 1);
    await expect.poll(() => messages.length).toBe(5);
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });
});
