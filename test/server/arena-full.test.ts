/**
 * The arena refuses a block in the midst of a command: OOM is the reply, nothing empty stays
 * behind, and who watches, caches or waits for the key learns of what was done.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { HeapArena } from '../../src/memory/heap-arena.ts';
import type { Server } from '../../src/server/server.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.";
const LARGE = 'x'.repeat(300_000);

/** From now on there is room for small things only. */
function fill(server: Server): void {
  const arena = server.keyspace.arena as HeapArena;
  arena.bytesMax = arena.usedBytes + 20_000;
}

describe('a full arena', () => {
  const writes = [
    `HSET key f ${LARGE}`,
    `HSETNX key f ${LARGE}`,
    `RPUSH key ${LARGE}`,
    `LPUSH key ${LARGE}`,
    `SADD key ${LARGE}`,
    `ZADD key 1 ${LARGE}`,
    `XADD key 1-1 f ${LARGE}`,
    'SETRANGE key 300000 x',
    `SET key ${LARGE}`,
    'SETBIT key 2400000 1',
  ];

  it.each(writes.map((line) => [line.slice(0, line.indexOf(' ')), line]))(
    '%s makes no key',
    async (_name, line) => {
      const server = await startServer();
      const client = await Talker.open(server);
      fill(server);
      expect(await client.ask(line)).toBe(OOM);
      expect(await client.ask('EXISTS key')).toBe(':0');
      expect(await client.ask('DBSIZE')).toBe(':0');
      expect(await client.ask('LPOP key')).toBe('$-1');
      expect(await client.ask('RPUSH key a')).toBe(':1');
    },
  );

  /** Commands that need room in one key for what another has; `t` exists where they replace. */
  const moves = [
    'LMOVE list gone RIGHT LEFT',
    'LMOVE list list RIGHT LEFT',
    'LMOVE list t-list RIGHT LEFT',
    'BLMOVE list t-list RIGHT RIGHT 0',
    'RPOPLPUSH list gone',
    'BRPOPLPUSH list gone 0',
    'SMOVE set gone LARGE',
    'SMOVE set t-set LARGE',
    'COPY list t-list REPLACE',
    'COPY string t-set REPLACE',
    'SORT list BY nosort STORE t-list',
    'SUNIONSTORE t-set set',
    'SINTERSTORE t-set set set',
    'SDIFFSTORE t-set set gone',
    'ZUNIONSTORE t-zset 1 zset',
    'ZINTERSTORE t-zset 1 zset',
    'ZDIFFSTORE t-zset 1 zset',
    'ZRANGESTORE t-zset zset 0 -1',
    'GEOSEARCHSTORE t-zset zset FROMLONLAT 0 0 BYRADIUS 20000 km',
    'RENAME string LARGE',
    'RENAME hash LARGE-TARGET',
    'MOVE LARGE-KEY 1',
  ];

  it.each(moves)('%s loses nothing and leaves nothing behind', async (line) => {
    const server = await startServer({ 'enable-debug-command': 'yes' });
    const client = await Talker.open(server);
    const long = (text: string) =>
      text
        .replace('LARGE-TARGET', `${LARGE}t`)
        .replace('LARGE-KEY', `${LARGE}k`)
        .replace('LARGE', LARGE);
    for (const key of ['list', 't-list']) await client.ask(`RPUSH ${key} a ${LARGE}`);
    await client.ask(`SADD set a b ${LARGE}`);
    await client.ask('SADD t-set old');
    await client.ask(`ZADD zset 1 a 2 ${LARGE}`);
    await client.ask('ZADD t-zset 1 old');
    await client.ask(`SET string ${LARGE}`);
    await client.ask('HSET hash f v');
    await client.ask(`SET ${LARGE}t old`);
    await client.ask(`SET ${LARGE}k v`);
    await client.ask('EXPIRE t-list 1000');
    const before = await client.ask('DEBUG DIGEST');
    const keys = await client.ask('DBSIZE');
    const used = server.keyspace.usedBytes;
    fill(server);
    expect(await client.ask(long(line))).toBe(OOM);
    expect(await client.ask('DEBUG DIGEST')).toBe(before);
    expect(await client.ask('DBSIZE')).toBe(keys);
    expect(server.keyspace.usedBytes).toBeLessThan(used + 3000);
  });

  it('leaves no field without a value in a small hash', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const arena = server.keyspace.arena as HeapArena;
    const value = 'v'.repeat(60);
    let refused = 0;
    for (let room = 0; room < 900; room += 4) {
      await client.ask('DEL h');
      for (let i = 0; i < 3 + (room % 5); i++) await client.ask(`HSET h f${i} ${value}`);
      const size = await client.ask('HLEN h');
      arena.bytesMax = arena.usedBytes + room;
      const reply = await client.ask(`HSET h another-field ${value}`);
      arena.bytesMax = Number.POSITIVE_INFINITY;
      if (reply === OOM) refused++;
      const after = await client.ask('HLEN h');
      expect(after).toBe(reply === OOM ? size : `:${Number(size.slice(1)) + 1}`);
      expect(await client.ask('HSTRLEN h f0')).toBe(':60');
    }
    expect(refused).toBeGreaterThan(5);
  });

  it.each([
    ['RPUSH', (i: number) => `v${i}`.padEnd(200, 'x')],
    ['SADD', (i: number) => `v${i}`.padEnd(200, 'x')],
    ['HSET', (i: number) => `f${i} ${'x'.repeat(200)}`],
    ['ZADD', (i: number) => `${i} ${`v${i}`.padEnd(200, 'x')}`],
    ['XADD', (i: number) => `${i + 1}-1 f ${'x'.repeat(200)}`],
  ])('loses no memory by a COPY of what %s made', async (command, element) => {
    const server = await startServer();
    const client = await Talker.open(server);
    const arena = server.keyspace.arena as HeapArena;
    for (let i = 0; i < 1000; i++) await client.ask(`${command} from ${element(i)}`);
    let refused = 0;
    for (let room = 64; room < 1 << 20; room *= 2) {
      const used = arena.usedBytes;
      arena.bytesMax = used + room;
      const reply = await client.ask('COPY from to');
      arena.bytesMax = Number.POSITIVE_INFINITY;
      if (reply !== OOM) {
        expect(reply).toBe(':1');
        await client.ask('DEL to');
        continue;
      }
      refused++;
      expect(await client.ask('EXISTS to')).toBe(':0');
      expect(arena.usedBytes).toBe(used);
    }
    expect(refused).toBeGreaterThan(5);
  });

  it('leaves an empty stream alone that was there before', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    await client.ask('XGROUP CREATE s g $ MKSTREAM');
    fill(server);
    expect(await client.ask(`XADD s 1-1 f ${LARGE}`)).toBe(OOM);
    expect(await client.ask('EXISTS s')).toBe(':1');
  });

  it('keeps what a command did before, and tells those who watch or cache the key', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const writer = await Talker.open(server);
    await client.ask('HELLO 3');
    await client.ask('CLIENT TRACKING ON');
    await client.ask('RPUSH list a');
    await client.ask('WATCH list');
    await client.ask('LLEN list');
    fill(server);
    expect(await writer.ask(`RPUSH list b ${LARGE}`)).toBe(OOM);
    expect(await client.next()).toBe('>2 $10 invalidate *1 $4 list');
    expect(await client.ask('LRANGE list 0 -1')).toBe('*2 $1 a $1 b');
    client.send('MULTI', 'PING', 'EXEC');
    expect(await client.take(3)).toEqual(['+OK', '+QUEUED', '_']);
  });

  it('tells nobody when nothing was done', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const writer = await Talker.open(server);
    await client.ask('SET key a');
    await client.ask('WATCH key');
    fill(server);
    expect(await writer.ask(`SET key ${LARGE}`)).toBe(OOM);
    client.send('MULTI', 'GET key', 'EXEC');
    expect(await client.take(3)).toEqual(['+OK', '+QUEUED', '*1 $1 a']);
  });

  it('wakes who waits for what was done', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const writer = await Talker.open(server);
    client.send('BLPOP list 0');
    await writer.ask('PING');
    fill(server);
    expect(await writer.ask(`RPUSH list a ${LARGE}`)).toBe(OOM);
    expect(await client.next()).toBe('*2 $4 list $1 a');
  });
});
