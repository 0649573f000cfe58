/**
 * MIGRATE: keys between servers, ours and redis-server, and all that can go wrong between them. A
 * target of this file's own says what a test tells it to.
 */
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { Certificates } from '../harness/certificates.ts';
import type { Connection } from '../harness/connection.ts';
import { atClose, closeAll, connectTo, startServer, until } from '../harness/in-process-server.ts';
import { JournalLines } from '../harness/journal-lines.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { freePort } from '../harness/server-process.ts';

afterEach(closeAll);

/** A server that shows what it gets and answers what it is told to. */
class ScriptedTarget {
  readonly port: number;
  /** All that has come. */
  text = '';
  connections = 0;
  private readonly sockets: net.Socket[] = [];

  private constructor(server: net.Server) {
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => {
      this.connections++;
      this.sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        this.text += chunk.toString('latin1');
      });
    });
    atClose(() => {
      for (const socket of this.sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
  }

  static async start(): Promise<ScriptedTarget> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedTarget(server);
  }

  /** Answers on the connection made last. */
  answer(text: string): void {
    this.sockets.at(-1)!.write(text);
  }

  hangUp(): void {
    this.sockets.at(-1)!.end();
  }

  pause(): void {
    this.sockets.at(-1)!.pause();
  }

  async got(text: string): Promise<void> {
    await until(() => this.text.includes(text));
  }
}

interface Pair {
  readonly server: Server;
  readonly client: Connection;
  /** Sends a line of words and gives the reply as text. */
  ask(line: string): Promise<string>;
  readonly journal: JournalLines;
}

async function startSource(): Promise<Pair> {
  const server = await startServer({ 'enable-debug-command': 'yes' });
  const client = await connectTo(server);
  return { server, client, ask: (line) => ask(client, line), journal: JournalLines.of(server) };
}

/** Words between blanks; `""` is the empty one. The reply's bytes with blanks for line ends. */
async function ask(client: Connection, line: string): Promise<string> {
  client.send(...wordsOf(line));
  return taken(client);
}

const wordsOf = (line: string) => line.split(' ').map((word) => (word === '""' ? '' : word));

async function taken(client: Connection): Promise<string> {
  const { bytes } = await client.receive();
  return bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' ');
}

const READING = '-IOERR error or timeout reading to target instance';
const WRITING = '-IOERR error or timeout writing to target instance';
const CONNECTING = '-IOERR error or timeout connecting to the client';

/** Something of every type, large and small. */
const data = [
  'SET string v',
  'SET number 17',
  `SET long ${'abc'.repeat(90_000)}`,
  'RPUSH list a b 3',
  `RPUSH long-list ${'e'.repeat(3000)} ${'f'.repeat(9000)}`,
  'SADD ints 1 2 3',
  'SADD set a b 3',
  `SADD table ${Array.from({ length: 600 }, (_, i) => `m${i}`).join(' ')}`,
  'HSET hash f v g 2',
  `HSET large ${Array.from({ length: 600 }, (_, i) => `f${i} ${i}`).join(' ')}`,
  'ZADD sorted 1 a 2.5 b',
  `ZADD tree ${Array.from({ length: 600 }, (_, i) => `${i}.5 m${i}`).join(' ')}`,
  'XADD stream 1-1 f v',
  'XGROUP CREATE stream group 0',
  'XREADGROUP GROUP group me STREAMS stream >',
  'PFADD hyperloglog a b c',
  'GEOADD geo 13.36 38.11 Palermo',
];
const names = [...new Set(data.map((line) => line.split(' ')[line.startsWith('XGROUP') ? 2 : 1]!))]
  .filter((name) => name !== 'GROUP')
  .sort();

