/** The site: its chapters are those of docs/handbook.md, in its order. */
import { readFileSync } from 'node:fs';

const handbook = readFileSync(new URL('../../docs/handbook.md', import.meta.url), 'utf8');
const sidebar = [];
for (const line of handbook.split('\n')) {
  const heading = /^## (.*)/.exec(line);
  const link = /^- \[(.*?)\]\(\.?\/?(.*?)\.md\)/.exec(line);
  if (heading) sidebar.push({ text: heading[1], items: [] });
  else if (link && sidebar.length > 0) {
    const page = link[2].replace(/^\.\.\//, '').replace(/^README$/, 'index');
    sidebar.at(-1).items.push({ text: link[1], link: `/${page}` });
  }
}

export default {
  title: 'respite',
  description: 'A Redis-compatible data store in TypeScript',
  srcDir: 'pages',
  outDir: 'dist',
  // Placeholders like <key> are text, not tags.
  markdown: { html: false, languageAlias: { conf: 'ini' } },
  themeConfig: { sidebar, search: { provider: 'local' }, outline: [2, 3] },
};
