/**
 * What a master says to a replica that is scripted: copies of the data in both forms, the stream
 * byte for byte, who may continue, what a replica may not do. Texts and offsets as redis-server
 * 7.0.15 (docs/replication.md).
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Server, ServerHooks } from '../../src/server/server.ts';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { encodeCommand } from '../harness/reply.ts';
import { ScriptedReplica } from '../harness/scripted-replica.ts';

afterEach(closeAll);

const NOW = { 'repl-diskless-sync-delay': '0' };

async function replicaOf(server: Server, ...conf: string[]): Promise<ScriptedReplica> {
  const replica = await ScriptedReplica.open(server.port);
  atClose(() => replica.close());
  await replica.conf('listening-port', '7001', ...conf);
  return replica;
}

/** A master with a replica that has everything and follows. */
async function linked(directives: Record<string, string> = {}, hooks: ServerHooks = {}) {
  const server = await startServer({ ...NOW, ...directives }, hooks);
  const client = await Talker.open(server);
  const replica = await replicaOf(server, 'capa', 'eof', 'capa', 'psync2');
  const [, replid = '', offset = ''] = (await replica.psync()).split(' ');
  await replica.rdb();
  replica.acknowledge(Number(offset));
  await until(() => server.replication.replicas.online().length === 1);
  return { server, client, replica, replid, offset: Number(offset) };
}

/** A directory that goes with the test. */
function directory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-sync-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** More data than the sockets between two processes hold. */
async function fill(client: Talker): Promise<void> {
  await client.ask('CONFIG SET rdbcompression no');
  for (let i = 0; i < 8; i++) await client.ask(`SET k${i} ${'v'.repeat(2_000_000)}`);
}

function infoOf(server: Server, name: string): string {
  const lines = server.info.text(['replication', 'stats']).split('\r\n');
  return lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? '';
}

const streamOf = (...lines: readonly string[]): string =>
  Buffer.concat(lines.map((line) => encodeCommand(line.split(' ')))).toString('latin1');

