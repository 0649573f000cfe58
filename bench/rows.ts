/**
 * The slow rows: processor time of single operations beside redis-server's, and the longest wait of a
 * second client's PING meanwhile. Each server runs alone; each row gets an empty one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Connection } from '../test/harness/connection.ts';
import { table, writeSection } from './document.ts';
import { Progress } from './progress.ts';
import { Rig } from './rig.ts';
import { ROWS, type Row } from './row-list.ts';
import { CONTESTANTS, type Contestant, environment, start } from './servers.ts';
import { median } from './statistics.ts';

const usage = `npm run bench -- rows [options]
  --only a,b     rows whose name contains a or b, in any case
  --repeat N     measurements of each row, of which the median counts (3)
  --servers a    respite, redis or both (respite,redis)
  --docs         write docs/benchmarks.md
  --list         name all rows`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    repeat: { type: 'string', default: '3' },
    servers: { type: 'string', default: CONTESTANTS.join(',') },
    docs: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/**
 * Operations shorter than this are run again and again, until V8 has compiled them for good: short
 * ones take hundreds of runs for that, and those whose preparation is long get as many as there is
 * time for.
 */
const SHORT_MS = 100;
const WARMING_RUNS_MIN = 20;
const WARMING_RUNS_MAX = 200;
const WARMING_TIME_MS = 10_000;

interface Measured {
  readonly cpuMs: number;
  /** The same after many runs; undefined of an operation that is long. */
  readonly warmMs: number | undefined;
  readonly stallMs: number;
}

/** Processor time of all threads of a process in ms. */
function cpuMs(pid: number): number {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
    } catch {
      // The thread has just ended.
    }
  }
  return ns / 1e6;
}

/** PINGs each millisecond until `stop`; returns the longest wait in ms. */
function watch(connection: Connection): { stop(): Promise<number> } {
  let running = true;
  const watching = (async () => {
    let longest = 0;
    while (running) {
      const sent = performance.now();
      await connection.call('PING');
      longest = Math.max(longest, performance.now() - sent);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return longest;
  })();
  return {
    stop: () => {
      running = false;
      return watching;
    },
  };
}

async function measure(who: Contestant, row: Row): Promise<Measured> {
  await using server = await start(who);
  const rig = await Rig.open(server.port);
  const pinger = await server.connect();
  await row.setup?.(rig);
  const stalls: number[] = [];
  const repeat = Number(values.repeat);
  const timed = async (runs: number): Promise<number[]> => {
    const times: number[] = [];
    for (let i = 0; i < runs; i++) {
      await row.prepare?.(rig);
      const before = cpuMs(server.pid);
      await row.run(rig);
      times.push(cpuMs(server.pid) - before);
    }
    return times;
  };
  // The first run is not counted: it compiles what it runs and touches new memory.
  const early = median((await timed(repeat + 1)).slice(1));
  let late: number[] | undefined;
  if (early < SHORT_MS) {
    const until = performance.now() + WARMING_TIME_MS;
    await timed(WARMING_RUNS_MIN);
    for (let i = WARMING_RUNS_MIN; i < WARMING_RUNS_MAX && performance.now() < until; i++) {
      await timed(1);
    }
    late = await timed(repeat);
  }
  await row.prepare?.(rig);
  const watching = watch(pinger);
  await row.run(rig);
  stalls.push(await watching.stop());
  pinger.close();
  rig.close();
  const warmMs = late === undefined ? undefined : median(late);
  return { cpuMs: early, warmMs, stallMs: Math.max(...stalls) };
}

function number(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}

function cells(row: Row, found: Partial<Record<Contestant, Measured>>): string[] {
  const { redis, respite } = found;
  const ratio = (ours?: number, theirs?: number) =>
    ours === undefined || theirs === undefined ? '' : (ours / theirs).toFixed(2);
  return [
    row.name,
    number(redis?.cpuMs),
    number(respite?.cpuMs),
    ratio(respite?.cpuMs, redis?.cpuMs),
    ratio(respite?.warmMs, redis?.warmMs ?? redis?.cpuMs),
    number(redis?.stallMs),
    number(respite?.stallMs),
  ];
}

async function main(): Promise<void> {
  const wanted = values.only?.toLowerCase().split(',');
  const rows = ROWS.filter(
    ({ name }) => wanted?.some((w) => name.toLowerCase().includes(w)) ?? true,
  );
  const servers = CONTESTANTS.filter((who) => values.servers.split(',').includes(who));
  const progress = new Progress();
  const lines: string[][] = [];
  const header = [
    ...['operation', 'redis CPU ms', 'respite', 'ratio', 'warm'],
    ...['redis stall ms', 'respite'],
  ];
  for (const row of rows) {
    const found: Partial<Record<Contestant, Measured>> = {};
    for (const who of servers) {
      progress.show(`${row.name}: ${who}`);
      found[who] = await measure(who, row);
    }
    lines.push(cells(row, found));
    progress.end();
    console.log(lines.at(-1)!.join(' | '));
  }
  const text = table(header, lines);
  console.log(`\n${text}`);
  if (!values.docs) return;
  const about =
    'Processor time of the server, all threads, for one operation, medians of 3 after one run, and ' +
    'the longest wait of a PING meanwhile. "warm" is the ratio after up to 200 more runs: code that has ' +
    'run but a few times is interpreted by V8, and compiling it costs up to 20 ms of a thread beside.';
  const end = 'The rows of `npm run bench -- rows`.';
  writeSection('Slow rows', `${await environment()}\n\n${about} ${end}\n\n${text}`);
}

if (values.help) console.log(usage);
else if (values.list) console.log(ROWS.map(({ name }) => name).join('\n'));
else await main();
