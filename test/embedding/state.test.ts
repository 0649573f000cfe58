/** Moments kept and put back, data described and read, and reset(). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer, type ServerOptions } from '../../src/index.ts';
import { root } from '../harness/respite.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  return server;
}

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-state-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Numbers from a seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** One command at random: all types, small and large values, times to live, whole databases. */
async function step(server: RespiteServer, random: (below: number) => number): Promise<void> {
  const key = `k${random(40)}`;
  const n = random(1000);
  const text = 'x'.repeat(random(8) === 0 ? random(200_000) : random(50));
  const commands: (string | number)[][] = [
    ['SET', key, text],
    ['SET', key, text, 'EX', 1000 + n],
    ['APPEND', key, text],
    ['RPUSH', key, text, n],
    ['LPOP', key],
    ['HSET', key, `f${n}`, text],
    ['HEXPIRE', key, 1000 + n, 'FIELDS', 1, `f${n}`],
    ['SADD', key, n, `m${n}`],
    ['ZADD', key, n, `m${n}`],
    ['ZREMRANGEBYRANK', key, 0, 2],
    ['XADD', key, '*', 'f', text],
    ['EXPIRE', key, 1000 + n],
    ['PERSIST', key],
    ['DEL', key],
    ['UNLINK', key],
    ['RENAME', key, `k${n % 40}`],
    ['COPY', key, `k${n % 40}`, 'DB', n % 3],
    ['EVAL', 'for i = 1, 500 do redis.call("HSET", KEYS[1], i, ARGV[1]) end', 1, key, n],
  ];
  const line = random(300) === 0 ? ['FLUSHDB'] : commands[random(commands.length)]!;
  await server.exec('SELECT', random(3));
  const [name, ...args] = line;
  await server.exec(String(name), ...args).catch(() => {});
}

describe('snapshot and restore', () => {
  it('bring all data back, again and again, in any order', async () => {
    const server = await start({ config: { databases: 3 } });
    server.clock.freeze();
    const random = randomOf(20261);
    const moments: { snapshot: ReturnType<RespiteServer['snapshot']>; json: unknown }[] = [];
    for (let round = 0; round < 25; round++) {
      for (let i = 0; i < 60; i++) await step(server, random);
      if (moments.length < 4) moments.push({ snapshot: server.snapshot(), json: server.toJSON() });
      const chosen = moments[random(moments.length)]!;
      server.restore(chosen.snapshot);
      expect(server.toJSON()).toEqual(chosen.json);
      if (random(4) === 0) {
        moments.splice(moments.indexOf(chosen), 1);
        chosen.snapshot.dispose();
      }
    }
    for (const { snapshot } of moments) snapshot.dispose();
    await server.exec('FLUSHALL');
    expect(server.toJSON()).toEqual({ db: {} });
  });

  it('put times to live back: keys end when they would have', async () => {
    const server = await start();
    server.clock.freeze(1_000_000);
    for (let i = 0; i < 5000; i++) await server.exec('SET', `k${i}`, i, 'PX', 10_000 + i);
    const snapshot = server.snapshot();
    expect(snapshot.keys).toBe(5000);
    server.clock.advance(60_000);
    expect(await server.exec('DBSIZE')).toBe(0);
    server.clock.set(1_000_000);
    server.restore(snapshot);
    expect(await server.exec('PTTL', 'k7')).toBe(10_007);
    server.clock.advance(12_000);
    expect(await server.exec('DBSIZE')).toBe(2999);
    server.restore(snapshot);
    expect(await server.exec('DBSIZE')).toBe(5000);
  });

  it('tell those who watch, wait for or have cached a key', async () => {
    const server = await start();
    const snapshot = server.snapshot();
    const watcher = server.client();
    await server.exec('SET', 'a', 1);
    await server.exec('RPUSH', 'q', 1);
    const full = server.snapshot();
    await watcher.exec('WATCH', 'a');
    server.restore(snapshot);
    await watcher.exec('MULTI');
    await watcher.exec('PING');
    expect(await watcher.exec('EXEC')).toBe(null);
    const waiting = watcher.exec('BLPOP', 'q', 0);
    server.restore(full);
    expect(await waiting).toEqual(['q', '1']);
  });

  it('go on after a save, an unrelated snapshot and reset()', async () => {
    const dir = directory();
    const server = await start({ dir, config: { appendonly: 'yes' } });
    await server.seed({ a: '1', list: Array.from({ length: 5000 }, (_, i) => i) });
    const before = server.toJSON();
    const snapshot = server.snapshot();
    await server.exec('LPOP', 'list', 2000);
    await server.save();
    await server.reset();
    server.restore(snapshot);
    expect(server.toJSON()).toEqual(before);
    await server.save(path.join(dir, 'copy.rdb'));
    await server.close();
    expect((await start({ dir, config: { appendonly: 'yes' } })).toJSON()).toEqual(before);
    expect((await start({ load: path.join(dir, 'copy.rdb') })).toJSON()).toEqual(before);
  });

  it('reach replicas', async () => {
    const server = await start({ seed: { a: '1' }, config: { 'repl-diskless-sync-delay': 0 } });
    const copy = await start({ config: { replicaof: ['127.0.0.1', server.port] } });
    const value = () => copy.exec('GET', 'a').catch(() => 'loading');
    const within = { timeout: 10_000, interval: 20 };
    await expect.poll(value, within).toBe('1');
    const snapshot = server.snapshot();
    await server.exec('SET', 'a', 2);
    await expect.poll(value, within).toBe('2');
    server.restore(snapshot);
    await expect.poll(value, within).toBe('1');
  });

  it('belong to one server, and end with dispose()', async () => {
    const [server, other] = [await start(), await start()];
    const snapshot = server.snapshot();
    expect(() => other.restore(snapshot)).toThrow(/very server/);
    snapshot.dispose();
    expect(() => server.restore(snapshot)).toThrow(/disposed/);
  });
});

