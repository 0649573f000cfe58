/**
 * The floor of Node: what a PING costs a server on Node that does nothing else, beside respite and
 * redis-server. What lies between the first two and redis-server no code of ours can take away.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table, writeSection } from './document.ts';
import { Progress } from './progress.ts';
import { measure } from './redis-benchmark.ts';
import { cpuSeconds, environment, root, start } from './servers.ts';
import { median } from './statistics.ts';

const PIPELINES = [1, 16, 64] as const;
const SERVERS = ['stream', 'direct', 'respite', 'redis'] as const;
type Name = (typeof SERVERS)[number];
const TITLES: Readonly<Record<Name, string>> = {
  stream: "Node, 'data' and socket.write",
  direct: 'Node, as respite reads and writes',
  respite: 'respite',
  redis: 'redis-server',
};

const usage = `npm run bench -- floor [options]
  --rounds N   rounds, each with every server (5)
  --docs       write docs/benchmarks.md`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    docs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

/** A server on a port, whose processor time is read by its process id. */
interface Running extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
}

async function run(name: Name): Promise<Running> {
  if (name === 'respite' || name === 'redis') {
    const server = await start(name);
    return {
      port: server.port,
      pid: server.pid,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const file = path.join(root, 'node_modules/.cache/respite-bench/bench/floor-server.js');
  const child: ChildProcess = spawn(process.execPath, [file, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve) => {
    child.stdout!.once('data', (text: Buffer) => resolve(Number(text.toString())));
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    port,
    pid: child.pid!,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await gone;
    },
  };
}

/** Microseconds of processor time for each request. */
async function cost(server: Running, pipeline: number): Promise<number> {
  const load = { name: 'ping_mbulk' };
  await measure(server.port, load, pipeline, 40_000 * pipeline);
  const requests = 80_000 * Math.ceil(pipeline / 2);
  const before = cpuSeconds(server.pid);
  await measure(server.port, load, pipeline, requests);
  return ((cpuSeconds(server.pid) - before) * 1e6) / requests;
}

const progress = new Progress();
const samples = new Map<string, number[]>();
const rounds = Number(values.rounds);
for (let round = 1; round <= rounds; round++) {
  for (const name of SERVERS) {
    await using server = await run(name);
    for (const pipeline of PIPELINES) {
      progress.show(`round ${round}/${rounds} ${name} -P ${pipeline}`);
      const key = `${name} ${pipeline}`;
      samples.set(key, [...(samples.get(key) ?? []), await cost(server, pipeline)]);
    }
  }
}
progress.end();
const lines = SERVERS.map((name) => [
  TITLES[name],
  ...PIPELINES.map((pipeline) => median(samples.get(`${name} ${pipeline}`)!).toFixed(2)),
]);
const body = `- ${await environment()}
- Processor time of the server for each PING in microseconds; redis-benchmark -c 50, ${rounds} rounds, servers
  alternating, medians. What it means: docs/decisions/0024-floor-of-node.md.

${table(['server', ...PIPELINES.map((pipeline) => `-P ${pipeline}`)], lines)}
`;
console.log(body);
if (values.docs) writeSection('Floor of Node', body);
