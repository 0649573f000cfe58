/**
 * The house rules that a program can check: the floor table of docs/architecture.md (read from the
 * document itself, so that the two cannot drift apart), no cycles, no barrels, a header per file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

interface Import {
  /** Path from the root for a file of ours, else the specifier as written. */
  readonly target: string;
  readonly ours: boolean;
  /** Erased by the compiler: `import type`, or every name in it marked `type`. */
  readonly typeOnly: boolean;
  readonly reExport: boolean;
}

interface SourceFile {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

interface Floor {
  readonly folder: string;
  readonly allowed: ReadonlySet<string>;
}

const floors = readFloors(readFileSync(path.join(root, 'docs/architecture.md'), 'utf8'));
const sources = [...sourcesUnder('bin'), ...sourcesUnder('src')];

describe('architecture', () => {
  it('finds the floor table and the sources', () => {
    expect(floors.length).toBeGreaterThan(8);
    expect(sources.length).toBeGreaterThan(20);
    for (const { folder } of floors) expect(existsSync(path.join(root, folder)), folder).toBe(true);
  });

  it('every file stands on a floor of the table', () => {
    expect(sources.filter(({ file }) => floorOf(file) === undefined).map((s) => s.file)).toEqual(
      [],
    );
  });

  it('a floor imports only the floors named beside it', () => {
    const breaches = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ ours }) => ours)
        .filter(({ target }) => !mayImport(file, target))
        .map(({ target }) => `${file} imports ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('only floors that deal with the world outside import its modules', () => {
    const outside = /^node:(net|tls|fs|fs\/promises|http|https|dgram|child_process)$/;
    // `util/crypto.ts` reads the system's random bytes, which are a file.
    const mayDeal =
      /^(bin|src\/(net|server|embedded|config|persistence|scripting|tools|util\/crypto)|src\/index)\b/;
    const breaches = sources
      .filter(({ file }) => !mayDeal.test(file) || file.startsWith('src/persistence/rdb/'))
      .flatMap(({ file, imports }) =>
        imports.filter(({ target }) => outside.test(target)).map((i) => `${file}: ${i.target}`),
      );
    expect(breaches).toEqual([]);
  });

  it('imports name files with their extension and Node modules with node:', () => {
    const bare = new Set(builtinModules.filter((name) => !name.startsWith('_')));
    const breaches = sources.flatMap(({ file, imports }) =>
      imports
        .filter(({ target, ours }) =>
          ours ? !existsSync(path.join(root, target)) : bare.has(target),
        )
        .map(({ target }) => `${file}: ${target}`),
    );
    expect(breaches).toEqual([]);
  });

  it('files do not import each other in a circle, of types neither', () => {
    expect(cycles()).toEqual([]);
  });

  it('nothing calls the global timers, which test frameworks replace by fakes', () => {
    const calls =
      /(?<![.\w])(set(Timeout|Interval|Immediate)|clear(Timeout|Interval|Immediate))\(|\bDate\.now\b|\bperformance\.now\b|\btimers\/promises\b/;
    const breaches = sources
      .filter(
        ({ file, text }) => file !== 'src/util/timers.ts' && calls.test(withoutComments(text)),
      )
      .filter(
        ({ text }) =>
          !/import \{[^}]*\} from '[^']*util\/timers\.ts'/.test(text) ||
          /\b(Date|performance)\.now\b/.test(withoutComments(text)),
      )
      .map(({ file }) => file);
    expect(breaches).toEqual([]);
  });

  it('no file re-exports others but the group indexes and the package entries', () => {
    const entry = /^src\/(index|(resp|vitest|jest)\/index|commands\/[a-z-]+\/index)\.ts$/;
    const barrels = sources
      .filter(({ file, imports }) => !entry.test(file) && imports.some((i) => i.reExport))
      .map(({ file }) => file);
    expect(barrels).toEqual([]);
  });

  it('every file begins with what it is for', () => {
    const header = /^(#![^\n]*\n)?\/\*\*[\s\S]{10,}?\*\//;
    expect(sources.filter(({ text }) => !header.test(text)).map(({ file }) => file)).toEqual([]);
  });

  it('no comment is longer than 100 columns: the formatter sees to the code', () => {
    const breaches = sources.flatMap(({ file, text }) =>
      text
        .split('\n')
        .map((line, i) => ({ line, at: `${file}:${i + 1}` }))
        .filter(({ line }) => line.length > 100 && /^\s*(\/?\*|\/\/)/.test(line))
        .map(({ at }) => at),
    );
    expect(breaches).toEqual([]);
  });

  it('handlers never ask for the protocol version, but for DEBUG PROTOCOL, whose subject it is', () => {
    const asks = /\breply\.version\b(?! = )/;
    const breaches = sources
      .filter(
        ({ file, text }) => file.startsWith('src/commands/') && asks.test(withoutComments(text)),
      )
      .map(({ file }) => file);
    expect(breaches).toEqual(['src/commands/server/debug-protocol.ts']);
  });

  it('what commands share is in a file of its own, not in that of one of them', () => {
    const specs = new Map(
      sources.map(({ file, text }) => [
        file,
        new Set([...text.matchAll(/^export const (\w+) = command\(/gm)].map((m) => m[1])),
      ]),
    );
    const breaches = sources
      .filter(({ file }) => file.startsWith('src/commands/'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']+)';/gm)].flatMap((m) => {
          const commands = specs.get(path.posix.join(path.posix.dirname(file), m[2]!));
          if (commands === undefined || commands.size === 0) return [];
          const names = m[1]!.split(',').map((name) => name.trim());
          return names
            .filter((name) => name !== '' && !commands.has(name))
            .map((name) => `${file} imports ${name}`);
        }),
      );
    expect(breaches).toEqual([]);
  });

  it('no any, no enum, no unexplained compiler or linter exception', () => {
    const banned = /(:\s*any\b|\bas any\b|<any>|^\s*(export )?(const )?enum |@ts-nocheck)/m;
    const excuse = /@ts-(ignore|expect-error)\s*$|biome-ignore [^:]*$/m;
    const breaches = sources
      .filter(({ text }) => banned.test(withoutComments(text)) || excuse.test(text))
      .map(({ file }) => file);
    expect(breaches).toEqual([]);
  });
});

describe('the reader of import statements', () => {
  it('sees static, type-only, side-effect, re-exporting and dynamic imports', () => {
    const text = [
      "import a from './a.ts';",
      "import {\n  b,\n  type C,\n} from './b.ts';",
      "import type { D } from './d.ts';",
      "import { type E, type F } from './e.ts';",
      "import './g.ts';",
      "export { h } from './h.ts';",
      "export * from './i.ts';",
      "const j = await import('./j.ts');",
      "new Worker(new URL('./k.ts', import.meta.url));",
      "// import './no.ts';",
      "/* import './no.ts'; */",
    ].join('\n');
    const seen = importsOf('src/x/y.ts', text);
    expect(seen.map((i) => i.target)).toEqual(
      ['a', 'b', 'd', 'e', 'g', 'h', 'i', 'j', 'k'].map((name) => `src/x/${name}.ts`),
    );
    expect(seen.filter((i) => i.typeOnly).map((i) => i.target)).toEqual([
      'src/x/d.ts',
      'src/x/e.ts',
    ]);
    expect(seen.filter((i) => i.reExport).map((i) => i.target)).toEqual([
      'src/x/h.ts',
      'src/x/i.ts',
    ]);
  });
});

/** Reads the rows "| `folder` what it holds | floors it may import |". */
function readFloors(markdown: string): Floor[] {
  const rows: { folders: string[]; cell: string }[] = [];
  for (const line of markdown.split('\n')) {
    const [, first, second] = line.split('|').map((cell) => cell.trim());
    if (first === undefined || second === undefined) continue;
    const folders = [...first.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    if (folders.length > 0) rows.push({ folders, cell: second });
    else if (rows.length > 0) break;
  }
  return rows.flatMap(({ folders, cell }, index) =>
    folders.map((folder) => ({ folder, allowed: allowedBy(cell, rows.slice(0, index)) })),
  );
}

function allowedBy(cell: string, above: readonly { folders: string[] }[]): Set<string> {
  if (cell === 'nothing of ours') return new Set();
  if (cell === 'everything above') return new Set(above.flatMap((row) => row.folders));
  return new Set(cell.split(',').map((name) => `src/${name.trim()}`));
}

/** The most exact row for a file: `src/index.ts` before `src`. */
function floorOf(file: string): Floor | undefined {
  return floors
    .filter(({ folder }) => file === folder || file.startsWith(`${folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

function mayImport(file: string, target: string): boolean {
  const from = floorOf(file);
  const to = floorOf(target);
  if (from === undefined || to === undefined) return false;
  if (from === to || from.allowed.has(to.folder)) return true;
  // The two doors of the house share a row: the command line may use the programmatic API.
  return from.folder === 'bin' && to.folder === 'src/index.ts';
}

function sourcesUnder(folder: string): SourceFile[] {
  const entries = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return entries
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => {
      const file = path.posix.join(folder, name.split(path.sep).join('/'));
      const text = readFileSync(path.join(root, file), 'utf8');
      return { file, text, imports: importsOf(file, text) };
    });
}

function importsOf(file: string, text: string): Import[] {
  const statement =
    /^\s*(import|export)\s+(type\s)?([^'";]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)|\bnew URL\(\s*'([^']+\.[jt]s)',\s*import\.meta/gm;
  return [...withoutComments(text).matchAll(statement)].map((match) => {
    const [, keyword, type, clause, named, dynamic, url] = match;
    const specifier = named ?? dynamic ?? url!;
    const ours = specifier.startsWith('.');
    const names = /^\{([^}]*)\}\s*from\s*$/.exec(clause ?? '')?.[1];
    const allTypes = names?.split(',').every((name) => /^\s*(type\s.*)?$/.test(name)) ?? false;
    return {
      target: ours ? path.posix.join(path.posix.dirname(file), specifier) : specifier,
      ours,
      typeOnly: type !== undefined || allTypes,
      reExport: keyword === 'export',
    };
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Circles among imports, of types as well, each once, from its alphabetically first file. */
function cycles(): string[] {
  const graph = new Map(
    sources.map(({ file, imports }) => [file, imports.filter((i) => i.ours).map((i) => i.target)]),
  );
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      const circle = trail.slice(at);
      const first = circle.indexOf([...circle].sort()[0]!);
      found.add([...circle.slice(first), ...circle.slice(0, first)].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return [...found];
}
