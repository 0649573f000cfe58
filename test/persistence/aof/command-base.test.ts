/**
 * The base of append-only files as commands (aof-use-rdb-preamble no): the same lines as
 * redis-server's for the same data, loaded by both with the same digest; and what later versions
 * have, through our own server.
 */
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ParseResult, RequestParser } from '../../../src/resp/request-parser.ts';
import { Args } from '../../../src/util/args.ts';
import type { Connection } from '../../harness/connection.ts';
import { describeWithOracle, startOracle } from '../../harness/oracle.ts';
import { startRespite } from '../../harness/respite.ts';
import { randomFrom } from '../../util/float-texts.ts';
import { type Argv, randomValue } from '../rdb/random-values.ts';

const VALUES = process.env['RESPITE_FULL'] === '1' ? 2000 : 160;
const NO_PREAMBLE = ['--aof-use-rdb-preamble', 'no'];
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 'answer' end)";
const BASE = 'appendonlydir/appendonly.aof.1.base.aof';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  readonly dir: string;
  readonly client: Connection;
}

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-base-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function start(
  how: (args: readonly string[]) => ReturnType<typeof startRespite>,
  dir: string,
  ...args: string[]
): Promise<Started> {
  const server = await how(['--dir', dir, ...NO_PREAMBLE, ...args]);
  cleanups.push(() => server.stop());
  const client = await server.connect();
  cleanups.push(() => client.close());
  return { dir, client };
}

async function run(client: Connection, ...commands: Argv[]): Promise<void> {
  for (const argv of commands) client.send(...argv);
  for (const argv of commands) {
    const { reply } = await client.receive();
    if (reply.kind === 'error') throw new Error(`${argv.slice(0, 3)}: ${reply.bytes}`);
  }
}

/** A reply's bytes. */
async function raw(client: Connection, ...argv: string[]): Promise<string> {
  client.send(...argv);
  return (await client.receive()).bytes.toString('latin1');
}