/** Brings all of `data` from one client's server to another's port, and says what arrived. */
async function moveAll(from: Connection, to: Connection, toPort: number): Promise<void> {
  await ask(from, 'FLUSHALL');
  for (const line of data) expect(await ask(from, line)).not.toMatch(/^-/);
  await ask(from, 'PEXPIRE string 5000000');
  const digest = await ask(from, `DEBUG DIGEST-VALUE ${names.join(' ')}`);
  const keys = `KEYS ${names.join(' ')}`;
  expect(await ask(from, `MIGRATE 127.0.0.1 ${toPort} "" 0 5000 COPY ${keys}`)).toBe('+OK');
  expect(await ask(from, 'DBSIZE')).toBe(`:${names.length}`);
  expect(await ask(from, `MIGRATE 127.0.0.1 ${toPort} "" 0 5000 ${keys}`)).toMatch(/-.*BUSYKEY/);
  expect(await ask(from, 'DBSIZE')).toBe(`:${names.length}`);
  expect(await ask(from, `MIGRATE 127.0.0.1 ${toPort} "" 0 5000 REPLACE ${keys}`)).toBe('+OK');
  expect(await ask(from, 'DBSIZE')).toBe(':0');
  expect(await ask(to, `DEBUG DIGEST-VALUE ${names.join(' ')}`)).toBe(digest);
  const left = Number((await ask(to, 'PTTL string')).slice(1));
  expect(left).toBeGreaterThan(4_900_000);
  expect(left).toBeLessThanOrEqual(5_000_000);
  expect(await ask(to, 'PTTL list')).toBe(':-1');
  expect(await ask(to, 'XPENDING stream group')).toMatch(/1-1/);
}

