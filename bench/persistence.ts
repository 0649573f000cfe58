/**
 * What keeping data costs beside redis-server, in the same run and in turns:
 *
 *     fsync    SET by 50 clients without append-only file, with everysec and with always, -P 1 and 16
 *     save     BGSAVE of --keys keys under load: throughput meanwhile, longest wait of a PING
 *     start    a start with an append-only file of --keys SET commands
 *
 * `--only start` takes one. Saving and loading RDB files is `npm run bench -- rdb`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Connection } from '../test/harness/connection.ts';
import type { ServerProcess } from '../test/harness/server-process.ts';
import { measure } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant, cpuSeconds, start } from './servers.ts';

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '500000' },
    only: { type: 'string', default: '' },
  },
});
const KEYS = Number(options.keys);
const REQUESTS = Number(options.requests);
/** A PING at most so often while a save goes on. */
const PROBE_MS = 1;

type Cells = Record<Contestant, string>;

function row(name: string, cells: Cells): void {
  const columns = CONTESTANTS.map((who) => cells[who].padStart(34)).join('');
  process.stdout.write(`${name.padEnd(28)}${columns}\n`);
}

async function forBoth(work: (who: Contestant) => Promise<string>): Promise<Cells> {
  const cells: Cells = { respite: '', redis: '' };
  for (const who of CONTESTANTS) cells[who] = await work(who);
  return cells;
}

// ---- fsync ---------------------------------------------------------------------------------

const SYNCS = ['no file', 'everysec', 'always'] as const;

async function rate(who: Contestant, sync: (typeof SYNCS)[number], pipeline: number) {
  const args = sync === 'no file' ? [] : ['--appendonly', 'yes', '--appendfsync', sync];
  await using server = await start(who, [], [...args, '--auto-aof-rewrite-percentage', '0']);
  const load = { name: 'set', range: 100_000 };
  await measure(server.port, load, pipeline, REQUESTS / 5);
  const before = cpuSeconds(server.pid);
  const requests = sync === 'always' ? REQUESTS / 5 : REQUESTS;
  const { requestsPerSecond } = await measure(server.port, load, pipeline, requests);
  const microseconds = ((cpuSeconds(server.pid) - before) * 1e6) / requests;
  return `${Math.round(requestsPerSecond)}/s, ${microseconds.toFixed(2)} us cpu`;
}

async function fsync(): Promise<void> {
  for (const pipeline of [1, 16]) {
    for (const sync of SYNCS) {
      row(`SET -P ${pipeline}, ${sync}`, await forBoth((who) => rate(who, sync, pipeline)));
    }
  }
}

// ---- save ----------------------------------------------------------------------------------

/** The longest wait of a PING until `done` says so, ms. */
async function longestWait(connection: Connection, done: () => Promise<boolean>): Promise<number> {
  let longest = 0;
  for (let i = 1; ; i++) {
    const began = performance.now();
    await connection.call('PING');
    longest = Math.max(longest, performance.now() - began);
    if (i % 50 === 0 && (await done())) return longest;
    await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
  }
}

async function saveUnderLoad(who: Contestant): Promise<string> {
  await using server = await start(who, [], ['--enable-debug-command', 'yes']);
  const connection = await server.connect();
  await connection.call('DEBUG', 'POPULATE', String(KEYS), 'key', '100');
  const load = { name: 'set', range: KEYS };
  const alone = await measure(server.port, load, 16, REQUESTS);
  let isLoaded = true;
  const loaded = measure(server.port, load, 16, REQUESTS * 2).finally(() => {
    isLoaded = false;
  });
  await connection.call('BGSAVE');
  const began = performance.now();
  const wait = await longestWait(connection, async () => !(await isSaving(connection)));
  const seconds = (performance.now() - began) / 1000;
  const endedFirst = isLoaded;
  const meanwhile = await loaded;
  const held = /rdb_last_cow_size:(\d+)/.exec(await connection.text('INFO', 'persistence'))?.[1];
  connection.close();
  const part = Math.round((meanwhile.requestsPerSecond / alone.requestsPerSecond) * 100);
  const over = endedFirst ? '' : ', load ended first';
  const megabytes = Math.round(Number(held) / 2 ** 20);
  return `${part} %, ${wait.toFixed(1)} ms, ${seconds.toFixed(1)} s, ${megabytes} MiB${over}`;
}

async function isSaving(connection: Connection): Promise<boolean> {
  return (await connection.text('INFO', 'persistence')).includes('rdb_bgsave_in_progress:1');
}

// ---- start ---------------------------------------------------------------------------------

/** Append-only files of so many SET commands. */
function writeCommands(directory: string): void {
  const files = path.join(directory, 'appendonlydir');
  mkdirSync(files);
  const lines = ['*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n'];
  for (let i = 0; i < KEYS; i++) {
    const key = `key:${String(i).padStart(12, '0')}`;
    lines.push(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$10\r\nvalue of k\r\n`);
  }
  writeFileSync(path.join(files, 'appendonly.aof.1.base.aof'), lines.join(''));
  const manifest = 'file appendonly.aof.1.base.aof seq 1 type b\n';
  writeFileSync(path.join(files, 'appendonly.aof.manifest'), manifest);
}

async function startFromCommands(who: Contestant): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-bench-start-'));
  try {
    writeCommands(directory);
    const began = performance.now();
    await using server = await start(who, [], ['--dir', directory, '--appendonly', 'yes']);
    const seconds = (performance.now() - began) / 1000;
    const told = loadSeconds(server);
    return `${seconds.toFixed(2)} s, loading ${told} s`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function loadSeconds(server: ServerProcess): string {
  return /DB loaded from append only file: ([\d.]+)/.exec(server.log)?.[1] ?? '?';
}

row('', { respite: 'respite', redis: 'redis-server' });
const parts: Readonly<Record<string, () => Promise<void>>> = {
  start: async () => {
    for (let round = 0; round < 3; round++) {
      row(`start, ${KEYS} SETs`, await forBoth(startFromCommands));
    }
  },
  save: async () => row(`BGSAVE, ${KEYS} keys, load`, await forBoth(saveUnderLoad)),
  fsync,
};
for (const [name, part] of Object.entries(parts)) {
  if (options.only === '' || options.only === name) await part();
}
