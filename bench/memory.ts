/**
 * What data of each type costs in memory: growth of used_memory and of resident memory of a server
 * that holds it and nothing else.
 *
 * The shapes are such that redis-server's totals, with 1.2 MB of an empty server, are the figures that
 * the design began with: 105.6, 32.2, 111.0, 73.7, 15.3 and 27.4 MB.
 */
import { parseArgs } from 'node:util';
import { type Command, each, many } from './data.ts';
import { table, writeSection } from './document.ts';
import { fill, keyOf } from './loader.ts';
import { Progress } from './progress.ts';
import { type Contestant, environment, infoNumber, residentBytes, start } from './servers.ts';

const MILLION = 1_000_000;
const HASHES = 200_000;

interface Dataset {
  readonly name: string;
  readonly text: string;
  readonly commands: () => Iterable<Command>;
}

const DATASETS: readonly Dataset[] = [
  {
    name: 'strings',
    text: '1M strings (16-byte keys, 3-byte values)',
    commands: () => each(MILLION, (i) => ['SET', keyOf(i), 'xxx']),
  },
  {
    name: 'hashes',
    text: '200k hashes of 4 short fields',
    commands: () =>
      each(HASHES, (i) => [
        ...['HSET', `h:${i}`, 'field1', 'value1', 'field2', 'value2'],
        ...['field3', 'value3', 'field4', 'value4'],
      ]),
  },
  {
    name: 'zset',
    text: 'sorted set of 1M members',
    commands: () => many(['ZADD', 'key'], MILLION, (i) => [String(i), `member:${i}`]),
  },
  {
    name: 'hash',
    text: 'hash of 1M fields',
    commands: () => many(['HSET', 'key'], MILLION, (i) => [`field:${i}`, `value:${i}`]),
  },
  {
    name: 'list',
    text: 'list of 1M elements',
    commands: () => many(['RPUSH', 'key'], MILLION, (i) => [`value:${i}`]),
  },
  {
    name: 'stream',
    text: 'stream of 1M entries of one field',
    commands: () => each(MILLION, (i) => ['XADD', 'key', '*', 'f', `value:${i}`]),
  },
  {
    name: 'set',
    text: 'set of 1M integers',
    commands: () => many(['SADD', 'key'], MILLION, (i) => [String(i)]),
  },
];

const usage = `npm run bench -- memory [options]
  --tests a,b   of: ${DATASETS.map(({ name }) => name).join(' ')} (all)
  --docs        write docs/benchmarks.md even if not all`;

interface Growth {
  readonly used: number;
  readonly resident: number;
}

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    docs: { type: 'boolean' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const wanted = values.tests?.split(',');
const progress = new Progress();
const lines: string[][] = [];
for (const dataset of DATASETS) {
  if (wanted?.includes(dataset.name) === false) continue;
  const ours = await run('respite', dataset);
  const theirs = await run('redis', dataset);
  lines.push([
    dataset.text,
    ...compare(ours.used, theirs.used),
    ...compare(ours.resident, theirs.resident),
  ]);
}
progress.end();
const body = `- ${await environment()}
- Growth in MB by the data alone, each in a fresh server.

${table(['data', 'used_memory', 'redis', 'ratio', 'resident', 'redis', 'ratio'], lines)}
`;
console.log(body);
if (values.docs ?? wanted === undefined) writeSection('Memory', body);

async function run(who: Contestant, { name, commands }: Dataset): Promise<Growth> {
  progress.show(`${name} ${who}: start`);
  await using server = await start(who);
  const connection = await server.connect();
  const measure = async () => ({
    used: await infoNumber(connection, 'used_memory'),
    resident: residentBytes(server.pid),
  });
  const before = await measure();
  await fill(server.port, commands(), (sent) => {
    progress.show(`${name} ${who}: ${sent} commands`);
  });
  const after = await measure();
  connection.close();
  return { used: after.used - before.used, resident: after.resident - before.resident };
}

function compare(ours: number, theirs: number): string[] {
  return [(ours / 1e6).toFixed(1), (theirs / 1e6).toFixed(1), (ours / theirs).toFixed(2)];
}
