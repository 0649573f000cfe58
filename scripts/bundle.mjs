/**
 * What the build makes of the compiled modules: the command line as one script, the library as ES
 * modules and as CommonJS from the same entries, workers as one file each, and the types of both.
 * See docs/decisions/0012-one-bundle.md and 0030-the-package.md.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What `package.json` exports, by its name in `dist/esm` and `dist/cjs`; compiled from `src`. */
const ENTRIES = {
  index: 'index',
  resp: 'resp/index',
  vitest: 'vitest/index',
  'vitest-setup': 'vitest/setup',
  jest: 'jest/index',
  'jest-setup': 'jest/setup',
  'thread-worker': 'embedded/thread-worker',
};
/** Entries that CommonJS cannot have: they wait while they load, or their runner has no CommonJS. */
const ONLY_MODULES = new Set(['vitest', 'vitest-setup', 'thread-worker']);
/** Threads of their own: each is bundled in its own place, where `new URL(…)` looks for it. */
const WORKERS = ['persistence/snapshot/snapshot-worker'];

/**
 * Chunks of some floors each: V8 needs memory in proportion to the largest script while it compiles,
 * and the C library keeps that. One script of 1.2 MB cost 6 MB more. A chunk for each floor, on the
 * other hand, cost 3.5 MB: finding so many files is enough to call V8's optimising compiler.
 */
const floors = {
  util: ['util', 'resp'],
  data: ['memory', 'datatypes'],
  middle: [
    ...['config', 'acl', 'keyspace', 'pubsub', 'scripting'],
    ...['tracking', 'replication', 'persistence', 'tools'],
  ],
  commands: ['commands'],
  server: ['session', 'net', 'server'],
};
const groups = Object.entries(floors).map(([name, directories]) => ({
  name,
  test: new RegExp(`[\\\\/]src[\\\\/](?:${directories.join('|')})[\\\\/]`),
}));

const isPackage = (id) => !id.startsWith('.') && !path.isAbsolute(id);
// Blanks and comments only: names stay, for reports of bugs.
const minify = {
  compress: false,
  mangle: { toplevel: false, keepNames: { function: true, class: true } },
  codegen: true,
};

/**
 * `import.meta.url` stays that of the module's own file, so that what a module loads from beside it
 * (workers, assets) is found in `dist/src`, wherever the bundle lies.
 */
function ownUrl(dist) {
  return {
    name: 'own-url',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return null;
      const file = JSON.stringify(path.relative(dist, id).split(path.sep).join('/'));
      return { code: code.replaceAll('import.meta.url', `__fileUrl(${file})`), map: null };
    },
  };
}

/** What bundles begin with: where they are, and the version of the package they are built of. */
const packageFile = new URL('../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8'));
const versionLine = `const __VERSION__ = ${JSON.stringify(version)};`;
const commonJsIntro =
  `${versionLine} const __fileUrl = (file) => require("node:url").pathToFileURL(` +
  'require("node:path").join(__dirname, "..", file)).href;';
const moduleIntro = `${versionLine} const __fileUrl = (file) => new URL("../" + file, import.meta.url).href;`;

/** All bundles of what was compiled into `dist`. */
export async function bundle(dist) {
  const { build } = await import('rolldown');
  const options = {
    platform: 'node',
    external: isPackage,
    plugins: [ownUrl(dist)],
    logLevel: 'warn',
  };
  await build({
    ...options,
    input: path.join(dist, 'bin/main.js'),
    output: {
      file: path.join(dist, 'bin/bundle.cjs'),
      format: 'cjs',
      codeSplitting: false,
      minify,
      intro: commonJsIntro,
    },
  });
  asOneExpression(path.join(dist, 'bin/bundle.cjs'));
  const input = (names) =>
    Object.fromEntries(names.map((name) => [name, path.join(dist, `src/${ENTRIES[name]}.js`)]));
  const names = Object.keys(ENTRIES);
  const required = names.filter((name) => !ONLY_MODULES.has(name));
  for (const [format, directory, ending, intro, entries] of [
    ['esm', 'esm', 'js', moduleIntro, names],
    ['cjs', 'cjs', 'cjs', commonJsIntro, required],
  ]) {
    await build({
      ...options,
      input: input(entries),
      output: {
        dir: path.join(dist, directory),
        format,
        entryFileNames: `[name].${ending}`,
        chunkFileNames: `[name]-[hash].${ending}`,
        codeSplitting: { groups },
        minify,
        intro,
      },
    });
    for (const name of readdirSync(path.join(dist, directory))) {
      inAscii(path.join(dist, directory, name));
    }
  }
  for (const worker of WORKERS) {
    const file = path.join(dist, `src/${worker}.js`);
    await build({
      ...options,
      plugins: [],
      input: file,
      output: { file, format: 'esm', codeSplitting: false, minify },
    });
  }
  for (const module of Object.values(ENTRIES)) copyTypes(dist, `${module}.d.ts`, new Set());
}

/** One expression: `bin/respite.cts` compiles the text as it reads it, without a copy. */
function asOneExpression(file) {
  inAscii(file);
  const head = '(function (exports, require, module, __filename, __dirname) {';
  writeFileSync(file, `${head}${readFileSync(file, 'latin1')}\n})`);
}

/** Code in ASCII: a single other character and V8 keeps two bytes for each of the file. */
function inAscii(file) {
  const code = readFileSync(file, 'utf8');
  const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const ascii = code.replace(/[^\0-\x7f]/g, escaped);
  if (ascii !== code) writeFileSync(file, ascii);
}

/** Copies a module's types and those it refers to, for importers and, as `.d.cts`, for requirers. */
function copyTypes(dist, name, done) {
  if (done.has(name)) return;
  done.add(name);
  const source = path.join(dist, 'src', name);
  const text = readFileSync(source, 'utf8').replace(/\n\/\/# sourceMappingURL=.*/, '');
  const target = path.join(dist, 'types', name);
  mkdirSync(path.dirname(target), { recursive: true });
  const references = /((?:from|import\() ?['"])(\.[^'"]*)\.(?:ts|js)(['"])/g;
  writeFileSync(target, text.replace(references, '$1$2.js$3'));
  writeFileSync(target.replace(/\.ts$/, '.cts'), text.replace(references, '$1$2.cjs$3'));
  for (const [, , to] of text.matchAll(references)) {
    const next = path.join(path.dirname(name), `${to}.d.ts`);
    if (!existsSync(path.join(dist, 'src', next))) throw new Error(`${source}: no types of ${to}`);
    copyTypes(dist, next, done);
  }
}