describe('from', () => {
  it('begins servers with the same data, each its own from then on', async () => {
    const server = await start();
    await server.seed({
      a: '1',
      big: 'x'.repeat(500_000),
      h: { f: 'v' },
      t: { string: 'x', ttl: 100 },
    });
    for (let i = 0; i < 3000; i++) await server.exec('SET', `k${i}`, i, 'EX', 1000);
    const snapshot = server.snapshot();
    const [one, two] = [await start({ from: snapshot }), await start({ from: snapshot.share() })];
    snapshot.dispose();
    expect(one.toJSON()).toEqual(server.toJSON());
    await one.exec('FLUSHALL');
    await server.exec('SET', 'a', 'changed');
    for (let i = 0; i < 3000; i++) await one.exec('RPUSH', 'list', i);
    expect(await two.exec('GET', 'a')).toBe('1');
    expect(await two.exec('STRLEN', 'big')).toBe(500_000);
    expect(await two.exec('TTL', 't')).toBeGreaterThan(90);
    const own = two.snapshot();
    await two.exec('FLUSHALL');
    two.restore(own);
    expect(await two.exec('GET', 'k77')).toBe('77');
    two.clock.advance(2_000_000);
    expect(await two.exec('DBSIZE')).toBe(3);
  });

  it('begins servers in other threads', async () => {
    const server = await start();
    await server.seed({ a: '1', l: ['x', 'y'] });
    const shared = server.snapshot().share();
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { createServer } = require(workerData.module);
      (async () => {
        const server = await createServer({ from: workerData.shared });
        await server.exec('INCR', 'a');
        parentPort.postMessage(server.toJSON());
        await server.close();
      })();`;
    const module = path.join(root, 'dist/cjs/index.cjs');
    const worker = new Worker(code, { eval: true, workerData: { module, shared } });
    const json = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(json).toEqual({ db: { 0: { a: { string: '2' }, l: { list: ['x', 'y'] } } } });
    expect(await server.exec('GET', 'a')).toBe('1');
    await worker.terminate();
  });
});

describe('seed, toJSON, save and load', () => {
  const seed = {
    string: 'text',
    number: 7,
    list: ['a', 'b'],
    set: new Set(['m', 'n']),
    zset: new Map([
      ['low', 1],
      ['high', 2.5],
    ]),
    hash: { field: 'value', list: 'a field' },
    timed: { hash: { f: 'v' }, ttl: 10, fieldTtl: { f: 5 } },
    stream: { stream: [{ id: '1-1', fields: { a: 'b' } }], groups: { workers: '0' } },
    until: { string: 'x', expiresAt: 5_000_000 },
  };
  const json = {
    db: {
      0: {
        string: { string: 'text' },
        number: { string: '7' },
        list: { list: ['a', 'b'] },
        set: { set: ['m', 'n'] },
        zset: { zset: { low: 1, high: 2.5 } },
        hash: { hash: { field: 'value', list: 'a field' } },
        timed: { hash: { f: 'v' }, fieldExpiresAt: { f: 1_005_000 }, expiresAt: 1_010_000 },
        stream: {
          stream: [{ id: '1-1', fields: { a: 'b' } }],
          groups: { workers: '0-0' },
        },
        until: { string: 'x', expiresAt: 5_000_000 },
      },
    },
  };

  it('write every type, and read it back in the same form', async () => {
    const server = await start({ now: () => 1_000_000, seed });
    expect(server.toJSON()).toEqual(json);
    expect(await server.exec('PTTL', 'timed')).toBe(10_000);
    const again = await start({ now: () => 1_000_000, seed: server.toJSON() });
    expect(again.toJSON()).toEqual(json);
    await again.seed({ db: { 3: { a: 1 } } });
    expect(Object.keys(again.toJSON().db)).toEqual(['0', '3']);
  });

  it('pass through files', async () => {
    const dir = directory();
    const server = await start({ now: () => 1_000_000, seed });
    await server.save(path.join(dir, 'data.json'));
    await server.save(path.join(dir, 'data.rdb'));
    expect(JSON.parse(readFileSync(path.join(dir, 'data.json'), 'utf8'))).toEqual(json);
    for (const name of ['data.json', 'data.rdb']) {
      const other = await start({ now: () => 1_000_000, load: path.join(dir, name) });
      expect(other.toJSON()).toEqual(json);
    }
    await expect(createServer({ load: path.join(dir, 'none.rdb') })).rejects.toThrow(
      /none.rdb|ENOENT|open/,
    );
  });

  it('replace keys, and say what is no value', async () => {
    const server = await start();
    await server.seed({ a: ['x'] });
    await server.seed({ a: 'text' });
    expect(await server.exec('GET', 'a')).toBe('text');
    await expect(server.seed({ a: null } as never)).rejects.toThrow(/'a'/);
    await expect(server.seed({ a: [] })).resolves.toBe(undefined);
  });
});

describe('reset', () => {
  it('puts everything back but what a client library has agreed on', async () => {
    const server = await start({ config: { maxmemory: '100mb' } });
    const client = new Redis(server.options('ioredis', { db: 2 }));
    cleanups.push(() => client.disconnect());
    await client.set('a', '1');
    await client.config('SET', 'maxmemory', '1mb');
    await client.script('LOAD', 'return 1');
    await client.call(
      'FUNCTION',
      'LOAD',
      '#!lua name=l\nredis.register_function("f", function() return 1 end)',
    );
    await client.client('SETNAME', 'mine');
    await client.watch('a');
    await client.multi({ pipeline: false });
    server.clock.freeze(1000);
    server.inject({ command: 'GET' }, { error: 'ERR x' });
    await server.reset();
    expect(await client.get('a')).toBe(null);
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', '104857600']);
    expect(await client.call('FUNCTION', 'LIST')).toEqual([]);
    expect(await client.script('EXISTS', 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db')).toEqual([0]);
    expect(await client.client('GETNAME')).toBe('mine');
    expect(await client.client('INFO')).toMatch(/db=2 .*multi=-1/);
    expect(server.clock.frozen).toBe(false);
    expect(server.counters.byCommand['set']).toBe(undefined);
  });

  it('puts users back, and cuts off those who were made since', async () => {
    const server = await start({ config: { user: ['ann on >pw ~* &* +@all'] } });
    const lines = await server.exec('ACL', 'LIST');
    await server.exec('ACL', 'SETUSER', 'ann', 'off', '-@all');
    await server.exec('ACL', 'SETUSER', 'bob', 'on', '>pw', '+@all');
    await server.exec('ACL', 'SETUSER', 'default', 'off');
    const bob = new Redis(server.port, { username: 'bob', password: 'pw', retryStrategy: null });
    cleanups.push(() => bob.disconnect());
    await bob.ping();
    const end = new Promise((resolve) => bob.once('end', resolve));
    await server.reset();
    await end;
    expect(await server.exec('ACL', 'LIST')).toEqual(lines);
    const ann = new Redis(server.port, { username: 'ann', password: 'pw' });
    cleanups.push(() => ann.disconnect());
    expect(await ann.get('a')).toBe(null);
    await server.exec('ACL', 'DELUSER', 'ann');
    await server.reset({ keep: ['users'] });
    expect(await server.exec('ACL', 'USERS')).toEqual(['default']);
  });

  it('makes a replica a master again, and one of another master a replica of its own', async () => {
    const server = await start();
    await server.exec('REPLICAOF', '127.0.0.1', 1);
    await server.reset();
    expect(await server.exec('ROLE')).toMatchObject(['master', expect.any(Number), []]);
    expect(await server.exec('SET', 'a', 1)).toBe('OK');
    const replica = await createServer({ config: { replicaof: '127.0.0.1 1' } });
    await replica.exec('REPLICAOF', 'NO', 'ONE');
    await replica.reset();
    const master = async () => ((await replica.exec('ROLE')) as unknown[]).slice(0, 3);
    expect(await master()).toEqual(['slave', '127.0.0.1', 1]);
    await replica.exec('REPLICAOF', '127.0.0.1', 2);
    await replica.reset({ keep: ['config'] });
    expect(await master()).toEqual(['slave', '127.0.0.1', 2]);
    await replica.close();
  });

  it('refuses what it cannot keep', async () => {
    const server = await start();
    await expect(server.reset({ keep: ['dta'] } as never)).rejects.toThrow("did you mean 'data'?");
    await expect(server.reset({ kep: [] } as never)).rejects.toThrow("did you mean 'keep'?");
  });

  it('keeps what it is told to', async () => {
    const server = await start();
    await server.exec('SET', 'a', 1);
    await server.exec('CONFIG', 'SET', 'hz', 50);
    server.clock.freeze(1_000_000);
    server.inject({ command: 'ECHO' }, { error: 'ERR x' });
    await server.reset({ keep: ['data', 'config', 'clock', 'faults', 'statistics'] });
    expect(await server.exec('GET', 'a')).toBe('1');
    expect(await server.exec('CONFIG', 'GET', 'hz')).toEqual({ hz: '50' });
    expect(server.clock.now()).toBe(1_000_000);
    await expect(server.exec('ECHO', 'x')).rejects.toThrow('ERR x');
    expect(server.counters.byCommand['set']).toBe(1);
  });

  it('frees memory in the background', async () => {
    const server = await start();
    const client = server.client();
    for (let i = 0; i < 30_000; i++) void client.exec('SET', `key:${i}`, 'v'.repeat(100));
    await server.reset();
    await expect
      .poll(
        async () => {
          const info = await server.exec('INFO', 'memory');
          return Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]);
        },
        { timeout: 5000 },
      )
      .toBeLessThan(1_000_000);
  });
});
