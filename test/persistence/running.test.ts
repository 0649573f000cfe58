/**
 * Saves and rewrites of a running server: what is asked for at once, what fails, what is switched
 * meanwhile, and what of it a next start has.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SnapshotWriter } from '../../src/persistence/snapshot/snapshot-writer.ts';
import type { Server } from '../../src/server/server.ts';
import { BareServer, HeldSnapshots, Inspector } from '../harness/bare-server.ts';
import { closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { SimulatedDisk } from '../harness/simulated-disk.ts';

afterEach(closeAll);

const DIRECTORY = '/appendonlydir';

/** A server on a simulated disk, whose snapshots the test writes, and a client. */
async function ground(directives: Readonly<Record<string, string>> = {}) {
  const disk = new SimulatedDisk();
  let snapshots: HeldSnapshots | undefined;
  const exits: number[] = [];
  const log: string[] = [];
  const server = await startServer(
    { dir: '/', 'enable-debug-command': 'yes', ...directives },
    {
      files: disk,
      exit: (code) => exits.push(code),
      log: (line) => log.push(line),
      snapshots: (keyspace) => {
        snapshots = new HeldSnapshots(keyspace, disk);
        return snapshots;
      },
    },
  );
  return { disk, server, exits, log, snapshots: snapshots!, talker: await Talker.open(server) };
}

async function field(talker: Talker, name: string): Promise<string | undefined> {
  const text = await talker.ask('INFO persistence');
  return new RegExp(`${name}:(\\S*)`).exec(text)?.[1];
}

