/**
 * `npm run bench -- [program] [options]`: compiles and runs a program of bench/, `load` when none is
 * named.
 * `npm run bench -- --help` lists the options.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, root, run } from './project.mjs';

const programs = [
  'load',
  'memory',
  'eviction',
  'cost',
  'messages',
  'expiry',
  'growth',
  'floor',
  'rows',
  'rdb',
  'persistence',
  'replication',
  'scripts',
  'micro',
];
const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && !first.startsWith('-');
const program = named ? first : 'load';
if (!programs.includes(program)) {
  process.stderr.write(`unknown benchmark "${program}"; there are: ${programs.join(', ')}\n`);
  process.exit(1);
}

const redisServer = process.env.REDIS_SERVER ?? 'redis-server';
const both = [redisServer, 'redis-benchmark'];
const tools = { load: both, floor: both, persistence: both, replication: both, micro: [] }[
  program
] ?? [redisServer];
const missing = tools.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
if (missing.length > 0 && !process.argv.includes('--help')) {
  process.stderr.write(
    `The benchmark "${program}" compares with Redis and needs ${missing.join(' and ')} on the PATH ` +
      '(Debian: apt-get install redis-server redis-tools).\n',
  );
  process.exit(1);
}

await ensureInstalled();
await ensureBuilt();
const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
const compiled = await run(process.execPath, [tsc, '-p', 'bench/tsconfig.json'], { stdio: 'pipe' });
if (compiled.code !== 0) {
  process.stderr.write(compiled.output);
  process.exit(1);
}
const file = path.join(root, 'node_modules/.cache/respite-bench/bench', `${program}.js`);
process.env.RESPITE_ROOT = root;
process.argv = [process.argv[0], file, ...(named ? rest : process.argv.slice(2))];
await import(pathToFileURL(file).href);
