/**
 * Throughput, latency, processor time, memory and start-up time of respite beside redis-server.
 *
 * The two run alternately, never at once, and the order changes with every round, so that what the
 * machine does meanwhile falls on both. Medians are reported.
 */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { load } from './loader.ts';
import { Progress } from './progress.ts';
import { CLIENTS, KEY_SPACE, type LoadTest, measure, TESTS } from './redis-benchmark.ts';
import { type Memory, markdown, type Results, type Run, svg, terminal } from './report.ts';
import {
  CONTESTANTS,
  type Contestant,
  cpuSeconds,
  infoNumber,
  residentBytes,
  root,
  start,
  startUpMs,
  versionOf,
} from './servers.ts';

const usage = `npm run bench -- [options]
  --rounds N        rounds, each with both servers (5)
  --tests a,b       of: ${TESTS.map(({ name }) => name).join(' ')} (all)
  --pipelines a,b   depths of pipelining (1,16,64)
  --seconds N       length of one measurement (3)
  --quick           1 round, 1 second, pipelines 1 and 16, no docs
  --docs            write docs/benchmarks.md and .svg even so
  --json FILE       write all measurements`;

const STARTS_PER_ROUND = 2;
const CALIBRATION_REQUESTS = 20_000;

interface Plan {
  readonly rounds: number;
  readonly tests: readonly LoadTest[];
  readonly pipelines: readonly number[];
  readonly seconds: number;
  readonly docs: boolean;
  readonly json: string | undefined;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      tests: { type: 'string' },
      pipelines: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      docs: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const wanted = values.tests?.split(',');
  const pipelines = values.pipelines ?? (values.quick ? '1,16' : '1,16,64');
  const partial = values.quick || wanted !== undefined || values.pipelines !== undefined;
  return {
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    tests: TESTS.filter(({ name }) => wanted?.includes(name) ?? true),
    pipelines: pipelines.split(',').map(Number),
    seconds: Number(values.seconds ?? (values.quick ? 1 : 3)),
    docs: values.docs ?? !partial,
    json: values.json,
  };
}

class LoadBenchmark {
  private readonly plan: Plan;
  private readonly progress = new Progress();
  private readonly runs: Run[] = [];
  private readonly memory: Memory[] = [];
  private readonly startUps: Record<Contestant, number[]> = { respite: [], redis: [] };
  /** Requests that take about the planned time, found once per server, test and pipeline. */
  private readonly sizes = new Map<string, number>();

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async run(): Promise<Results> {
    const versions = { respite: await versionOf('respite'), redis: await versionOf('redis') };
    for (let round = 0; round < this.plan.rounds; round++) {
      const order = round % 2 === 0 ? CONTESTANTS : [...CONTESTANTS].reverse();
      for (const who of order) await this.turn(who, round);
    }
    this.progress.end();
    const [cpu] = cpus();
    const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${gigabytes} GiB, Node ${process.version}`,
      versions,
      method: `${this.plan.rounds} rounds, servers alternating; redis-benchmark -c ${CLIENTS} on the same machine, -r ${KEY_SPACE} over ${KEY_SPACE} loaded keys, about ${this.plan.seconds} s per measurement; medians; nothing written to disk`,
      runs: this.runs,
      memory: this.memory,
      startUpMs: this.startUps,
    };
  }

  /** One server's part of a round: start-up, memory, then every test at every depth. */
  private async turn(who: Contestant, round: number): Promise<void> {
    const label = `round ${round + 1}/${this.plan.rounds} ${who}`;
    this.progress.show(`${label}: start-up`);
    for (let i = 0; i < STARTS_PER_ROUND; i++) this.startUps[who].push(await startUpMs(who));
    await using server = await start(who);
    if (this.plan.tests.some(({ keyed }) => keyed)) {
      this.progress.show(`${label}: loading ${KEY_SPACE} keys`);
      await load({ port: server.port, count: KEY_SPACE });
      const connection = await server.connect();
      const usedBytes = await infoNumber(connection, 'used_memory');
      connection.close();
      this.memory.push({ server: who, usedBytes, residentBytes: residentBytes(server.pid) });
    }
    for (const pipeline of this.plan.pipelines) {
      for (const test of this.plan.tests) {
        this.progress.show(`${label}: ${test.name} -P ${pipeline}`);
        const requests = await this.size(who, server.port, test, pipeline);
        const cpuBefore = cpuSeconds(server.pid);
        const measured = await measure(server.port, test, pipeline, requests);
        const cpuMicros = ((cpuSeconds(server.pid) - cpuBefore) * 1e6) / requests;
        this.runs.push({ ...measured, server: who, test: test.name, pipeline, cpuMicros });
        if (!process.stderr.isTTY) continue;
        this.progress.show(
          `${label}: ${test.name} -P ${pipeline}: ${Math.round(measured.requestsPerSecond)}/s`,
        );
      }
    }
  }

  private async size(
    who: Contestant,
    port: number,
    test: LoadTest,
    pipeline: number,
  ): Promise<number> {
    const key = `${who} ${test.name} ${pipeline}`;
    let requests = this.sizes.get(key);
    if (requests === undefined) {
      // The first run also lets the just-in-time compiler see the command.
      await measure(port, test, pipeline, CALIBRATION_REQUESTS * Math.min(pipeline, 8));
      const trial = await measure(port, test, pipeline, CALIBRATION_REQUESTS * pipeline);
      requests = Math.max(10_000, Math.round(trial.requestsPerSecond * this.plan.seconds));
      this.sizes.set(key, requests);
    }
    return requests;
  }
}

const plan = readPlan();
const results = await new LoadBenchmark(plan).run();
console.log(terminal(results));
if (plan.json !== undefined) writeFileSync(plan.json, `${JSON.stringify(results, undefined, 1)}\n`);
if (plan.docs) {
  writeFileSync(path.join(root, 'docs/benchmarks.md'), markdown(results));
  writeFileSync(path.join(root, 'docs/benchmarks.svg'), svg(results));
  console.log('\nwritten: docs/benchmarks.md, docs/benchmarks.svg');
}
