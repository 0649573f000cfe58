/** The server inside a program: real sockets, real clients, limits, lifecycle. */
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer, type ServerOptions } from '../../src/index.ts';
import { cpuMsOf } from '../harness/cpu-time.ts';
import { atClose, closeAll, startServer } from '../harness/in-process-server.ts';

afterEach(closeAll);

async function start(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  atClose(() => server.close());
  return server;
}

/** A raw connection that collects what it gets. */
class Raw {
  text = '';
  ended = false;
  readonly socket: Socket;
  private waiting: (() => void)[] = [];

  constructor(target: number | string) {
    this.socket = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk) => {
      this.text += chunk;
      this.wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
    atClose(() => this.socket.destroy());
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves once the condition holds; a vitest timeout is the failure. */
  async until(condition: () => boolean): Promise<string> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.text;
  }

  reply(expected: string): Promise<string> {
    return this.until(() => this.text.length >= expected.length || this.ended);
  }
}

describe('createServer()', () => {
  it('serves ioredis with its defaults', async () => {
    const server = await start();
    const redis = new Redis(server.port, { lazyConnect: true });
    atClose(() => redis.disconnect());
    await redis.connect();
    expect(await redis.set('k', 'v', 'EX', 100)).toBe('OK');
    expect(await redis.get('k')).toBe('v');
    expect(await redis.ttl('k')).toBe(100);
    const bytes = Buffer.from([0, 255, 13, 10]);
    await redis.set('bin', bytes);
    expect(await redis.getBuffer('bin')).toEqual(bytes);
    const results = await redis.pipeline().incr('n').incr('n').get('n').call('NOSUCH').exec();
    expect(results?.slice(0, 3)).toEqual([
      [null, 1],
      [null, 2],
      [null, '2'],
    ]);
    expect(results?.[3]?.[0]?.message).toContain('unknown command');
    const keys: string[] = [];
    for await (const found of redis.scanStream({ match: '*', count: 10 })) keys.push(...found);
    expect(keys.sort()).toEqual(['bin', 'k', 'n']);
  });

  for (const RESP of [2, 3] as const) {
    it(`serves node-redis in RESP${RESP}`, async () => {
      const server = await start();
      const client = createClient({ url: server.url, RESP });
      await client.connect();
      atClose(() => client.destroy());
      expect(await client.set('k', '1')).toBe('OK');
      expect(await client.incr('k')).toBe(2);
      expect(await client.mGet(['k', 'none'])).toEqual(['2', null]);
      expect((await client.clientInfo()).libName).toBe('node-redis');
      expect(await client.configGet('maxmemory')).toEqual({ maxmemory: '0' });
    });
  }

  it('runs several in one process, apart from each other; reset() empties', async () => {
    const [a, b] = [await start(), await start()];
    const [x, y] = [new Raw(a.port), new Raw(b.port)];
    x.send('SET k a\r\n');
    await x.reply('+OK\r\n');
    y.send('GET k\r\n');
    expect(await y.reply('$-1\r\n')).toBe('$-1\r\n');
    await a.reset();
    x.send('DBSIZE\r\n');
    expect(await x.reply('+OK\r\n:0\r\n')).toBe('+OK\r\n:0\r\n');
    expect(x.ended).toBe(false);
  });

  it('starts for little and leaves nothing open', async () => {
    const before = process.getActiveResourcesInfo().filter((r) => r.startsWith('TCP')).length;
    let server!: RespiteServer;
    const cost = await cpuMsOf(async () => {
      server = await createServer();
    });
    // Some 20 ms; `npm run bench` measures the start of a process.
    expect(cost).toBeLessThan(200);
    const raw = new Raw(server.port);
    raw.send('PING\r\n');
    await raw.reply('+PONG\r\n');
    await server.close();
    await server.close();
    await raw.until(() => raw.ended);
    const after = process.getActiveResourcesInfo().filter((r) => r.startsWith('TCP')).length;
    expect(after).toBeLessThanOrEqual(before);
  });

  it('rejects when the address is taken or a directive is wrong', async () => {
    const server = await start();
    await expect(createServer({ port: server.port })).rejects.toThrow('Address already in use');
    await expect(createServer({ config: { nosuch: 1 } })).rejects.toThrow(
      "'nosuch' is no directive",
    );
    await expect(createServer({ config: { hz: 'x' } })).rejects.toThrow();
  });

  it('follows an injected clock', async () => {
    let nowMs = 1_000_000;
    const server = await start({ now: () => nowMs });
    const raw = new Raw(server.port);
    raw.send('SET k v PX 1000\r\nPTTL k\r\n');
    await raw.reply('+OK\r\n:1000\r\n');
    nowMs += 1001;
    raw.text = '';
    raw.send('GET k\r\n');
    expect(await raw.reply('$-1\r\n')).toBe('$-1\r\n');
  });
});

