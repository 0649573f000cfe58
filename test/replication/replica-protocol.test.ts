/**
 * What a replica says on the link and does with what it gets, against a master that is scripted: the
 * bytes are those captured from redis-server 7.0.15 (docs/replication.md).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import {
  line,
  MARK,
  REPLID,
  type ReplicaLink,
  rdbOf,
  ScriptedMaster,
} from '../harness/scripted-master.ts';

afterEach(closeAll);

const FULL = process.env['RESPITE_FULL'] === '1';
const OTHER = 'f'.repeat(40);

async function scripted(): Promise<ScriptedMaster> {
  const master = await ScriptedMaster.start();
  atClose(() => master.close());
  return master;
}

function replicaOf(master: ScriptedMaster, more: Record<string, string> = {}): Promise<Server> {
  return startServer({ replicaof: `127.0.0.1 ${master.port}`, ...more });
}

/** A replica whose link is up, with a=1 from a full sync as of offset 100. */
async function linked(more: Record<string, string> = {}) {
  const master = await scripted();
  const server = await replicaOf(master, more);
  const link = await master.accept();
  await link.handshake();
  link.full(rdbOf({ a: '1' }), 100, 'eof');
  expect(await link.ack(100)).toBe(100);
  return { master, server, link, client: await Talker.open(server) };
}

