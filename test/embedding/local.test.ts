/** Clients without a socket, and client libraries on a Duplex. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createServer,
  ReplyError,
  type RespiteServer,
  type ServerOptions,
} from '../../src/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  return server;
}

describe('exec', () => {
  it('gives replies as values', async () => {
    const server = await start();
    expect(await server.exec('SET', 'a', 1)).toBe('OK');
    expect(await server.exec('GET', 'a')).toBe('1');
    expect(await server.exec('get', 'none')).toBe(null);
    expect(await server.exec('INCRBY', 'a', 9007199254740993n)).toBe(9007199254740994n);
    expect(await server.exec('HSET', 'h', 'f', 'v', '__proto__', 'p')).toBe(2);
    const hash = await server.exec('HGETALL', 'h');
    expect(Object.entries(hash)).toEqual([
      ['f', 'v'],
      ['__proto__', 'p'],
    ]);
    expect(await server.exec('SADD', 's', 'm')).toBe(1);
    expect(await server.exec('SMEMBERS', 's')).toEqual(['m']);
    expect(await server.exec('ZADD', 'z', 1.5, 'm')).toBe(1);
    expect(await server.exec('ZSCORE', 'z', 'm')).toBe(1.5);
    expect(await server.exec('ZADD', 'z', 'inf', 'n')).toBe(1);
    expect(await server.exec('ZSCORE', 'z', 'n')).toBe(Number.POSITIVE_INFINITY);
    expect(await server.exec('MGET', 'a', 'none')).toEqual(['9007199254740994', null]);
    expect(await server.exec('INFO', 'server')).toContain('respite_version');
    expect(await server.exec('EVAL', 'return {1, {2}, false, "x"}', 0)).toEqual([
      1,
      [2],
      null,
      'x',
    ]);
  });

  it('sends texts as UTF-8, bytes as they are, and refuses what is neither', async () => {
    const server = await start();
    const text = 'grüße ☃ '.repeat(20_000);
    await server.exec('SET', 'ü', text);
    expect(await server.exec('GET', 'ü')).toBe(text);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await server.exec('SET', 'b', bytes);
    const client = server.client({ buffers: true });
    expect(await client.exec('GET', 'b')).toEqual(Buffer.from(bytes));
    await expect(server.exec('SET', 'a', undefined as never)).rejects.toThrow(TypeError);
    await expect(server.exec('SET', 'a', {} as never)).rejects.toThrow(TypeError);
    expect(await server.exec('PING')).toBe('PONG');
  });

  it('rejects with a ReplyError', async () => {
    const server = await start();
    await server.exec('SET', 'a', 'x');
    const error = await server.exec('INCR', 'a').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: 'ERR', name: 'ReplyError' });
    await expect(server.exec('NOPE')).rejects.toThrow(/unknown command 'NOPE'/);
    await server.exec('MULTI');
    await server.exec('INCR', 'a');
    const [inner] = (await server.exec('EXEC')) as unknown[];
    expect(inner).toBeInstanceOf(ReplyError);
  });

  it('keeps the order of calls that wait', async () => {
    const server = await start();
    const client = server.client();
    const replies: unknown[] = [];
    const calls = [
      client.exec('BLPOP', 'q', 0),
      client.exec('PING'),
      client.exec('BLPOP', 'q', 0),
      client.exec('ECHO', 'x'),
    ].map((call) => call.then((reply) => replies.push(reply)));
    await server.exec('RPUSH', 'q', 1, 2);
    await Promise.all(calls);
    expect(replies).toEqual([['q', '1'], 'PONG', ['q', '2'], 'x']);
  });

  it('has clients of their own: database, transaction, subscriptions, messages', async () => {
    const server = await start();
    const one = server.client();
    const two = server.client();
    expect(one.id).not.toBe(two.id);
    await one.exec('SELECT', 3);
    await one.exec('SET', 'a', 1);
    expect(await two.exec('GET', 'a')).toBe(null);
    const pushes: unknown[] = [];
    two.onPush((push) => pushes.push(push));
    expect(await two.exec('SUBSCRIBE', 'news')).toEqual(['subscribe', 'news', 1]);
    expect(await one.exec('PUBLISH', 'news', 'hi')).toBe(1);
    await expect.poll(() => pushes).toContainEqual(['message', 'news', 'hi']);
    expect(await two.exec('PING')).toBe('PONG');
    const waiting = two.exec('BLPOP', 'q', 0);
    two.close();
    await expect(waiting).rejects.toThrow(/closed/);
    await expect(two.exec('PING')).rejects.toThrow(/closed/);
  });

  it('answers when the effects are safe, with an append-only file', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-local-'));
    cleanups.push(() => rmSync(dir, { recursive: true }));
    const options = { dir, config: { appendonly: 'yes', appendfsync: 'always' } };
    const server = await start(options);
    expect(await Promise.all([server.exec('SET', 'a', 1), server.exec('INCR', 'a')])).toEqual([
      'OK',
      2,
    ]);
    expect(await server.client().exec('SUBSCRIBE', 'c')).toEqual(['subscribe', 'c', 1]);
    await server.close();
    const again = await start(options);
    expect(await again.exec('GET', 'a')).toBe('2');
  });

  it('may be called from where events are told', async () => {
    const server = await start();
    const seen: unknown[] = [];
    server.on('command', ({ name }) => {
      if (name === 'set')
        void server
          .client()
          .exec('GET', 'a')
          .then((value) => seen.push(value));
    });
    await server.exec('SET', 'a', 'x');
    await expect.poll(() => seen).toEqual(['x']);
  });
});

describe('connect', () => {
  /** ioredis takes whatever its connector gives it. */
  function connector(server: RespiteServer) {
    return class {
      stream: ReturnType<RespiteServer['connect']> | undefined;
      check(): boolean {
        return true;
      }
      connect() {
        this.stream = server.connect();
        return Promise.resolve(this.stream);
      }
      disconnect(): void {
        this.stream?.destroy();
      }
    };
  }

  it('is a connection to ioredis', async () => {
    const server = await start({ password: 'secret' });
    const client = new Redis({ Connector: connector(server) as never, password: 'secret', db: 2 });
    expect(await client.set('a', '1')).toBe('OK');
    expect(await client.multi().incr('a').get('a').exec()).toEqual([
      [null, 2],
      [null, '2'],
    ]);
    const big = 'y'.repeat(300_000);
    await client.set('big', big);
    expect(await client.get('big')).toBe(big);
    const subscriber = client.duplicate();
    const message = new Promise((resolve) =>
      subscriber.once('message', (_, text) => resolve(text)),
    );
    await subscriber.subscribe('c');
    await client.publish('c', 'hello');
    expect(await message).toBe('hello');
    const all = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.incr(`n${i % 7}`)));
    expect(all).toHaveLength(1000);
    await subscriber.quit();
    const end = new Promise((resolve) => client.once('end', resolve));
    await client.quit();
    await end;
    await expect.poll(() => server.clients.length).toBe(0);
  });

  it('ends when the server does', async () => {
    const server = await start();
    const stream = server.connect();
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.resume();
    stream.write('PING\r\n');
    await server.close();
    await closed;
  });
});
