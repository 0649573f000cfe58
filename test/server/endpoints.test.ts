/** The addresses a server listens on: what can be had, what cannot, and CONFIG SET port and bind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { Server } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { freePort } from '../harness/server-process.ts';

/** An address that no machine has. */
const ABSENT = '192.0.2.1';

let lines: string[];

beforeEach(() => {
  lines = [];
});
afterEach(closeAll);

const log = (line: string) => void lines.push(line.trim().replace(/^\S+ .*?\.\d{3} /, ''));

async function start(directives: Readonly<Record<string, string>> = {}) {
  const server = await startServer(directives, { log });
  return { server, client: await Talker.open(server) };
}

async function isServedAt(port: number, host = '127.0.0.1'): Promise<boolean> {
  try {
    const connection = await Connection.open(port, host);
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

/** A port that someone else listens on until the test ends. */
async function takenPort(): Promise<{ port: number } & AsyncDisposable> {
  const other = createTcpServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => other.close(() => resolve())),
  };
}

it('CONFIG SET port moves the socket and keeps the clients', async () => {
  const { server, client } = await start();
  const before = server.port;
  expect(await client.ask('CONFIG GET port')).toBe(`*2 $4 port $5 ${before}`);
  const port = await freePort();
  expect(await client.ask(`CONFIG SET port ${port}`)).toBe('+OK');
  expect(server.port).toBe(port);
  expect(await isServedAt(port)).toBe(true);
  expect(await isServedAt(before)).toBe(false);
  expect(await client.ask('PING')).toBe('+PONG');
  expect(await client.ask('INFO server')).toContain(`tcp_port:${port} `);
});

it('CONFIG SET port to one that is taken changes nothing, of its other pairs neither', async () => {
  await using other = await takenPort();
  const { server, client } = await start();
  const before = server.port;
  expect(await client.ask(`CONFIG SET maxmemory 10mb port ${other.port}`)).toBe(
    "-ERR CONFIG SET failed (possibly related to argument 'port') - " +
      'Unable to listen on this port. Check server logs.',
  );
  expect(await client.ask('CONFIG GET maxmemory')).toBe('*2 $9 maxmemory $1 0');
  expect(await client.ask('CONFIG GET port')).toBe(`*2 $4 port $5 ${before}`);
  expect(server.port).toBe(before);
  expect(await isServedAt(before)).toBe(true);
  expect(lines).toContain(
    `# Warning: Could not create server TCP listening socket 127.0.0.1:${other.port}: ` +
      'bind: Address already in use',
  );
});

it('CONFIG SET port 0 closes TCP; the unix socket stays', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-'));
  const unixsocket = path.join(dir, 's');
  const config = new Config();
  const port = await freePort();
  config.loadPairs(Object.entries({ port: String(port), unixsocket, bind: '127.0.0.1' }));
  const server = new Server(config, { log });
  try {
    await server.listen();
    const client = new Redis({ path: unixsocket });
    expect(await client.config('SET', 'port', '0')).toBe('OK');
    expect(await isServedAt(port)).toBe(false);
    expect(await client.config('SET', 'port', port)).toBe('OK');
    expect(await isServedAt(port)).toBe(true);
    client.disconnect();
  } finally {
    await server.close();
    rmSync(dir, { recursive: true });
  }
});

it('CONFIG SET bind moves to other addresses, or stays when one cannot be had', async () => {
  const { server, client } = await start();
  const { port } = server;
  const refused =
    "-ERR CONFIG SET failed (possibly related to argument 'bind') - " +
    'Failed to bind to specified addresses.';
  const set = async (bind: string) => {
    client.connection.send('CONFIG', 'SET', 'bind', bind);
    return client.next();
  };
  expect(await set('127.0.0.1 127.0.0.2')).toBe('+OK');
  expect(await isServedAt(port, '127.0.0.2')).toBe(true);
  for (const bind of [`127.0.0.1 ${ABSENT}`, 'no-such-host.invalid', ABSENT]) {
    expect(await set(bind), bind).toBe(refused);
    expect(await isServedAt(port, '127.0.0.2')).toBe(true);
  }
  expect(await client.ask('CONFIG GET bind')).toBe('*2 $4 bind $19 127.0.0.1 127.0.0.2');
  expect(await set(`localhost -${ABSENT}`)).toBe('+OK');
  expect(await isServedAt(port)).toBe(true);
  expect(await isServedAt(port, '127.0.0.2')).toBe(false);
  expect(await set('')).toBe('+OK');
  expect(await isServedAt(port)).toBe(false);
  expect(await set('*')).toBe('+OK');
  expect(await isServedAt(port, '127.0.0.3')).toBe(true);
});

it('CONFIG SET unixsocket is refused, as 7.0.15 does', async () => {
  const { client } = await start();
  expect(await client.ask('CONFIG SET unixsocket /tmp/x')).toBe(
    "-ERR CONFIG SET failed (possibly related to argument 'unixsocket') - " +
      "can't set immutable config",
  );
});

for (const [what, directives, line] of [
  [
    'a unix socket in a directory that is not there',
    { unixsocket: '/nonexistent/s' },
    '# Failed opening Unix socket: bind: No such file or directory',
  ],
  ['no port and no socket', { port: '0' }, '# Configured to not listen anywhere, exiting.'],
  ['no address', { bind: '' }, '# Configured to not listen anywhere, exiting.'],
  [
    'an address the machine lacks',
    { bind: ABSENT, port: '7' },
    `# Warning: Could not create server TCP listening socket ${ABSENT}:7: ` +
      'bind: Cannot assign requested address',
  ],
] as const) {
  it(`does not start with ${what}, and says so before it is ready`, async () => {
    const config = new Config();
    config.loadPairs([
      ['bind', '127.0.0.1'],
      ['port', String(await freePort())],
      ...Object.entries(directives),
    ]);
    const server = new Server(config, { log });
    await expect(server.listen()).rejects.toThrow();
    expect(lines).toContain(line);
    expect(lines.join('\n')).not.toContain('Ready');
    await server.close();
  });
}
