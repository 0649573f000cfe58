/** Directories go back and forth between us and redis-server while nothing of the data changes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { textsOf } from '../harness/in-process.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import { respiteFile } from '../harness/respite.ts';
import { KillableServer } from './crash/kills.ts';

const ours = [process.execPath, respiteFile];
const theirs = ['redis-server'];
const debug = ['--enable-debug-command', 'yes'];

async function digest(server: KillableServer): Promise<string> {
  const connection = await Connection.open(server.port);
  const text = await connection.text('DEBUG', 'DIGEST');
  connection.close();
  return text;
}

/** Some values of each type, in two databases; other ones for each round. */
async function write(server: KillableServer, round: number): Promise<void> {
  const connection = await Connection.open(server.port);
  for (let i = 0; i < 40; i++) {
    const n = String(round * 1000 + i);
    for (const line of [
      `SET s${n} ${'v'.repeat(i * 7)}`,
      `RPUSH l ${n} a`,
      `HSET h f${n} v`,
      `SADD t ${n} m${i % 3 === 0 ? n : '1'}`,
      `ZADD z ${i}.25 m${n}`,
      `XADD x ${n}1-1 f ${n}`,
      `SELECT ${i % 2}`,
      `SET e${n} v EX ${10_000 + i}`,
      'INCR c',
    ]) {
      await connection.call(...line.split(' '));
    }
  }
  await connection.call('XGROUP', 'CREATE', 'x', `g${round}`, '0');
  await connection.call(
    'XREADGROUP',
    'GROUP',
    `g${round}`,
    'me',
    'COUNT',
    '3',
    'STREAMS',
    'x',
    '>',
  );
  connection.close();
}

describeWithOracle('append-only files', () => {
  it.each(['yes', 'no'])('with aof-use-rdb-preamble %s are everybody’s', async (preamble) => {
    const server = new KillableServer([
      ...['--appendonly', 'yes', '--save', '', ...debug],
      ...['--aof-use-rdb-preamble', preamble, '--aof-timestamp-enabled', 'yes'],
    ]);
    try {
      let last: string | undefined;
      for (const [round, command] of [ours, theirs, ours, theirs].entries()) {
        await server.start(command);
        if (last !== undefined) expect(await digest(server)).toBe(last);
        await write(server, round);
        const connection = await Connection.open(server.port);
        await connection.text('BGREWRITEAOF');
        while ((await connection.text('INFO', 'persistence')).includes('rewrite_in_progress:1'));
        await connection.call('SET', 'after the rewrite', String(round));
        connection.close();
        last = await digest(server);
        await server.kill('SIGTERM');
        const manifest = path.join(server.dir, 'appendonlydir/appendonly.aof.manifest');
        const { status, stdout } = spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' });
        expect(status, stdout).toBe(0);
      }
    } finally {
      await server.remove();
    }
  });
});

describeWithOracle('respite convert', () => {
  it.each([['appendonlydir/appendonly.aof.manifest'], ['appendonly.aof']])(
    'makes %s of a dump, and redis-server has its data',
    async (name) => {
      const server = new KillableServer(['--save', '3600 1', ...debug]);
      try {
        await server.start(ours);
        await write(server, 0);
        const written = await digest(server);
        await server.kill('SIGTERM');
        const output = path.join(server.dir, name);
        mkdirSync(path.dirname(output), { recursive: true });
        const dump = path.join(server.dir, 'dump.rdb');
        const words = [respiteFile, 'convert', dump, output];
        const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
        expect(status, stderr).toBe(0);
        rmSync(dump);
        await server.start([...theirs, '--appendonly', 'yes']);
        expect(await digest(server)).toBe(written);
      } finally {
        await server.remove();
      }
    },
  );
});

describeWithOracle('snapshots', () => {
  it('taken while transactions go on hold none of them in part', async () => {
    const server = new KillableServer(['--save', '', ...debug]);
    const checker = new KillableServer(['--save', '', ...debug]);
    try {
      await server.start(ours);
      await write(server, 0);
      const admin = await Connection.open(server.port);
      const writer = await Connection.open(server.port);
      for (let i = 0; i < 4; i++) {
        let isDone = false;
        const writing = (async () => {
          for (let n = 1; !isDone; n++) {
            for (const key of ['MULTI', 'a', 'b', 'c2', 'd', 'EXEC']) {
              if (key.length === 1 || key === 'c2') writer.send('SET', `torn-${key}`, `${i}.${n}`);
              else writer.send(key);
            }
            for (let k = 0; k < 6; k++) await writer.receive();
          }
        })();
        await admin.text('BGSAVE');
        while ((await admin.text('INFO', 'persistence')).includes('bgsave_in_progress:1'));
        isDone = true;
        await writing;
        const file = path.join(server.dir, 'dump.rdb');
        const { status, stdout } = spawnSync('redis-check-rdb', [file], { encoding: 'utf8' });
        expect(status, stdout).toBe(0);
        spawnSync('cp', [file, path.join(checker.dir, 'dump.rdb')]);
        await checker.start(theirs);
        const reader = await Connection.open(checker.port);
        const keys = ['torn-a', 'torn-b', 'torn-c2', 'torn-d'];
        const values = textsOf(await reader.call('MGET', ...keys));
        expect(new Set(values).size).toBeLessThanOrEqual(1);
        reader.close();
        await checker.kill();
      }
      admin.close();
      writer.close();
    } finally {
      await server.remove();
      await checker.remove();
    }
  });
});