describe('a full copy', () => {
  it('comes after a mark to who knows marks; the stream after the first ACK', async () => {
    const server = await startServer(NOW);
    const client = await Talker.open(server);
    await client.ask('SET before 1');
    const replica = await replicaOf(server, 'capa', 'eof', 'capa', 'psync2');
    expect(await replica.psync()).toBe(`+FULLRESYNC ${infoOf(server, 'master_replid')} 0`);
    const { form, bytes } = await replica.rdb();
    expect(form).toBe('mark');
    expect(bytes.toString('latin1')).toContain('before');
    expect(bytes.includes('repl-offset')).toBe(true);
    await client.ask('SET after 2');
    await client.ask('SET after 3');
    expect(replica.pending.length).toBe(0);
    replica.acknowledge(0);
    const stream = streamOf('SELECT 0', 'SET after 2', 'SET after 3');
    expect((await replica.take(stream.length)).toString('latin1')).toBe(stream);
    expect(infoOf(server, 'master_repl_offset')).toBe(String(stream.length));
    expect(infoOf(server, 'sync_full')).toBe('1');
    expect(infoOf(server, 'sync_partial_err')).toBe('0');
  });

  it('comes with its length to who does not, and the stream follows at once', async () => {
    const dir = directory();
    const server = await startServer({ ...NOW, dir, 'rdb-del-sync-files': 'yes' });
    const client = await Talker.open(server);
    await client.ask('SET before 1');
    const replica = await replicaOf(server, 'capa', 'psync2');
    expect(await replica.psync()).toMatch(/^\+FULLRESYNC [0-9a-f]{40} 0$/);
    await client.ask('SET after 2');
    const { form, bytes } = await replica.rdb();
    expect(form).toBe('length');
    expect(bytes.includes('after')).toBe(false);
    const stream = streamOf('SELECT 0', 'SET after 2');
    expect((await replica.take(stream.length)).toString('latin1')).toBe(stream);
    await until(() => !existsSync(`${dir}/dump.rdb`));
  });

  it('is one for two that come during one save, under load (pitfalls 3, 4)', async () => {
    const dir = directory();
    const server = await startServer({ ...NOW, dir });
    const client = await Talker.open(server);
    for (let i = 0; i < 300; i++) await client.ask(`SET k${i} ${'v'.repeat(1000)}`);
    const first = await replicaOf(server);
    const one = first.psync();
    await client.ask('INCR n');
    const start = await one;
    const second = await replicaOf(server);
    await client.ask('INCR n');
    const attached = await second.psync();
    await client.ask('INCR n');
    const [copy, other] = [await first.rdb(), await second.rdb()];
    if (attached === start) expect(other.bytes.equals(copy.bytes)).toBe(true);
    const offset = (line: string) => Number(line.split(' ')[2]);
    const rest = async (replica: ScriptedReplica, from: number) =>
      (await replica.take(server.replication.offset - from)).toString('latin1');
    const [a, b] = [await rest(first, offset(start)), await rest(second, offset(attached))];
    expect(b.startsWith(streamOf('SELECT 0'))).toBe(true);
    expect(a.endsWith(b)).toBe(true);
    expect(infoOf(server, 'sync_full')).toBe('2');
  });

  it('waits for others as long as it is told to, with signs of life', async () => {
    const server = await startServer({
      'repl-diskless-sync-delay': '100',
      'repl-diskless-sync-max-replicas': '2',
    });
    const first = await replicaOf(server, 'capa', 'eof');
    first.send('PSYNC', '?', '-1');
    await first.until(() => first.pending.includes(10));
    expect(infoOf(server, 'slave0')).toContain('state=wait_bgsave');
    const second = await replicaOf(server, 'capa', 'eof');
    const line = await second.psync();
    expect(await first.line()).toBe(line);
    expect(first.newlines).toBeGreaterThan(0);
    expect((await first.rdb()).bytes.equals((await second.rdb()).bytes)).toBe(true);
  });

  it('by SYNC has no line before it, and rdb-only nothing after it', async () => {
    const server = await startServer(NOW);
    const client = await Talker.open(server);
    await client.ask('SET a 1');
    const replica = await replicaOf(server, 'capa', 'eof', 'rdb-only', '1');
    replica.socket.write('SYNC\r\n');
    expect((await replica.rdb()).bytes.includes('a')).toBe(true);
    await replica.closed();
    const empty = await replicaOf(server, 'capa', 'eof', 'rdb-only', '1', 'rdb-filter-only', '');
    empty.socket.write('SYNC\r\n');
    expect((await empty.rdb()).bytes.includes(0xfe)).toBe(false);
    await empty.closed();
  });

  it('is given up when nobody is left that wants it', async () => {
    const server = await startServer(NOW);
    const client = await Talker.open(server);
    await fill(client);
    const replica = await replicaOf(server, 'capa', 'eof');
    expect(await replica.psync()).toMatch(/FULLRESYNC/);
    replica.socket.pause();
    await until(() => server.persistence.isRunning('save'));
    replica.close();
    await until(() => !server.persistence.isRunning('save'));
    expect(await client.ask('BGSAVE')).toMatch(/Background saving started/);
    await until(() => !server.persistence.isRunning('save'));
  });
});

