/**
 * `npm run test:crash [-- vitest arguments]`: the long tier of the crash tests. It prints its seed,
 * which RESPITE_SEED sets, and how much it did; see docs/reliability.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureInstalled, root, run } from './project.mjs';

await ensureInstalled();
const seed = process.env.RESPITE_SEED ?? String(Math.floor(Math.random() * 1e9));
const directory = mkdtempSync(path.join(tmpdir(), 'respite-crash-figures-'));
const figures = path.join(directory, 'figures');
writeFileSync(figures, '');
process.env.RESPITE_CRASH = '1';
process.env.RESPITE_SEED = seed;
process.env.RESPITE_CRASH_FIGURES = figures;
console.log(`seed ${seed}`);
const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
const files = process.argv.length > 2 ? process.argv.slice(2) : ['test/persistence/crash'];
const args = [vitest, 'run', '--testTimeout=1800000', ...files];
const { code } = await run(process.execPath, args, { stdio: 'inherit' });
const sums = new Map();
for (const line of readFileSync(figures, 'utf8').split('\n').filter(Boolean)) {
  const { what, number } = JSON.parse(line);
  sums.set(what, (sums.get(what) ?? 0) + number);
}
for (const [what, number] of sums) console.log(`${what}: ${number.toLocaleString('en')}`);
rmSync(directory, { recursive: true });
process.exitCode = code;