describe('MIGRATE between two of ours', () => {
  it('brings all types', { timeout: 30_000 }, async () => {
    const source = await startSource();
    const target = await startSource();
    await moveAll(source.client, target.client, target.server.port);
  });

  it('is one DEL of what arrived in the journal, with its events, and none for a copy', async () => {
    const { ask, journal, server, client } = await startSource();
    const target = await startSource();
    await ask('CONFIG SET notify-keyspace-events KEA');
    const listener = await connectTo(server);
    await listener.call('SUBSCRIBE', '__keyevent@0__:del');
    await ask('MSET a 1 b 2 c 3');
    await target.ask('SET b other');
    journal.take();
    const line = `MIGRATE 127.0.0.1 ${target.server.port} "" 0 1000 KEYS a nosuch b c`;
    expect(await ask(line)).toMatch(/^-ERR Target instance replied with error: BUSYKEY /);
    expect(journal.take()).toEqual(['DEL a c']);
    expect([await taken(listener), await taken(listener)].map((m) => m.split(' ').at(-1))).toEqual([
      'a',
      'c',
    ]);
    expect(await ask('MGET a b c')).toBe('*3 $-1 $1 2 $-1');
    expect(await ask(line.replace('KEYS', 'COPY REPLACE KEYS'))).toBe('+OK');
    expect(journal.take()).toEqual([]);
    expect(target.journal.take()).toEqual([
      'SET b other',
      `RESTORE a 0 ${await dumpOf(target.client, 'a')}`,
      `RESTORE c 0 ${await dumpOf(target.client, 'c')}`,
      `RESTORE b 0 ${await dumpOf(target.client, 'b')} REPLACE`,
    ]);
    expect(await ask(line.replace('KEYS a nosuch b c', 'KEYS nosuch'))).toBe('+NOKEY');
    expect(client.hasReply).toBe(false);
  });

  it('logs in, selects, and touches nothing when one of these is refused', async () => {
    const { ask } = await startSource();
    const target = await startSource();
    const { port } = target.server;
    await target.ask('CONFIG SET requirepass secret');
    await target.ask('AUTH secret');
    await target.ask('ACL SETUSER mover on >word ~* +@all');
    for (const key of 'abc') await ask(`SET ${key} ${key}`);
    expect(await ask(`MIGRATE 127.0.0.1 ${port} a 3 1000`)).toMatch(/error: NOAUTH /);
    expect(await ask(`MIGRATE 127.0.0.1 ${port} a 3 1000 AUTH no`)).toMatch(/error: WRONGPASS /);
    expect(await ask(`MIGRATE 127.0.0.1 ${port} a 99 1000 AUTH secret`)).toMatch(/DB index/);
    expect(await target.ask('INFO keyspace')).not.toMatch(/db\d/);
    expect(await ask(`MIGRATE 127.0.0.1 ${port} a 3 1000 AUTH secret`)).toBe('+OK');
    expect(await ask(`MIGRATE 127.0.0.1 ${port} b 4 1000 AUTH secret`)).toBe('+OK');
    // The connection of who has logged in is nobody else's.
    expect(await ask(`MIGRATE 127.0.0.1 ${port} c 3 1000`)).toMatch(/error: NOAUTH /);
    expect(await ask(`MIGRATE 127.0.0.1 ${port} c 3 1000 AUTH2 mover word`)).toBe('+OK');
    expect(await target.ask('SELECT 3')).toBe('+OK');
    expect(await target.ask('MGET a b c')).toBe('*3 $1 a $-1 $1 c');
    expect(await ask('DBSIZE')).toBe(':0');
  });

  it('keeps its connection, and makes another when that is gone', async () => {
    const { ask, server } = await startSource();
    const target = await startSource();
    const { port } = target.server;
    const cached = async () =>
      /migrate_cached_sockets:(\d+)/.exec(await ask('INFO stats'))?.[1] ?? 'none';
    expect(await cached()).toBe('0');
    await ask('MSET a 1 b 2 c 3');
    expect(await ask(`MIGRATE 127.0.0.1 ${port} a 0 1000`)).toBe('+OK');
    expect(await ask(`MIGRATE 127.0.0.1 ${port} b 0 1000`)).toBe('+OK');
    expect(await cached()).toBe('1');
    // Its own client, and the one connection for both.
    expect(target.server.stats.connectionsReceived).toBe(2);
    await target.ask('CLIENT KILL TYPE normal SKIPME yes');
    expect(await ask(`MIGRATE 127.0.0.1 ${port} c 0 1000`)).toBe('+OK');
    expect(await target.ask('MGET a b c')).toBe('*3 $1 1 $1 2 $1 3');
    await target.ask('CLIENT KILL TYPE normal SKIPME yes');
    await until(() => server.migrations.keptCount === 0);
  });

  it('shows no password to MONITOR', async () => {
    const { ask, server } = await startSource();
    const monitor = await connectTo(server);
    await monitor.call('MONITOR');
    await ask('MIGRATE h 1 k 0 1 AUTH geheim COPY AUTH2 ich geheimer KEYS geheim');
    await ask('MIGRATE h 1 "" 0 1 COPY AUTH geheim AUTH2 ich geheimer KEYS public');
    const lines = `${await taken(monitor)} ${await taken(monitor)}`;
    expect(lines).toMatch(/"AUTH" "\(redacted\)" "COPY" "AUTH2" "\(redacted\)" "\(redacted\)"/);
    expect(lines).toMatch(/"public"/);
    expect(lines.match(/geheim/g)).toEqual(['geheim']);
  });

  it('is encrypted with tls-cluster', async () => {
    const certificates = new Certificates();
    atClose(() => certificates.remove());
    const { cert, key } = certificates.signed('server', '/CN=localhost');
    const files = {
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': certificates.ca,
      'tls-port': String(await freePort()),
    };
    const target = await startServer(files);
    const source = await startServer({ ...files, 'tls-port': '0' });
    const client = await connectTo(source);
    await ask(client, 'SET k v');
    const line = `MIGRATE 127.0.0.1 ${target.endpoints.tlsPort} k 0 2000`;
    // In the clear it is not understood.
    expect(await ask(client, line)).toBe(READING);
    expect(await ask(client, 'CONFIG SET tls-cluster yes')).toBe('+OK');
    expect(await ask(client, line)).toBe('+OK');
    expect(await ask(await connectTo(target), 'GET k')).toBe('$1 v');
  });

  it('is refused in transactions and scripts', async () => {
    const { ask } = await startSource();
    await ask('SET k v');
    await ask('MULTI');
    expect(await ask('MIGRATE 127.0.0.1 1 k 0 100')).toBe('+QUEUED');
    expect(await ask('EXEC')).toBe('*1 -ERR MIGRATE is not allowed in transactions and scripts');
    expect(await ask("EVAL return(redis.call('migrate','127.0.0.1',1,KEYS[1],0,1)) 1 k")).toMatch(
      /^-ERR MIGRATE is not allowed in transactions and scripts/,
    );
  });
});

async function dumpOf(client: Connection, key: string): Promise<string> {
  return client.text('DUMP', key);
}

