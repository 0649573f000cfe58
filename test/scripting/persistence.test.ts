/**
 * Functions and the effects of scripts outlive the process: through SAVE, the append-only file and
 * its rewrite, DEBUG RELOAD, a kill, and files exchanged with redis-server. Scripts are not kept.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import type { ServerProcess } from '../harness/server-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const library = (name: string, answer: string) =>
  `#!lua name=${name}\nredis.register_function('${name}_f', function() return '${answer}' end)`;

interface Started {
  readonly dir: string;
  readonly client: Connection;
  readonly server: ServerProcess;
}

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-functions-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function start(
  how: (args: readonly string[]) => Promise<ServerProcess>,
  dir: string,
  ...args: string[]
): Promise<Started> {
  const server = await how(['--dir', dir, ...args]);
  cleanups.push(() => server.stop());
  const client = await server.connect();
  cleanups.push(() => client.close());
  return { dir, client, server };
}

const AOF = ['--appendonly', 'yes', '--appendfsync', 'always'];

async function rewritten(client: Connection): Promise<void> {
  await client.call('BGREWRITEAOF');
  for (;;) {
    const info = await client.text('INFO', 'persistence');
    if (!/aof_rewrite_(in_progress|scheduled):1/.test(info)) return;
  }
}

async function reply(client: Connection, ...argv: string[]): Promise<string> {
  client.send(...argv);
  return (await client.receive()).bytes.toString('latin1');
}

it('functions are there after SAVE, DEBUG RELOAD and a start; scripts are not', async () => {
  const dir = directory();
  const first = await start(startRespite, dir);
  await first.client.call('FUNCTION', 'LOAD', library('one', 'yes'));
  const sha = await first.client.text('SCRIPT', 'LOAD', 'return 1');
  expect(await reply(first.client, 'DEBUG', 'RELOAD')).toBe('+OK\r\n');
  expect(await first.client.text('FCALL', 'one_f', '0')).toBe('yes');
  await first.client.call('SAVE');
  await first.server.stop('SIGKILL');
  const second = await start(startRespite, dir);
  expect(await second.client.text('FCALL', 'one_f', '0')).toBe('yes');
  expect(await reply(second.client, 'EVALSHA', sha, '0')).toMatch(/^-NOSCRIPT /);
});

it('every change of functions is in the append-only file, also after a rewrite', async () => {
  const dir = directory();
  const first = await start(startRespite, dir, ...AOF);
  const { client } = first;
  await client.call('FUNCTION', 'LOAD', library('gone', 'no'));
  await client.call('FUNCTION', 'DELETE', 'gone');
  await client.call('FUNCTION', 'LOAD', library('one', 'old'));
  await client.call('FUNCTION', 'LOAD', 'REPLACE', library('one', 'new'));
  await rewritten(client);
  await client.call('FUNCTION', 'LOAD', library('two', '2'));
  client.send('FUNCTION', 'DUMP');
  const { reply: dump } = await client.receive();
  await client.call('FUNCTION', 'FLUSH');
  if (dump.kind !== 'bulk') throw new Error(dump.kind);
  client.send('FUNCTION', 'RESTORE', dump.bytes as Buffer);
  expect((await client.receive()).bytes.toString()).toBe('+OK\r\n');
  await first.server.stop('SIGKILL');
  const second = await start(startRespite, dir, ...AOF);
  expect(await second.client.text('FCALL', 'one_f', '0')).toBe('new');
  expect(await second.client.text('FCALL', 'two_f', '0')).toBe('2');
  expect(await reply(second.client, 'FCALL', 'gone_f', '0')).toBe('-ERR Function not found\r\n');
});

it('what a script wrote before it failed is there after a kill', async () => {
  const dir = directory();
  const first = await start(startRespite, dir, ...AOF);
  const script = `redis.call('SET', 'a', '1') redis.call('RPUSH', 'l', 'x', 'y')
    redis.call('SELECT', '3') redis.call('SET', 'b', '2') error('no further')`;
  expect(await reply(first.client, 'EVAL', script, '0')).toMatch(/^-ERR .*no further/);
  const digest = await first.client.text('DEBUG', 'DIGEST');
  await first.server.stop('SIGKILL');
  const second = await start(startRespite, dir, ...AOF);
  expect(await second.client.text('DEBUG', 'DIGEST')).toBe(digest);
  expect(await second.client.text('LLEN', 'l')).toBe('2');
});

describeWithOracle('functions and redis-server', () => {
  it('each loads the files of the other', { timeout: 30_000 }, async () => {
    for (const [from, to] of [
      [startRespite, startOracle],
      [startOracle, startRespite],
    ] as const) {
      const source = await start(from, directory(), ...AOF);
      await source.client.call('FUNCTION', 'LOAD', library('base', 'b'));
      await rewritten(source.client);
      await source.client.call('FUNCTION', 'LOAD', library('tail', 't'));
      await source.client.call('EVAL', "redis.call('SET','k','v') redis.call('INCR','n')", '0');
      const digest = await source.client.text('DEBUG', 'DIGEST');
      await source.client.call('SAVE');
      await source.server.stop('SIGKILL');
      for (const args of [AOF, []]) {
        const dir = directory();
        cpSync(source.dir, dir, { recursive: true });
        const target = await start(to, dir, ...args);
        expect(await target.client.text('FCALL', 'base_f', '0')).toBe('b');
        expect(await target.client.text('FCALL', 'tail_f', '0')).toBe('t');
        expect(await target.client.text('DEBUG', 'DIGEST')).toBe(digest);
      }
    }
  });
});