/** Waits until a field of INFO replication has a value. */
async function info(client: Talker, field: string, value: string): Promise<void> {
  for (;;) {
    const text = await client.ask('INFO replication');
    if (text.includes(`${field}:${value} `)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A directory that goes with the test. */
function temporary(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-replica-'));
  atClose(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Waits until so much of the stream has been applied. */
function applied(server: Server, offset: number): Promise<void> {
  return until(() => server.replication.identity.offset >= offset);
}

/** Cuts the link and answers the next handshake; what the replica asks for. */
async function cut(master: ScriptedMaster, link: ReplicaLink): Promise<[ReplicaLink, string]> {
  link.break();
  const next = await master.accept();
  return [next, await next.handshake()];
}

describe('the handshake', () => {
  it('is that of redis-server', async () => {
    const master = await scripted();
    const server = await replicaOf(master, {
      masteruser: 'u',
      masterauth: 'p w',
      'replica-announce-ip': '10.0.0.1',
    });
    const link = await master.accept();
    expect(await link.next()).toBe('PING');
    link.send('-NOAUTH Authentication required.\r\n');
    expect(await link.next()).toBe('AUTH u p w');
    expect(await link.next()).toBe(`REPLCONF listening-port ${server.port}`);
    expect(await link.next()).toBe('REPLCONF ip-address 10.0.0.1');
    expect(await link.next()).toBe('REPLCONF capa eof capa psync2');
    link.send('+OK\r\n-ERR unknown\r\n+OK\r\n+OK\r\n');
    expect(await link.next()).toBe('PSYNC ? -1');
  });

  it('tells the announced port', async () => {
    const master = await scripted();
    await replicaOf(master, { 'replica-announce-port': '7', masterauth: 'p' });
    const link = await master.accept();
    await link.next();
    link.send('+PONG\r\n');
    expect(await link.next()).toBe('AUTH p');
    expect(await link.next()).toBe('REPLCONF listening-port 7');
  });

  for (const [what, reply, at] of [
    ['a master that loads', '-LOADING wait\r\n', 0],
    ['a wrong password', '+PONG\r\n-WRONGPASS no\r\n', 0],
    ['a master without its own link', '+PONG\r\n+OK\r\n+OK\r\n+OK\r\n-NOMASTERLINK no\r\n', 1],
  ] as const) {
    it(`is tried again after ${what}`, async () => {
      const master = await scripted();
      await replicaOf(master, { masterauth: 'x' });
      const link = await master.accept();
      link.send(reply);
      await link.closed();
      const again = await master.accept();
      expect(await again.next()).toBe('PING');
      expect(at).toBeLessThan(2);
    });
  }

  it('falls back to SYNC where PSYNC is not known, and is not continued then', async () => {
    const master = await scripted();
    const server = await replicaOf(master);
    const link = await master.accept();
    await link.handshake();
    link.send('-ERR unknown command\r\n');
    expect(await link.next()).toBe('SYNC');
    const rdb = rdbOf({ old: '1' });
    link
      .send(`\n$${rdb.length}\r\n`)
      .send(rdb)
      .send(line('SET', 'b', '2'));
    const client = await Talker.open(server);
    await info(client, 'slave_repl_offset', '27');
    expect(await client.ask('MGET old b')).toBe('*2 $1 1 $1 2');
    expect((await cut(master, link))[1]).toBe('PSYNC ? -1');
  });
});

describe('the data of a full sync', () => {
  for (const form of ['length', 'eof'] as const) {
    for (const load of ['disabled', 'on-empty-db', 'swapdb']) {
      it(`comes cut at every byte, in the form ${form}, with repl-diskless-load ${load}`, async () => {
        const master = await scripted();
        const server = await replicaOf(master, { 'repl-diskless-load': load, dir: temporary() });
        const link = await master.accept();
        await link.handshake();
        const rdb = rdbOf({ a: '1', b: 'x'.repeat(70) }, { 'repl-stream-db': '3', strange: 'x' });
        const head = form === 'length' ? `$${rdb.length}\r\n` : `$EOF:${MARK}\r\n`;
        const tail = form === 'length' ? line('SET', 'c', '3') : Buffer.from(MARK);
        const all = Buffer.concat([
          Buffer.from(`\n\n+FULLRESYNC ${REPLID.toUpperCase()} 100\r\n\n${head}`),
          rdb,
          tail,
        ]);
        for (const byte of all) {
          link.send(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (form === 'eof') {
          await link.ack(100);
          link.send(line('SET', 'c', '3'));
        }
        await link.ack(127);
        const client = await Talker.open(server);
        expect(await client.ask('MGET a b')).toBe(`*2 $1 1 $70 ${'x'.repeat(70)}`);
        await client.ask('SELECT 3');
        expect(await client.ask('GET c')).toBe('$1 3');
        expect(await client.ask('INFO replication')).toContain(`master_replid:${REPLID} `);
      });
    }
  }

  it('pitfall 24: a transfer that fails is followed by a request for everything or the old id', async () => {
    const { master, link, server, client } = await linked({ 'repl-diskless-load': 'swapdb' });
    const [second, asked] = await cut(master, link);
    expect(asked).toBe(`PSYNC ${REPLID} 101`);
    second
      .send(`+FULLRESYNC ${OTHER} 5\r\n$EOF:${MARK}\r\n`)
      .send(rdbOf({ z: '9' }).subarray(0, 20));
    const [third, again] = await cut(master, second);
    // Nothing of the new data has come: the old is there, and its history.
    expect(again).toBe(`PSYNC ${REPLID} 101`);
    third.send('+CONTINUE\r\n').send(line('SET', 'b', '2'));
    await third.ack(127);
    expect(await client.ask('MGET a b z')).toBe('*3 $1 1 $1 2 $-1');
    expect(server.replication.identity.replid).toBe(REPLID);
  });

  it('pitfall 22: a load that fails leaves nothing, also after a promotion', async () => {
    const master = await scripted();
    const server = await replicaOf(master, { 'repl-diskless-load': 'on-empty-db' });
    const link = await master.accept();
    await link.handshake();
    link.send(`+FULLRESYNC ${REPLID} 5\r\n$EOF:${MARK}\r\n`);
    link.send(rdbOf({ a: '1', b: '2' }).subarray(0, 20));
    const client = await Talker.open(server);
    await info(client, 'master_sync_in_progress', '1');
    expect(await client.ask('GET a')).toContain('-LOADING');
    const [, asked] = await cut(master, link);
    expect(asked).toBe('PSYNC ? -1');
    expect(await client.ask('REPLICAOF NO ONE')).toBe('+OK');
    expect(await client.ask('DBSIZE')).toBe(':0');
  });

  it('keeps the old data when a file that came is damaged on the way in', async () => {
    const { master, link, client } = await linked({ 'repl-diskless-load': 'swapdb' });
    const [second] = await cut(master, link);
    const damaged = rdbOf({ z: '9' });
    damaged[12] = 0xf7;
    second.full(damaged, 5, 'length', OTHER);
    await second.closed();
    const third = await master.accept();
    expect(await third.handshake()).toBe(`PSYNC ${REPLID} 101`);
    expect(await client.ask('GET a')).toBe('$1 1');
  });

  it('is served beside the old data while the history is the same', async () => {
    const { master, link, client } = await linked({ 'repl-diskless-load': 'swapdb' });
    const [second] = await cut(master, link);
    const rdb = rdbOf({ a: '2' });
    second.send(`+FULLRESYNC ${REPLID} 500\r\n$${rdb.length}\r\n`).send(rdb.subarray(0, 14));
    await info(client, 'master_sync_in_progress', '1');
    expect(await client.ask('GET a')).toBe('$1 1');
    expect(await client.ask('INFO persistence')).toContain('async_loading:1');
    expect(await client.ask('REPLICAOF NO ONE')).toContain('-LOADING');
    second.send(rdb.subarray(14));
    await second.ack(500);
    expect(await client.ask('GET a')).toBe('$1 2');
  });

  it('waits for a script that is half done', async () => {
    const master = await scripted();
    const server = await replicaOf(master, {
      'replica-read-only': 'no',
      'busy-reply-threshold': '20',
      'repl-diskless-load': 'swapdb',
    });
    const link = await master.accept();
    await link.handshake();
    const client = await Talker.open(server);
    const script =
      "for i=1,20000000 do if i%10000 == 0 then redis.call('incr', 'n') end end return redis.call('get', 'n')";
    client.connection.send('EVAL', script, '0');
    await until(() => server.executor.isBusy);
    link.full(rdbOf({ a: '1' }), 100, 'eof');
    link.send('');
    // All that the script has written is there until it ends.
    expect(await client.next()).toBe('$4 2000');
    await link.ack(100);
    expect(await client.ask('MGET a n')).toBe('*2 $1 1 $-1');
  });

  it('switches appending on again after a sync that failed, once this server is a master', async () => {
    const master = await scripted();
    const server = await replicaOf(master, {
      'repl-diskless-load': 'on-empty-db',
      appendonly: 'yes',
      dir: temporary(),
    });
    const link = await master.accept();
    await link.handshake();
    expect(server.persistence.aof).not.toBe(undefined);
    link
      .send(`+FULLRESYNC ${REPLID} 5\r\n$EOF:${MARK}\r\n`)
      .send(rdbOf({ a: '1' }).subarray(0, 20));
    const client = await Talker.open(server);
    await info(client, 'master_sync_in_progress', '1');
    expect(server.persistence.aof).toBe(undefined);
    await cut(master, link);
    expect(server.persistence.aof).toBe(undefined);
    await client.ask('REPLICAOF NO ONE');
    expect(server.persistence.aof).not.toBe(undefined);
  });

  for (const [what, header] of [
    ['a negative length', '$-5\r\n'],
    ['no length', '$\r\n'],
    ['a huge length', '$99999999999999999999\r\n'],
    ['a short mark', '$EOF:abc\r\n'],
    ['an error', '-ERR no\r\n'],
    ['text', 'hello\r\n'],
  ]) {
    it(`is given up when it begins with ${what}`, async () => {
      const master = await scripted();
      await replicaOf(master);
      const link = await master.accept();
      await link.handshake();
      link.send(`+FULLRESYNC ${REPLID} 5\r\n${header}`);
      await link.closed();
    });
  }
});

describe('the stream', () => {
  it('pitfall 1: is continued where it was cut, at every byte, transactions as a whole', async () => {
    const stream = Buffer.concat([
      line('SET', 'k', '1'),
      line('MULTI'),
      line('SET', 'k', '2'),
      line('INCR', 'n'),
      line('EXEC'),
      line('INCR', 'n'),
    ]);
    const afterSet = 27;
    const afterExec = stream.length - line('INCR', 'n').length;
    const { master, server, link: first, client } = await linked();
    let link = first;
    let base = 100;
    for (let cutAt = 0; cutAt <= stream.length; cutAt += FULL ? 1 : 9) {
      link.send(stream.subarray(0, cutAt));
      const applied =
        cutAt < afterSet
          ? 0
          : cutAt < afterExec
            ? afterSet
            : cutAt < stream.length
              ? afterExec
              : stream.length;
      await info(client, 'slave_read_repl_offset', String(base + cutAt));
      const [next, asked] = await cut(master, link);
      expect(asked, `cut at ${cutAt}`).toBe(`PSYNC ${REPLID} ${base + applied + 1}`);
      link = next;
      link.send('+CONTINUE\r\n').send(stream.subarray(applied));
      base += stream.length;
      await until(() => server.replication.identity.offset >= base);
      expect(server.replication.identity.offset).toBe(base);
      expect(server.replication.backlog!.length).toBe(base - 100);
    }
    expect(await client.ask('GET k')).toBe('$1 2');
  });

  it('forwards to its own backlog what it got, byte for byte', async () => {
    const { server, link } = await linked();
    const stream = Buffer.concat([
      Buffer.from('\n'),
      line('ping'),
      line('MULTI'),
      line('SELECT', '2'),
      line('SET', 'x', 'y'.repeat(300)),
      line('EXEC'),
      line('nosuch', 'command'),
      line('SET', 'x'),
    ]);
    for (const byte of stream) link.send(Buffer.from([byte]));
    await applied(server, 100 + stream.length);
    const got: Buffer[] = [];
    const cursor = server.replication.backlog!.cursor(101);
    while (
      cursor.read((buf, from, end) => {
        got.push(Buffer.from(buf.subarray(from, end)));
        return end - from;
      })
    );
    cursor.release();
    expect(Buffer.concat(got).toString('latin1')).toBe(stream.toString('latin1'));
    const client = await Talker.open(server);
    await client.ask('SELECT 2');
    expect(await client.ask('STRLEN x')).toBe(':300');
  });

  it('answers GETACK with the offset before it', async () => {
    const { link } = await linked();
    link.send(line('REPLCONF', 'GETACK', '*'));
    expect(await link.next()).toBe('REPLCONF ACK 100');
    link.send(line('REPLCONF', 'GETACK', '*'));
    expect(await link.ack(101)).toBe(137);
  });

  it('is not continued after text that is no command', async () => {
    const { master, link } = await linked();
    link.send(line('SET', 'b', '2')).send('SET c 3\r\n');
    await link.closed();
    expect(await (await master.accept()).handshake()).toBe('PSYNC ? -1');
  });

  it('keeps the selected database over a break', async () => {
    const { master, server, link, client } = await linked();
    link.send(line('SELECT', '5'));
    await applied(server, 123);
    const [next, asked] = await cut(master, link);
    expect(asked).toBe(`PSYNC ${REPLID} 124`);
    next.send(`+CONTINUE ${OTHER}\r\n`).send(line('SET', 'in5', '1'));
    await applied(server, 150);
    await client.ask('SELECT 5');
    expect(await client.ask('GET in5')).toBe('$1 1');
    const text = await client.ask('INFO replication');
    expect(text).toContain(`master_replid:${OTHER} master_replid2:${REPLID} `);
    expect(text).toContain('second_repl_offset:124 ');
  });

  it('pitfall 15: never waits for what a command of it would wait for', async () => {
    const { link, client, server } = await linked();
    const stream = [
      line('BLPOP', 'none', '0'),
      line('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$'),
      line('SET', 'b', '2'),
    ];
    for (const bytes of stream) link.send(bytes);
    await applied(server, 100 + Buffer.concat(stream).length);
    expect(await client.ask('GET b')).toBe('$1 2');
  });

  it('pitfall 18: is obeyed on keys that have expired here', async () => {
    const { link, client, server } = await linked();
    const past = String(Date.now() - 1000);
    const first = [
      line('HSET', 'h', 'f', '1'),
      line('PEXPIREAT', 'h', past),
      line('SET', 's', '1', 'PXAT', past),
    ];
    for (const bytes of first) link.send(bytes);
    await applied(server, 100 + Buffer.concat(first).length);
    expect(await client.ask('EXISTS h')).toBe(':0');
    expect(await client.ask('HGETALL h')).toBe('*0');
    expect(await client.ask('TTL s')).toBe(':-2');
    expect(await client.ask('RANDOMKEY')).toBe('$1 a');
    expect(await client.ask('DBSIZE')).toBe(':3');
    const more = [
      line('HSET', 'h', 'g', '2'),
      line('PERSIST', 'h'),
      line('INCR', 's'),
      line('PERSIST', 's'),
    ];
    for (const bytes of more) link.send(bytes);
    await applied(server, server.replication.identity.offset + Buffer.concat(more).length);
    expect(await client.ask('HGETALL h')).toBe('*4 $1 f $1 1 $1 g $1 2');
    expect(await client.ask('GET s')).toBe('$1 2');
  });

  it('pitfall 27: a killed link is continued, however often', async () => {
    const { master, link: first, client } = await linked();
    let link = first;
    for (let i = 0; i < 5; i++) {
      await client.ask('CLIENT KILL TYPE master');
      await client.ask('CLIENT KILL TYPE master');
      await link.closed();
      link = await master.accept();
      expect(await link.handshake()).toBe(`PSYNC ${REPLID} 101`);
      link.send('+CONTINUE\r\n');
      await info(client, 'master_link_status', 'up');
    }
  });

  it('is dropped when nothing comes for repl-timeout', async () => {
    const { master, link } = await linked({ 'repl-timeout': '1' });
    await link.closed();
    expect(await (await master.accept()).next()).toBe('PING');
  });
});

describe('a master that lies', () => {
  it('may not continue what nobody asked for', async () => {
    const master = await scripted();
    await replicaOf(master);
    const link = await master.accept();
    await link.handshake();
    link.send(`+CONTINUE ${REPLID}\r\n`);
    await link.closed();
    expect(await (await master.accept()).next()).toBe('PING');
  });

  for (const reply of [
    '+FULLRESYNC\r\n',
    '+FULLRESYNC abc 1\r\n',
    `+FULLRESYNC ${REPLID} -1\r\n`,
    `+FULLRESYNC ${REPLID} 99999999999999999999\r\n`,
    `+FULLRESYNC ${REPLID} 1e3\r\n`,
  ]) {
    it(`is not believed: ${reply.trim()}`, async () => {
      const master = await scripted();
      await replicaOf(master);
      const link = await master.accept();
      await link.handshake();
      link.send(reply);
      await link.closed();
    });
  }
});
