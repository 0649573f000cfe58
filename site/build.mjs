// Builds the site: copies the handbook into pages/, with the README as its first page, and has
// vitepress make HTML of it in dist/. Fails on a dead link.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const site = import.meta.dirname;
const root = path.resolve(site, '..');
const pages = path.join(site, 'pages');

/** Links of files outside docs/ as they are within the site. */
const moved = [
  [/\]\(docs\//g, '](./'],
  [/\]\(\.\.\/(README)\.md/g, '](./index.md'],
  [/\]\(\.\.\/(CHANGELOG|CONTRIBUTING)\.md/g, '](./$1.md'],
  // Sources are not part of the site.
  [/\[([^\]]+)\]\((?:\.\.\/)+(?:src|test|bench|examples)\/[^)]*\)/g, '`$1`'],
];

rmSync(pages, { recursive: true, force: true });
mkdirSync(pages);
cpSync(path.join(root, 'docs'), pages, { recursive: true });
for (const name of ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md']) {
  cpSync(path.join(root, name), path.join(pages, name === 'README.md' ? 'index.md' : name));
}
for (const entry of readdirSync(pages, { recursive: true, encoding: 'utf8' })) {
  if (!entry.endsWith('.md')) continue;
  const file = path.join(pages, entry);
  let text = readFileSync(file, 'utf8');
  for (const [from, to] of moved) text = text.replaceAll(from, to);
  writeFileSync(file, text);
}
const vitepress = path.join(site, 'node_modules/vitepress/bin/vitepress.js');
const { status } = spawnSync(process.execPath, [vitepress, 'build'], {
  cwd: site,
  stdio: 'inherit',
});
process.exit(status ?? 1);
