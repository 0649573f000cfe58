/**
 * A million keys that end in the same second: how long until they are gone, and what a client that
 * reads another key meanwhile has to wait.
 */
import { parseArgs } from 'node:util';
import type { Connection } from '../test/harness/connection.ts';
import { load } from './loader.ts';
import { Progress } from './progress.ts';
import { CONTESTANTS, type Contestant, start } from './servers.ts';
import { type Spread, spread } from './statistics.ts';

const usage = `npm run bench -- expiry [options]
  --keys N      keys (1000000)
  --servers a   respite, redis or both (respite,redis)
  --lead N      seconds between start of loading and the end of the keys (8)`;

/** How often the count of keys is asked for. */
const POLL_MS = 5;
const GIVE_UP_MS = 120_000;

interface Outcome {
  /** From the first key's end to DBSIZE 0. */
  readonly goneMs: number;
  /** Round trips of GET while keys went, ms. */
  readonly reads: Spread;
  /** The same before, for comparison. */
  readonly quiet: Spread;
}

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    servers: { type: 'string', default: CONTESTANTS.join(',') },
    lead: { type: 'string', default: '8' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const progress = new Progress();
const keys = Number(values.keys);
for (const who of CONTESTANTS.filter((one) => values.servers.split(',').includes(one))) {
  const { goneMs, reads, quiet } = await run(who);
  progress.end();
  console.log(`${who}: ${keys} keys gone ${goneMs.toFixed(0)} ms after the first one ended`);
  console.log(`  GET before:    ${describe(quiet)}`);
  console.log(`  GET meanwhile: ${describe(reads)}`);
}

async function run(who: Contestant): Promise<Outcome> {
  await using server = await start(who);
  const firstEnd = Math.ceil(Date.now() / 1000) * 1000 + Number(values.lead) * 1000;
  let shown = 0;
  await load({
    port: server.port,
    count: keys,
    argc: 5,
    tail: (i) => `$4\r\nPXAT\r\n$13\r\n${firstEnd + (i % 1000)}\r\n`,
    onProgress: (done) => {
      if (done < shown) return;
      shown = done + keys / 10;
      progress.show(`${who}: loaded ${Math.round(done)} of ${keys}`);
    },
  });
  if (Date.now() > firstEnd) throw new Error('loading took too long; use a larger --lead');
  const [watcher, reader] = [await server.connect(), await server.connect()];
  await reader.text('SET', 'stays', 'xxx');
  await reader.text('GET', 'stays');
  const quiet = await readUntil(reader, async () => Date.now() >= firstEnd - 500);
  progress.show(`${who}: waiting for the end`);
  while (Date.now() < firstEnd) await pause(1);
  const began = performance.now();
  let left = keys + 1;
  let goneMs = Number.NaN;
  const watch = (async () => {
    // The key that is read stays.
    while (left > 1 && performance.now() - began < GIVE_UP_MS) {
      left = Number(await watcher.text('DBSIZE'));
      progress.show(`${who}: ${left - 1} keys left`);
      if (left > 1) await pause(POLL_MS);
    }
    goneMs = performance.now() - began;
  })();
  const reads = await readUntil(reader, async () => !Number.isNaN(goneMs));
  await watch;
  if (left > 1) throw new Error(`${left - 1} keys are still there`);
  watcher.close();
  reader.close();
  return { goneMs, reads: spread(reads), quiet: spread(quiet) };
}

/** Reads one key again and again; answers the round trips in ms. */
async function readUntil(reader: Connection, done: () => Promise<boolean>): Promise<number[]> {
  const samples: number[] = [];
  while (!(await done())) {
    const began = performance.now();
    await reader.call('GET', 'stays');
    samples.push(performance.now() - began);
  }
  return samples;
}

function describe({ count, p50, p99, p999, max }: Spread): string {
  const [a, b, c, d] = [p50, p99, p999, max].map((ms) => ms.toFixed(2));
  return `p50 ${a} ms, p99 ${b} ms, p99.9 ${c} ms, max ${d} ms (${count} reads)`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
