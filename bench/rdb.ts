/**
 * Saving and loading RDB files beside redis-server, in the same run and in turns: a million strings,
 * 200,000 small hashes, a sorted set, a set and a hash of a million. Times are the least of some rounds
 * each (--rounds), processor time and wall clock; --only hashes takes those data whose names have the word.
 *
 * respite's part runs in this process: a keyspace, the file reader and the file writer.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Keyspace } from '../src/keyspace/keyspace.ts';
import { HeapArena } from '../src/memory/heap-arena.ts';
import { nodeFiles } from '../src/persistence/files.ts';
import { defaultWriteOptions } from '../src/persistence/rdb/file-writer.ts';
import { loadRdbFile } from '../src/persistence/rdb/load-file.ts';
import { saveRdbFile } from '../src/persistence/rdb/save-file.ts';
import { ServerProcess } from '../test/harness/server-process.ts';
import { cpuSeconds } from './servers.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } },
});
const ROUNDS = Number(options.rounds);
const MILLION = 1_000_000;

interface Cost {
  wall: number;
  cpu: number;
}

interface Result {
  readonly save: Cost;
  readonly load: Cost;
}

const DATA: Readonly<Record<string, (space: Keyspace) => void>> = {
  '1M strings': (space) => {
    for (let i = 0; i < MILLION; i++) {
      const key = Buffer.from(`key:${String(i).padStart(12, '0')}`);
      const db = space.dbs[0]!;
      db.find(key, 0, key.length);
      db.setString(0, key, 0, key.length, Buffer.from('xxx'), 0, 3, 8, 0);
    }
  },
  '200k hashes': (space) => {
    for (let i = 0; i < MILLION / 5; i++) {
      space.hashes.create();
      for (let f = 0; f < 4; f++) setField(space, `field${f}`, `value${i}`);
      add(space, `hash:${i}`, space.hashes);
    }
  },
  'sorted set of 1M': (space) => {
    space.zsets.create();
    for (let i = 0; i < MILLION; i++) {
      const member = Buffer.from(`member:${i}`);
      space.zsets.set(member, 0, member.length, ((i * 7919) % MILLION) / 3);
    }
    add(space, 'zset', space.zsets);
  },
  'set of 1M': (space) => {
    space.sets.createFor(Buffer.from('m'), 0, 1);
    for (let i = 0; i < MILLION; i++) {
      const member = Buffer.from(`member:${i}`);
      space.sets.add(member, 0, member.length);
    }
    add(space, 'set', space.sets);
  },
  'hash of 1M': (space) => {
    space.hashes.create();
    for (let i = 0; i < MILLION; i++) setField(space, `field:${i}`, `value:${i}`);
    add(space, 'hash', space.hashes);
  },
};

function setField(space: Keyspace, field: string, value: string): void {
  const [f, v] = [Buffer.from(field), Buffer.from(value)];
  space.hashes.set(f, 0, f.length, v, 0, v.length);
}

function add(
  space: Keyspace,
  name: string,
  value: Parameters<Keyspace['dbs'][0]['addValueAt']>[3],
) {
  const key = Buffer.from(name);
  space.dbs[0]!.find(key, 0, key.length);
  space.dbs[0]!.addValueAt(key, 0, key.length, value);
}

function newSpace(): Keyspace {
  const space = new Keyspace({
    arena: new HeapArena(),
    databases: 1,
    hashKey: Int32Array.of(7, 11),
    random: Math.random,
  });
  space.nowMs = Date.now();
  return space;
}

function save(space: Keyspace, directory: string): void {
  const databases = space.dbs.map(({ index, root, expires }) => ({
    index,
    root,
    volatileKeys: expires.size,
  }));
  saveRdbFile(
    nodeFiles,
    { tools: space.tools, databases, functions: [], nowMs: space.nowMs },
    {
      ...defaultWriteOptions,
      directory,
      name: 'dump.rdb',
      temporaryName: 'temp-bench.rdb',
      incrementalSync: true,
    },
  );
}

function load(directory: string): Keyspace {
  const space = newSpace();
  loadRdbFile(nodeFiles, path.join(directory, 'dump.rdb'), space, {
    database: () => space.dbs[0],
    keepExpired: false,
    replace: false,
    checksum: true,
    checkOnly: false,
  });
  return space;
}

async function least(
  cpu: () => number,
  work: () => unknown,
  prepare: () => unknown = () => {},
): Promise<Cost> {
  const best: Cost = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    await prepare();
    const [began, before] = [performance.now(), cpu()];
    await work();
    best.wall = Math.min(best.wall, performance.now() - began);
    best.cpu = Math.min(best.cpu, (cpu() - before) * 1000);
  }
  return best;
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function respite(fill: (space: Keyspace) => void, directory: string): Promise<Result> {
  const space = newSpace();
  fill(space);
  const saved = await least(ownCpu, () => save(space, directory));
  return { save: saved, load: await least(ownCpu, () => load(directory)) };
}

async function redis(directory: string): Promise<Result> {
  await using server = await ServerProcess.start({
    name: 'redis',
    command: process.env['REDIS_SERVER'] ?? 'redis-server',
    args: ['--enable-debug-command', 'yes'],
  });
  const file = path.join(server.dir, 'dump.rdb');
  copyFileSync(path.join(directory, 'dump.rdb'), file);
  const connection = await server.connect();
  const cpu = () => cpuSeconds(server.pid);
  const reload = () => connection.call('DEBUG', 'RELOAD', 'NOSAVE');
  const loaded = await least(cpu, reload, () => connection.call('FLUSHALL', 'SYNC'));
  const saved = await least(cpu, () => connection.call('SAVE'));
  connection.close();
  return { save: saved, load: loaded };
}

const columns = ['respite', 'redis-server', 'ratio'];
process.stdout.write(
  `ms, wall clock (processor)      ${columns.map((c) => c.padStart(18)).join('')}\n`,
);
for (const [name, fill] of Object.entries(DATA)) {
  if (!name.includes(options.only)) continue;
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-bench-rdb-'));
  try {
    const ours = await respite(fill, directory);
    const theirs = await redis(directory);
    for (const what of ['save', 'load'] as const) {
      const cell = ({ wall, cpu }: Cost) => `${wall.toFixed(0)} (${cpu.toFixed(0)})`;
      const ratio = (ours[what].cpu / theirs[what].cpu).toFixed(2);
      const cells = [cell(ours[what]), cell(theirs[what]), `${ratio} of cpu`];
      process.stdout.write(
        `${`${what} ${name}`.padEnd(32)}${cells.map((c) => c.padStart(18)).join('')}\n`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
