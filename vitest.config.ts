/** Tests run in two worker processes: the machines that matter have two cores. */
import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/harness/sequencer.ts';

const full = process.env['RESPITE_FULL'] === '1';

/**
 * Data structures and commands: files that can share a process, and with it the modules that it has
 * loaded. A fifth of the processor's time.
 */
const sharing = [
  ...['acl', 'commands', 'config', 'datatypes', 'differential', 'keyspace', 'linearizability'],
  ...['memory', 'persistence/rdb', 'pubsub', 'resp', 'session', 'tracking'],
  'util',
];

/** Those of them that replace modules or clocks, or measure the heap. */
const alone = new Set([
  'commands/sort-range.test.ts',
  'resp/request-parser.test.ts',
  'tracking/key-table.test.ts',
]);

const shared: string[] = [];
const apart: string[] = [];
for (const name of readdirSync('test', { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.test.ts')) continue;
  const isShared = sharing.some((folder) => name.startsWith(`${folder}/`)) && !alone.has(name);
  (isShared ? shared : apart).push(`test/${name}`);
}

const common = {
  environment: 'node',
  env: { RESPITE_DEBUG: '1' },
  setupFiles: ['test/harness/seed.ts'],
  pool: 'forks',
  maxWorkers: 2,
  testTimeout: full ? 1_800_000 : 30_000,
  hookTimeout: 30_000,
  teardownTimeout: 5_000,
} as const;

export default defineConfig({
  test: {
    // Of the root, so that it runs once.
    globalSetup: ['test/harness/global-setup.ts'],
    reporters: ['default'],
    sequence: { sequencer: LongFirst },
    projects: [
      { test: { ...common, name: 'shared', include: shared, isolate: false } },
      { test: { ...common, name: 'apart', include: apart } },
    ],
  },
});
