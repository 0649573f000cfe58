/**
 * redis-cli in all its modes, and the whole list of redis-benchmark, against this server. Skipped,
 * with the reason, where Debian's redis-tools are missing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';

const isThere = spawnSync('redis-cli', ['--version']).error === undefined;
if (!isThere) console.warn('SKIPPED: redis-cli is not installed (apt-get install redis-tools)');

/** A program's output; it is ended once `enough` is in it. */
function run(
  command: string,
  args: readonly string[],
  input = '',
  enough?: RegExp,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, TERM: 'dumb' } });
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString('latin1');
      if (enough?.test(output)) child.kill('SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('close', () => resolve(output.trim()));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

describe.skipIf(!isThere)('redis-cli', () => {
  let server: Server;
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-cli-'));
  const cli = (...args: string[]) => run('redis-cli', ['-p', String(server.port), ...args]);
  /** A mode that never ends by itself; its output must not wait in a buffer. */
  const endless = (enough: RegExp, ...args: string[]) =>
    run('stdbuf', ['-o0', 'redis-cli', '-p', String(server.port), ...args], '', enough);

  beforeAll(async () => {
    server = await startServer({ 'repl-diskless-sync-delay': '0' });
    const client = await connectTo(server);
    const fill = [
      'SET text some-text',
      'RPUSH list a b c',
      'SADD set a b',
      'ZADD zset 1 a 2 b 3 c 4 d',
      'HSET hash f v g w',
      'XADD stream * f v',
    ];
    for (const line of fill) await client.call(...line.split(' '));
  });
  afterAll(async () => {
    await closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it('sends a command, several, one from its input', async () => {
    expect(await cli('GET', 'text')).toBe('some-text');
    expect(await cli('-n', '3', 'DBSIZE')).toBe('0');
    expect(await cli('-r', '3', '-i', '0.01', 'PING')).toBe('PONG\nPONG\nPONG');
    const port = String(server.port);
    expect(await run('redis-cli', ['-p', port], 'GET text\nDBSIZE\n')).toMatch(
      /^some-text\n\n?\d+$/,
    );
    expect(await run('redis-cli', ['-p', port, '-x', 'ECHO'], 'from input')).toBe('from input');
    expect(await run('redis-cli', ['-p', port, '-X', 'TAG', 'ECHO', 'TAG'], 'x')).toBe('x');
    expect(await cli('-e', 'NOSUCH')).toMatch(/^ERR unknown command/);
    expect(await run('redis-cli', ['-u', `redis://127.0.0.1:${port}/0`, 'PING'])).toBe('PONG');
  });

  it('shows replies in its formats, in both protocols', async () => {
    expect(await cli('--csv', 'LRANGE', 'list', '0', '-1')).toBe('"a","b","c"');
    expect(JSON.parse(await cli('--json', 'HGETALL', 'hash'))).toEqual({ f: 'v', g: 'w' });
    expect(await cli('--quoted-json', 'GET', 'text')).toBe('"some-text"');
    expect(await cli('--no-raw', '-3', 'HGETALL', 'hash')).toBe('1# "f" => "v"\n2# "g" => "w"');
    expect(await cli('--no-raw', '-2', 'ZSCORE', 'zset', 'a')).toBe('"1"');
    expect(await cli('--no-raw', '-3', 'ZSCORE', 'zset', 'a')).toBe('(double) 1');
  });

  it('has help and hints for all commands, from COMMAND DOCS', async () => {
    const help = await run(
      'redis-cli',
      ['-p', String(server.port)],
      'help @hash\nhelp slowlog get\n',
    );
    expect(help).toMatch(/HVALS.*key/);
    expect(help).toContain('Returns the values of all fields.');
    expect(help).toMatch(/SLOWLOG GET.*\[count\]/);
  });

  it('--scan, --bigkeys, --memkeys', async () => {
    expect((await cli('--scan', '--pattern', '*set')).split('\n').sort()).toEqual(['set', 'zset']);
    const big = await cli('--bigkeys');
    for (const line of [
      /Biggest +list found '"list"' has 3 items/,
      /Biggest +hash found '"hash"' has 2 fields/,
      /Biggest string found '"text"' has 9 bytes/,
      /Biggest stream found '"stream"' has 1 entries/,
      /Biggest +set found '"set"' has 2 members/,
      /Biggest +zset found '"zset"' has 4 members/,
    ]) {
      expect(big).toMatch(line);
    }
    expect(await cli('--memkeys', '--memkeys-samples', '3')).toMatch(
      /Biggest +zset found '"zset"' has \d+ bytes/,
    );
  });

  it('--hotkeys under an LFU policy, its error under another', async () => {
    expect(await cli('--hotkeys')).toMatch(/ERR An LFU maxmemory policy is not selected/);
    const hot = await startServer({ 'maxmemory-policy': 'allkeys-lfu', 'lfu-log-factor': '0' });
    const client = await connectTo(hot);
    await client.call('SET', 'hot', 'x');
    for (let i = 0; i < 20; i++) await client.call('GET', 'hot');
    const found = await run('redis-cli', ['-p', String(hot.port), '--hotkeys']);
    expect(found).toMatch(/hot key found with counter: \d+\s+keyname: "hot"/);
  });

  it('--stat, --latency, --latency-history, --latency-dist, --lru-test', async () => {
    const size = await startServer({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' });
    const port = String(size.port);
    const [stat, latency, history, dist, lru] = await Promise.all([
      endless(/\n(\d.*\n){2}/, '--stat', '-i', '0.05'),
      cli('--latency', '--raw'),
      endless(/\n.*\n/, '--latency-history', '-i', '0.1'),
      endless(/\.01 \.125/, '--latency-dist', '-i', '0.1'),
      run('stdbuf', ['-o0', 'redis-cli', '-p', port, '--lru-test', '1000'], '', /Gets\/sec/),
    ]);
    expect(stat).toMatch(/keys +mem +clients[\s\S]*\n6 +[\d.]+[KM] +\d+ +0 +\d+ \(\+\d+\)/);
    expect(latency).toMatch(/^\d+ \d+ \d+\.\d+ \d+$/);
    expect(history).toMatch(/^\d+ \d+ [\d.]+ \d+$/m);
    expect(dist).toMatch(/\.01 \.125/);
    expect(lru).toMatch(/\d+ Gets\/sec \| Hits: \d+/);
  });

  it('--pipe sends a whole protocol stream', async () => {
    const commands = Array.from({ length: 5000 }, (_, i) => {
      const key = `piped:${i}`;
      return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$1\r\nx\r\n`;
    });
    const port = String(server.port);
    const out = await run('redis-cli', ['-n', '5', '-p', port, '--pipe'], commands.join(''));
    expect(out).toMatch(/errors: 0, replies: 5000$/);
    expect(await cli('-n', '0', 'EXISTS', 'piped:4999')).toMatch(/[01]/);
  });

  it('--eval runs a script with keys and arguments', async () => {
    const file = path.join(folder, 'script.lua');
    writeFileSync(file, 'return {KEYS[1], ARGV[1], #ARGV}');
    expect(await cli('--eval', file, 'k', ',', 'v')).toBe('k\nv\n1');
  });

  it('--rdb, --functions-rdb and --replica copy the data', async () => {
    const client = await connectTo(server);
    await client.call(
      'FUNCTION',
      'LOAD',
      "#!lua name=lib\nredis.register_function('f',function() return 1 end)",
    );
    const rdb = path.join(folder, 'copy.rdb');
    await cli('--rdb', rdb);
    const functions = path.join(folder, 'functions.rdb');
    await cli('--functions-rdb', functions);
    const copy = await startServer({ dir: folder, dbfilename: 'copy.rdb' });
    expect(copy.keyspace.dbs[0]!.size).toBe(server.keyspace.dbs[0]!.size);
    const bytes = readFileSync(functions, 'latin1');
    expect(bytes).toContain('register_function');
    expect(bytes).not.toContain('some-text');
    const stream = endless(/"set","from-master"/i, '--replica');
    const write = setInterval(() => void client.call('SET', 'from-master', 'x'), 20);
    expect(await stream).toMatch(/"set","from-master","x"/i);
    clearInterval(write);
  });

  it.each([
    ['', / requests per second/],
    ['-P 16 -r 1000', / requests per second/],
    ['-3 -P 4', / requests per second/],
    ['--csv', /^"[^"]+","/],
  ])('redis-benchmark, its whole list: %s', async (options, line) => {
    const words = options.split(' ').filter((word) => word !== '');
    const args = ['-p', String(server.port), '-n', '500', '-c', '5', '-q', ...words];
    const out = await run('redis-benchmark', args);
    const lines = out.split(/[\r\n]+/).filter((text) => line.test(text));
    const names = new Set(lines.map((text) => text.split(/[:,]/)[0]));
    expect(names.size).toBeGreaterThanOrEqual(20);
    expect(out).not.toMatch(/error/i);
  });
});
