/** A server inside a program that keeps its data: written, closed or killed, opened again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer, type ServerOptions } from '../../src/index.ts';
import { loadCommandFiles } from '../../src/server/offline.ts';
import { Connection } from '../harness/connection.ts';
import { root } from '../harness/respite.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-embedded-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function start(options: ServerOptions): Promise<[RespiteServer, Connection]> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  const client = await Connection.open(server.port);
  cleanups.push(() => client.close());
  return [server, client];
}

describe('createServer with a directory', () => {
  it.each(['always', 'everysec', 'no'])('has after close() what was written (%s)', async (sync) => {
    const options = { dir: directory(), config: { appendonly: 'yes', appendfsync: sync } };
    const [server, client] = await start(options);
    for (let i = 0; i < 500; i++) client.send('SET', `k${i}`, String(i));
    for (let i = 0; i < 500; i++) await client.receive();
    const library = "#!lua name=l\nredis.register_function('f', function() return 7 end)";
    await client.call('FUNCTION', 'LOAD', library);
    await server.close();
    const [, again] = await start(options);
    expect(await again.text('DBSIZE')).toBe('500');
    expect(await again.text('GET', 'k499')).toBe('499');
    expect(await again.text('FCALL', 'f', '0')).toBe('7');
  });

  it('makes the directory; what cannot be made is said', async () => {
    const dir = path.join(directory(), 'a', 'b');
    const [server, client] = await start({ dir, config: { appendonly: 'yes' } });
    await client.call('SET', 'k', 'v');
    await server.close();
    const [, again] = await start({ dir, config: { appendonly: 'yes' } });
    expect(await again.text('GET', 'k')).toBe('v');
    const file = path.join(directory(), 'file');
    writeFileSync(file, '');
    await expect(createServer({ dir: path.join(file, 'below') })).rejects.toThrow(
      /'dir' cannot be made of '.*below': Not a directory/,
    );
  });

  it('saves and loads: RDB, append-only files with and without manifest, JSON lines', async () => {
    const dir = directory();
    const config = { appendonly: 'yes', 'enable-debug-command': 'yes' };
    const [server, client] = await start({ dir, config });
    await client.call('HSET', 'h', 'f', 'v');
    await client.call('SET', 's', 'text', 'PX', '100000000');
    await client.call('ZADD', 'z', '1.5', 'm');
    await server.save();
    const digest = await client.text('DEBUG', 'DIGEST');
    const rdb = path.join(dir, 'dump.rdb');
    expect(existsSync(rdb)).toBe(true);
    const json = path.join(dir, 'dump.json');
    const { runTool } = await import('../../src/tools/command-line.ts');
    const silent = {
      out: () => {},
      err: () => {},
      terminal: { write: () => true },
      ask: () => '',
      readCommands: loadCommandFiles,
    };
    expect(await runTool(['convert', rdb, json], silent)).toBe(0);
    const lines = path.join(directory(), 'single.aof');
    writeFileSync(lines, readFileSync(path.join(dir, 'appendonlydir/appendonly.aof.1.incr.aof')));
    const manifest = path.join(dir, 'appendonlydir/appendonly.aof.manifest');

    const other = { dir: directory(), config };
    const [target, there] = await start(other);
    for (const file of [rdb, json, lines, manifest]) {
      await there.call('FLUSHALL');
      await there.call('SET', 'old', 'value');
      await target.load(file);
      expect(await there.text('DEBUG', 'DIGEST'), file).toBe(digest);
    }
    await there.call('SET', 'later', '1');
    const after = await there.text('DEBUG', 'DIGEST');
    await target.close();
    const [, again] = await start(other);
    expect(await again.text('DEBUG', 'DIGEST')).toBe(after);
  });

  it('keeps its data when an RDB file is damaged, and says what is wrong', async () => {
    const dir = directory();
    const [server, client] = await start({ dir });
    await client.call('SET', 'k', 'v');
    await server.save();
    const bytes = readFileSync(path.join(dir, 'dump.rdb'));
    const bad = path.join(dir, 'bad.rdb');
    writeFileSync(bad, bytes.subarray(0, bytes.length - 9));
    await client.call('SET', 'k', 'newer');
    await expect(server.load(bad)).rejects.toThrow(/byte|end/i);
    expect(await client.text('GET', 'k')).toBe('newer');
    await expect(server.load(path.join(dir, 'none.rdb'))).rejects.toThrow('ENOENT');
    expect(await client.text('GET', 'k')).toBe('newer');
  });

  it('does not start over damaged files', async () => {
    const dir = directory();
    writeFileSync(path.join(dir, 'dump.rdb'), 'REDIS0010 and nothing that follows');
    await expect(createServer({ dir })).rejects.toMatchObject({ name: 'LoadError' });
  });

  it('has what was acknowledged after its process was killed (always)', async () => {
    const dir = directory();
    const program = path.join(dir, 'program.mjs');
    const url = new URL(`file://${path.join(root, 'dist/src/index.js')}`).href;
    writeFileSync(
      program,
      `import { createServer } from '${url}';
       const server = await createServer({
         dir: process.argv[2],
         config: { appendonly: 'yes', appendfsync: 'always' },
       });
       console.log(server.port);`,
    );
    const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanups.push(() => child.kill('SIGKILL'));
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const client = await Connection.open(Number(port.toString()));
    let acknowledged = 0;
    for (let i = 0; i < 200; i++) client.send('RPUSH', 'l', String(i));
    for (let i = 0; i < 120; i++) acknowledged = Number(await receiveInt(client));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [, again] = await start({ dir, config: { appendonly: 'yes' } });
    const length = Number(await again.text('LLEN', 'l'));
    expect(length).toBeGreaterThanOrEqual(acknowledged);
    expect(await again.text('LINDEX', 'l', String(length - 1))).toBe(String(length - 1));
  });
});

async function receiveInt(client: Connection): Promise<string> {
  const { reply } = await client.receive();
  if (reply.kind !== 'integer') throw new Error(`an integer is expected, not ${reply.kind}`);
  return reply.bytes.toString();
}
