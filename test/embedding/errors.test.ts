/** Errors that help: what is wrong with options, addresses, directives; profiles. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { ConfigError, createServer, ListenError } from '../../src/index.ts';

const failure = (options: object): Promise<unknown> =>
  createServer(options).then(
    async (server) => {
      await server.close();
      return 'no error';
    },
    (error: unknown) => error,
  );

describe('createServer', () => {
  it('refuses options that there are not, and says what was meant', async () => {
    expect(await failure({ portt: 1 })).toBeInstanceOf(ConfigError);
    expect(await failure({ portt: 1 })).toMatchObject({
      directive: 'portt',
      message: "'portt' is no option of createServer: did you mean 'port'?",
    });
    expect(await failure({ maxmemory: '1mb' })).toMatchObject({
      message: "'maxmemory' is a directive: config: { 'maxmemory': … }",
    });
    expect(await failure({ config: { maxmemroy: 1 } })).toMatchObject({
      directive: 'maxmemroy',
      message: "'maxmemroy' is no directive: did you mean 'maxmemory'?",
    });
    expect(await failure({ config: { zzzzzz: 1 } })).toMatchObject({
      message: "'zzzzzz' is no directive",
    });
    expect(await failure({ config: { hz: 'often' } })).toMatchObject({
      directive: 'hz',
      message: expect.stringMatching(/^options: .*hz often/),
    });
    expect(await failure({ compat: '7.O' })).toMatchObject({ directive: 'compat' });
    expect(await failure({ now: () => Number.NaN })).toBeInstanceOf(TypeError);
  });

  it('refuses values of another kind by the name of the option', async () => {
    for (const name of ['host', 'password', 'dir', 'load', 'compat', 'now', 'random', 'log']) {
      const error = await failure({ [name]: 5 });
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ directive: name, message: expect.stringMatching(/, not 5$/) });
    }
    for (const name of ['seed', 'from', 'config']) {
      expect(await failure({ [name]: 'x' })).toMatchObject({
        message: `'${name}' is an object, not "x"`,
      });
    }
    for (const none of [null, 'x', 5]) {
      await expect(createServer(none as never)).rejects.toThrow('takes an object of options');
    }
  });

  it('has methods that refuse what they do not know, rather than do nothing', async () => {
    await using server = await createServer();
    const given = { nothing: 1 } as never;
    for (const call of [
      () => server.urlFor(given),
      () => server.options('ioredis', given),
      () => server.client(given),
      () => server.record(given),
      () => server.keyEvents(given),
      () => server.keyEvents({ events: ['expried'] }),
      () => server.changes(given),
      () => server.on('comand' as 'command', () => {}),
      () => server.once('comand' as 'command', () => {}),
    ]) {
      expect(call).toThrow(TypeError);
    }
    expect(() => server.on('comand' as 'command', () => {})).toThrow("did you mean 'command'?");
  });

  it('answers nobody after it was closed', async () => {
    const server = await createServer();
    await server.close();
    await expect(server.exec('PING')).rejects.toThrow('the server is closed');
    await expect(server.seed({ a: 1 })).rejects.toThrow('the server is closed');
    expect(() => server.client()).toThrow('the server is closed');
    expect(() => server.connect()).toThrow('the server is closed');
  });

  it('tells why an address cannot be had', async () => {
    await using server = await createServer();
    const error = await failure({ port: server.port });
    expect(error).toBeInstanceOf(ListenError);
    expect(error).toMatchObject({
      name: 'ListenError',
      code: 'EADDRINUSE',
      port: server.port,
      address: `127.0.0.1:${server.port}`,
    });
  });

  it('takes lists of words and of lines', async () => {
    await using server = await createServer({
      config: { bind: ['127.0.0.1', '-::1'], save: [900, 1], user: ['ann on >pw ~* +@all'] },
    });
    expect(await server.exec('CONFIG', 'GET', 'save')).toEqual({ save: '900 1' });
    expect(await server.exec('CONFIG', 'GET', 'bind')).toEqual({ bind: '127.0.0.1 -::1' });
    const redis = new Redis(server.port, { username: 'ann', password: 'pw' });
    expect(await redis.call('ACL', 'WHOAMI')).toBe('ann');
    redis.disconnect();
  });

  it('warns of what has no effect', async () => {
    const lines: string[] = [];
    await using server = await createServer({
      config: { 'list-compress-depth': 1 },
      log: (line) => lines.push(line),
    });
    expect(server.port).toBeGreaterThan(0);
    expect(lines.join('')).toContain('without effect in this version: list-compress-depth');
  });
});

describe('options for client libraries', () => {
  it('connect ioredis and node-redis, with password and database', async () => {
    await using server = await createServer({ password: 'päss/word' });
    const redis = new Redis(server.options('ioredis', { db: 3 }));
    await redis.set('a', '1');
    const byUrl = new Redis(server.urlFor({ db: 3 }));
    expect(await byUrl.get('a')).toBe('1');
    const node = createClient(server.options('node-redis', { db: 3 }));
    await node.connect();
    expect(await node.get('a')).toBe('1');
    node.destroy();
    redis.disconnect();
    byUrl.disconnect();
    expect(() => server.options('other' as never)).toThrow(TypeError);
  });
});

describe('compat', () => {
  it.each([
    ['7.0', '7.0.15', 'hashtable', undefined],
    ['7.2', '7.2.4', 'listpack', undefined],
    ['8.x', '8.2.1', 'listpack', undefined],
    ['valkey', '7.2.4', 'listpack', '8.1.1'],
  ] as const)('%s', async (compat, version, encoding, valkey) => {
    await using server = await createServer({ compat });
    const info = await server.exec('INFO', 'server');
    expect(/redis_version:(\S+)/.exec(info)?.[1]).toBe(version);
    expect(/valkey_version:(\S+)/.exec(info)?.[1]).toBe(valkey);
    await server.exec('SADD', 's', 'member');
    expect(await server.exec('OBJECT', 'ENCODING', 's')).toBe(encoding);
    await server.exec('RPUSH', 'l', 'x');
    const list = compat === '7.0' ? 'quicklist' : 'listpack';
    expect(await server.exec('OBJECT', 'ENCODING', 'l')).toBe(list);
    for (let i = 0; i < 2000; i++) await server.exec('RPUSH', 'l', 'some text');
    expect(await server.exec('OBJECT', 'ENCODING', 'l')).toBe('quicklist');
    const hello = (await server.exec('HELLO', 3)) as Record<string, unknown>;
    expect(hello['version']).toBe(version);
    expect(await server.exec('EVAL', 'return redis.REDIS_VERSION', 0)).toBe(version);
  });
});
