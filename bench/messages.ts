/**
 * What is not one request and one reply: messages to many subscribers, transactions, and SETs of keys that
 * others track.
 *
 * respite and redis-server run alternately as in the load benchmark. The subscribers and the clients
 * with transactions or tracking are a process of their own that only counts bytes (peers.ts).
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ServerProcess } from '../test/harness/server-process.ts';
import { each } from './data.ts';
import { table, writeSection } from './document.ts';
import { fill, keyOf } from './loader.ts';
import { Peers, SETS } from './peers.ts';
import { Progress } from './progress.ts';
import { CLIENTS, measure } from './redis-benchmark.ts';
import { count, judged } from './report.ts';
import { CONTESTANTS, type Contestant, cpuSeconds, environment, start } from './servers.ts';
import { median } from './statistics.ts';

/** Least ratio of messages or of commands per second, and of processor time, in every test. */
const RATIO = 1;
/** Most that tracking may take from the throughput of SET. */
const LOSS_MAX = 0.1;

const SUBSCRIBERS = [1, 100, 1_000];
const PUBLISH_PIPELINES = [1, 16, 64];
const PAYLOAD = 'x'.repeat(64);
const MESSAGE = `*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$${PAYLOAD.length}\r\n${PAYLOAD}\r\n`;

const DEPTHS = [1, 16];

const TRACKERS = 1_000;
const TRACKED_KEYS = 100_000;
const TRACKED_PIPELINE = 16;
const TRACKING = [
  { name: 'none', opening: 'PING\r\n', ready: '+PONG\r\n', role: 'count' },
  {
    name: 'a key each, read once a second',
    opening: 'HELLO 3\r\nCLIENT TRACKING ON\r\nGET __key__\r\nPING\r\n',
    ready: '+PONG\r\n',
    role: 'reread',
  },
  {
    name: 'BCAST, another prefix',
    opening: 'HELLO 3\r\nCLIENT TRACKING ON BCAST PREFIX other:\r\nPING\r\n',
    ready: '+PONG\r\n',
    role: 'count',
  },
] as const;

const GROUPS = { publish, transactions, tracking } as const;

const usage = `npm run bench -- messages [options]
  --tests a,b   of: ${Object.keys(GROUPS).join(' ')} (all)
  --rounds N    rounds, each with both servers (3)
  --seconds N   length of one measurement (1.5)
  --docs        write docs/benchmarks.md even if not all
  --json FILE   write all measurements`;

/** Least share of the planned time that makes a run count. */
const LONG_ENOUGH = 0.7;

