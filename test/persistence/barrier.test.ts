/**
 * appendfsync always: while a sync hangs, no byte that could reveal an unsynced effect reaches
 * anybody, and the event loop goes on. When the disk fails, the process ends and no such byte has
 * left; with everysec writes are refused until the files are whole again.
 */
import { afterEach, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { HeldSnapshots } from '../harness/bare-server.ts';
import {
  closeAll,
  connectTo,
  startServer,
  Talker,
  takeReplies,
  until,
} from '../harness/in-process-server.ts';
import { SimulatedDisk } from '../harness/simulated-disk.ts';

afterEach(closeAll);

interface Ground {
  readonly server: Server;
  readonly disk: SimulatedDisk;
  readonly exits: number[];
  readonly snapshots: HeldSnapshots;
}

async function start(directives: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const disk = new SimulatedDisk();
  const exits: number[] = [];
  let snapshots: HeldSnapshots | undefined;
  const all = { dir: '/', appendonly: 'yes', appendfsync: 'always', ...directives };
  const server = await startServer(all, {
    files: disk,
    exit: (code) => exits.push(code),
    snapshots: (keyspace) => {
      snapshots = new HeldSnapshots(keyspace, disk);
      return snapshots;
    },
  });
  return { server, disk, exits, snapshots: snapshots! };
}

/** Long enough for a byte that has left to arrive. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

it('holds what could reveal an effect back from everybody, in order', async () => {
  const { server, disk } = await start({ 'notify-keyspace-events': 'KA' });
  const [writer, reader, subscriber, blocked, monitor] = await Promise.all(
    Array.from({ length: 5 }, () => Talker.open(server)),
  );
  expect(await subscriber!.ask('SUBSCRIBE news')).toContain('subscribe');
  expect(await subscriber!.ask('PSUBSCRIBE __keyspace@0__:*')).toContain('psubscribe');
  blocked!.send('BLPOP q 0');
  await until(() => server.blocking.size === 1);
  expect(await monitor!.ask('MONITOR')).toBe('+OK');
  disk.holdsSyncs = true;

  const aof = server.persistence.aof!;
  const before = aof.written;
  writer!.send('SET k secret', 'RPUSH q element', 'PUBLISH news told', 'GET k');
  await until(() => aof.written > before && disk.syncsUnderWay === 1);
  reader!.send('GET k', 'PING', 'INCR n');
  // The event loop goes on: what comes in meanwhile is run.
  await until(() => server.keyspace.dbs[0]!.size === 2);
  await aWhile();
  for (const talker of [writer, reader, subscriber, blocked, monitor]) {
    expect(talker!.connection.hasReply).toBe(false);
  }

  disk.finishSyncs();
  expect(await writer!.take(4)).toEqual(['+OK', ':1', ':1', '$6 secret']);
  expect(await blocked!.next()).toBe('*2 $1 q $7 element');
  expect((await subscriber!.next()).split(' ').slice(-3)).toEqual([
    '__keyspace@0__:k',
    '$3',
    'set',
  ]);
  // What was run meanwhile waits for the next one.
  await until(() => disk.syncsUnderWay === 1);
  await aWhile();
  expect(reader!.connection.hasReply).toBe(false);
  disk.finishSyncs();
  expect(await reader!.take(3)).toEqual(['$6 secret', '+PONG', ':1']);
  expect((await monitor!.next()).endsWith('"SET" "k" "secret"')).toBe(true);
  disk.holdsSyncs = false;
});

it('one sync serves all clients of a turn', async () => {
  const { server, disk } = await start();
  const talkers = await Promise.all(Array.from({ length: 20 }, () => Talker.open(server)));
  const before = disk.calls.filter((call) => call === 'syncLater').length;
  disk.holdsSyncs = true;
  const aof = server.persistence.aof!;
  for (const [i, talker] of talkers.entries()) talker.send(`SET k${i} v`);
  await until(() => server.keyspace.dbs[0]!.size === 20);
  disk.finishSyncs();
  await until(() => disk.syncsUnderWay === 1 || aof.safe === aof.written);
  disk.finishSyncs();
  await until(() => disk.syncsUnderWay === 1 || aof.safe === aof.written);
  disk.finishSyncs();
  for (const talker of talkers) expect(await talker.next()).toBe('+OK');
  const syncs = disk.calls.filter((call) => call === 'syncLater').length - before;
  expect(syncs).toBeLessThanOrEqual(3);
  disk.holdsSyncs = false;
});

it('large replies wait, too, and leave in order', async () => {
  const { server, disk } = await start();
  const [writer, reader] = [await connectTo(server), await connectTo(server)];
  const big = 'x'.repeat(3_000_000);
  await writer.call('SET', 'big', big);
  disk.holdsSyncs = true;
  writer.send('APPEND', 'big', 'unsynced');
  await until(() => disk.syncsUnderWay === 1);
  reader.send('GET', 'big');
  reader.send('STRLEN', 'big');
  await aWhile();
  expect(reader.hasReply || writer.hasReply).toBe(false);
  disk.finishSyncs();
  const [value, length] = await takeReplies(reader, 2);
  expect(value!.length).toBe(3_000_008 + '$3000008 '.length);
  expect(length).toBe(':3000008');
  disk.holdsSyncs = false;
});

it.each(['sync', 'write'])(
  'a failed %s ends the process; nobody was told anything',
  async (what) => {
    const { server, disk, exits } = await start();
    const [writer, reader] = [await Talker.open(server), await Talker.open(server)];
    expect(await writer.ask('SET k old')).toBe('+OK');
    if (what === 'sync') disk.holdsSyncs = true;
    else disk.fault = { call: disk.calls.length + 1, code: 'ENOSPC', forGood: true };
    writer.send('SET k new');
    if (what === 'sync') {
      await until(() => disk.syncsUnderWay === 1);
      reader.send('GET k');
      await aWhile();
      disk.finishSyncs('EIO');
    }
    await until(() => exits.length > 0);
    expect(exits).toEqual([1]);
    await writer.connection.closed().catch(() => {});
    expect(writer.connection.hasReply || reader.connection.hasReply).toBe(false);
  },
);

it('everysec: a failed write is refused service as Redis does, cut back, and tried again', async () => {
  const { server, disk } = await start({ appendfsync: 'everysec' });
  const writer = await Talker.open(server);
  expect(await writer.ask('SET k 1')).toBe('+OK');
  const file = '/appendonlydir/appendonly.aof.1.incr.aof';
  const before = disk.read(file).length;
  disk.fault = { call: disk.calls.length + 1, code: 'ENOSPC', forGood: true };
  expect(await writer.ask('SET k 2')).toBe('+OK');
  const refusal = '-MISCONF Errors writing to the AOF file: No space left on device';
  expect(await writer.ask('SET k 3')).toBe(refusal);
  expect(await writer.ask('PING')).toBe(refusal);
  expect(await writer.ask('GET k')).toBe('$1 2');
  expect(await writer.ask('INFO persistence')).toContain('aof_last_write_status:err');
  expect(disk.read(file).length).toBe(before);
  disk.heal();
  await until(() => server.gates.diskRefusal === undefined);
  expect(await writer.ask('SET k 4')).toBe('+OK');
  expect(disk.read(file).toString()).toMatch(/\$1\r\n2\r\n\*3[\s\S]*\$1\r\n4\r\n$/);
});

it('everysec: after a failed sync the file is left, and a rewrite ends the refusal', async () => {
  const { server, disk, snapshots } = await start({ appendfsync: 'everysec' });
  const writer = await Talker.open(server);
  const file = '/appendonlydir/appendonly.aof.1.incr.aof';
  disk.holdsSyncs = true;
  expect(await writer.ask('SET k 1')).toBe('+OK');
  await until(() => disk.syncsUnderWay === 1);
  disk.finishSyncs('EIO');
  disk.holdsSyncs = false;
  const refusal = '-MISCONF Errors writing to the AOF file: Input/output error';
  expect(await writer.ask('SET k 2')).toBe(refusal);
  const length = disk.read(file).length;
  const syncs = disk.calls.filter((call) => call.startsWith('sync')).length;
  await until(() => snapshots.isUnderWay);
  expect(disk.read(file).length).toBe(length);
  // Only the directory was, if anything: nobody believes in that file any more.
  expect(disk.calls.slice(-1)).not.toContain('syncLater');
  expect(syncs).toBeGreaterThan(0);
  expect(await writer.ask('SET k 2')).toBe(refusal);
  await snapshots.finish();
  await until(() => server.gates.diskRefusal === undefined);
  expect(await writer.ask('SET k 3')).toBe('+OK');
  expect(disk.exists(file)).toBe(false);
  expect(disk.read('/appendonlydir/appendonly.aof.manifest').toString()).toBe(
    'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n',
  );
});

it('another policy lets go of what was held', async () => {
  const { server, disk } = await start();
  const [writer, other] = [await Talker.open(server), await Talker.open(server)];
  disk.holdsSyncs = true;
  writer.send('SET k v');
  await until(() => disk.syncsUnderWay === 1);
  expect(await other.ask('CONFIG SET appendfsync everysec')).toBe('+OK');
  expect(await writer.next()).toBe('+OK');
  disk.finishSyncs();
  disk.holdsSyncs = false;
});