describe('a request to continue', () => {
  it('is granted for every byte that is there and the next one, and for no other', async () => {
    const { server, client, replica, replid } = await linked();
    for (let i = 0; i < 5; i++) await client.ask(`SET k${i} v`);
    const last = server.replication.offset;
    const whole = await replica.take(last);
    replica.close();
    for (let from = 1; from <= last + 1; from++) {
      const again = await ScriptedReplica.open(server.port);
      await again.conf('capa', 'psync2');
      expect(await again.psync(from % 2 === 0 ? replid.toUpperCase() : replid, from)).toBe(
        `+CONTINUE ${replid}`,
      );
      expect((await again.take(last + 1 - from)).equals(whole.subarray(from - 1))).toBe(true);
      again.close();
    }
    const plain = await ScriptedReplica.open(server.port);
    expect(await plain.psync(replid, last + 1)).toBe('+CONTINUE');
    plain.close();
    for (const [id, offset] of [
      [replid, last + 2],
      [replid, 0],
      [replid, -1],
      ['f'.repeat(40), 1],
      ['0'.repeat(40), 1],
      [replid.slice(1), 1],
    ] as const) {
      const refused = await replicaOf(server, 'capa', 'eof');
      expect(await refused.psync(id, offset), `${id} ${offset}`).toMatch(/^\+FULLRESYNC/);
      refused.close();
    }
    expect(infoOf(server, 'sync_partial_ok')).toBe(String(last + 2));
    expect(infoOf(server, 'sync_partial_err')).toBe('6');
  });

  it('finds every byte of a stream whose link is cut again and again', async () => {
    const { server, client, replica, replid } = await linked({ 'repl-backlog-size': '16384' });
    replica.close();
    let got = '';
    for (let i = 0; i < 120; i++) {
      client.send('MULTI', `SET k${i % 7} ${'v'.repeat(i * 3)}`, `LPUSH l ${i}`, 'EXEC');
      await client.take(4);
      const again = await ScriptedReplica.open(server.port);
      await again.conf('capa', 'psync2');
      expect(await again.psync(replid, got.length + 1)).toBe(`+CONTINUE ${replid}`);
      // Some of what is there, not all.
      const there = server.replication.offset - got.length;
      got += (await again.take(Math.ceil((there * (i % 5)) / 4))).toString('latin1');
      again.close();
    }
    const again = await ScriptedReplica.open(server.port);
    expect(await again.psync(replid, got.length + 1)).toBe('+CONTINUE');
    got += (await again.take(server.replication.offset - got.length)).toString('latin1');
    again.close();
    const expected = [
      'SELECT 0',
      ...Array.from({ length: 120 }, (_, i) => [
        'MULTI',
        `SET k${i % 7} ${'v'.repeat(i * 3)}`,
        `LPUSH l ${i}`,
        'EXEC',
      ]).flat(),
    ];
    expect(got.replaceAll(/\*1\r\n\$4\r\nping\r\n/g, '')).toBe(
      Buffer.concat(expected.map((line) => encodeCommand(line.split(' ')))).toString('latin1'),
    );
  });

  it('survives a restart from an RDB file that tells where its data is', async () => {
    const dir = directory();
    let nowMs = Date.now();
    const hooks = { now: () => nowMs };
    const { server, client, replid } = await linked({ dir }, hooks);
    await client.ask('SELECT 3');
    await client.ask('SET a 1');
    await client.ask('SET soon 1 PX 40');
    await client.ask('SAVE');
    const { offset } = server.replication;
    await server.close();
    nowMs += 60;
    const after = await startServer({ ...NOW, dir }, hooks);
    expect(infoOf(after, 'master_replid2')).toBe(replid);
    expect(infoOf(after, 'second_repl_offset')).toBe(String(offset + 1));
    const replica = await replicaOf(after, 'capa', 'psync2');
    expect(await replica.psync(replid, offset + 1)).toBe(
      `+CONTINUE ${infoOf(after, 'master_replid')}`,
    );
    // The key that expired meanwhile is still there for who continues.
    const removal = streamOf('SELECT 3', 'DEL soon');
    expect((await replica.take(removal.length)).toString('latin1')).toBe(removal);
  });

  it('is refused when the data was replaced by other data', async () => {
    const dir = directory();
    const { server, client, replica, replid, offset } = await linked({ dir });
    await client.ask('SET a 1');
    await client.ask('SAVE');
    await client.ask('SET a 2');
    await server.load(path.join(dir, 'dump.rdb'));
    await replica.closed();
    const again = await replicaOf(server, 'capa', 'eof');
    expect(await again.psync(replid, offset + 1)).toMatch(/^\+FULLRESYNC/);
    expect(infoOf(server, 'master_replid')).not.toBe(replid);
  });

  it('is refused once the backlog is gone, and its id with it', async () => {
    let nowMs = Date.now();
    const server = await startServer(
      { ...NOW, 'repl-backlog-ttl': '5', 'min-replicas-to-write': '1' },
      { now: () => nowMs },
    );
    const client = await Talker.open(server);
    expect(await client.ask('SET a 1')).toMatch(/NOREPLICAS/);
    const replica = await replicaOf(server, 'capa', 'eof');
    const replid = (await replica.psync()).split(' ')[1]!;
    await replica.rdb();
    replica.acknowledge(0);
    await until(() => server.replication.replicas.online().length === 1);
    expect(await client.ask('SET a 1')).toBe('+OK');
    nowMs += 12_000;
    server.cron.tick();
    expect(await client.ask('SET a 1')).toMatch(/NOREPLICAS/);
    expect(infoOf(server, 'min_slaves_good_slaves')).toBe('0');
    replica.close();
    await until(() => server.replication.replicas.count === 0);
    nowMs += 5_000;
    server.cron.tick();
    expect(infoOf(server, 'repl_backlog_active')).toBe('1');
    nowMs += 2_000;
    server.cron.tick();
    expect(infoOf(server, 'repl_backlog_active')).toBe('0');
    expect(infoOf(server, 'master_replid')).not.toBe(replid);
    const again = await replicaOf(server, 'capa', 'eof');
    expect(await again.psync(replid, 1)).toMatch(/^\+FULLRESYNC/);
  });
});

