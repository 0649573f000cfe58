/**
 * What clients cost: the running sums against a walk over all of them, whatever the clients did;
 * and who has to go where it is too much (maxmemory-clients, client-query-buffer-limit). Replies
 * and log lines are those of redis-server 7.0.15.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { heapGuard, holders } from '../../src/util/heap-guard.ts';
import { closeAll, connectTo, startServer, Talker, until } from '../harness/in-process-server.ts';

afterEach(closeAll);

function walked(server: Server): number {
  let bytes = 0;
  for (const session of server.clients.all()) bytes += session.memoryBytes();
  return bytes;
}

describe('the sums over all clients', () => {
  it('are what a walk would find, after everything that a client can pile up', async () => {
    const server = await startServer();
    const before = holders.map((name) => heapGuard.bytesOf(name));
    const { memory } = server.clients;
    const check = () => expect(memory.bytes).toBe(walked(server));
    const admin = await Talker.open(server);
    const a = await Talker.open(server);
    const b = await Talker.open(server);
    check();
    const alone = memory.bytes;
    await a.ask('CLIENT SETNAME somebody');
    check();
    a.send('SUBSCRIBE x y z', 'PSUBSCRIBE p*');
    await a.take(4);
    check();
    expect(heapGuard.bytesOf('subscriptions')).toBeGreaterThan(before[1]!);
    await b.ask('WATCH k l m');
    await b.ask('MULTI');
    for (let i = 0; i < 20; i++) await b.ask(`SET key${i} ${'v'.repeat(100)}`);
    check();
    expect(memory.bytes).toBeGreaterThan(alone + 3000);
    expect(heapGuard.bytesOf('watched keys')).toBeGreaterThan(before[2]!);
    await b.ask('EXEC');
    check();
    b.send('BLPOP none 0');
    await until(() => server.blocking.size === 1);
    check();
    expect(heapGuard.bytesOf('blocked commands')).toBeGreaterThan(before[3]!);
    b.send('PING', 'PING');
    await admin.ask('PING');
    check();
    await admin.ask('RPUSH none x');
    await b.take(3);
    check();
    b.connection.write(Buffer.from(`*2\r\n$4\r\nECHO\r\n$50000\r\n${'x'.repeat(20_000)}`));
    await until(() => [...server.clients.all()].some(({ inputBytes }) => inputBytes > 20_000));
    check();
    expect(memory.biggest().input).toBeGreaterThan(20_000);
    await Promise.all([a, b].map(({ connection }) => connection.close()));
    await until(() => server.clients.size === 1);
    check();
    await admin.connection.close();
    await until(() => server.clients.size === 0);
    expect(memory.bytes).toBe(0);
    expect(server.pubsub.memoryBytes).toBe(0);
    expect(holders.map((name) => heapGuard.bytesOf(name))).toEqual(
      before.map((bytes, i) => (holders[i] === 'clients' ? 0 : bytes)),
    );
  });

  it('have what a client does not take of its output, until it does', async () => {
    const server = await startServer();
    const admin = await Talker.open(server);
    const slow = await connectTo(server);
    await admin.ask(`SET big ${'x'.repeat(100_000)}`);
    slow.pause();
    for (let i = 0; i < 400; i++) slow.send('GET', 'big');
    const { memory } = server.clients;
    await until(() => memory.bytes > 10_000_000);
    expect(memory.bytes).toBe(walked(server));
    expect(memory.biggest().output).toBeGreaterThan(10_000_000);
    slow.resume();
    await until(() => memory.bytes < 1_000_000);
    expect(memory.bytes).toBe(walked(server));
  });
});

describe('a client that reads nothing', () => {
  it('is owed small replies in a few blocks, not in an object each', async () => {
    const server = await startServer();
    const slow = await connectTo(server);
    slow.pause();
    const [session] = [...server.clients.all()];
    const { socket } = session!.connection as unknown as {
      socket: { writableLength: number; _writableState: { buffered: unknown[] } };
    };
    slow.send('CONFIG', 'GET', '*');
    for (let i = 0; i < 2000; i++) slow.send('CONFIG', 'GET', '*');
    await until(() => session!.unsentBytes > 1_000_000);
    const sent = 5000;
    for (let i = 0; i < sent; i++) {
      slow.send('PING');
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    slow.send('CLIENT', 'SETNAME', 'done');
    await until(() => session!.name === 'done');
    const blocks = Math.ceil(session!.unsentBytes / (16 * 1024));
    expect(session!.describe(Date.now())).toMatch(/ oll=[1-9]\d* omem=[1-9]\d+ /);
    expect(session!.connection.unsentBlocks).toBeLessThan(2 * blocks + 2);
    expect(socket._writableState.buffered.length).toBeLessThan(2 * blocks + 2);
    slow.resume();
    let pongs = 0;
    while (pongs < sent) {
      const { bytes } = await slow.receive();
      if (bytes.toString('latin1') === '+PONG\r\n') pongs++;
    }
    expect((await slow.receive()).bytes.toString()).toBe('+OK\r\n');
    expect(session!.unsentBytes).toBe(0);
  });
});

describe('maxmemory-clients', () => {
  /** All but the end of a request: a large argument has the room for all of it once it has begun. */
  const part = (bytes: number) =>
    `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${bytes + 1}\r\n${'x'.repeat(bytes)}`;

  async function crowd(directives: Record<string, string>) {
    const log: string[] = [];
    const server = await startServer(directives, { log: (line) => log.push(line) });
    const admin = await Talker.open(server);
    const clients = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const client = await Talker.open(server);
      await client.ask(`CLIENT SETNAME ${name}`);
      clients.push(client);
    }
    return { log, server, admin, clients };
  }

  const evicted = (log: readonly string[]) =>
    log.flatMap((line) => /Evicting client: id=\d+ addr=.* name=(\w) /.exec(line)?.[1] ?? []);

  it('has the largest go first, those with NO-EVICT stay', async () => {
    const { log, server, admin, clients } = await crowd({});
    const [a, b, c, d] = clients;
    await a!.ask('CLIENT NO-EVICT on');
    a!.connection.write(Buffer.from(part(600_000)));
    b!.connection.write(Buffer.from(part(400_000)));
    c!.connection.write(Buffer.from(part(40_000)));
    d!.connection.write(Buffer.from(part(150_000)));
    await until(() => server.clients.memory.bytes > 1_190_000);
    await admin.ask('CONFIG SET maxmemory-clients 750kb');
    await until(() => evicted(log).length === 2);
    expect(evicted(log)).toEqual(['b', 'd']);
    expect(await admin.ask('INFO stats')).toContain('evicted_clients:2');
    expect(server.clients.memory.bytes).toBeLessThan(750 * 1024);
    expect(server.clients.size).toBe(3);
  });

  it('counts the prefixes that a client tracks, and ends one that adds them for ever', async () => {
    const { server, clients } = await crowd({ 'maxmemory-clients': '400000' });
    const [a, b] = clients;
    const before = server.clients.memory.bytes;
    await b!.ask('CLIENT TRACKING on BCAST PREFIX b');
    await b!.ask('CLIENT TRACKING on BCAST PREFIX c PREFIX d');
    expect(server.clients.memory.bytes).toBeGreaterThan(before + 3 * 800);
    expect(server.clients.memory.bytes).toBe(walked(server));
    await b!.ask('CLIENT TRACKING off');
    expect(server.clients.memory.bytes).toBe(before);
    let added = 0;
    const endless = async () => {
      for (; added < 10_000; added++) {
        await a!.ask(`CLIENT TRACKING on BCAST PREFIX ${String(added).padStart(12, '0')}`);
      }
    };
    await expect(endless()).rejects.toThrow();
    expect(added).toBeGreaterThan(100);
    expect(added).toBeLessThan(1000);
    expect(server.tracking.prefixCount).toBe(0);
    expect(server.clients.memory.bytes).toBe(walked(server));
  });

  it('may be a share of maxmemory, and is never too small to say so', async () => {
    const { log, server, admin, clients } = await crowd({ maxmemory: '10mb' });
    await admin.ask('CONFIG SET maxmemory-clients 5%');
    expect(server.clients.memory.limit).toBe(524_288);
    await admin.ask('CONFIG SET maxmemory-clients 1');
    expect(server.clients.memory.limit).toBe(131_072);
    await admin.ask('CONFIG SET maxmemory-clients 5%');
    await admin.ask('CONFIG SET maxmemory 0');
    expect(server.clients.memory.limit).toBe(0);
    await admin.ask('CONFIG SET maxmemory-clients 131072');
    await admin.ask('CLIENT NO-EVICT on');
    for (const client of clients) await client.ask('CLIENT NO-EVICT on');
    clients[0]!.connection.write(Buffer.from(part(400_000)));
    await until(() => log.some((line) => line.includes('Over client maxmemory after evicting')));
    expect(evicted(log)).toEqual([]);
    expect(server.clients.size).toBe(5);
  });

  it('counts a transaction, subscriptions and output', async () => {
    const { log, admin, clients } = await crowd({ 'maxmemory-clients': '1mb' });
    const [a, b, c] = clients;
    await a!.ask('MULTI');
    a!.send(...Array.from({ length: 30 }, () => `SET k ${'x'.repeat(50_000)}`));
    await until(() => evicted(log).includes('a'));
    b!.send(...Array.from({ length: 2000 }, (_, i) => `SUBSCRIBE ${'c'.repeat(600)}${i}`));
    await until(() => evicted(log).includes('b'));
    await admin.ask(`SET big ${'x'.repeat(100_000)}`);
    c!.connection.pause();
    for (let i = 0; i < 400; i++) c!.connection.send('GET', 'big');
    await until(() => evicted(log).includes('c'));
    expect(await admin.ask('PING')).toBe('+PONG');
  });
});

