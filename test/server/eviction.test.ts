/** maxmemory on a running server: its limit, what follows from an eviction, and what it stalls. */
import { afterEach, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../src/util/timers.ts';
import { JournalRecorder, showUnit } from '../harness/effects.ts';
import {
  closeAll,
  connectTo,
  startServer,
  Talker,
  takeReplies,
  until,
} from '../harness/in-process-server.ts';
import { encodeCommand } from '../harness/reply.ts';
import { SEED } from '../harness/seed.ts';
import { randomFrom } from '../util/float-texts.ts';

afterEach(closeAll);

const full = process.env['RESPITE_FULL'] === '1';
const MIB = 1 << 20;

async function figure(client: Talker, name: string): Promise<number> {
  return Number(new RegExp(` ${name}:(\\d+)`).exec(await client.ask('INFO everything'))?.[1]);
}

describe('maxmemory', () => {
  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl'])(
    '%s: is kept to within 1 % while values of mixed sizes are written',
    async (policy) => {
      const max = (full ? 24 : 6) * MIB;
      const server = await startServer({ maxmemory: String(max), 'maxmemory-policy': policy });
      const client = await connectTo(server);
      const random = randomFrom(SEED);
      const value = Buffer.alloc(20_000, 'v');
      const writes = full ? 1_000_000 : 8000;
      let most = 0;
      for (let n = 0; n < writes; n += 500) {
        const batch: Buffer[] = [];
        for (let i = 0; i < 500; i++) {
          // Most are small, some are large.
          const size = Math.floor(20_000 ** random());
          const key = `key:${Math.floor(random() * 200_000)}`;
          batch.push(encodeCommand(['SET', key, value.subarray(0, size), 'EX', '1000']));
        }
        client.write(Buffer.concat(batch));
        for (const reply of await takeReplies(client, 500)) expect(reply).toBe('+OK');
        most = Math.max(most, server.memory.countedForEviction());
      }
      expect(server.keyspace.evictedKeys).toBeGreaterThan(100);
      expect(most).toBeLessThan(max * 1.01);
      expect(most).toBeGreaterThan(max * 0.95);
    },
  );

  it('is a share of the memory there is, when it is a percentage', async () => {
    const server = await startServer({ maxmemory: '50%' });
    const client = await Talker.open(server);
    const half = server.eviction.maxBytes;
    expect(half).toBeGreaterThan(MIB);
    expect(await figure(client, 'maxmemory')).toBe(half);
    expect(await client.ask('CONFIG GET maxmemory')).toBe('*2 $9 maxmemory $3 50%');
    await client.ask('CONFIG SET maxmemory 25%');
    expect(Math.abs(server.eviction.maxBytes - half / 2)).toBeLessThan(2);
  });

  it('large values count until they are freed: no more goes than must', async () => {
    const server = await startServer({ 'maxmemory-policy': 'allkeys-random' });
    const client = await Talker.open(server);
    for (let k = 0; k < 8; k++) {
      const members = Array.from({ length: 5000 }, (_, i) => `member:${i}`).join(' ');
      await client.ask(`SADD set:${k} ${members}`);
    }
    const used = server.memory.countedForEviction();
    await client.ask(`CONFIG SET maxmemory ${used - Math.floor(server.keyspace.usedBytes / 8)}`);
    await until(() => server.memory.countedForEviction() <= server.eviction.maxBytes);
    expect(await client.ask('DBSIZE')).toBe(':6');
  });
});

