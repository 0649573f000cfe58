/**
 * redis-server 7.0.15 as replicas of this server: whatever random commands of all types do, expired
 * keys, scripts, functions and blocked clients among them, and however often links are cut, the
 * digests are the same in the end. And redis-cli, which takes copies of its own.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { effectSteps } from '../differential/generator-effects.ts';
import type { Connection } from '../harness/connection.ts';
import { atClose, closeAll, connectTo, startServer, until } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';

afterEach(closeAll);

const FULL = process.env['RESPITE_FULL'] === '1';
const SEQUENCES = FULL ? 400 : 12;
const COMMANDS_MAX = 60;
const EQUAL_WITHIN_MS = 10_000;

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-pair-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function startMaster(directives: Record<string, string> = {}): Promise<Server> {
  return startServer({
    'enable-debug-command': 'yes',
    'repl-diskless-sync-delay': '0',
    dir: directory(),
    ...directives,
  });
}

async function startReplica(server: Server, ...args: string[]): Promise<Connection> {
  const oracle = await startOracle(['--replicaof', `127.0.0.1 ${server.port}`, ...args]);
  atClose(() => oracle.stop('SIGKILL'));
  return oracle.connect();
}

/** The same digest, and the same libraries, after whatever is still to come has come. */
async function same(server: Server, replica: Connection): Promise<void> {
  const client = await connectTo(server);
  const state = async (one: Connection) =>
    `${await one.text('DEBUG', 'DIGEST')} ${await one.text('DBSIZE')}`;
  const deadline = Date.now() + EQUAL_WITHIN_MS;
  for (;;) {
    const [ours, theirs] = [await state(client), await state(replica)];
    if (ours === theirs) break;
    if (Date.now() > deadline) expect(theirs).toBe(ours);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const libraries = async (one: Connection) => {
    one.send('FUNCTION', 'LIST', 'WITHCODE');
    return (await one.receive()).bytes.toString('latin1');
  };
  expect(await libraries(replica)).toBe(await libraries(client));
}

/** Runs random commands; each sequence on what the one before has left. */
async function runRandom(client: Connection, seed: number, each: (i: number) => Promise<void>) {
  const sequences = fc.sample(effectSteps(false, COMMANDS_MAX), { seed, numRuns: SEQUENCES });
  for (const [i, steps] of sequences.entries()) {
    for (const { commands } of steps) {
      // The replicas' data is not to be thrown away all the time.
      for (const argv of commands) {
        if (argv[0] === 'FLUSHALL' && i % 4 !== 0) continue;
        client.send(...argv.map((word) => Buffer.from(word, 'latin1')));
        await client.receive();
      }
    }
    await each(i);
  }
}

const LIBRARY = `#!lua name=lib\nredis.register_function('f', function(keys, args)
  redis.call('SET', keys[1], args[1]) redis.call('SPOP', 'spopped') return redis.call('TIME') end)`;

describeWithOracle('redis-server as replica', () => {
  it.each([
    ['straight from the snapshot', {}],
    ['by a file', { 'repl-diskless-sync': 'no' }],
  ])('has the same data after copies %s and random commands', async (_how, directives) => {
    const server = await startMaster(directives);
    const client = await connectTo(server);
    await client.text('FUNCTION', 'LOAD', LIBRARY);
    await runRandom(client, SEED, async () => {});
    const first = await startReplica(server);
    let second: Connection | undefined;
    await runRandom(client, SEED + 1, async (i) => {
      await client.text('SADD', 'spopped', 'a', 'b', 'c', String(i));
      await client.text('FCALL', 'f', '1', `f${i}`, 'x');
      await client.text(
        'EVAL',
        "redis.call('INCR', KEYS[1]) redis.call('PEXPIRE', KEYS[1], 50)",
        '1',
        'e',
      );
      if (i === 3) second = await startReplica(server, '--repl-diskless-load', 'swapdb');
      if (i % 3 === 2) await client.text('CLIENT', 'KILL', 'TYPE', 'replica');
      const blocked = await connectTo(server);
      blocked.send('BLMOVE', 'waited', 'moved', 'LEFT', 'RIGHT', '5');
      await client.text('RPUSH', 'waited', String(i), 'more');
      await blocked.receive();
    });
    await same(server, first);
    await same(server, second!);
    // Those killed above may have been away already; these are not.
    for (let i = 0; i < 2; i++) {
      const { syncPartialOk } = server.stats;
      await client.text('CLIENT', 'KILL', 'TYPE', 'replica');
      await until(() => server.stats.syncPartialOk > syncPartialOk + 1);
    }
    await same(server, first);
    await same(server, second!);
    // Keys that nobody asks for go on the replica as they go here.
    await client.text('SET', 'short', '1', 'PX', '30');
    await same(server, first);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await same(server, first);
  });

  it('continues after its link was cut, without another copy', async () => {
    const server = await startMaster();
    const client = await connectTo(server);
    const replica = await startReplica(server);
    await client.text('SET', 'a', '1');
    await same(server, replica);
    const before = server.stats.syncFull;
    for (let i = 0; i < 5; i++) {
      await client.text('SELECT', String(i % 3));
      await client.text('CLIENT', 'KILL', 'TYPE', 'replica');
      for (let k = 0; k < 50; k++) await client.text('SET', `k${k}`, `v${i}`);
      await same(server, replica);
    }
    expect(server.stats.syncFull).toBe(before);
    expect(server.stats.syncPartialOk).toBeGreaterThanOrEqual(5);
  });

  it('counts in WAIT', async () => {
    const server = await startMaster();
    const client = await connectTo(server);
    const replicas = [await startReplica(server), await startReplica(server)];
    await client.text('SET', 'a', '1');
    for (const replica of replicas) await same(server, replica);
    for (let i = 0; i < 20; i++) {
      await client.text('SET', 'a', String(i));
      client.send('WAIT', '2', '5000');
      expect((await client.receive()).bytes.toString()).toBe(':2\r\n');
      for (const replica of replicas) expect(await replica.text('GET', 'a')).toBe(String(i));
    }
  });

  it.each([
    ['--rdb', true],
    ['--functions-rdb', false],
  ])('redis-cli %s takes a copy that redis-server loads', async (option, hasKeys) => {
    const server = await startMaster({ rdbcompression: 'no' });
    const client = await connectTo(server);
    await client.text('FUNCTION', 'LOAD', LIBRARY);
    for (let i = 0; i < 1000; i++) client.send('SET', `k${i}`, 'v');
    for (let i = 0; i < 1000; i++) await client.receive();
    const dir = directory();
    const file = path.join(dir, 'dump.rdb');
    await new Promise<void>((resolve, reject) => {
      execFile('redis-cli', ['-p', String(server.port), option, file], (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file).includes('register_function')).toBe(true);
    const oracle = await startOracle(['--dir', dir]);
    atClose(() => oracle.stop('SIGKILL'));
    const reader = await oracle.connect();
    reader.send('DBSIZE');
    expect((await reader.receive()).bytes.toString()).toBe(hasKeys ? ':1000\r\n' : ':0\r\n');
    expect(server.replication.replicas.count).toBe(0);
    const check = spawnSync('redis-check-rdb', [file]);
    expect(check.status ?? 0).toBe(0);
  });
});
