/**
 * `npm test [-- [--full] [--only-tests] [vitest arguments]]`: lint, types and all tests.
 *
 * Every check runs even when an earlier one failed, so one run tells everything. `--full` is the
 * long tier. RESPITE_TEST_JSON=file also writes vitest's JSON report. The build is vitest's global
 * setup (test/harness/global-setup.ts), so that it is up to date without this script, too.
 */
import path from 'node:path';
import { ensureInstalled, root, run } from './project.mjs';

const vitestArgs = process.argv.slice(2);
const full = take('--full');
const onlyTests = take('--only-tests') || vitestArgs.length > 0;
const json = process.env.RESPITE_TEST_JSON;

await ensureInstalled();
const failures = [];
if (!onlyTests) {
  await check('lint', '@biomejs/biome/bin/biome', ['check', '.']);
  await check('types', 'typescript/bin/tsc', ['--noEmit']);
}
if (full) process.env.RESPITE_FULL = '1';
const reporters = json
  ? ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`]
  : [];
await check('tests', 'vitest/vitest.mjs', ['run', ...reporters, ...vitestArgs], 'inherit');
if (failures.length > 0) {
  process.stderr.write(`failed: ${failures.join(', ')}\n`);
  process.exitCode = 1;
}

function take(option) {
  const at = vitestArgs.indexOf(option);
  if (at >= 0) vitestArgs.splice(at, 1);
  return at >= 0;
}

async function check(name, file, args, stdio = 'pipe') {
  const tool = path.join(root, 'node_modules', file);
  const { code, output } = await run(process.execPath, [tool, ...args], { stdio });
  if (code === 0) return;
  failures.push(name);
  process.stderr.write(`${output}\n`);
}
