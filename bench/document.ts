/** docs/benchmarks.md: each benchmark writes its own section and leaves the others as they are. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './servers.ts';

const FILE = path.join(root, 'docs/benchmarks.md');
const HEAD = '# Benchmarks\n\nWritten by `npm run bench`; do not edit.\n';
const ORDER = [
  'Throughput',
  'Floor of Node',
  'Memory',
  'Eviction',
  'Growth of cost',
  'Messages and transactions',
  'Slow rows',
] as const;

export function writeSection(title: (typeof ORDER)[number], body: string): void {
  const old = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  const sections = new Map(
    old
      .split(/^## /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text]),
  );
  sections.set(title, `${title}\n\n${body}`);
  const texts = ORDER.flatMap((name) => sections.get(name) ?? []);
  writeFileSync(FILE, [HEAD, ...texts.map((text) => `## ${text.trimEnd()}\n`)].join('\n'));
  console.log('\nwritten: docs/benchmarks.md');
}

/** A table of Markdown; all columns but the first are numbers. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
