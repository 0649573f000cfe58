/**
 * Sessions in every state: what CLIENT LIST and INFO tell of them, RESET, CLIENT PAUSE and CLIENT
 * REPLY around transactions and blocking commands, limits while a transaction runs.
 */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

/** A field of a session in CLIENT LIST. */
async function field(asker: Talker, id: string, name: string): Promise<string> {
  const line = await asker.ask(`CLIENT LIST ID ${id}`);
  return new RegExp(` ${name}=(\\S*)`).exec(line)?.[1] ?? 'missing';
}

async function idOf(client: Talker): Promise<string> {
  return (await client.ask('CLIENT ID')).slice(1);
}

async function infoField(asker: Talker, name: string): Promise<string> {
  return new RegExp(`${name}:(\\S*)`).exec(await asker.ask('INFO everything'))?.[1] ?? 'missing';
}

async function pair(server: Server): Promise<[Talker, Talker, string]> {
  const [a, b] = [await Talker.open(server), await Talker.open(server)];
  return [a, b, await idOf(b)];
}

describe('CLIENT LIST', () => {
  it('tells of transactions and watched keys', async () => {
    const [a, b, id] = await pair(await startServer());
    await b.ask('WATCH k l');
    expect(await field(a, id, 'watch')).toBe('2');
    expect(await field(a, id, 'multi')).toBe('-1');
    await b.ask('MULTI');
    await b.ask('SET n 12345');
    expect(await field(a, id, 'flags')).toBe('x');
    expect(await field(a, id, 'multi')).toBe('1');
    expect(Number(await field(a, id, 'multi-mem'))).toBeGreaterThan(9);
    await a.ask('SET k v');
    expect(await field(a, id, 'flags')).toBe('xd');
    expect(await field(a, id, 'watch')).toBe('0');
    await b.ask('EXEC');
    expect(await field(a, id, 'flags')).toBe('N');
    b.send('MULTI', 'CLIENT INFO', 'PING', 'EXEC');
    const [, , , reply] = await b.take(4);
    expect(reply).toMatch(/ flags=x .* multi=2 .* cmd=exec /);
    expect(await field(a, id, 'multi')).toBe('-1');
  });

  it('tells of waiting: for a key, for the end of a pause', async () => {
    const server = await startServer();
    const [a, b, id] = await pair(server);
    b.send('BLPOP list 0');
    await until(() => server.blocking.size === 1);
    expect(await field(a, id, 'flags')).toBe('b');
    expect(await field(a, id, 'argv-mem')).toBe('10');
    expect(await infoField(a, 'blocked_clients')).toBe('1');
    expect(await infoField(a, 'clients_in_timeout_table')).toBe('0');
    a.send(`CLIENT UNBLOCK ${id}`, `CLIENT LIST ID ${id}`);
    const [, line] = await a.take(2);
    expect(line).toMatch(/ flags=u .* argv-mem=0 /);
    expect(await b.next()).toBe('*-1');
    b.send('BLPOP list 1000');
    await until(() => server.blocking.size === 1);
    expect(await infoField(a, 'clients_in_timeout_table')).toBe('1');
    await a.ask(`CLIENT UNBLOCK ${id}`);
    await b.next();

    await a.ask('CLIENT PAUSE 100000 WRITE');
    b.send('SET key value');
    while ((await infoField(a, 'blocked_clients')) !== '1');
    expect(await field(a, id, 'flags')).toBe('b');
    expect(await field(a, id, 'argv-mem')).toBe('11');
    expect(await infoField(a, 'clients_in_timeout_table')).toBe('0');
    expect(await a.ask(`CLIENT UNBLOCK ${id}`)).toBe(':0');
    await a.ask('CLIENT UNPAUSE');
    expect(await b.next()).toBe('+OK');
    expect(await field(a, id, 'flags')).toBe('N');
  });

  it('tells of output that nobody takes, and of the latest command', async () => {
    const server = await startServer();
    const a = await Talker.open(server);
    await a.ask(`SET big ${'x'.repeat(400_000)}`);
    const slow = connect(server.port, '127.0.0.1');
    slow.pause();
    slow.write('GET big\r\n'.repeat(30));
    let line = '';
    while (!line.includes('events=rw')) line = await a.ask('CLIENT LIST');
    const described = line.split('\n').find((each) => each.includes('events=rw'))!;
    expect(described).toMatch(/ oll=[1-9]\d* omem=\d{6,} .* cmd=get /);
    slow.destroy();
    a.send('OBJECT ENCODING big', 'NOSUCH', 'CLIENT LIST');
    expect((await a.take(3))[2]).toContain('cmd=client|list');
    const b = await Talker.open(server);
    const id = await idOf(b);
    await b.ask('NOSUCH');
    expect(await field(a, id, 'cmd')).toBe('NULL');
  });
});