describe('an eviction', () => {
  it.each(['DEL', 'UNLINK'])(
    'is a %s of its own before the effect of the command',
    async (name) => {
      const server = await startServer({
        'maxmemory-policy': 'allkeys-lru',
        'lazyfree-lazy-eviction': name === 'UNLINK' ? 'yes' : 'no',
      });
      const client = await Talker.open(server);
      for (const key of ['a', 'b', 'c']) await client.ask(`SET ${key} ${'x'.repeat(10_000)}`);
      const recorder = new JournalRecorder(server);
      await client.ask(`CONFIG SET maxmemory ${server.memory.countedForEviction() - 25_000}`);
      await client.ask('SELECT 2');
      await client.ask('SET k v');
      const units = recorder.taken().map(showUnit);
      expect(units.slice(0, 3).map((unit) => unit.replace(/ [abc]$/, ' x'))).toEqual(
        Array(3).fill(`${name} x`),
      );
      expect(units.slice(3)).toEqual(['[db 2] SET k v']);
    },
  );

  it('invalidates what a client has in its cache, before the reply', async () => {
    const server = await startServer({ 'maxmemory-policy': 'allkeys-lru' });
    const client = await connectTo(server, 3);
    await client.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP');
    await client.call('SET', 'k', 'x'.repeat(10_000));
    await client.call('GET', 'k');
    client.send('CONFIG', 'SET', 'maxmemory', String(server.memory.countedForEviction() - 5000));
    client.send('PING');
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) seen.push((await client.receive()).bytes.toString('latin1'));
    expect(seen.map((bytes) => bytes.slice(0, 19).replaceAll('\r\n', ' '))).toEqual([
      '+OK ',
      '>2 $10 invalidate',
      '+PONG ',
    ]);
  });

  it('waits while writes are paused, and nothing is refused for it', async () => {
    const server = await startServer({ 'maxmemory-policy': 'allkeys-lru' });
    const client = await Talker.open(server);
    await client.ask(`SET k ${'x'.repeat(10_000)}`);
    await client.ask('CLIENT PAUSE 60000 WRITE');
    await client.ask('CONFIG SET maxmemory 1');
    expect(await client.ask('DBSIZE')).toBe(':1');
    await client.ask('CLIENT UNPAUSE');
    expect(await client.ask('DBSIZE')).toBe(':0');
    expect(await client.ask('SET k v')).toMatch(/^-OOM /);
    expect(await figure(client, 'evicted_keys')).toBe(1);
    expect(await figure(client, 'current_eviction_exceeded_time')).toBeGreaterThanOrEqual(0);
    await client.ask('CONFIG SET maxmemory 0');
    expect(await client.ask('SET k v')).toBe('+OK');
  });

  it("is the master's matter, unless replica-ignore-maxmemory says no", async () => {
    const server = await startServer({ 'maxmemory-policy': 'allkeys-lru' });
    const client = await Talker.open(server);
    await client.ask('SET k v');
    // Nobody listens there: it is a replica all the same.
    await client.ask('REPLICAOF 127.0.0.1 1');
    await client.ask('CONFIG SET maxmemory 1');
    expect(await client.ask('DBSIZE')).toBe(':1');
    await client.ask('CONFIG SET replica-ignore-maxmemory no');
    expect(await client.ask('DBSIZE')).toBe(':0');
  });

  it('of very many keys is done in slices: others are served meanwhile', async () => {
    const keys = full ? 1_000_000 : 100_000;
    const server = await startServer({
      'maxmemory-policy': 'allkeys-lru',
      'enable-debug-command': 'yes',
    });
    const client = await Talker.open(server);
    expect(await client.ask(`DEBUG POPULATE ${keys}`)).toBe('+OK');
    const { memory } = server;
    const goal = Math.floor(memory.countedForEviction() - server.keyspace.usedBytes * 0.75);
    let longest = 0;
    let served = 0;
    const lines = [`CONFIG SET maxmemory ${goal}`];
    for (; memory.countedForEviction() > goal || served === 0; served++) {
      const began = monotonicMs();
      await client.ask(lines.pop() ?? 'SET other value');
      longest = Math.max(longest, monotonicMs() - began);
    }
    expect(served).toBeGreaterThan(10);
    // A command's half millisecond and a slice's two; other processes are not this one's fault.
    if (full) expect(longest).toBeLessThan(30);
    expect(await figure(client, 'total_eviction_exceeded_time')).toBeGreaterThan(5);
    await client.ask('CONFIG RESETSTAT');
    expect(await figure(client, 'total_eviction_exceeded_time')).toBe(0);
  });
});

describe('LATENCY', () => {
  it('has the time that evicting took as the event eviction-cycle', async () => {
    const server = await startServer({ 'maxmemory-policy': 'allkeys-random' });
    const client = await Talker.open(server);
    for (let i = 0; i < 2000; i++) client.send(`SET key:${i} ${'v'.repeat(500)}`);
    await client.take(2000);
    // Any time at all: a directive knows whole milliseconds only.
    server.latency.thresholdMs = Number.MIN_VALUE;
    const goal = server.memory.countedForEviction() - 500_000;
    await client.ask(`CONFIG SET maxmemory ${goal}`);
    await client.ask('SET other value');
    expect(await client.ask('LATENCY LATEST')).toContain(' eviction-cycle ');
    expect(server.keyspace.evictedKeys).toBeGreaterThan(0);
  });
});

describe('access data', () => {
  it('with an lrm policy tells of writes only', async () => {
    let now = 1_700_000_000_000;
    const server = await startServer({ 'maxmemory-policy': 'allkeys-lrm' }, { now: () => now });
    const client = await Talker.open(server);
    await client.ask('SET k v');
    await client.ask('RPUSH l a');
    now += 50_000;
    await client.ask('GET k');
    await client.ask('LRANGE l 0 -1');
    expect(await client.ask('OBJECT IDLETIME k')).toBe(':50');
    await client.ask('APPEND k w');
    await client.ask('RPUSH l b');
    expect(await client.ask('OBJECT IDLETIME k')).toBe(':0');
    expect(await client.ask('OBJECT IDLETIME l')).toBe(':0');
    await client.ask('CONFIG SET maxmemory-policy allkeys-lru');
    now += 50_000;
    await client.ask('GET k');
    expect(await client.ask('OBJECT IDLETIME k')).toBe(':0');
  });
});