async function rewrite(client: Connection): Promise<void> {
  await client.call('BGREWRITEAOF');
  for (;;) {
    const info = await client.text('INFO', 'persistence');
    const running = /aof_rewrite_(in_progress|scheduled):1/.test(info);
    if (!running) {
      expect(info).toContain('aof_last_bgrewrite_status:ok');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The lines of a file by the key they are about, which is their second word or third. */
function linesByKey(file: string): Map<string, string[]> {
  const parser = new RequestParser();
  const bytes = readFileSync(file);
  parser.push(bytes, 0, bytes.length);
  const args = new Args();
  const lines = new Map<string, string[]>();
  let database = '';
  while (parser.next(args) === ParseResult.request) {
    const words = Array.from({ length: args.argc }, (_, i) => args.latin1(i));
    if (words[0] === 'SELECT') database = words[1]!;
    const of = words[0] === 'XGROUP' || words[0] === 'FUNCTION' ? words[2]! : words[1]!;
    const key = `${database} ${of}`;
    const sofar = lines.get(key) ?? [];
    sofar.push(words.map((word) => JSON.stringify(word)).join(' '));
    lines.set(key, sofar);
  }
  expect(parser.bufferedBytes).toBe(0);
  return lines;
}

describeWithOracle('a base of commands', () => {
  it('is what redis-server writes, and each loads the other one', { timeout: 60_000 }, async () => {
    const random = randomFrom(20);
    const theirs = await start(startOracle, directory());
    await run(theirs.client, ['FUNCTION', 'LOAD', LIBRARY]);
    /** Keys whose elements are in the order of a hash table, which is each server's own. */
    const unordered = new Set<string>();
    for (let i = 0; i < VALUES; i++) {
      const value = randomValue(random, i);
      const database = i % 10 === 0 ? '9' : '0';
      await run(theirs.client, ['SELECT', database], ...value.commands);
      if (random() < 0.3) await run(theirs.client, ['PEXPIREAT', 'k', String(4e12 + i)]);
      const encoding = await theirs.client.text('OBJECT', 'ENCODING', 'k');
      if (/hashtable|skiplist/.test(encoding)) unordered.add(`${database} key ${i}`);
      await run(theirs.client, ['RENAME', 'k', `key ${i}`]);
    }
    await run(theirs.client, ['SAVE']);
    await rewrite(theirs.client);

    const dir = directory();
    copyFileSync(path.join(theirs.dir, 'dump.rdb'), path.join(dir, 'dump.rdb'));
    const ours = await start(startRespite, dir);
    await rewrite(ours.client);
    const digest = await theirs.client.text('DEBUG', 'DIGEST');
    expect(await ours.client.text('DEBUG', 'DIGEST')).toBe(digest);

    const expected = linesByKey(path.join(theirs.dir, BASE));
    const found = linesByKey(path.join(ours.dir, BASE));
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, lines] of expected) {
      const own = found.get(key)!;
      if (!unordered.has(key)) expect(own).toEqual(lines);
      else {
        const shape = (all: string[]) => all.map((line) => line.split('" "').length);
        expect(shape(own)).toEqual(shape(lines));
        const words = (all: string[]) => all.join(' ').split(' ').sort();
        expect(words(own)).toEqual(words(lines));
      }
    }

    for (const how of [startRespite, startOracle]) {
      for (const from of [theirs, ours]) {
        const copy = directory();
        const files = path.join(copy, 'appendonlydir');
        cpSync(path.join(from.dir, 'appendonlydir'), files, { recursive: true });
        const loaded = await start(how, copy, '--appendonly', 'yes');
        expect(await loaded.client.text('DEBUG', 'DIGEST')).toBe(digest);
        expect(await raw(loaded.client, 'FUNCTION', 'LIST')).toContain('lib');
      }
    }
  });

  it('holds pending entries whose entries are deleted', async () => {
    const ours = await start(startRespite, directory());
    await run(
      ours.client,
      ['XADD', 's', '1-1', 'a', 'b'],
      ['XADD', 's', '2-1', 'a', 'b'],
      ['XADD', 's', '3-1', 'a', 'b'],
      ['XGROUP', 'CREATE', 's', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>'],
      ['XDEL', 's', '1-1', '3-1'],
      ['XADD', 'empty', '5-1', 'a', 'b'],
      ['XGROUP', 'CREATE', 'empty', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'empty', '>'],
      ['XDEL', 'empty', '5-1'],
      ['XGROUP', 'CREATE', 'never', 'g', '$', 'MKSTREAM'],
    );
    await rewrite(ours.client);
    const ask = async (client: Connection): Promise<string[]> => {
      const replies: string[] = [];
      for (const key of ['s', 'empty', 'never']) {
        const pending = await raw(client, 'XPENDING', key, 'g', '-', '+', '10');
        replies.push(pending.replace(/:\d+\r\n:(\d+)/g, ':idle :$1'));
        // Where the nodes of the tree lie is not part of the data.
        replies.push((await raw(client, 'XINFO', 'STREAM', key)).replace(/radix[^:]*:\d+/g, ''));
      }
      return replies;
    };
    const expected = await ask(ours.client);
    expect(expected[0]).toContain('3-1');
    for (const how of [startRespite, startOracle]) {
      const copy = directory();
      const files = path.join(copy, 'appendonlydir');
      cpSync(path.join(ours.dir, 'appendonlydir'), files, { recursive: true });
      const { client } = await start(how, copy, '--appendonly', 'yes');
      if (how === startRespite) expect(await ask(client)).toEqual(expected);
      else expect((await ask(client))[0]).toBe(expected[0]);
    }
  });

  it('keeps times of fields, released entries, producers; begins with the time', async () => {
    const ours = await start(startRespite, directory(), '--aof-timestamp-enabled', 'yes');
    const far = String(Date.now() + 1e9);
    await run(
      ours.client,
      ['HSET', 'h', 'a', '1', 'b', '2', 'c', '3'],
      ['HPEXPIREAT', 'h', far, 'FIELDS', '2', 'a', 'c'],
      ['XADD', 's', 'IDMP', 'p', 'one', '*', 'f', 'v'],
      ['XADD', 'r', '1-1', 'f', 'v'],
      ['XADD', 'r', '2-1', 'f', 'v'],
      ['XADD', 'r', '3-1', 'f', 'v'],
      ['XGROUP', 'CREATE', 'r', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'r', '>'],
      ['XNACK', 'r', 'g', 'FAIL', 'IDS', '1', '3-1'],
      ['XNACK', 'r', 'g', 'FATAL', 'IDS', '1', '1-1'],
    );
    await rewrite(ours.client);
    const seconds = /^#TS:(\d+)\r\n/.exec(readFileSync(path.join(ours.dir, BASE), 'latin1'))?.[1];
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(60);
    const digest = await ours.client.text('DEBUG', 'DIGEST');
    const ask = async (client: Connection): Promise<string[]> => [
      await raw(client, 'HPEXPIRETIME', 'h', 'FIELDS', '3', 'a', 'b', 'c'),
      await raw(client, 'XADD', 's', 'IDMP', 'p', 'one', '*', 'f', 'v'),
      (await raw(client, 'XPENDING', 'r', 'g', '-', '+', '10')).replace(/:\d+\r\n:/g, ':idle :'),
      (
        await raw(client, 'XREADGROUP', 'GROUP', 'g', 'd', 'CLAIM', '0', 'STREAMS', 'r', '>')
      ).replace(/:\d+\r\n:/g, ':idle :'),
    ];
    const copy = directory();
    const files = path.join(copy, 'appendonlydir');
    cpSync(path.join(ours.dir, 'appendonlydir'), files, { recursive: true });
    const { client } = await start(startRespite, copy, '--appendonly', 'yes');
    expect(await client.text('DEBUG', 'DIGEST')).toBe(digest);
    expect(await ask(client)).toEqual(await ask(ours.client));
  });
});
