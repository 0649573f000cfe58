/**
 * Growth of cost: processor time of an operation on a value of ten thousand elements and on one of a
 * million. Both sizes are measured in turn in the same server, and medians are reported.
 *
 * The operations come from redis-benchmark -P 16; the time is that of INFO, which is exact to the
 * microsecond. An operation that adds elements gets a small value of its own for every measurement,
 * so that it stays small.
 */
import { parseArgs } from 'node:util';
import type { Connection } from '../test/harness/connection.ts';
import { type Command, digits, each, many } from './data.ts';
import { table, writeSection } from './document.ts';
import { fill } from './loader.ts';
import { Progress } from './progress.ts';
import { measure } from './redis-benchmark.ts';
import { CONTESTANTS, type Contestant, environment, infoNumber, start } from './servers.ts';
import { median } from './statistics.ts';

const SIZES = [10_000, 1_000_000] as const;
/** The cost on the large value by that on the small one must not exceed this. */
const GROWTH_MAX = 2;
const REQUESTS = 10_000;
const CLIENTS = 10;
const PIPELINE = 16;
/** Random members out of so many are new ones. */
const NEW_RANGE = 2_000_000_000;

interface Operation {
  readonly name: string;
  readonly command: (key: string) => Command;
  /** Whether elements are added; otherwise `__rand_int__` is an existing one. */
  readonly adds: boolean;
  readonly fill: (key: string, size: number) => Iterable<Command>;
}

/** Scores in no order; 7919 has no divisor in common with a size. */
const zset = (key: string, size: number, scale: number) =>
  many(['ZADD', key], size, (i) => [String(((i * 7919) % size) * scale), `member:${digits(i)}`]);

const OPERATIONS: readonly Operation[] = [
  {
    name: 'ZADD (new member)',
    command: (key) => ['ZADD', key, '__rand_int__', 'member:__rand_int__'],
    adds: true,
    fill: (key, size) => zset(key, size, NEW_RANGE / size),
  },
  {
    name: 'ZADD (update)',
    command: (key) => ['ZADD', key, '__rand_int__', 'member:__rand_int__'],
    adds: false,
    fill: (key, size) => zset(key, size, 1),
  },
  {
    name: 'ZRANK',
    command: (key) => ['ZRANK', key, 'member:__rand_int__'],
    adds: false,
    fill: (key, size) => zset(key, size, 1),
  },
  {
    name: 'HSET',
    command: (key) => ['HSET', key, 'field:__rand_int__', 'value'],
    adds: true,
    fill: (key, size) => many(['HSET', key], size, (i) => [`field:${digits(i)}`, 'value']),
  },
  {
    name: 'SADD',
    command: (key) => ['SADD', key, 'member:__rand_int__'],
    adds: true,
    fill: (key, size) => many(['SADD', key], size, (i) => [`member:${digits(i)}`]),
  },
  {
    name: 'XADD',
    command: (key) => ['XADD', key, '*', 'field', 'value'],
    adds: true,
    fill: (key, size) => each(size, () => ['XADD', key, '*', 'field', 'value']),
  },
];

const usage = `npm run bench -- cost [options]
  --tests a,b   parts of names, in any case, of: ${OPERATIONS.map(({ name }) => name).join(', ')} (all)
  --rounds N    measurements of ${REQUESTS} operations at each size (20)
  --docs        write docs/benchmarks.md even if not all`;

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    docs: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const rounds = Number(values.rounds);
const wanted = values.tests?.toLowerCase().split(',');
const progress = new Progress();
const lines: string[][] = [];
for (const operation of OPERATIONS) {
  const name = operation.name.toLowerCase();
  if (wanted?.some((part) => name.includes(part)) === false) continue;
  const cells: string[] = [];
  for (const who of CONTESTANTS) {
    const [small, large] = await run(who, operation);
    const growth = large / small;
    const missed = who === 'respite' && growth > GROWTH_MAX;
    cells.push(small.toFixed(2), large.toFixed(2));
    cells.push(missed ? `**${growth.toFixed(2)}**` : growth.toFixed(2));
  }
  lines.push([operation.name, ...cells]);
}
progress.end();
const body = `- ${await environment()}
- Processor time of the server per operation in microseconds, on a value of ${SIZES.join(' and of ')} elements;
  redis-benchmark -P ${PIPELINE}, ${rounds} measurements of ${REQUESTS} operations, medians. respite's growth may be
  ${GROWTH_MAX.toFixed(2)}; more is bold.

${table(['operation', '10k', '1M', 'growth', 'redis 10k', 'redis 1M', 'redis growth'], lines)}
`;
console.log(body);
if (values.docs ?? wanted === undefined) writeSection('Growth of cost', body);

/** Microseconds per operation at each of the sizes. */
async function run(who: Contestant, operation: Operation): Promise<[number, number]> {
  const { name, command, adds } = operation;
  await using server = await start(who);
  const connection = await server.connect();
  const keys = SIZES.map((size) => (round: number) => {
    return adds && size === SIZES[0] ? `small:${round}` : `size:${size}`;
  });
  for (const [at, size] of SIZES.entries()) {
    for (const key of new Set(Array.from({ length: rounds }, (_, round) => keys[at]!(round)))) {
      progress.show(`${who} ${name}: filling ${key}`);
      await fill(server.port, operation.fill(key, size));
    }
  }
  const samples: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    progress.show(`${who} ${name}: round ${round + 1}/${rounds}`);
    for (const [at, size] of SIZES.entries()) {
      const line = command(keys[at]!(round));
      const before = await cpuMicros(connection);
      const load = { name, command: line, range: adds ? NEW_RANGE : size };
      await measure(server.port, load, PIPELINE, REQUESTS, CLIENTS);
      samples[at]!.push(((await cpuMicros(connection)) - before) / REQUESTS);
    }
  }
  connection.close();
  return [median(samples[0]), median(samples[1])];
}

async function cpuMicros(connection: Connection): Promise<number> {
  const user = await infoNumber(connection, 'used_cpu_user');
  const system = await infoNumber(connection, 'used_cpu_sys');
  return (user + system) * 1e6;
}