describe('a target that does as it likes', () => {
  const sent = async (source: Pair, target: ScriptedTarget, more = '') => {
    await source.ask('SET k v');
    source.journal.take();
    source.client.send(...wordsOf(`MIGRATE 127.0.0.1 ${target.port} k 0 60000${more}`));
    await target.got('SELECT');
    target.answer('+OK\r\n');
    await target.got('RESTORE');
  };

  it('reads go on meanwhile, writes wait', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    const other = await connectTo(source.server);
    expect(await ask(other, 'GET k')).toBe('$1 v');
    other.send('SET', 'k', 'later');
    const third = await connectTo(source.server);
    // Both came after that write: what it would have done is not to be seen.
    expect(await ask(third, 'GET k')).toBe('$1 v');
    expect(other.hasReply).toBe(false);
    target.answer('+OK\r\n');
    expect(await taken(source.client)).toBe('+OK');
    expect(await taken(other)).toBe('+OK');
    expect(source.journal.take()).toEqual(['DEL k', 'SET k later']);
  });

  it('its replies may come in any pieces', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    for (const byte of '-BUSY it is') {
      target.answer(byte);
      await ask(await connectTo(source.server), 'PING');
    }
    target.answer('\r\n');
    expect(await taken(source.client)).toBe('-ERR Target instance replied with error: BUSY it is');
    expect(await source.ask('GET k')).toBe('$1 v');
  });

  it('one that says nothing is left after the timeout, and keeps nothing', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await source.ask('SET k v');
    expect(await source.ask(`MIGRATE 127.0.0.1 ${target.port} k 0 50`)).toBe(READING);
    expect(target.connections).toBe(1);
    expect(await source.ask('SET k w')).toBe('+OK');
    expect(source.server.migrations.keptCount).toBe(0);
  });

  it('one that takes nothing in is left while it is written to', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await source.ask('CONFIG SET rdbcompression no');
    await source.ask(`SET k ${'v'.repeat(30_000_000)}`);
    source.client.send(...wordsOf(`MIGRATE 127.0.0.1 ${target.port} k 0 300`));
    await target.got('SELECT');
    target.pause();
    target.answer('+OK\r\n');
    expect(await taken(source.client)).toBe(WRITING);
    expect(await source.ask('STRLEN k')).toBe(':30000000');
  });

  it('one that hangs up is asked again, once', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    target.hangUp();
    await until(() => target.connections === 2);
    await target.got('SELECT');
    target.hangUp();
    expect(await taken(source.client)).toBe(READING);
    expect(target.connections).toBe(2);
    expect(await source.ask('GET k')).toBe('$1 v');
  });

  it('what it had when it hung up is removed', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await source.ask('MSET a 1 b 2 c 3');
    source.journal.take();
    source.client.send(...wordsOf(`MIGRATE 127.0.0.1 ${target.port} "" 0 60000 KEYS a b c`));
    await target.got('SELECT');
    target.answer('+OK\r\n');
    await target.got('RESTORE');
    target.answer('+OK\r\n+OK\r\n');
    target.hangUp();
    expect(await taken(source.client)).toBe(READING);
    expect(source.journal.take()).toEqual(['DEL a b']);
    expect(target.connections).toBe(1);
  });

  it('one that is no Redis server gets no key', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    target.answer('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await taken(source.client)).toBe(READING);
    expect(await source.ask('GET k')).toBe('$1 v');
  });

  it('one without line ends is left', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    target.answer(`+${'x'.repeat(100_000)}`);
    // It is asked once more, as any that hangs up.
    await until(() => target.connections === 2);
    target.answer(`+${'x'.repeat(100_000)}`);
    expect(await taken(source.client)).toBe(READING);
  });

  it.each(['kill', 'unblock', 'hang up'])('the client may go away: %s', async (how) => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    const id = (await source.ask('CLIENT ID')).slice(1);
    await sent(source, target);
    const other = await connectTo(source.server);
    if (how === 'kill') expect(await ask(other, `CLIENT KILL ID ${id}`)).toBe(':1');
    else if (how === 'hang up') source.client.close();
    else {
      expect(await ask(other, `CLIENT UNBLOCK ${id}`)).toBe(':1');
      expect(await taken(source.client)).toBe(READING);
    }
    // Writes are held back no longer, and the key is here.
    expect(await ask(other, 'APPEND k w')).toBe(':2');
    expect(source.journal.take()).toEqual(['APPEND k w']);
    expect(source.server.migrations.keptCount).toBe(0);
  });

  it('what the program around the server changes meanwhile stays', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    source.server.emptyData();
    target.answer('+OK\r\n');
    expect(await taken(source.client)).toBe(
      '-ERR Keys that changed while they were sent were not removed here',
    );
    expect(source.journal.take()).toEqual(['FLUSHALL']);
    expect(await source.ask('INFO clients')).toMatch(/blocked_clients:0/);
  });

  it('a script that is half done is waited for', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await source.ask('CONFIG SET busy-reply-threshold 1');
    await sent(source, target);
    const other = await connectTo(source.server);
    other.send('EVAL_RO', 'while true do end', '0');
    await until(() => source.server.executor.isBusy);
    target.answer('+OK\r\n');
    await until(() => source.server.migrations.keptCount === 1);
    const third = await connectTo(source.server);
    expect(await ask(third, 'GET k')).toMatch(/^-BUSY /);
    expect(source.client.hasReply).toBe(false);
    expect(source.journal.take()).toEqual([]);
    expect(await ask(third, 'SCRIPT KILL')).toBe('+OK');
    expect(await taken(source.client)).toBe('+OK');
    expect(source.journal.take()).toEqual(['DEL k']);
  });

  it('SHUTDOWN in the middle ends it, and the key stays', async () => {
    const source = await startSource();
    const target = await ScriptedTarget.start();
    await sent(source, target);
    const other = await connectTo(source.server);
    other.send('SHUTDOWN', 'NOSAVE');
    await source.client.closed();
    await source.server.close();
    expect(source.journal.take()).toEqual([]);
    expect(source.server.keyspace.dbs[0]!.size).toBe(1);
  });
});

