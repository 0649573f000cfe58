/** `createServer({ thread: true })`: the same server in a thread of its own. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { matchers } from '../../src/embedded/matchers.ts';
import { ConfigError, createServer, faults, ListenError } from '../../src/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Whether a method is one that works, not one that says that it is not there. */
function isThere(server: object, name: string): boolean {
  const method: unknown = Reflect.get(server, name);
  return typeof method === 'function' && !/is not there for a server/.test(String(method));
}

describe('a server in a thread', () => {
  it('does all that one in this thread does, by messages', async () => {
    const server = await createServer({ thread: true, password: 'pw', seed: { a: '1' } });
    cleanups.push(() => server.close());
    const client = new Redis(server.options('ioredis'));
    cleanups.push(() => client.disconnect());
    expect(await client.incr('a')).toBe(2);
    expect(server.url).toBe(`redis://:pw@127.0.0.1:${server.port}`);
    expect(await server.exec('GET', 'a')).toBe('2');
    await expect(server.exec('NOPE')).rejects.toMatchObject({ name: 'ReplyError', code: 'ERR' });
    await server.clock.freeze(1_000_000);
    await client.set('t', '1', 'EX', 5);
    await server.clock.advance(5000);
    expect(await client.get('t')).toBe(null);
    expect(await server.clock.now()).toBe(1_005_000);
    const fault = await server.inject({ key: 'a' }, faults.oom);
    await expect(client.get('a')).rejects.toThrow('OOM');
    expect(await fault.hits()).toBe(1);
    await fault.dispose();
    const shared = await server.snapshot();
    await server.reset();
    expect(await server.toJSON()).toEqual({ db: {} });
    const clone = await createServer({ from: shared });
    cleanups.push(() => clone.close());
    expect(clone.toJSON()).toEqual({ db: { 0: { a: { string: '2' } } } });
    const [info] = await server.clients();
    expect(info).toMatchObject({ db: 0, user: 'default' });
    expect(await server.dropConnections()).toBe(1);
  });

  it('has slow replies and recordings, and its url the password wherever it is from', async () => {
    const server = await createServer({ thread: true, config: { requirepass: 'p@ss' } });
    cleanups.push(() => server.close());
    expect(server.urlFor({ db: 2 })).toBe(`redis://:p%40ss@127.0.0.1:${server.port}/2`);
    const client = new Redis(server.url);
    cleanups.push(() => client.disconnect());
    const recorder = await server.record({ commands: ['SET'] });
    const slow = await server.slowReplies({ bytes: 1 });
    expect(await client.set('a', 'x')).toBe('OK');
    await slow[Symbol.asyncDispose]();
    expect(await recorder.of('set')).toMatchObject([
      { name: 'set', args: ['a', 'x'], reply: 'OK' },
    ]);
    await recorder.stop();
    await client.set('a', 'y');
    expect(await recorder.commands()).toHaveLength(1);
    expect(await matchers.toHaveKey(server, 'a', 'y')).toMatchObject({ pass: true });
  });

  it('says what is not there, and what cannot go there', async () => {
    const here = await createServer({ seed: { a: '1' } });
    cleanups.push(() => here.close());
    const server = await createServer({ thread: true, from: here.snapshot() });
    cleanups.push(() => server.close());
    expect(await server.exec('GET', 'a')).toBe('1');
    const privates = ['constructor', 'closeNow', 'endFaults'];
    const missing = Object.getOwnPropertyNames(Object.getPrototypeOf(here)).filter((name) => {
      if (privates.includes(name)) return false;
      return typeof Reflect.get(here, name) === 'function' && !isThere(server, name);
    });
    expect(missing.sort()).toEqual([
      'changes',
      'client',
      'connect',
      'keyEvents',
      'off',
      'on',
      'once',
      'restore',
    ]);
    for (const name of ['client', 'connect', 'restore', 'on', 'once', 'keyEvents', 'changes']) {
      const call = Reflect.get(server, name) as () => void;
      expect(call).toThrow(`${name}() is not there for a server in a thread`);
    }
    const id = (() => true) as never;
    await expect(server.inject({ client: id }, faults.oom)).rejects.toThrow('functions cannot go');
    await expect((server.dropConnections as (f: unknown) => unknown)(id)).rejects.toThrow(
      TypeError,
    );
    await expect(server.clock.advance(-1)).rejects.toThrow(RangeError);
    await expect(createServer({ thread: true, log: () => {} } as never)).rejects.toThrow(
      "'log' is a function, which cannot go to a thread",
    );
  });

  it('answers while this thread is busy', async () => {
    const server = await createServer({ thread: true });
    cleanups.push(() => server.close());
    await server.exec('SET', 'a', 1, 'PX', 30);
    const until = performance.now() + 60;
    while (performance.now() < until);
    expect(await server.exec('GET', 'a')).toBe(null);
  });

  it('fails to start as it does here, and ends', async () => {
    const server = await createServer({ thread: true });
    const taken = createServer({ thread: true, port: server.port });
    await expect(taken).rejects.toBeInstanceOf(ListenError);
    const wrong = createServer({ thread: true, config: { hz: 'x' } });
    await expect(wrong).rejects.toBeInstanceOf(ConfigError);
    await expect(createServer({ thread: true, port: server.port })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EADDRINUSE',
      port: server.port,
    });
    await expect(createServer({ thread: true, config: { hz: 'x' } })).rejects.toMatchObject({
      name: 'ConfigError',
      directive: 'hz',
    });
    await server.close();
    await server.close();
    await expect(server.exec('PING')).rejects.toThrow(/closed/);
  });
});
