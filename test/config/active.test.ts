/**
 * A directive is called `active` when, and only when, something reads it: the claim is held against
 * the sources.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { directives } from '../../src/config/directives.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Read only to check that lines of a file do not contradict each other, or lack another. */
const checkedOnly = ['cluster-enabled'];

/** Names that a source asks the configuration for, or ties an action to. */
function namesIn(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const reads = [...text.matchAll(/\.(?:string|number|bool|path)\(\s*'([a-z0-9_-]+)'/g)];
  const tables = file.endsWith('apply-config.ts')
    ? [...text.matchAll(/'([a-z]+(?:-[a-z]+)+)'/g)]
    : [];
  return [...reads, ...tables].map((match) => match[1]!);
}

it('what is called active is read, and what is read is called active', () => {
  const files = [
    ...readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join('src', name)),
    'bin/main.ts',
  ];
  const read = new Set(files.flatMap(namesIn));
  for (const name of checkedOnly) read.delete(name);
  const active = directives.filter(({ meaning }) => meaning === 'active').map(({ name }) => name);
  const known = new Set(directives.map(({ name }) => name));
  expect({
    activeButNotRead: active.filter((name) => !read.has(name)),
    readButNotActive: [...read].filter((name) => known.has(name) && !active.includes(name)).sort(),
  }).toEqual({ activeButNotRead: [], readButNotActive: [] });
});