describeWithOracle('MIGRATE next to redis-server', () => {
  it('from ours to it, and back', { timeout: 60_000 }, async () => {
    const oracle = await startOracle();
    try {
      const theirs = await oracle.connect();
      const { server, client } = await startSource();
      await moveAll(client, theirs, oracle.port);
      await moveAll(theirs, client, server.port);
    } finally {
      await oracle.stop();
    }
  });

  it('refuses the same in the same words', { timeout: 60_000 }, async () => {
    const oracle = await startOracle(['--requirepass', 'secret']);
    const second = await startOracle(['--requirepass', 'secret']);
    try {
      const theirs = await oracle.connect();
      await theirs.call('AUTH', 'secret');
      const { client, server } = await startSource();
      const peer = await second.connect();
      await peer.call('AUTH', 'secret');
      const closed = await ScriptedTarget.start();
      const lines = [
        'MIGRATE 127.0.0.1 1 k 0',
        'MIGRATE 127.0.0.1 1 nosuch 0 100',
        'MIGRATE 127.0.0.1 1 nosuch x 100',
        'MIGRATE 127.0.0.1 1 k 0 x',
        'MIGRATE 127.0.0.1 1 k x y',
        'MIGRATE 127.0.0.1 1 k 0 100',
        'MIGRATE 127.0.0.1 abc k 0 100',
        'MIGRATE 127.0.0.1 -5 k 0 100',
        'MIGRATE "" 1 k 0 100',
        'MIGRATE host.invalid 1 k 0 100',
        'MIGRATE 127.0.0.1 1 k 0 100 KEYS a',
        'MIGRATE 127.0.0.1 1 "" 0 100 KEYS',
        'MIGRATE 127.0.0.1 1 "" 0 100 KEYS nosuch',
        'MIGRATE 127.0.0.1 1 "" 0 100',
        'MIGRATE 127.0.0.1 1 k 0 100 NOSUCH',
        'MIGRATE 127.0.0.1 1 k 0 100 AUTH',
        'MIGRATE 127.0.0.1 1 k 0 100 AUTH2 u',
        'MIGRATE 127.0.0.1 1 k 0 100 COPY REPLACE copy replace NOSUCH',
        `MIGRATE 127.0.0.1 ${closed.port} k 0 50`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH wrong`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH2 nosuch secret`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH secret`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH secret`,
        'SET k v',
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH secret`,
        `MIGRATE 127.0.0.1 ${second.port} k 0 500 AUTH secret REPLACE`,
        'MSET a 1 b 2 c 3',
        `MIGRATE 127.0.0.1 ${second.port} "" 0 500 AUTH2 default secret KEYS a x a b`,
        'MGET a b c',
        `MIGRATE 127.0.0.1 ${second.port} c 20 500 AUTH secret`,
        'EXISTS c',
      ];
      const replies: string[][] = [];
      for (const connection of [theirs, client]) {
        await ask(peer, 'FLUSHALL');
        await ask(connection, 'SET k v');
        const found: string[] = [];
        for (const line of lines) found.push(`${line}: ${await ask(connection, line)}`);
        replies.push(found);
      }
      expect(replies[1]).toEqual(replies[0]);
      expect(CONNECTING).toBe(replies[0]![8]!.split(': ')[1]);
      expect(server.blocking.size).toBe(0);
    } finally {
      await second.stop();
      await oracle.stop();
    }
  });
});
