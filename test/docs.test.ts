/** Generated documents are what the specs say. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './harness/respite.ts';

describe('docs', () => {
  it('compatibility.md and configuration.md are up to date (npm run docs)', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, 'scripts/docs.mjs'), '--check'],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