describe('BGSAVE', () => {
  it('one at a time; others are refused or scheduled', async () => {
    const { snapshots, talker, disk } = await ground();
    await talker.ask('SET k v');
    expect(await talker.ask('BGSAVE')).toBe('+Background saving started');
    expect(await field(talker, 'rdb_bgsave_in_progress')).toBe('1');
    expect(await talker.ask('BGSAVE')).toBe('-ERR Background save already in progress');
    expect(await talker.ask('BGSAVE SCHEDULE')).toBe('-ERR Background save already in progress');
    expect(await talker.ask('SAVE')).toBe('-ERR Background save already in progress');
    expect(await talker.ask('BGREWRITEAOF')).toBe(
      '+Background append only file rewriting scheduled',
    );
    await talker.ask('SET later v');
    await snapshots.finish();
    expect(await field(talker, 'rdb_last_bgsave_status')).toBe('ok');
    expect(await field(talker, 'rdb_changes_since_last_save')).toBe('1');
    await until(() => snapshots.isUnderWay);
    expect(await talker.ask('BGSAVE')).toContain(
      "-ERR Another child process is active (AOF?): can't BGSAVE right now.",
    );
    expect(await talker.ask('BGSAVE SCHEDULE')).toBe('+Background saving scheduled');
    await snapshots.finish();
    await until(() => snapshots.isUnderWay);
    await snapshots.finish();
    expect(await field(talker, 'rdb_saves')).toBe('2');
    expect(disk.list('/').filter((name) => name.startsWith('temp'))).toEqual([]);
  });

  it('of several who wait for the same one to end, one begins at a time', async () => {
    const { snapshots, talker, disk, server } = await ground();
    await talker.ask('SET k v');
    await talker.ask('BGSAVE');
    const saves = [
      server.persistence.saveTo('/one.rdb'),
      server.persistence.saveTo('/two.rdb'),
      server.persistence.saveSoon(),
    ];
    for (let i = 0; i < 4; i++) {
      await until(() => snapshots.isUnderWay);
      await snapshots.finish();
    }
    await Promise.all(saves);
    for (const file of ['/dump.rdb', '/one.rdb', '/two.rdb']) {
      expect(disk.exists(file), file).toBe(true);
    }
  });

  it('in MULTI it is scheduled', async () => {
    const { snapshots, talker } = await ground();
    talker.send('MULTI', 'BGSAVE', 'EXEC');
    expect((await talker.take(3))[2]).toBe('*1 +Background saving scheduled');
    await until(() => snapshots.isUnderWay);
    await snapshots.finish();
    expect(await field(talker, 'rdb_saves')).toBe('1');
  });

  it('that fails refuses writes where save points are set, until one succeeds', async () => {
    const { snapshots, talker } = await ground({ save: '3600 1' });
    expect(await talker.ask('SET k v')).toBe('+OK');
    await talker.ask('BGSAVE');
    await snapshots.finish('made to fail');
    expect(await field(talker, 'rdb_last_bgsave_status')).toBe('err');
    expect(await talker.ask('SET k w')).toContain('-MISCONF Redis is configured to save RDB');
    expect(await talker.ask('GET k')).toBe('$1 v');
    expect(await talker.ask('CONFIG SET stop-writes-on-bgsave-error no')).toBe('+OK');
    expect(await talker.ask('SET k w')).toBe('+OK');
    await talker.ask('CONFIG SET stop-writes-on-bgsave-error yes');
    expect(await talker.ask('SET k x')).toContain('-MISCONF');
    expect(await talker.ask('SAVE')).toBe('+OK');
    expect(await talker.ask('SET k x')).toBe('+OK');
  });

  it('whose thread dies fails; its file is gone and the server runs', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-worker-'));
    try {
      let writer: SnapshotWriter | undefined;
      const server: Server = await startServer(
        { dir },
        {
          snapshots: (keyspace) => {
            writer = new SnapshotWriter(keyspace);
            return writer;
          },
        },
      );
      const talker = await Talker.open(server);
      for (let i = 0; i < 200; i++) await talker.ask(`SET k${i} ${'v'.repeat(5000)}`);
      for (let i = 0; i < 5; i++) {
        expect(await talker.ask('BGSAVE')).toBe('+Background saving started');
        if (i > 0) await until(() => readdirSync(dir).some((name) => name.startsWith('temp')));
        await writer!.close();
        await until(() => !server.persistence.isRunning('save'));
        if (!server.persistence.saves.succeeded) {
          expect(await field(talker, 'rdb_last_bgsave_status')).toBe('err');
        }
        expect(readdirSync(dir).filter((name) => name.startsWith('temp'))).toEqual([]);
        expect(await talker.ask('GET k1')).toContain('vvv');
      }
      expect(await talker.ask('BGSAVE')).toBe('+Background saving started');
      await until(() => !server.persistence.isRunning('save'));
      expect(await field(talker, 'rdb_last_bgsave_status')).toBe('ok');
      expect(readdirSync(dir)).toEqual(['dump.rdb']);
    } finally {
      await closeAll();
      rmSync(dir, { recursive: true });
    }
  });
});

describe('save points', () => {
  it('save once changes and time have come, and not too soon after a failure', async () => {
    const disk = new SimulatedDisk();
    const bare = new BareServer(disk, { save: '60 2' });
    await bare.start();
    bare.run('SET a 1');
    bare.tick(61_000);
    expect(bare.snapshots.isUnderWay).toBe(false);
    bare.run('SET b 1');
    bare.tick(100);
    expect(bare.snapshots.isUnderWay).toBe(true);
    await bare.snapshots.finish('made to fail');
    bare.tick(4000);
    expect(bare.snapshots.isUnderWay).toBe(false);
    bare.tick(2000);
    expect(bare.snapshots.isUnderWay).toBe(true);
    await bare.snapshots.finish();
    expect(bare.server.keyspace.changes.dirty).toBe(0);
    expect(new Inspector().rdbDigest(disk)).toBe(bare.digest());
  });
});