describe('RESET', () => {
  it('ends everything that a connection may be in', async () => {
    const server = await startServer({ requirepass: 'secret' });
    const [a, b] = [await Talker.open(server), await Talker.open(server)];
    for (const each of [a, b]) expect(await each.ask('AUTH secret')).toBe('+OK');
    const id = await idOf(b);
    const before = await a.ask(`CLIENT LIST ID ${id}`);
    for (const line of [
      'HELLO 3 SETNAME me',
      'SELECT 5',
      'CLIENT NO-EVICT ON',
      'CLIENT NO-TOUCH ON',
      'WATCH k',
      'MULTI',
      'SET k v',
    ]) {
      await b.ask(line);
    }
    expect(await field(a, id, 'flags')).toBe('xeT');
    expect(await b.ask('RESET')).toBe('+RESET');
    const variable = /^\$\d+| (age|idle|cmd)=\S*/g;
    const after = await a.ask(`CLIENT LIST ID ${id}`);
    expect(after.replace(variable, '')).toBe(before.replace(variable, ''));
    expect(await b.ask('GET k')).toContain('-NOAUTH');
    expect(server.keyspace.changes.watches.size).toBe(0);
    b.send('AUTH secret', 'MULTI', 'PING', 'EXEC');
    expect((await b.take(4))[3]).toBe('*1 +PONG');
  });

  it('turns replies on again', async () => {
    const client = await Talker.open(await startServer());
    client.send('CLIENT REPLY OFF', 'PING', 'RESET', 'PING');
    expect(await client.take(2)).toEqual(['+RESET', '+PONG']);
  });
});

describe('CLIENT PAUSE', () => {
  it('lets clients go on in the order in which they had to wait', async () => {
    const server = await startServer();
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await Talker.open(server));
    const [boss, first, second, third] = clients as [Talker, Talker, Talker, Talker];
    await boss.ask('CLIENT PAUSE 100000 WRITE');
    let waiting = 0;
    for (const [client, value] of [
      [third, 'c'],
      [first, 'a'],
      [second, 'b'],
    ] as const) {
      client.send(`RPUSH l ${value}`, `RPUSH l ${value}${value}`);
      waiting++;
      while ((await infoField(boss, 'blocked_clients')) !== String(waiting));
    }
    await boss.ask('CLIENT UNPAUSE');
    for (const client of [first, second, third]) await client.take(2);
    expect(await boss.ask('LRANGE l 0 -1')).toBe('*6 $1 c $2 cc $1 a $2 aa $1 b $2 bb');
  });

  it('holds back the queueing of writes and what runs them, not of reads', async () => {
    const [a, b] = await pair(await startServer());
    await b.ask('MULTI');
    expect(await b.ask('SET k v')).toBe('+QUEUED');
    await a.ask('CLIENT PAUSE 100000 WRITE');
    b.send('EXEC');
    expect(await a.ask('GET k')).toBe('$-1');
    a.send('MULTI', 'GET k', 'EXEC');
    expect((await a.take(3))[2]).toBe('*1 $-1');
    await a.ask('CLIENT UNPAUSE');
    expect(await b.next()).toBe('*1 +OK');
  });

  it('keeps expired keys until it is over, though nobody sees them', async () => {
    let nowMs = 1_000_000;
    const server = await startServer({ hz: '100' }, { now: () => nowMs });
    const client = await Talker.open(server);
    client.send('SET k v PX 100', 'SET live v', 'CLIENT PAUSE 100000 WRITE');
    await client.take(3);
    nowMs += 200;
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 15));
    for (const [line, reply] of [
      ['GET k', '$-1'],
      ['EXISTS k', ':0'],
      ['TTL k', ':-2'],
      ['KEYS *', '*1 $4 live'],
      ['RANDOMKEY', '$4 live'],
      ['DBSIZE', ':2'],
    ]) {
      expect(await client.ask(line!)).toBe(reply);
    }
    expect(server.keyspace.expiredKeys).toBe(0);
    await client.ask('CLIENT UNPAUSE');
    while ((await client.ask('DBSIZE')) !== ':1');
    expect(server.keyspace.expiredKeys).toBe(1);
  });

  it('lets a write replace what has expired: there never are two of a key', async () => {
    let nowMs = 1_000_000;
    const server = await startServer({}, { now: () => nowMs });
    server.upkeep.activeExpire = false;
    const client = await Talker.open(server);
    await client.ask('SET k v PX 100');
    await client.ask('CLIENT PAUSE 100000 WRITE');
    nowMs += 200;
    expect(await client.ask('GET k')).toBe('$-1');
    client.send('MULTI', 'CLIENT UNPAUSE', 'GET k', 'EXEC');
    await client.take(4);
    expect(await client.ask('SET k new')).toBe('+OK');
    expect(await client.ask('DBSIZE')).toBe(':1');
    expect(await client.ask('KEYS *')).toBe('*1 $1 k');
  });

  it('forgets a held client that is killed', async () => {
    const server = await startServer();
    const [a, b, id] = await pair(server);
    await a.ask('CLIENT PAUSE 100000 WRITE');
    b.send('SET k v');
    while ((await infoField(a, 'blocked_clients')) !== '1');
    expect(await a.ask(`CLIENT KILL ID ${id}`)).toBe(':1');
    await a.ask('CLIENT UNPAUSE');
    expect(await a.ask('EXISTS k')).toBe(':0');
    expect(await infoField(a, 'blocked_clients')).toBe('0');
  });
});

