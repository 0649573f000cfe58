/** Generated documents are what the specs say. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allCommands } from '../src/commands/registry.ts';
import { latencyEvents } from '../src/server/latency-monitor.ts';
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

  it("README's table of servers is about this version, and true of what can be looked up", () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const table = /^## Beside others\n\n(.*?)\n\n/ms.exec(readme)?.[1] ?? '';
    const rows = table.split('\n').map((line) => line.slice(1, -1).split('|'));
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([6]));
    const cells = new Map(rows.map(([name = '', ours = '']) => [name.trim(), ours.trim()]));
    expect(cells.get('')).toBe(`respite ${version.replace(/\.0$/, '')}`);
    expect(engines.node).toContain(/^Node.js (\S+)$/.exec(cells.get('Needs') ?? '')?.[1] ?? '-');
    const has = (names: string) =>
      names.split(' ').every((name) => allCommands.some((spec) => spec.name === name));
    const features: readonly (readonly [row: string, commands: string])[] = [
      ['RDB and append-only files', 'bgsave bgrewriteaof'],
      ['Eviction, users, TLS, replication', 'acl replicaof psync'],
      ['Cluster', 'cluster'],
      ['Lua with cjson, cmsgpack', 'eval fcall'],
    ];
    for (const [row, commands] of features) {
      expect([row, cells.get(row)]).toEqual([row, has(commands) ? 'yes' : 'no']);
    }
    expect(/Not there yet:(.*?)\./s.exec(readme)?.[1]?.includes('cluster')).toBe(!has('cluster'));
  });

  it('every page is linked from the handbook or README', () => {
    const index = ['README.md', 'docs/handbook.md'].map((page) =>
      readFileSync(join(root, page), 'utf8').replaceAll('](docs/', ']('),
    );
    const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(20);
    const lost = pages.filter((name) => !index.some((text) => text.includes(`](${name})`)));
    expect(lost).toEqual([]);
  });

  it('what is said of LATENCY names every event that there is', () => {
    for (const page of ['docs/watching.md', 'docs/differences.md']) {
      const text = readFileSync(join(root, page), 'utf8');
      expect(latencyEvents.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    }
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