describe('appendonly at run time', () => {
  it('counts once its first base is there; off again, it holds all that was', async () => {
    const { disk, snapshots, talker, server } = await ground();
    await talker.ask('SET before 1');
    expect(await talker.ask('CONFIG SET appendonly yes')).toBe('+OK');
    await talker.ask('SET during 1');
    expect(disk.exists(`${DIRECTORY}/appendonly.aof.manifest`)).toBe(false);
    expect(await talker.ask('SHUTDOWN NOSAVE')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
    await snapshots.finish();
    await talker.ask('SET after 1');
    const digest = await talker.ask('DEBUG DIGEST');
    expect(`+${new Inspector().aofDigest(disk.afterKill())}`).toBe(digest);
    expect(disk.list(DIRECTORY).sort()).toEqual([
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
    ]);
    expect(await talker.ask('CONFIG SET appendonly no')).toBe('+OK');
    expect(server.persistence.aof).toBeUndefined();
    await talker.ask('SET unseen 1');
    expect(`+${new Inspector().aofDigest(disk)}`).toBe(digest);
  });

  it('switched off during a rewrite, the files keep what was written since', async () => {
    const { disk, log, snapshots, talker } = await ground({ appendonly: 'yes' });
    await talker.ask('SET a 1');
    await talker.ask('BGREWRITEAOF');
    await talker.ask('SET b 2');
    const digest = await talker.ask('DEBUG DIGEST');
    expect(await talker.ask('CONFIG SET appendonly no')).toBe('+OK');
    expect(log.join('\n')).toContain('Killing running AOF rewrite child');
    await snapshots.finish();
    expect(`+${new Inspector().aofDigest(disk)}`).toBe(digest);
    expect(disk.list(DIRECTORY).filter((name) => name.startsWith('temp'))).toEqual([]);
  });

  it('on and off and on again leaves one set of files', async () => {
    const { disk, snapshots, talker, server } = await ground();
    for (let i = 0; i < 4; i++) {
      await talker.ask(`SET k${i} v`);
      expect(await talker.ask('CONFIG SET appendonly yes')).toBe('+OK');
      if (i % 2 === 1) await snapshots.finish();
      expect(await talker.ask('CONFIG SET appendonly no')).toBe('+OK');
      await snapshots.finish();
    }
    expect(await talker.ask('CONFIG SET appendonly yes')).toBe('+OK');
    await until(() => snapshots.isUnderWay);
    await snapshots.finish();
    expect(server.persistence.aof!.isTemporary).toBe(false);
    const digest = await talker.ask('DEBUG DIGEST');
    expect(`+${new Inspector().aofDigest(disk)}`).toBe(digest);
    expect(disk.list(DIRECTORY).length).toBe(3);
  });

  it('switched on by a transaction, the base is made once that has ended', async () => {
    const { disk, snapshots, talker, server } = await ground();
    // As a replica does: the lines of the whole transaction are noted from its beginning.
    server.keyspace.changes.journal.add({ unit: () => {} });
    for (const line of ['MULTI', 'INCR n', 'CONFIG SET appendonly yes', 'INCR n']) {
      await talker.ask(line);
    }
    expect(await talker.ask('EXEC')).toBe('*3 :1 +OK :2');
    await until(() => snapshots.isUnderWay);
    await snapshots.finish();
    const digest = await talker.ask('DEBUG DIGEST');
    expect(`+${new Inspector().aofDigest(disk)}`).toBe(digest);
    expect(await talker.ask('INFO stats')).toContain('total_forks:1');
  });
});

describe('rewrites', () => {
  it('that fail again and again must wait: one minute, two, four', async () => {
    const disk = new SimulatedDisk();
    const bare = new BareServer(disk, {
      appendonly: 'yes',
      'auto-aof-rewrite-min-size': '1',
      'auto-aof-rewrite-percentage': '1',
    });
    await bare.start();
    bare.run(`SET k ${'v'.repeat(1000)}`);
    const attempts: number[] = [];
    for (let second = 0; second < 600; second++) {
      bare.tick(1000);
      if (!bare.snapshots.isUnderWay) continue;
      attempts.push(second);
      await bare.snapshots.finish('made to fail');
    }
    expect(attempts.length).toBe(6);
    expect(attempts.slice(3).map((at, i) => at - attempts[i + 2]!)).toEqual([60, 120, 240]);
    expect(new Inspector().aofDigest(disk)).toBe(bare.digest());
    // Somebody who asks need not wait.
    bare.server.persistence.bgrewriteaof(false);
    await bare.snapshots.finish();
    expect(bare.server.persistence.rewriteFailures).toBe(0);
    expect(disk.list(DIRECTORY).length).toBe(3);
  });

  it('hold syncs back with no-appendfsync-on-rewrite', async () => {
    const disk = new SimulatedDisk();
    const bare = new BareServer(disk, {
      appendonly: 'yes',
      'no-appendfsync-on-rewrite': 'yes',
    });
    await bare.start();
    bare.server.persistence.bgrewriteaof(false);
    const syncs = () => disk.calls.filter((call) => call === 'syncLater').length;
    const before = syncs();
    bare.run('SET k v');
    bare.tick(5000);
    expect(syncs()).toBe(before);
    await bare.snapshots.finish();
    bare.tick(1100);
    expect(syncs()).toBe(before + 1);
  });
});

describe('DEBUG', () => {
  it('RELOAD and LOADAOF leave data and files as they were', async () => {
    const { disk, talker } = await ground({ appendonly: 'yes' });
    talker.send('SET s v', 'RPUSH l 1 2 3', 'INCR c', 'HSET h f v', 'XADD x 1-1 f v');
    await talker.take(5);
    const digest = await talker.ask('DEBUG DIGEST');
    const file = `${DIRECTORY}/appendonly.aof.1.incr.aof`;
    const length = disk.read(file).length;
    for (const command of ['DEBUG RELOAD', 'DEBUG LOADAOF', 'DEBUG RELOAD']) {
      expect(await talker.ask(command)).toBe('+OK');
      expect(await talker.ask('DEBUG DIGEST'), command).toBe(digest);
      expect(disk.read(file).length, command).toBe(length);
    }
    expect(await talker.ask('INCR c')).toBe(':2');
    const after = await talker.ask('DEBUG DIGEST');
    expect(`+${new Inspector().aofDigest(disk)}`).toBe(after);
  });
});

describe('SHUTDOWN', () => {
  it('saves where save points are set, or when asked; goes on when it cannot, unless forced', async () => {
    for (const [save, how, saves] of [
      ['', 'SHUTDOWN', false],
      ['3600 1', 'SHUTDOWN', true],
      ['3600 1', 'SHUTDOWN NOSAVE', false],
      ['', 'SHUTDOWN SAVE', true],
    ] as const) {
      const { disk, exits, talker } = await ground({ save });
      await talker.ask('SET k v');
      talker.send(how);
      await until(() => exits.length > 0);
      expect(exits).toEqual([0]);
      expect(disk.exists('/dump.rdb'), `${how} with '${save}'`).toBe(saves);
    }
    const { disk, exits, talker } = await ground({ save: '3600 1' });
    await talker.ask('SET k v');
    disk.fault = { call: disk.calls.length + 2, code: 'ENOSPC', forGood: true };
    expect(await talker.ask('SHUTDOWN')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
    expect(await talker.ask('GET k')).toBe('$1 v');
    talker.send('SHUTDOWN FORCE');
    await until(() => exits.length > 0);
    expect(exits).toEqual([0]);
  });
});

it('a file of others that selects no database begins in database 0', async () => {
  const disk = new SimulatedDisk();
  disk.put(`${DIRECTORY}/a.aof`, Buffer.from('*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n'));
  disk.put(`${DIRECTORY}/b.aof`, Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n'));
  const manifest = 'file a.aof seq 1 type b\nfile b.aof seq 1 type i\n';
  disk.put(`${DIRECTORY}/appendonly.aof.manifest`, Buffer.from(manifest));
  const bare = new BareServer(disk, { appendonly: 'yes' });
  await bare.start();
  expect(bare.server.keyspace.dbs.map(({ size }) => size).slice(0, 4)).toEqual([1, 0, 0, 0]);
});

it('a save that the end of the server gives up is no failure', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-end-'));
  const lines: string[] = [];
  const server = await startServer({ dir }, { log: (line) => void lines.push(line) });
  const talker = await Talker.open(server);
  await talker.ask('SET k v');
  await talker.ask('BGSAVE');
  await server.close();
  rmSync(dir, { recursive: true });
  expect(lines.filter((line) => line.includes('Background saving error'))).toEqual([]);
  expect(server.persistence.saves.succeeded).toBe(true);
});