describe('on the link', () => {
  it('a line end before REPLCONF in one chunk counts as one byte (pitfall 5)', async () => {
    const { client, replica, server } = await linked();
    await client.ask('SET a 1');
    replica.socket.write(`\n${encodeCommand(['REPLCONF', 'ACK', '5']).toString('latin1')}`);
    await until(() => server.replication.replicas.online()[0]?.offset === 5);
    replica.socket.write('\n\n\r\n');
    replica.acknowledge(7);
    await until(() => server.replication.replicas.online()[0]?.offset === 7);
    // Acknowledgements never go back.
    replica.acknowledge(6);
    replica.acknowledge(8);
    await until(() => server.replication.replicas.online()[0]?.offset === 8);
  });

  it.each(['SET a 2', 'GET a', 'PING', 'INFO', 'FLUSHALL', 'EVAL return(1) 0', 'nonsense'])(
    'a replica that sends %s is hung up on, and nothing is done',
    async (line) => {
      const { client, replica } = await linked();
      await client.ask('SET a 1');
      replica.send(...line.split(' '));
      await replica.closed();
      expect(await client.ask('GET a')).toBe('$1 1');
    },
  );

  it('PSYNC and SYNC of a replica are passed over', async () => {
    const { client, replica, server } = await linked();
    replica.send('PSYNC', '?', '-1');
    replica.send('SYNC');
    replica.send('PSYNC', 'x', 'y');
    await client.ask('SET a 1');
    const stream = streamOf('SELECT 0', 'SET a 1');
    expect((await replica.take(stream.length)).toString('latin1')).toBe(stream);
    expect(infoOf(server, 'sync_full')).toBe('1');
  });

  it('PSYNC behind a command whose reply has not left is refused', async () => {
    const server = await startServer(NOW);
    const replica = await ScriptedReplica.open(server.port);
    replica.socket.write(
      Buffer.concat([encodeCommand(['PING']), encodeCommand(['PSYNC', '?', '-1'])]),
    );
    expect(await replica.line()).toBe('+PONG');
    expect(await replica.line()).toBe('-ERR SYNC and PSYNC are invalid with pending output');
    expect(await replica.psync('?', 'x')).toBe('-ERR value is not an integer or out of range');
    replica.close();
  });

  it('WAIT asks for acknowledgements once a turn, and counts those that have all', async () => {
    const { client, replica, server } = await linked();
    await client.ask('SET a 1');
    const { offset } = server.replication;
    const other = await Talker.open(server);
    await other.ask('SET b 1');
    client.send('WAIT 1 5000');
    other.send('WAIT 1 5000');
    const stream = streamOf('SELECT 0', 'SET a 1', 'SET b 1', 'REPLCONF GETACK *');
    expect((await replica.take(stream.length)).toString('latin1')).toBe(stream);
    replica.acknowledge(offset);
    expect(await client.next()).toBe(':1');
    replica.acknowledge(offset + 100);
    expect(await other.next()).toBe(':1');
    expect(await client.ask('WAIT 2 20')).toBe(':1');
    await client.ask('SET a 2');
    expect(await client.ask('WAIT 1 20')).toBe(':0');
    client.send('WAIT 1 0');
    const id = await other.ask('CLIENT LIST');
    const [, waiting] = /id=(\d+)[^\n]*cmd=wait/.exec(id) ?? [];
    expect(await other.ask(`CLIENT UNBLOCK ${waiting} ERROR`)).toBe(':1');
    expect(await client.next()).toMatch(/^-UNBLOCKED/);
    replica.acknowledge(server.replication.offset);
    expect(await client.ask('WAIT 1 1000')).toBe(':1');
  });

  it('WAITAOF waits for disks: ours, and those of replicas', async () => {
    const { client, replica, server } = await linked({ dir: directory(), appendonly: 'yes' });
    await client.ask('SET a 1');
    expect(await client.ask('WAITAOF 1 0 5000')).toBe('*2 :1 :0');
    client.send('SET a 2');
    expect(await client.next()).toBe('+OK');
    client.send('WAITAOF 1 1 5000');
    const { offset } = server.replication;
    await replica.until(() => replica.pending.includes('GETACK'));
    replica.acknowledge(offset);
    replica.send('REPLCONF', 'ACK', String(offset), 'FACK', String(offset));
    expect(await client.next()).toBe('*2 :1 :1');
    await client.ask('SET a 3');
    expect(await client.ask('WAITAOF 0 1 20')).toMatch(/^\*2 :[01] :0$/);
    await client.ask('CONFIG SET appendfsync no');
    await client.ask('SET a 4');
    client.send('WAITAOF 1 0 0');
    const other = await Talker.open(server);
    while (!(await other.ask('CLIENT LIST')).includes('cmd=waitaof'));
    expect(await other.ask('CONFIG SET appendonly no')).toBe('+OK');
    const refusal = '-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';
    expect(await client.next()).toBe(refusal);
    expect(await client.ask('WAITAOF 1 0 0')).toBe(refusal);
    expect(await client.ask('WAITAOF 0 0 0')).toBe('*2 :0 :0');
    for (const [args, error] of [
      ['2 0 0', '-ERR value is out of range, value must between 0 and 1'],
      ['x 0 0', '-ERR value is not an integer or out of range'],
      ['0 -1 0', '-ERR value is out of range, must be positive'],
      ['0 0 -1', '-ERR timeout is negative'],
      ['0 0 x', '-ERR timeout is not an integer or out of range'],
    ]) {
      expect(await client.ask(`WAITAOF ${args}`)).toBe(error);
    }
  });

  it('is shown in ROLE, INFO and CLIENT LIST, and ended by CLIENT KILL TYPE replica', async () => {
    const { client, replica, server } = await linked();
    replica.acknowledge(3);
    await until(() => server.replication.replicas.online()[0]?.offset === 3);
    expect(await client.ask('ROLE')).toBe('*3 $6 master :0 *1 *3 $9 127.0.0.1 $4 7001 $1 3');
    expect(infoOf(server, 'slave0')).toBe('ip=127.0.0.1,port=7001,state=online,offset=3,lag=0');
    expect(await client.ask('CLIENT LIST TYPE replica')).toMatch(/flags=S .*cmd=replconf/);
    expect(await client.ask('CLIENT KILL TYPE slave')).toBe(':1');
    await replica.closed();
    expect(infoOf(server, 'connected_slaves')).toBe('0');
  });

  it('who says nothing for repl-timeout, or takes nothing of its copy, is let go', async () => {
    let nowMs = Date.now();
    const server = await startServer({ ...NOW, 'repl-timeout': '5' }, { now: () => nowMs });
    const client = await Talker.open(server);
    await fill(client);
    const hung = await replicaOf(server, 'capa', 'eof');
    await hung.psync();
    hung.socket.pause();
    await until(() =>
      [...server.replication.replicas.all()].some((s) => s.connection.unsentBytes > 0),
    );
    const dead = () => server.replication.replicas.count === 0;
    nowMs += 2000;
    server.cron.tick();
    expect(dead()).toBe(false);
    nowMs += 6000;
    server.cron.tick();
    await until(dead);
    await until(() => !server.persistence.isRunning('save'));
  });
});

