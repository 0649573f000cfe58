/**
 * Throughput, latency, processor time and start-up time of respite beside redis-server.
 *
 * The two take turns with every test, never at once, and the order changes with every round: what
 * the machine does meanwhile falls on both. Medians are reported.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { ServerProcess } from '../test/harness/server-process.ts';
import { writeSection } from './document.ts';
import { fill } from './loader.ts';
import { Progress } from './progress.ts';
import { CLIENTS, measure } from './redis-benchmark.ts';
import { markdown, type Results, type Run, svg, terminal } from './report.ts';
import {
  CONTESTANTS,
  type Contestant,
  cpuSeconds,
  environment,
  root,
  settled,
  start,
  startUpMs,
} from './servers.ts';
import { CONSUMED_MAX, KEY_SPACE, type LoadTest, TESTS } from './tests.ts';

const usage = `npm run bench -- [options]
  --rounds N        rounds, each with both servers (3)
  --tests a,b       of: ${TESTS.map(({ name }) => name).join(' ')} (all)
  --pipelines a,b   depths of pipelining (1,16,64)
  --seconds N       length of one measurement (1.5)
  --quick           1 round, 0.5 seconds, pipelines 1 and 16, no docs
  --docs            write docs/benchmarks.md and .svg even so
  --json FILE       write all measurements`;

const STARTS_PER_ROUND = 2;
/** A trial is long enough to say how many requests a measurement takes; so long is the warm-up. */
const TRIAL_SECONDS = 0.2;
/** Requests without pipelining that a test gets which uses its data up, so that both get the same. */
const CONSUMED_PER_SECOND = 75_000;

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
    rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
    tests: TESTS.filter(({ name }) => wanted?.includes(name) ?? true),
    pipelines: pipelines.split(',').map(Number),
    seconds: Number(values.seconds ?? (values.quick ? 0.5 : 1.5)),
    docs: values.docs ?? !partial,
    json: values.json,
  };
}

class LoadBenchmark {
  private readonly plan: Plan;
  private readonly progress = new Progress();
  private readonly runs: Run[] = [];
  private readonly startUps: Record<Contestant, number[]> = { respite: [], redis: [] };
  /** Requests that take about the planned time, found once per server, test and pipeline. */
  private readonly sizes = new Map<string, number>();

  constructor(plan: Plan) {
    this.plan = plan;
  }

  async run(): Promise<Results> {
    for (let round = 0; round < this.plan.rounds; round++) {
      await this.round(round, round % 2 === 0 ? CONTESTANTS : [...CONTESTANTS].reverse());
    }
    this.progress.end();
    return {
      environment: await environment(),
      method: `${this.plan.rounds} rounds, servers taking turns with every test; redis-benchmark -c ${CLIENTS} on the same machine, keys and members out of ${KEY_SPACE}, each test runs for ${TRIAL_SECONDS} s before it is measured for about ${this.plan.seconds} s; medians; nothing written to disk`,
      runs: this.runs,
      startUpMs: this.startUps,
    };
  }

  /** Start-ups, then every test at every depth, of the two in this order. */
  private async round(round: number, order: readonly Contestant[]): Promise<void> {
    const label = `round ${round + 1}/${this.plan.rounds}`;
    this.progress.show(`${label}: start-up`);
    for (let i = 0; i < STARTS_PER_ROUND; i++) {
      for (const who of order) this.startUps[who].push(await startUpMs(who));
    }
    await using respite = await start('respite');
    await using redis = await start('redis');
    const servers = { respite, redis };
    for (const setup of new Set(this.plan.tests.map((test) => test.setup))) {
      if (setup === undefined) continue;
      for (const who of order) {
        await fill(servers[who].port, setup(), (sent) =>
          this.progress.show(`${label} ${who}: loading, ${sent} commands`),
        );
      }
    }
    for (const pipeline of this.plan.pipelines) {
      for (const test of this.plan.tests) {
        for (const who of order) {
          const name = `${label} ${who}: ${test.name} -P ${pipeline}`;
          this.progress.show(name);
          const run = await this.measure(who, servers[who], test, pipeline);
          this.runs.push(run);
          if (!process.stderr.isTTY) continue;
          this.progress.show(`${name}: ${Math.round(run.requestsPerSecond)}/s`);
        }
      }
    }
  }

  private async measure(
    who: Contestant,
    server: ServerProcess,
    test: LoadTest,
    pipeline: number,
  ): Promise<Run> {
    const requests = await this.size(who, server.port, test, pipeline);
    await this.warmUp(
      server,
      test,
      pipeline,
      Math.ceil((requests * TRIAL_SECONDS) / this.plan.seconds),
    );
    await this.refill(server, test, requests);
    const cpuBefore = cpuSeconds(server.pid);
    const measured = await measure(server.port, test, pipeline, requests);
    const cpuMicros = ((cpuSeconds(server.pid) - cpuBefore) * 1e6) / requests;
    return { ...measured, server: who, test: test.name, pipeline, cpuMicros };
  }

  /** Lets the just-in-time compiler see the command: each round has servers of its own. */
  private async warmUp(
    server: ServerProcess,
    test: LoadTest,
    pipeline: number,
    requests: number,
  ): Promise<void> {
    await this.refill(server, test, requests);
    await measure(server.port, test, pipeline, requests);
  }

  private async refill(server: ServerProcess, test: LoadTest, requests: number): Promise<void> {
    if (test.refill === undefined) return;
    await fill(server.port, test.refill(requests));
    const connection = await server.connect();
    await settled(connection);
    connection.close();
  }

  private async size(
    who: Contestant,
    port: number,
    test: LoadTest,
    pipeline: number,
  ): Promise<number> {
    const { seconds } = this.plan;
    if (test.refill !== undefined) {
      return Math.min(CONSUMED_MAX, Math.round(CONSUMED_PER_SECOND * seconds * pipeline));
    }
    const key = `${who} ${test.name} ${pipeline}`;
    let size = this.sizes.get(key);
    for (let requests = 5_000; size === undefined; ) {
      const { requestsPerSecond } = await measure(port, test, pipeline, requests);
      const took = requests / requestsPerSecond;
      if (took >= TRIAL_SECONDS) size = Math.max(5_000, Math.round(requestsPerSecond * seconds));
      requests = Math.ceil(requests * Math.min(10, Math.max(1.5, (1.2 * TRIAL_SECONDS) / took)));
    }
    this.sizes.set(key, size);
    return size;
  }
}

const plan = readPlan();
const results = await new LoadBenchmark(plan).run();
console.log(terminal(results));
if (plan.json !== undefined) writeFileSync(plan.json, `${JSON.stringify(results, undefined, 1)}\n`);
if (plan.docs) {
  writeFileSync(path.join(root, 'docs/benchmarks.svg'), svg(results));
  writeSection('Throughput', markdown(results));
}