interface Sample {
  /** Messages, commands or SETs. */
  readonly perSecond: number;
  /** Processor time of the server for a message, a transaction or a SET, microseconds. */
  readonly cpuMicros: number;
  /** Processor time of the clients' process by the time that passed. */
  readonly clientShare: number;
  readonly invalidations: number;
}

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1.5' },
    docs: { type: 'boolean' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const rounds = Number(values.rounds);
const planned = Number(values.seconds);
const wanted = values.tests?.split(',');
const progress = new Progress();
let label = '';
/** Samples by server and name of the test, in the order of the first round. */
const samples: Record<Contestant, Map<string, Sample[]>> = { respite: new Map(), redis: new Map() };

for (let round = 0; round < rounds; round++) {
  for (const who of round % 2 === 0 ? CONTESTANTS : [...CONTESTANTS].reverse()) {
    await using server = await start(who);
    for (const [name, group] of Object.entries(GROUPS)) {
      if (wanted?.includes(name) === false) continue;
      label = `round ${round + 1}/${rounds} ${who}`;
      await group(who, server, round);
    }
  }
}
progress.end();
const body = report(await environment());
console.log(body);
if (values.json !== undefined) {
  const all = CONTESTANTS.map((who) => [who, Object.fromEntries(samples[who])]);
  writeFileSync(values.json, `${JSON.stringify(Object.fromEntries(all), undefined, 1)}\n`);
}
if (values.docs ?? wanted === undefined) writeSection('Messages and transactions', body);

async function publish(who: Contestant, server: ServerProcess): Promise<void> {
  const { port } = server;
  const connection = await server.connect();
  // However late the subscribers read, none is disconnected.
  await connection.text('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
  connection.close();
  for (const subscribers of SUBSCRIBERS) {
    const opening = { opening: 'SUBSCRIBE ch\r\n', ready: ':1\r\n', role: 'count' } as const;
    await using peers = await Peers.start({ port, count: subscribers, ...opening });
    for (const pipeline of PUBLISH_PIPELINES) {
      const load = { name: 'publish', command: ['PUBLISH', 'ch', PAYLOAD] };
      // redis-benchmark sends whole pipelines.
      const publishes = CLIENTS * pipeline;
      const run = async (units: number): Promise<number> => {
        const began = performance.now();
        const bytes = units * publishes * subscribers * MESSAGE.length;
        const [seconds] = await Promise.all([
          peers.ask(bytes).then(() => (performance.now() - began) / 1000),
          measure(port, load, pipeline, units * publishes),
        ]);
        return seconds;
      };
      const name = `PUBLISH to ${count(subscribers)}, -P ${pipeline}`;
      const messages = publishes * subscribers;
      await sample(who, name, server, peers, { run, counted: messages, charged: messages });
    }
  }
}

async function transactions(who: Contestant, server: ServerProcess): Promise<void> {
  const opening = { opening: 'PING\r\n', ready: '+PONG\r\n', role: 'transact' } as const;
  await using peers = await Peers.start({ port: server.port, count: CLIENTS, ...opening });
  for (const depth of DEPTHS) {
    const run = (units: number) => peers.ask(depth, units * CLIENTS);
    const charged = CLIENTS * depth;
    const name = `MULTI, ${SETS} SETs, EXEC, ${depth} per write`;
    await sample(who, name, server, peers, { run, counted: charged * (SETS + 2), charged });
  }
}

async function tracking(who: Contestant, server: ServerProcess, round: number): Promise<void> {
  const { port } = server;
  await fill(
    port,
    each(TRACKED_KEYS, (i) => ['SET', keyOf(i), 'xxx']),
  );
  // Each comes first in its turn.
  const order = TRACKING.map((_, i) => TRACKING[(i + round) % TRACKING.length]!);
  for (const { name, ...opening } of order) {
    await using peers = await Peers.start({ port, count: TRACKERS, ...opening });
    let invalidations = 0;
    const run = async (units: number): Promise<number> => {
      const requests = units * CLIENTS * TRACKED_PIPELINE;
      const load = { name: 'set', range: TRACKED_KEYS };
      await peers.ask(0);
      const began = performance.now();
      const { requestsPerSecond } = await measure(port, load, TRACKED_PIPELINE, requests);
      invalidations = ((await peers.ask(0)) * 1000) / (performance.now() - began);
      return requests / requestsPerSecond;
    };
    const counted = CLIENTS * TRACKED_PIPELINE;
    const work = { run, counted, charged: counted, invalidations: () => invalidations };
    await sample(who, name, server, peers, work);
  }
}

interface Work {
  /** Answers the seconds that so many units took. */
  readonly run: (units: number) => Promise<number>;
  /** What a unit counts for in what is done per second. */
  readonly counted: number;
  /** By what its processor time is divided. */
  readonly charged: number;
  readonly invalidations?: () => number;
}

/**
 * Measures when a run takes about the planned time. The shorter ones before say how much that is, and warm
 * the server up; a trial alone would not do, because a server comes to its stride when all
 * connections of redis-benchmark are there.
 */
async function sample(
  who: Contestant,
  name: string,
  server: ServerProcess,
  peers: Peers,
  { run, counted, charged, invalidations }: Work,
): Promise<void> {
  for (let units = 1; ; ) {
    progress.show(`${label}: ${name}: ${count(units * counted)}`);
    const before = [cpuSeconds(server.pid), cpuSeconds(peers.pid)] as const;
    const seconds = await run(units);
    const cpu = cpuSeconds(server.pid) - before[0];
    const clientCpu = cpuSeconds(peers.pid) - before[1];
    if (seconds < LONG_ENOUGH * planned) {
      units = Math.ceil(units * Math.min(10, Math.max(1.5, planned / seconds)));
      continue;
    }
    const found = samples[who].get(name) ?? [];
    samples[who].set(name, found);
    found.push({
      perSecond: (units * counted) / seconds,
      cpuMicros: (cpu * 1e6) / (units * charged),
      clientShare: clientCpu / seconds,
      invalidations: invalidations?.() ?? 0,
    });
    return;
  }
}

function middle(who: Contestant, name: string, pick: (sample: Sample) => number): number {
  return median(samples[who].get(name)?.map(pick) ?? []);
}

function report(machine: string): string {
  const names = [...samples.respite.keys()];
  const tracked = TRACKING.map(({ name }) => name as string).filter((name) => names.includes(name));
  const compared = names.filter((name) => !tracked.includes(name)).map(compare);
  const losses = CONTESTANTS.flatMap((who) => tracked.map((name) => loss(who, name)));
  const head = `- ${machine}
- ${rounds} rounds, servers alternating, about ${planned} s per measurement; medians.
`;
  const first = `
PUBLISH of ${PAYLOAD.length} bytes by redis-benchmark -c ${CLIENTS}, until the last subscriber has the last message: messages
delivered per second, processor time of the server in microseconds per message. Transactions of
${SETS} SETs on ${CLIENTS} connections, each sending when the last is answered: commands per second (${SETS + 2} for a
transaction), processor time per transaction. Ratios are respite's by redis-server's; of processor time,
redis-server's by respite's. Wanted is ${RATIO.toFixed(2)}; misses are bold. Last, how busy the process of the
subscribers or of the clients was, of one core.

${table(['test', '/s', 'redis', 'ratio', 'CPU', 'redis', 'ratio', 'clients', 'redis'], compared)}
`;
  const second = `
SET by redis-benchmark -c ${CLIENTS} -P ${TRACKED_PIPELINE} -r ${TRACKED_KEYS} while ${count(TRACKERS)} other clients track: nothing; a key each, one of
those, which each reads again once a second (what is lost includes these reads); a prefix that no
key has. Processor time is in microseconds per SET; the loss of throughput may be ${percent(LOSS_MAX)} for respite.

${table(['server, tracked', 'SET/s', 'lost', 'CPU', 'more', 'invalidations/s'], losses)}
`;
  return [head, compared.length > 0 ? first : '', losses.length > 0 ? second : ''].join('');
}

function compare(name: string): string[] {
  const both = (pick: (sample: Sample) => number) =>
    [middle('respite', name, pick), middle('redis', name, pick)] as const;
  const rates = both(({ perSecond }) => perSecond);
  const cpu = both(({ cpuMicros }) => cpuMicros);
  const clients = both(({ clientShare }) => clientShare);
  return [
    ...[name, ...rates.map(count), judged(rates[0] / rates[1], RATIO)],
    ...[...cpu.map((micros) => micros.toFixed(3)), judged(cpu[1] / cpu[0], RATIO)],
    ...clients.map(percent),
  ];
}

function loss(who: Contestant, name: string): string[] {
  const by = (pick: (sample: Sample) => number) =>
    [middle(who, name, pick), middle(who, TRACKING[0].name, pick)] as const;
  const [rate, baseRate] = by(({ perSecond }) => perSecond);
  const [cpu, baseCpu] = by(({ cpuMicros }) => cpuMicros);
  const lost = 1 - rate / baseRate;
  const missed = who === 'respite' && lost > LOSS_MAX;
  const base = name === TRACKING[0].name;
  const invalidations = middle(who, name, (sample) => sample.invalidations);
  return [
    ...[
      `${who}, ${name}`,
      count(rate),
      base ? '' : missed ? `**${percent(lost)}**` : percent(lost),
    ],
    ...[cpu.toFixed(3), base ? '' : percent(cpu / baseCpu - 1), count(invalidations)],
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
