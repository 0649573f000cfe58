/** `server.changes()`: what a program that embeds the server sees of its changes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Change,
  ChangesLostError,
  createServer,
  type RespiteServer,
  type ServerOptions,
} from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<[RespiteServer, Connection]> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  const client = await Connection.open(server.port);
  cleanups.push(() => client.close());
  return [server, client];
}

async function take(changes: AsyncIterator<Change, undefined>, count: number): Promise<Change[]> {
  const taken: Change[] = [];
  while (taken.length < count) {
    const { value } = await changes.next();
    if (value === undefined) break;
    taken.push(value);
  }
  return taken;
}

const words = (change: Change) => change.argv.map(String).join(' ');

describe('changes()', () => {
  it('tells each effect in its deterministic form, with database and number', async () => {
    const [server, client] = await start({ now: () => 1_000_000 });
    await client.call('SET', 'before', '1');
    const changes = server.changes();
    await client.call('SET', 'k', 'v', 'EX', '10');
    await client.call('GET', 'k');
    await client.call('SELECT', '3');
    await client.call('INCRBYFLOAT', 'f', '1.5');
    const bytes = Buffer.from([0, 13, 10, 255]);
    await client.call('RPUSH', bytes, bytes);
    const taken = await take(changes, 3);
    expect(taken.map((change) => [change.db, change.offset, change.more])).toEqual([
      [0, 1, false],
      [3, 2, false],
      [3, 3, false],
    ]);
    expect(words(taken[0]!)).toBe('SET k v PXAT 1010000');
    expect(words(taken[1]!)).toBe('SET f 1.5 KEEPTTL');
    expect(taken[2]!.argv.slice(1)).toEqual([bytes, bytes]);
    await changes.return?.();
    expect(await changes.next()).toEqual({ value: undefined, done: true });
  });

  it('marks what takes effect together', async () => {
    const [server, client] = await start();
    const changes = server.changes();
    for (const line of ['MULTI', 'SET a 1', 'GET a', 'SET b 2', 'EXEC']) {
      await client.call(...line.split(' '));
    }
    await client.call('EVAL', "redis.call('SET','c',1) redis.call('DEL','a')", '0');
    await client.call('MSET', 'd', '1', 'e', '2');
    const taken = await take(changes, 5);
    expect(taken.map((change) => `${words(change)} ${change.more}`)).toEqual([
      'SET a 1 true',
      'SET b 2 false',
      'SET c 1 true',
      'DEL a false',
      'MSET d 1 e 2 false',
    ]);
  });

  it('serves several streams, each from its opening on, and ends them with the server', async () => {
    const [server, client] = await start();
    const first = server.changes();
    await client.call('SET', 'a', '1');
    const second = server.changes();
    await client.call('SET', 'b', '2');
    await client.call('SET', 'c', '3');
    const waiting = take(first, 99);
    await server.close();
    expect((await waiting).map(({ offset }) => offset)).toEqual([1, 2, 3]);
    const rest: number[] = [];
    for await (const { offset } of second) rest.push(offset);
    expect(rest).toEqual([2, 3]);
  });

  it('ends with an error after what it holds when the consumer is too slow', async () => {
    const [server, client] = await start();
    const changes = server.changes({ bufferBytes: 4000 });
    const other = server.changes();
    for (let i = 0; i < 100; i++) await client.call('SET', 'k', String(i));
    const seen: number[] = [];
    let error: unknown;
    try {
      for await (const { offset } of changes) seen.push(offset);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ChangesLostError);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toBe((error as ChangesLostError).offset - 1);
    expect(await changes.next()).toEqual({ value: undefined, done: true });
    expect((await take(other, 100)).length).toBe(100);
  });

  it('hands out nothing before its sync with appendfsync always', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-changes-'));
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const [server, client] = await start({
      dir,
      config: { appendonly: 'yes', appendfsync: 'always' },
    });
    const changes = server.changes();
    // As many turns as there are: none of them hands out what the reply does not tell yet.
    for (let i = 0; i < 50; i++) {
      const next = changes.next().then(() => 'change');
      client.send('SET', 'k', String(i));
      const reply = client.receive().then(() => 'reply');
      await Promise.all([next, reply]);
    }
    expect((await take(changes, 0)).length).toBe(0);
  });
});