describe('INFO', () => {
  it('counts commands, bytes, hits, misses, errors and time', async () => {
    const server = await start();
    const raw = new Raw(server.port);
    raw.send('SET k v\r\nGET k\r\nGET none\r\nNOSUCH\r\nINCR k\r\n');
    await raw.until(() => raw.text.endsWith('not an integer or out of range\r\n'));
    raw.text = '';
    raw.send('INFO everything\r\n');
    const text = await raw.until(() => raw.text.includes('# Keyspace\r\ndb0:'));
    for (const line of [
      'total_net_input_bytes:59',
      'keyspace_hits:1',
      'keyspace_misses:1',
      'total_error_replies:2',
      'errorstat_ERR:count=2',
      'connected_clients:1',
      'db0:keys=1,expires=0,avg_ttl=0',
    ]) {
      expect(text).toContain(`${line}\r\n`);
    }
    expect(text).toMatch(/cmdstat_get:calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,/);
    expect(text).toMatch(/cmdstat_incr:calls=1,.*failed_calls=1\r\n/);
    raw.text = '';
    raw.send('CONFIG RESETSTAT\r\nINFO stats\r\n');
    expect(await raw.until(() => raw.text.includes('keyspace_misses:'))).toContain(
      'keyspace_hits:0',
    );
  });
});

