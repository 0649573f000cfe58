// Writes the generated documents: docs/compatibility.md and docs/configuration.md. With --check it
// only says whether they are up to date. Needs a build.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const { allCommands } = await import(new URL('dist/src/commands/registry.js', root));
const { configReference } = await import(new URL('dist/src/config/reference.js', root));

const groups = new Map();
for (const spec of allCommands) {
  const all =
    spec.subcommands === undefined
      ? [spec]
      : [
          spec,
          ...spec.subcommands.map((sub) => ({
            ...sub,
            name: `${spec.name} ${sub.name}`,
          })),
        ];
  for (const each of all) {
    const list = groups.get(spec.group) ?? [];
    list.push(each);
    groups.set(spec.group, list);
  }
}

const cell = (text) => (text ?? '').replaceAll('|', '\\|');
let text =
  '# Compatibility\n\nGenerated from the command specifications by `npm run docs`: do not edit.\n\n';
text += readFileSync(new URL('docs/differences.md', root), 'utf8').replace(/^# /, '## ');
for (const [group, specs] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
  text += `\n## Commands: ${group}\n\n| command | arguments | since | cost | what it does |\n|---|---|---|---|---|\n`;
  for (const spec of specs.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const syntax =
      spec.syntax === undefined ? '' : `\`${cell(spec.syntax.replaceAll(/:[a-z-]+/g, ''))}\``;
    text += `| ${spec.name.toUpperCase()} | ${syntax} | ${spec.since} | ${cell(spec.complexity)} | ${cell(spec.summary)} |\n`;
  }
}

const files = [
  ['docs/compatibility.md', text],
  ['docs/configuration.md', configReference()],
];
let stale = false;
for (const [file, content] of files) {
  const url = new URL(file, root);
  let present = '';
  try {
    present = readFileSync(url, 'utf8');
  } catch {}
  if (present === content) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} is out of date: run npm run docs`);
    stale = true;
  } else {
    writeFileSync(url, content);
    console.log(`wrote ${file}`);
  }
}
process.exit(stale ? 1 : 0);
