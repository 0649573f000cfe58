/** Generated documents are what the specs say. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allCommands } from '../src/commands/registry.ts';
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

  it('README names every group of commands, and calls none of them missing', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const [, there = '', missing = ''] =
      /Today it has\n(.*?)\nNot there yet:(.*?)\./s.exec(readme) ?? [];
    const groups = new Set(allCommands.map(({ group }) => group));
    expect([...groups].filter((group) => !there.includes(group))).toEqual([]);
    expect([...groups].filter((group) => missing.includes(group))).toEqual([]);
  });

  it('summaries are sentences in one voice', () => {
    const all = allCommands.flatMap((spec) => [spec, ...(spec.subcommands ?? [])]);
    expect(all.filter(({ summary }) => !/^[A-Z].*\.$/.test(summary)).map((s) => s.name)).toEqual(
      [],
    );
    expect(all.filter(({ summary }) => summary.includes('Answers')).map((s) => s.name)).toEqual([]);
  });

  it('a benchmark without its tools says which in one line', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/bench.mjs')], {
      encoding: 'utf8',
      env: { PATH: '/nonexistent' },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^The benchmark "load" .* needs redis-server and redis-benchmark .*\n$/);
  });
});