describe('DEBUG REPLICATE', () => {
  it('sends replicas what it is given, and the file nothing', async () => {
    const dir = directory();
    const directives = { 'enable-debug-command': 'yes', appendonly: 'yes', dir };
    const { client, replica } = await linked(directives);
    expect(await client.ask('DEBUG REPLICATE fake-command some words')).toContain('OK');
    await client.ask('SET after 1');
    await replica.until(() => replica.pending.includes('after'));
    const words = ['fake-command', 'some', 'words'].map((word) => `$${word.length}\r\n${word}\r\n`);
    expect(replica.pending.toString()).toContain(`*3\r\n${words.join('')}`);
    const files = path.join(dir, 'appendonlydir');
    const [file = ''] = readdirSync(files).filter((name) => name.endsWith('.incr.aof'));
    const written = readFileSync(path.join(files, file), 'latin1');
    expect(written).toContain('after');
    expect(written).not.toContain('fake-command');
  });
});

describe('limits', () => {
  it('a value larger than the limit, with a small backlog, reaches the replica (pitfall 10)', async () => {
    const { client, replica, server } = await linked({
      'client-output-buffer-limit': 'replica 2mb 2mb 60',
      'repl-backlog-size': '1mb',
    });
    await client.ask(`SET big ${'v'.repeat(1_900_000)}`);
    await replica.take(server.replication.offset);
    expect(replica.isClosed).toBe(false);
  });

  it('what is kept while the data is on its way has the same limits (pitfall 11)', async () => {
    const server = await startServer({
      ...NOW,
      'client-output-buffer-limit': 'replica 1mb 1mb 60',
      'repl-backlog-size': '100kb',
    });
    const client = await Talker.open(server);
    await fill(client);
    const replica = await replicaOf(server, 'capa', 'eof');
    await replica.psync();
    replica.socket.pause();
    for (let i = 0; i < 200 && server.replication.replicas.count > 0; i++) {
      await client.ask(`SET w${i} ${'v'.repeat(50_000)}`);
    }
    expect(server.replication.replicas.count).toBe(0);
    await client.ask('SET last 1');
    expect(server.replication.memory.buffers).toBeLessThan(400_000);
    expect(infoOf(server, 'client_output_buffer_limit_disconnections')).toBe('1');
    await until(() => !server.persistence.isRunning('save'));
  });

  it('what a slow replica is owed beyond the backlog is memory of replicas, until it goes', async () => {
    const { client, replica, server } = await linked({ 'repl-backlog-size': '100kb' });
    const memory = (name: string) =>
      Number(new RegExp(`${name}:(\\d+)`).exec(server.info.text(['memory']))![1]);
    const owned = () => memory('mem_clients_slaves');
    const others = () => memory('mem_not_counted_for_evict');
    const connection = owned();
    expect(others()).toBe(0);
    replica.socket.pause();
    while (others() < 11 << 20) await client.ask(`SET k ${'v'.repeat(2_000_000)}`);
    // Its connection is counted anew when something happens to it.
    expect(owned() - others()).toBeGreaterThanOrEqual(connection);
    expect(owned() - others()).toBeLessThan(65_536);
    const stats = await client.ask('MEMORY STATS');
    expect(stats).toMatch(new RegExp(`clients\\.slaves\\D+${owned()}\\D`));
    expect(await client.ask('MEMORY DOCTOR')).toContain('Replicas: ');
    await client.ask('CLIENT KILL TYPE replica');
    expect(owned()).toBe(0);
    expect(await client.ask('MEMORY DOCTOR')).not.toContain('Replicas: ');
  });

  it('a replica that takes nothing is let go at its limit, and memory with it', async () => {
    const { client, replica, server } = await linked({
      'client-output-buffer-limit': 'replica 1mb 1mb 60',
      'repl-backlog-size': '100kb',
    });
    replica.socket.pause();
    for (let i = 0; i < 200 && server.replication.replicas.count > 0; i++) {
      await client.ask(`SET k${i} ${'v'.repeat(100_000)}`);
    }
    expect(server.replication.replicas.count).toBe(0);
    await client.ask('SET last 1');
    expect(server.replication.memory.buffers).toBeLessThan(400_000);
    expect(infoOf(server, 'client_output_buffer_limit_disconnections')).toBe('1');
  });
});
