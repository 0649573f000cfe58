/** Faults on purpose: which requests they hit, what happens to them, and that they end. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer, faults, type RespiteServer } from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(): Promise<RespiteServer> {
  let seed = 1;
  const server = await createServer({
    random: () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    },
  });
  cleanups.push(() => server.close());
  return server;
}

async function connect(server: RespiteServer): Promise<Connection> {
  const client = await Connection.open(server.port);
  cleanups.push(() => client.close());
  return client;
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => error.message,
  );

describe('inject', () => {
  it('answers commands of a name with an error, others not, until it is disposed of', async () => {
    const server = await start();
    const fault = server.inject({ command: ['SET', 'config set'] }, faults.readonly);
    expect(await failure(server.exec('SET', 'a', 1))).toBe(faults.readonly.error);
    expect(await failure(server.exec('CONFIG', 'SET', 'hz', 20))).toMatch(/^READONLY/);
    expect(await server.exec('CONFIG', 'GET', 'hz')).toEqual({ hz: '10' });
    expect(await server.exec('GET', 'a')).toBe(null);
    expect(fault.hits).toBe(2);
    fault.dispose();
    expect(await server.exec('SET', 'a', 1)).toBe('OK');
    expect(fault.hits).toBe(2);
  });

  it('matches keys, clients, a number of times and a share', async () => {
    const server = await start();
    server.inject({ key: 'a', times: 2 }, faults.moved(15495, '127.0.0.1:7001'));
    expect(await failure(server.exec('MGET', 'b', 'a'))).toBe('MOVED 15495 127.0.0.1:7001');
    expect(await server.exec('GET', 'b')).toBe(null);
    expect(await failure(server.exec('GET', 'a'))).toMatch(/^MOVED/);
    expect(await server.exec('GET', 'a')).toBe(null);
    server.inject({ key: /^user:/ }, faults.ask(1, 'h:1'));
    expect(await failure(server.exec('GET', 'user:1'))).toBe('ASK 1 h:1');
    const named = await connect(server);
    await named.call('CLIENT', 'SETNAME', 'worker');
    server.inject({ client: 'worker' }, faults.busy);
    await expect(named.text('PING')).rejects.toThrow('BUSY');
    expect(await server.exec('PING')).toBe('PONG');
    const share = server.inject({ command: 'ECHO', probability: 0.3 }, faults.oom);
    for (let i = 0; i < 500; i++) await server.exec('ECHO', 'x').catch(() => {});
    expect(share.hits).toBeGreaterThan(100);
    expect(share.hits).toBeLessThan(200);
  });

  it('makes requests of one client wait, in their order, and nobody else', async () => {
    const server = await start();
    const slow = await connect(server);
    server.inject({ command: 'GET', times: 1 }, { delayMs: 50 });
    const from = performance.now();
    slow.send('SET', 'a', '1');
    slow.send('GET', 'a');
    slow.send('DEL', 'a');
    expect(await server.exec('PING')).toBe('PONG');
    await slow.receive();
    expect((await slow.receive()).bytes.toString()).toBe('$1\r\n1\r\n');
    expect(performance.now() - from).toBeGreaterThan(45);
    expect((await slow.receive()).bytes.toString()).toBe(':1\r\n');
  });

  it('delays, then fails', async () => {
    const server = await start();
    server.inject({ command: 'GET' }, { delayMs: 20, error: 'ERR late' });
    expect(await failure(server.exec('GET', 'a'))).toBe('ERR late');
  });

  it('a fault that was over before the delay was still hits what waited for it', async () => {
    const server = await start();
    const once = server.inject({ command: 'GET', times: 1 }, { delayMs: 20, error: 'ERR late' });
    const waits = failure(server.exec('GET', 'a'));
    expect(await failure(server.client().exec('GET', 'a'))).toBe('no error');
    expect(await waits).toBe('ERR late');
    expect(once.hits).toBe(1);
    const leaver = await connect(server);
    server.inject({ command: 'GET', times: 1 }, { delayMs: 5, error: 'ERR late' });
    leaver.send('GET', 'a');
    await vi.waitFor(() => expect(server.counters.commands).toBeGreaterThan(0));
    await leaver.close();
    expect(await failure(server.exec('GET', 'a'))).toMatch(/no error|ERR late/);
    await server.reset();
    expect(await failure(server.exec('GET', 'a'))).toBe('no error');
  });

  it('finds a key by a pattern with any flags, each time', async () => {
    const server = await start();
    for (const key of [/^user:/g, /^USER:/iy]) {
      const fault = server.inject({ key }, faults.oom);
      for (let i = 0; i < 4; i++) {
        expect(await failure(server.exec('MGET', 'x', 'user:1'))).toMatch(/^OOM/);
      }
      expect(fault.hits).toBe(4);
      fault.dispose();
    }
  });

  it('drops the connection before or after the command has run', async () => {
    const server = await start();
    const before = await connect(server);
    server.inject({ command: 'SET', times: 1 }, { drop: true });
    before.send('SET', 'a', '1');
    await before.closed();
    expect(await server.exec('GET', 'a')).toBe(null);
    const after = await connect(server);
    server.inject({ command: 'SET', times: 1 }, { drop: 'after' });
    after.send('SET', 'a', '1');
    await after.closed();
    expect(await server.exec('GET', 'a')).toBe('1');
  });

  it('answers nothing, or what it is told to', async () => {
    const server = await start();
    const client = await connect(server);
    server.inject({ command: 'ECHO' }, { noReply: true });
    client.send('ECHO', 'lost');
    expect(await client.text('PING')).toContain('PONG');
    server.inject({ command: 'PING' }, { raw: '*1\r\n:7\r\n' });
    client.send('PING');
    expect((await client.receive()).bytes.toString()).toBe('*1\r\n:7\r\n');
  });

  it('spoils a transaction, as an error while queueing does', async () => {
    const server = await start();
    server.inject({ command: 'SET' }, faults.oom);
    await server.exec('MULTI');
    expect(await failure(server.exec('SET', 'a', 1))).toMatch(/^OOM/);
    expect(await failure(server.exec('EXEC'))).toMatch(/^EXECABORT/);
  });

  it('refuses what it does not know', async () => {
    const server = await start();
    expect(() => server.inject({ comand: 'GET' } as never, faults.oom)).toThrow(/comand/);
    expect(() => server.inject({}, { eror: 'x' } as never)).toThrow(/eror/);
    expect(() => server.inject({}, {})).toThrow(/nothing/);
    expect(() => server.inject({ probability: 50 }, faults.oom)).toThrow('probability is 0 to 1');
    expect(() => server.inject({ times: 0 }, faults.oom)).toThrow('times is 1 or more');
    expect(() => server.inject({}, { delayMs: '5' as never })).toThrow('delayMs is 0 or more');
    expect(() => server.slowReplies({ byte: 3 } as never)).toThrow("did you mean 'bytes'?");
    expect(() => server.slowReplies({ bytes: 0 })).toThrow('bytes is 1 or more');
  });

  it('ends with reset(), and leaves nothing on the way of requests', async () => {
    const server = await start();
    server.inject({}, faults.loading);
    expect(await failure(server.exec('PING'))).toMatch(/^LOADING/);
    await server.reset();
    expect(await server.exec('PING')).toBe('PONG');
  });
});

describe('the network', () => {
  it('refuses connections and takes them again, at the same port', async () => {
    const server = await start();
    const client = new Redis(server.port, { retryStrategy: () => 10, maxRetriesPerRequest: null });
    cleanups.push(() => client.disconnect());
    const errors: string[] = [];
    client.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
    await client.set('a', '1');
    const { port } = server;
    await server.refuse(true);
    expect(server.dropConnections()).toBe(1);
    const reply = client.get('a');
    await vi.waitFor(() => expect(errors).toContain('ECONNREFUSED'));
    await server.refuse(false);
    expect(server.port).toBe(port);
    expect(await reply).toBe('1');
  });

  it('drops the connections that a filter chooses', async () => {
    const server = await start();
    const [one, two] = [await connect(server), await connect(server)];
    await one.call('CLIENT', 'SETNAME', 'one');
    await two.call('PING');
    expect(server.dropConnections(({ name }) => name === 'one')).toBe(1);
    await one.closed();
    expect(await two.text('PING')).toContain('PONG');
  });

  it('sends replies in pieces, whole and in order', async () => {
    const server = await start();
    const client = await connect(server);
    const value = 'x'.repeat(100);
    await server.exec('SET', 'a', value);
    {
      using slow = server.slowReplies({ bytes: 16, delayMs: 0 });
      const late = await connect(server);
      for (let i = 0; i < 3; i++) client.send('GET', 'a');
      for (let i = 0; i < 3; i++) {
        expect((await client.receive()).bytes.toString()).toBe(`$100\r\n${value}\r\n`);
      }
      expect(await late.text('PING')).toContain('PONG');
      client.send('GET', 'a');
      client.send('QUIT');
      expect((await client.receive()).bytes.length).toBe(108);
      void slow;
    }
    expect(await server.exec('PING')).toBe('PONG');
  });
});
