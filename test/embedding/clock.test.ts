/** `server.clock`: all that depends on time moves together, and fake timers move nothing. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer, type RespiteServer, type ServerOptions } from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<RespiteServer> {
  const server = await createServer(options);
  cleanups.push(() => server.close());
  return server;
}

describe('the clock of a server', () => {
  it('is the real one until it is moved', async () => {
    const server = await start();
    expect(Math.abs(server.clock.now() - Date.now())).toBeLessThan(50);
    const [seconds] = await server.exec('TIME');
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(2);
    expect(server.clock.frozen).toBe(false);
  });

  it('ends keys and fields that are due, with their events, before advance() returns', async () => {
    const server = await start();
    const events = server.keyEvents({ events: ['expired', 'hexpired'] });
    await server.exec('SET', 'a', 1, 'EX', 10);
    await server.exec('SET', 'b', 1, 'EX', 20);
    await server.exec('HSET', 'h', 'f', 1, 'g', 1);
    await server.exec('HEXPIRE', 'h', 15, 'FIELDS', 1, 'f');
    server.clock.advance(10_000);
    expect(server.counters.expired).toBe(1);
    expect((await events.next()).value).toEqual({ db: 0, event: 'expired', key: 'a' });
    server.clock.advance(5000);
    expect((await events.next()).value).toEqual({ db: 0, event: 'hexpired', key: 'h' });
    expect(await server.exec('HGETALL', 'h')).toEqual({ g: '1' });
    expect(await server.exec('GET', 'b')).toBe('1');
    server.clock.advance(5000);
    expect(await server.exec('DBSIZE')).toBe(1);
    await events.return?.();
  });

  it('is what TIME, ids of streams, idle times and ages read', async () => {
    const server = await start();
    server.clock.freeze(new Date('2030-01-01T00:00:00Z'));
    const at = Date.UTC(2030, 0, 1);
    expect(await server.exec('TIME')).toEqual([String(at / 1000), '0']);
    expect(await server.exec('XADD', 's', '*', 'f', 'v')).toBe(`${at}-0`);
    await server.exec('SET', 'k', 'v');
    server.clock.advance(60_000);
    expect(await server.exec('OBJECT', 'IDLETIME', 'k')).toBe(60);
    expect(await server.exec('XADD', 's', '*', 'f', 'v')).toBe(`${at + 60_000}-0`);
    expect(server.clock.now()).toBe(at + 60_000);
    expect(await server.exec('CLIENT', 'INFO')).toContain('age=60');
  });

  it('ends the waits of blocked clients whose time is over, and no others', async () => {
    const server = await start();
    const one = server.client();
    const other = server.client();
    const short = one.exec('BLPOP', 'q', 5);
    const long = other.exec('BLPOP', 'q', 50);
    server.clock.advance(5000);
    expect(await short).toBe(null);
    await server.exec('RPUSH', 'q', 'x');
    expect(await long).toEqual(['q', 'x']);
    const through = await Connection.open(server.port);
    cleanups.push(() => through.close());
    const waiting = through.text('BLPOP', 'none', '600');
    await vi.waitFor(() => expect(server.counters.byCommand['blpop']).toBe(3));
    server.clock.advance(600_000);
    expect(await waiting).toBe('');
  });

  it('ends a pause', async () => {
    const server = await start();
    server.pause(60_000);
    const waiting = server.exec('SET', 'a', 1);
    server.clock.advance(60_000);
    expect(await waiting).toBe('OK');
  });

  it('stands still, goes on from there, goes back', async () => {
    const server = await start();
    server.clock.freeze(1_000_000);
    await server.exec('SET', 'a', 1, 'PX', 20);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await server.exec('PTTL', 'a')).toBe(20);
    server.clock.resume();
    expect(server.clock.frozen).toBe(false);
    await vi.waitFor(async () => expect(await server.exec('GET', 'a')).toBe(null));
    expect(server.clock.now()).toBeLessThan(1_060_000);
    server.clock.set(5_000_000);
    expect(Math.abs(server.clock.now() - 5_000_000)).toBeLessThan(1000);
    server.clock.reset();
    expect(Math.abs(server.clock.now() - Date.now())).toBeLessThan(50);
    expect(() => server.clock.advance(-1)).toThrow(RangeError);
    expect(() => server.clock.set(Number.NaN)).toThrow(RangeError);
  });

  it('takes as long as what is due, not as what is there', async () => {
    const server = await start();
    const client = server.client();
    for (let i = 0; i < 20_000; i++) void client.exec('SET', `k${i}`, 1, 'EX', 1000 + i);
    const times = Array.from({ length: 20 }, () => {
      const from = performance.now();
      server.clock.advance(100);
      return performance.now() - from;
    });
    expect(Math.min(...times)).toBeLessThan(5);
    server.clock.advance(1_000_000_000);
    expect(await client.exec('DBSIZE')).toBe(0);
  });
});

describe('fake timers', () => {
  const all = [
    ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval'],
    ...['clearImmediate', 'Date', 'performance', 'hrtime'],
  ] as const;

  it('hang neither sockets nor clients without one, and do not move the clock', async () => {
    const server = await start();
    const socket = await Connection.open(server.port);
    cleanups.push(() => socket.close());
    vi.useFakeTimers({ toFake: [...all] as never, now: 0 });
    expect(await socket.text('PING')).toContain('PONG');
    expect(await server.exec('SET', 'a', 1, 'PX', 10_000)).toBe('OK');
    vi.advanceTimersByTime(60_000);
    expect(await server.exec('GET', 'a')).toBe('1');
    expect(server.clock.now()).toBeGreaterThan(1e12);
    const waiting = socket.text('BLPOP', 'q', '0.01');
    expect(await waiting).toBe('');
    server.clock.advance(10_000);
    expect(await server.exec('GET', 'a')).toBe(null);
  });

  it('may be there before the server is', async () => {
    vi.useFakeTimers({ toFake: [...all] as never });
    const server = await start();
    expect(await server.exec('PING')).toBe('PONG');
    await server.reset();
    await server.close();
  });

  it('move it where the program says so', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    const server = await start({ now: () => Date.now() });
    await server.exec('SET', 'a', 1, 'EX', 10);
    vi.setSystemTime(1_011_000);
    expect(await server.exec('GET', 'a')).toBe(null);
  });
});

describe('a clock or a chance of the program that fails', () => {
  const noTimes: readonly unknown[] = [Number.NaN, undefined, 5n, '7', null, -5, 1e20, Symbol('x')];

  it('stands still while it tells no time, or throws', async () => {
    let value: unknown = 1_000_000;
    const server = await start({
      now: () => {
        if (value === 'throw') throw new Error('no clock');
        return value as number;
      },
    });
    await server.exec('SET', 'a', 1, 'PX', 5000);
    for (const noTime of [...noTimes, 'throw']) {
      value = noTime;
      expect(server.clock.now()).toBe(1_000_000);
      expect(await server.exec('TIME')).toEqual(['1000', '0']);
      expect(await server.exec('PTTL', 'a')).toBe(5000);
    }
    value = 1_005_001.7;
    expect(await server.exec('GET', 'a')).toBe(null);
  });

  it('picks the first of all while random() throws or returns no number', async () => {
    let value: unknown = 0.5;
    const server = await start({
      random: () => {
        if (value === 'throw') throw new Error('no chance');
        return value as number;
      },
    });
    await server.exec('SADD', 's', ...Array.from({ length: 300 }, (_, i) => `m${i}`));
    await server.exec('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c');
    for (const none of [...noTimes, 'throw']) {
      value = none;
      expect(await server.exec('ZRANDMEMBER', 'z')).toBe(none === 1e20 ? 'c' : 'a');
      expect(await server.exec('SPOP', 's', 5)).toHaveLength(5);
      expect(await server.exec('SRANDMEMBER', 's', 3)).toHaveLength(3);
    }
  });

  it('is neither moved nor stopped by what is no time', async () => {
    const server = await start();
    const { clock } = server;
    for (const noTime of [...noTimes, Number.POSITIVE_INFINITY, new Date(Number.NaN)]) {
      expect(() => clock.advance(noTime as number)).toThrow(RangeError);
      expect(() => clock.set(noTime as number)).toThrow(RangeError);
      if (noTime !== undefined) expect(() => clock.freeze(noTime as number)).toThrow(RangeError);
      expect(clock.frozen).toBe(false);
    }
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000);
  });
});
