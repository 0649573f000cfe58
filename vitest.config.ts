/** Tests run in two worker processes: the machines that matter have two cores. */
import { defineConfig } from 'vitest/config';

const full = process.env['RESPITE_FULL'] === '1';

export default defineConfig({
  test: {
    environment: 'node',
    env: { RESPITE_DEBUG: '1' },
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/harness/global-setup.ts'],
    setupFiles: ['test/harness/seed.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: full ? 1_800_000 : 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 5_000,
    reporters: ['default'],
  },
});
