/** Before any test: `dist` is brought up to date, so that tests of the built server test this tree. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

export function setup(): void {
  const root = path.resolve(import.meta.dirname, '../..');
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) console.error('the build failed: tests of the built server use an old one');
}