describe('connections', () => {
  it('refuses one client too many', async () => {
    const server = await start({ config: { maxclients: 2 } });
    const first = new Raw(server.port);
    const second = new Raw(server.port);
    for (const raw of [first, second]) {
      raw.send('PING\r\n');
      await raw.reply('+PONG\r\n');
    }
    const third = new Raw(server.port);
    await third.until(() => third.ended);
    expect(third.text).toBe('-ERR max number of clients reached\r\n');
    first.send('PING\r\n');
    expect(await first.reply('+PONG\r\n+PONG\r\n')).toBe('+PONG\r\n+PONG\r\n');
  });

  it('ends idle ones', async () => {
    const server = await start({ config: { timeout: 1, hz: 100 } });
    const raw = new Raw(server.port);
    raw.send('PING\r\n');
    await raw.until(() => raw.ended);
    expect(raw.text).toBe('+PONG\r\n');
  });

  it('listens on a unix socket with exactly the permissions asked for', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'respite-'));
    atClose(() => rmSync(dir, { recursive: true }));
    const path = join(dir, 's.sock');
    const server = await start({ config: { unixsocket: path, unixsocketperm: '700' } });
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const raw = new Raw(path);
    raw.send('PING\r\n');
    expect(await raw.reply('+PONG\r\n')).toBe('+PONG\r\n');
    await server.close();
    expect(() => statSync(path)).toThrow();
  });

  for (const [what, lay] of [
    ['the empty file of mktemp', (path: string) => writeFileSync(path, '')],
    ['a link that leads nowhere', (path: string) => symlinkSync('/nonexistent/s', path)],
  ] as const) {
    it(`a unix socket takes the place of ${what}, as with redis-server`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'respite-'));
      atClose(() => rmSync(dir, { recursive: true }));
      const path = join(dir, 's.sock');
      lay(path);
      await start({ config: { unixsocket: path } });
      const raw = new Raw(path);
      raw.send('PING\r\n');
      expect(await raw.reply('+PONG\r\n')).toBe('+PONG\r\n');
    });
  }

  it('a unix socket never takes the place of a file with content', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'respite-'));
    atClose(() => rmSync(dir, { recursive: true }));
    const path = join(dir, 'notes.txt');
    writeFileSync(path, 'mine');
    await expect(start({ config: { unixsocket: path } })).rejects.toThrow('Address already in use');
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  for (const request of ['POST / HTTP/1.1\r\n', 'GET /\r\nHost: x\r\n', 'host: x\r\n']) {
    it(`ends at ${JSON.stringify(request)} and runs nothing after it`, async () => {
      const server = await start();
      const raw = new Raw(server.port);
      raw.send(`${request}SET k v\r\n`);
      await raw.until(() => raw.ended);
      const other = new Raw(server.port);
      other.send('GET k\r\n');
      expect(await other.reply('$-1\r\n')).toBe('$-1\r\n');
    });
  }

  it('cuts a client that does not read, and nobody else', async () => {
    const limit = 'normal 1000000 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60';
    const server = await start({ config: { 'client-output-buffer-limit': limit, hz: 100 } });
    const slow = new Raw(server.port);
    const other = new Raw(server.port);
    other.send(`SET big ${'x'.repeat(60_000)}\r\n`);
    await other.reply('+OK\r\n');
    slow.socket.pause();
    let closed = false;
    slow.socket.on('close', () => {
      closed = true;
    });
    slow.send('GET big\r\n'.repeat(300));
    other.text = '';
    const cut = () => other.text.includes('client_output_buffer_limit_disconnections:1');
    while (!cut()) {
      other.text = '';
      other.send('INFO stats\r\n');
      await other.until(() => other.text.includes('output_buffer_limit_disconnections:'));
      await other.until(() => other.text.endsWith('\r\n\r\n') || other.text.endsWith('\r\n'));
    }
    slow.socket.resume();
    await slow.until(() => slow.ended);
    expect(closed).toBe(true);
  });

  it('cuts an unauthenticated client that does not read after about 1 KB', async () => {
    const server = await start({ config: { requirepass: 'secret' } });
    const raw = new Raw(server.port);
    raw.send('GET x\r\n'.repeat(10));
    await raw.until(() => raw.text.split('\r\n').length > 10);
    expect(raw.text.startsWith('-NOAUTH Authentication required.\r\n')).toBe(true);
    raw.send('AUTH wrong\r\nAUTH secret\r\nGET x\r\n');
    await raw.until(() => raw.text.endsWith('$-1\r\n'));
    expect(raw.text).toContain('-WRONGPASS');
  });

  it('CLIENT PAUSE WRITE holds writes back in order and lets reads through', async () => {
    const server = await start();
    const writer = new Raw(server.port);
    const reader = new Raw(server.port);
    reader.send('CLIENT PAUSE 100000 WRITE\r\n');
    await reader.reply('+OK\r\n');
    writer.send('SET a 1\r\nINCR a\r\nGET a\r\n');
    reader.send('GET a\r\n');
    await reader.reply('+OK\r\n$-1\r\n');
    expect(writer.text).toBe('');
    reader.send('CLIENT UNPAUSE\r\n');
    expect(await writer.reply('+OK\r\n:2\r\n$1\r\n2\r\n')).toBe('+OK\r\n:2\r\n$1\r\n2\r\n');
  });

  it('CLIENT PAUSE ends by itself', async () => {
    const server = await start();
    const raw = new Raw(server.port);
    raw.send('CLIENT PAUSE 30\r\nPING\r\nPING\r\n');
    expect(await raw.reply('+OK\r\n+PONG\r\n+PONG\r\n')).toBe('+OK\r\n+PONG\r\n+PONG\r\n');
  });

  it('takes and gives a value of 64 MB', async () => {
    const server = await start();
    const size = 64 * 1024 * 1024;
    const raw = new Raw(server.port);
    raw.send(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${size}\r\n`);
    for (let i = 0; i < 64; i++) raw.send('v'.repeat(1024 * 1024));
    raw.send('\r\nSTRLEN big\r\nGETRANGE big -3 -1\r\n');
    expect(await raw.reply(`+OK\r\n:${size}\r\n$3\r\nvvv\r\n`)).toBe(
      `+OK\r\n:${size}\r\n$3\r\nvvv\r\n`,
    );
    raw.text = '';
    raw.send('GET big\r\n');
    await raw.until(() => raw.text.length === size + `$${size}\r\n\r\n`.length);
    expect(raw.text.endsWith('v\r\n')).toBe(true);
  });
});

describe('full memory', () => {
  it('refuses what adds data past maxmemory and goes on with the rest', async () => {
    const server = await start({ config: { maxmemory: '3mb' } });
    const raw = new Raw(server.port);
    raw.send(`${`APPEND k ${'x'.repeat(50_000)}\r\n`.repeat(80)}DEL k\r\nSET k v\r\n`);
    await raw.until(() => raw.text.endsWith(':1\r\n+OK\r\n'));
    expect(raw.text).toContain("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  });
});

describe('a bug of ours in a handler', () => {
  async function broken(afterChange: boolean) {
    const lines: string[] = [];
    let exitCode: number | undefined;
    const server = await startServer(
      {},
      {
        log: (line) => lines.push(line),
        // The seeded bug is one that tells nobody.
        unreportedWrite: () => {},
        exit: (code) => {
          exitCode = code;
        },
      },
    );
    const echo = server.commands.byName('echo')!;
    Object.assign(echo, {
      run: () => {
        if (afterChange) server.keyspace.arena.writes++;
        throw new TypeError('seeded bug');
      },
    });
    return { server, lines, exitCode: () => exitCode };
  }

  it('answers an internal error, logs the command and ends that connection only', async () => {
    const { server, lines, exitCode } = await broken(false);
    const raw = new Raw(server.port);
    raw.send('PING\r\nECHO secret-value\r\nPING\r\n');
    await raw.until(() => raw.ended);
    expect(raw.text).toBe('+PONG\r\n-ERR internal error\r\n');
    expect(lines.join('')).toContain("Internal error in 'echo': TypeError: seeded bug");
    expect(lines.join('')).not.toContain('secret-value');
    expect(exitCode()).toBeUndefined();
    const other = new Raw(server.port);
    other.send('PING\r\n');
    expect(await other.reply('+PONG\r\n')).toBe('+PONG\r\n');
  });

  it('stops serving when data had begun to change', async () => {
    const { server, lines, exitCode } = await broken(true);
    const raw = new Raw(server.port);
    const other = new Raw(server.port);
    other.send('PING\r\n');
    await other.reply('+PONG\r\n');
    raw.send('ECHO x\r\n');
    await raw.until(() => raw.ended);
    await other.until(() => other.ended);
    expect(exitCode()).toBe(1);
    expect(lines.join('')).toContain('The data may be damaged');
  });
});