describe('client-output-buffer-limit', () => {
  it('ends a client whose one reply is larger, and no other; a transaction is carried out', async () => {
    const log: string[] = [];
    const server = await startServer({}, { log: (line) => log.push(line) });
    const [client, admin] = [await Talker.open(server), await Talker.open(server)];
    await admin.ask(`SET big ${'x'.repeat(700_000)}`);
    expect((await client.ask('MGET big big big')).length).toBeGreaterThan(2_000_000);
    const limits = ['client-output-buffer-limit', 'normal 1mb 0 0'];
    admin.connection.send('CONFIG', 'SET', ...limits);
    expect(await admin.next()).toBe('+OK');
    expect((await client.ask('MGET big')).length).toBeGreaterThan(700_000);
    client.send('MULTI', 'SET a 1', 'MGET big big big', 'SET b 2', 'EXEC', 'SET c 3');
    await until(() => server.clients.size === 1);
    expect(log.join()).toContain('scheduled to be closed ASAP for overcoming of output buffer');
    expect(await admin.ask('MGET a b c')).toBe('*3 $1 1 $1 2 $-1');
    const stats = await admin.ask('INFO stats');
    expect(stats).toContain('client_output_buffer_limit_disconnections:1');
    expect((await admin.ask('MGET big')).length).toBeGreaterThan(700_000);
  });
});

describe('client-query-buffer-limit', () => {
  it('ends a client whose request is larger, and says how it began', async () => {
    const log: string[] = [];
    const options = { 'client-query-buffer-limit': '1mb' };
    const server = await startServer(options, { log: (line) => log.push(line) });
    const [client, admin] = [await Talker.open(server), await Talker.open(server)];
    client.connection.write(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n'));
    client.connection.write(Buffer.alloc(1_100_000, 'y'));
    await until(() => server.clients.size === 1);
    const line = log.find((each) => each.includes('max query buffer length'));
    expect(line).toMatch(/Closing client that reached .*length: id=\d+ .* qbuf=1\d{6} qbuf-free=/);
    expect(line).toContain('(qbuf initial bytes: "*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\nk\\r\\n');
    const stats = await admin.ask('INFO stats');
    expect(stats).toContain('client_query_buffer_limit_disconnections:1');
  });

  it('counts what MULTI has queued', async () => {
    const server = await startServer({ 'client-query-buffer-limit': '1mb' });
    const client = await Talker.open(server);
    await client.ask('MULTI');
    client.send(...Array.from({ length: 30 }, () => `SET k ${'x'.repeat(50_000)}`));
    await until(() => server.clients.size === 0);
  });
});
