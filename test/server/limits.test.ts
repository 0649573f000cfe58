/**
 * Where sizes end: strings at 30 bits of length, replies at what one buffer holds.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';

afterEach(closeAll);

const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)';
const BAD_OFFSET = '-ERR bit offset is not an integer or out of range';
const TOO_LARGE = '-ERR reply is too large';
const CUT = '-ERR reply is too large; what the command has changed stays';

describe('the longest string', () => {
  it('has 30 bits of length whatever proto-max-bulk-len says', async () => {
    const client = await Talker.open(await startServer());
    expect(await client.ask('CONFIG SET proto-max-bulk-len 8gb')).toBe('+OK');
    expect(await client.ask('CONFIG GET proto-max-bulk-len')).toContain('8589934592');
    expect(await client.ask('SETRANGE k 2147483640 abcdefghijklmnop')).toBe(TOO_LONG);
    expect(await client.ask('SETRANGE k 1073741823 a')).toBe(TOO_LONG);
    expect(await client.ask('SETBIT k 8589934584 1')).toBe(BAD_OFFSET);
    expect(await client.ask('BITFIELD k SET u8 8589934584 1')).toBe(BAD_OFFSET);
    expect(await client.ask('EXISTS k')).toBe(':0');
    client.connection.write(Buffer.from('*2\r\n$3\r\nGET\r\n$1073741824\r\n'));
    expect(await client.next()).toBe('-ERR Protocol error: invalid bulk length');
  });
});

describe('a reply that is too large', () => {
  const ELEMENT = 'x'.repeat(1000);
  const elements = Array.from({ length: 200 }, (_, i) => `${ELEMENT}${i}`);

  /** A server whose replies have room for 60 to 70 elements. */
  async function small(): Promise<[Server, Talker]> {
    const server = await startServer();
    server['reply'].limit = 66_000;
    return [server, await Talker.open(server)];
  }

  it.each(['SRANDMEMBER key -100', 'SMEMBERS key', 'SRANDMEMBER key 100'])(
    '%s is an error',
    async (line) => {
      const [, client] = await small();
      await client.ask(`SADD key ${elements.join(' ')}`);
      expect(await client.ask(line)).toBe(TOO_LARGE);
      expect(await client.ask('SCARD key')).toBe(':200');
    },
  );

  it('counts that can never fit are refused at once, after the range errors', async () => {
    const client = await Talker.open(await startServer());
    await client.ask('SADD s a');
    await client.ask('HSET h f v');
    await client.ask('ZADD z 1 m');
    const count = String(-(2n ** 62n));
    const lines = ['SRANDMEMBER s', 'HRANDFIELD h', 'ZRANDMEMBER z'].map((l) => `${l} ${count}`);
    for (const line of lines) expect(await client.ask(line)).toBe(TOO_LARGE);
    // The shortest of these takes 7 bytes.
    expect(await client.ask('SRANDMEMBER s -306783379')).toBe(TOO_LARGE);
    expect(await client.ask(`${lines[1]} WITHVALUES`)).toBe('-ERR value is out of range');
    expect(await client.ask(`${lines[2]} WITHSCORES`)).toBe('-ERR value is out of range');
    expect(await client.ask('SRANDMEMBER s -3')).toBe('*3 $1 a $1 a $1 a');
  });

  const hundred = elements.slice(0, 100).join(' ');
  const pairs = elements.map((element, i) => `${i} ${element}`).join(' ');
  const same = elements.map((element) => `${element} ${element}`).join(' ');

  /** Runs a command on a key just filled; its reply and how many of 200 elements are left. */
  async function shrink(fill: string, line: string, size: string): Promise<[string, number]> {
    const [server, client] = await small();
    await client.ask(fill);
    const watcher = await Talker.open(server);
    await watcher.ask('WATCH key');
    const reply = await client.ask(line);
    const left = Number((await client.ask(size)).slice(1));
    watcher.send('MULTI', 'PING', 'EXEC');
    expect((await watcher.take(3))[2]).toBe(left < 200 ? '*-1' : '*1 +PONG');
    return [reply, left];
  }

  it.each([
    ['LPOP', `RPUSH key ${elements.join(' ')}`, 'LPOP key 100', 'LLEN key'],
    ['ZPOPMIN', `ZADD key ${pairs}`, 'ZPOPMIN key 100', 'ZCARD key'],
  ])('%s, which answers first, changes nothing', async (_name, ...lines) => {
    expect(await shrink(...lines)).toEqual([TOO_LARGE, 200]);
  });

  it.each([
    ['SPOP', `SADD key ${elements.join(' ')}`, 'SPOP key 100', 'SCARD key'],
    ['HGETDEL', `HSET key ${same}`, `HGETDEL key FIELDS 100 ${hundred}`, 'HLEN key'],
  ])('%s keeps what it has changed, and who watches learns of it', async (_name, ...lines) => {
    const [reply, left] = await shrink(...lines);
    expect(reply).toBe(CUT);
    expect(left).toBeGreaterThanOrEqual(100);
    expect(left).toBeLessThan(200);
  });

  it('a field that got a time to live before that expires', async () => {
    let nowMs = 1_700_000_000_000;
    const server = await startServer({}, { now: () => nowMs });
    server['reply'].limit = 66_000;
    const client = await Talker.open(server);
    await client.ask(`HSET key ${pairs}`);
    const fields = elements.map((_, i) => i).join(' ');
    expect(await client.ask(`HGETEX key PX 1000 FIELDS 200 ${fields}`)).toBe(CUT);
    nowMs += 2000;
    server.keyspace.nowMs = nowMs;
    server.keyspace.dbs[0]!.expireDueFields(1000);
    expect(server.keyspace.expiredFields).toBeGreaterThan(50);
  });

  it('is one error of a transaction, and the rest is answered', async () => {
    const [, client] = await small();
    await client.ask(`RPUSH key ${elements.join(' ')}`);
    client.send('MULTI', 'LRANGE key 0 40', 'LRANGE key 0 40', 'LLEN key', 'EXEC');
    expect((await client.take(4)).join(' ')).toBe('+OK +QUEUED +QUEUED +QUEUED');
    const reply = await client.next();
    expect(reply.endsWith(`${TOO_LARGE} :200`)).toBe(true);
    expect(await client.ask('BLPOP none 0.01')).toBe('*-1');
  });
});