describe('CLIENT REPLY', () => {
  it('SKIP leaves the reply of a blocked command out, whenever it comes', async () => {
    const server = await startServer();
    const [a, b] = await pair(server);
    b.send('CLIENT REPLY SKIP', 'BLPOP l 0', 'PING');
    await until(() => server.blocking.size === 1);
    await a.ask('RPUSH l x');
    expect(await b.next()).toBe('+PONG');
    b.send('CLIENT REPLY SKIP', 'BLPOP l 0.01', 'PING 2');
    expect(await b.next()).toBe('$1 2');
    expect(await b.ask('PING')).toBe('+PONG');
  });

  it('ON as part of EXEC counts from there on, as in redis-server', async () => {
    const client = await Talker.open(await startServer());
    client.send('CLIENT REPLY OFF', 'MULTI', 'PING', 'CLIENT REPLY ON', 'ECHO a', 'EXEC', 'PING');
    expect(await client.take(3)).toEqual(['+OK', '$1 a', '+PONG']);
    client.send('MULTI', 'CLIENT REPLY OFF', 'PING', 'CLIENT REPLY ON', 'EXEC');
    expect(await client.take(4)).toEqual(['+OK', '+QUEUED', '+QUEUED', '+QUEUED']);
    // EXEC's header, then one reply of three: what comes next is taken for the others.
    client.send('ECHO b', 'ECHO c');
    expect(await client.next()).toBe('*3 +OK $1 b $1 c');
  });
});

describe('a transaction', () => {
  it('runs to its end when its client is cut for its output, or ends itself', async () => {
    const limit = 'normal 1000000 0 0 replica 0 0 0 pubsub 0 0 0';
    const server = await startServer({ 'client-output-buffer-limit': limit });
    const a = await Talker.open(server);
    await a.ask(`SET big ${'x'.repeat(900_000)}`);
    const slow = connect(server.port, '127.0.0.1');
    slow.on('error', () => {});
    slow.pause();
    slow.write(`MULTI\r\n${'GET big\r\n'.repeat(20)}SET after 1\r\nEXEC\r\n`);
    await until(() => server.stats.clientOutputLimitDisconnections === 1);
    expect(await a.ask('GET after')).toBe('$1 1');
    slow.destroy();

    const b = await Talker.open(server);
    const id = await idOf(b);
    b.send('MULTI', `CLIENT KILL ID ${id} SKIPME no`, 'SET own 1', 'EXEC');
    await expect(b.take(5)).rejects.toThrow('closed');
    expect(await a.ask('GET own')).toBe('$1 1');
  });

  it('is gone with its client', async () => {
    const server = await startServer();
    const [a, b, id] = await pair(server);
    b.send('WATCH w', 'MULTI', 'SET k v');
    await b.take(3);
    await a.ask(`CLIENT KILL ID ${id}`);
    expect(server.keyspace.changes.watches.size).toBe(0);
    expect(await a.ask('EXISTS k')).toBe(':0');
  });

  it('is refused for want of memory, while queueing and at EXEC', async () => {
    const server = await startServer();
    const [a, b] = await pair(server);
    b.send('MULTI', 'SET k v');
    await b.take(2);
    await a.ask('CONFIG SET maxmemory 1');
    expect(await b.ask('EXEC')).toMatch(/^-EXECABORT Transaction discarded because of: OOM/);
    b.send('MULTI', 'GET k', 'EXEC');
    expect((await b.take(3))[1]).toMatch(/^-OOM/);
    await a.ask('CONFIG SET maxmemory 0');
    expect(await b.ask('EXISTS k')).toBe(':0');
  });
});
