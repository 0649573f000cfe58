/**
 * What others see of a load or a save under way: refusals, the figures of INFO, the memory that a
 * snapshot holds, and that neither keeps a server from ending. Real files and the real thread.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { Server } from '../../src/server/server.ts';
import { BareServer, Inspector } from '../harness/bare-server.ts';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { SimulatedDisk } from '../harness/simulated-disk.ts';

afterEach(closeAll);

function temporaryDirectory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-progress-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function fields(talker: Talker, section: string): Promise<Map<string, string>> {
  const text = await talker.ask(`INFO ${section}`);
  return new Map(
    text
      .split(' ')
      .filter((word) => word.includes(':'))
      .map((word) => word.split(':') as [string, string]),
  );
}

/** Asks until a field of INFO persistence is at least so much. */
async function reaches(talker: Talker, name: string, least: number): Promise<void> {
  while (Number((await fields(talker, 'persistence')).get(name)) < least);
}

/** A directory with 1000 keys in a dump. */
async function dumped(): Promise<string> {
  const dir = temporaryDirectory();
  const server = await startServer({ dir, 'enable-debug-command': 'yes' });
  const talker = await Talker.open(server);
  expect(await talker.ask('DEBUG POPULATE 1000 key 40')).toBe('+OK');
  expect(await talker.ask('SAVE')).toBe('+OK');
  await server.close();
  return dir;
}

/** A server that is loading, slowly, and its end of that. */
async function startLoading(
  dir: string,
  delayUs: string,
): Promise<{ server: Server; loading: Promise<void> }> {
  const config = new Config();
  config.loadPairs([
    ['bind', '127.0.0.1'],
    ['port', '0'],
    ['save', ''],
    ['dir', dir],
    ['key-load-delay', delayUs],
  ]);
  const server = new Server(config, { log: () => {} });
  server.anyPort = true;
  const loading = server.listen();
  loading.catch(() => {});
  atClose(() => server.close());
  await until(() => server.loader.progress.isLoading);
  return { server, loading };
}

describe('while the data is loaded', () => {
  it('clients are told so, and INFO how far it is', async () => {
    const dir = await dumped();
    const { server, loading } = await startLoading(dir, '2000');
    const talker = await Talker.open(server);
    expect(await talker.ask('GET key:1')).toBe('-LOADING Redis is loading the dataset in memory');
    expect(await talker.ask('SET a b')).toContain('-LOADING');
    expect(await talker.ask('EVAL return_1 0')).toContain('-LOADING');
    talker.send('MULTI', 'GET key:1', 'EXEC');
    expect(await talker.take(3)).toEqual([
      '+OK',
      '-LOADING Redis is loading the dataset in memory',
      '-EXECABORT Transaction discarded because of previous errors.',
    ]);
    const info = await fields(talker, 'persistence');
    expect(info.get('loading')).toBe('1');
    const loaded = Number(info.get('loading_loaded_bytes'));
    const total = Number(info.get('loading_total_bytes'));
    expect(total).toBeGreaterThan(20_000);
    expect(loaded).toBeLessThan(total);
    const startedS = Number(info.get('loading_start_time'));
    expect(Math.abs(startedS - Date.now() / 1000)).toBeLessThan(60);
    await reaches(talker, 'loading_loaded_bytes', loaded + 1);
    expect(await talker.ask('CONFIG SET key-load-delay 0')).toBe('+OK');
    await loading;
    expect((await fields(talker, 'persistence')).get('loading')).toBe('0');
    expect(await talker.ask('DBSIZE')).toBe(':1000');
  });

  it('the server can end', async () => {
    const dir = await dumped();
    const { server } = await startLoading(dir, '1000000');
    const talker = await Talker.open(server);
    expect(await talker.ask('DBSIZE')).toContain('-LOADING');
    const startedMs = performance.now();
    await server.close();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(readdirSync(dir)).toEqual(['dump.rdb']);
  });
});

describe('while a snapshot is written', () => {
  async function slowSave(): Promise<{ server: Server; talker: Talker; dir: string }> {
    const dir = temporaryDirectory();
    const server = await startServer({ dir, 'enable-debug-command': 'yes' });
    const talker = await Talker.open(server);
    await talker.ask('DEBUG POPULATE 2000 key 1000');
    await talker.ask('CONFIG SET rdb-key-save-delay 5000');
    return { server, talker, dir };
  }

  it('INFO tells how far it is, and what it holds', async () => {
    const { talker, dir, server } = await slowSave();
    expect(await talker.ask('BGSAVE')).toBe('+Background saving started');
    await reaches(talker, 'current_save_keys_processed', 1);
    for (let i = 0; i < 100; i++) await talker.ask(`SET key:${i * 20} ${'w'.repeat(1000)}`);
    const info = await fields(talker, 'persistence');
    expect(info.get('rdb_bgsave_in_progress')).toBe('1');
    expect(info.get('current_save_keys_total')).toBe('2000');
    expect(Number(info.get('current_save_keys_processed'))).toBeLessThan(2000);
    expect(Number(info.get('current_cow_size'))).toBeGreaterThan(100_000);
    expect(Number(info.get('current_cow_peak'))).toBeGreaterThan(100_000);
    server.persistence.cancel();
    await until(() => !server.persistence.isRunning('save'));
    expect(readdirSync(dir)).toEqual([]);
  });

  it('neither CONFIG nor the end of the server waits for it', async () => {
    const { talker, server, dir } = await slowSave();
    await talker.ask('BGSAVE');
    await until(() => readdirSync(dir).some((name) => name.startsWith('temp')));
    const startedMs = performance.now();
    await server.close();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(readdirSync(dir)).toEqual([]);
  });
});

it('an append-only file that has grown is rewritten by itself, and grows from there', async () => {
  const disk = new SimulatedDisk();
  const bare = new BareServer(disk, {
    appendonly: 'yes',
    'auto-aof-rewrite-min-size': '2000',
    'auto-aof-rewrite-percentage': '100',
  });
  await bare.start();
  const value = 'v'.repeat(500);
  const rewrites: number[] = [];
  for (let i = 0; i < 60; i++) {
    bare.run(`SET k ${value}${i}`);
    bare.tick(1000);
    if (!bare.snapshots.isUnderWay) continue;
    rewrites.push(i);
    await bare.snapshots.finish();
    expect(disk.list('/appendonlydir').length).toBe(3);
  }
  // some 540 bytes a write: the first at 2000 bytes, then whenever the base has doubled
  expect(rewrites.length).toBeGreaterThan(10);
  expect(rewrites[0]).toBe(3);
  expect(new Inspector().aofDigest(disk)).toBe(bare.digest());
});
