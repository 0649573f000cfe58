/**
 * The supply chain: what is published, what it needs, and that the lock installs on every platform.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './harness/respite.ts';

const read = (name: string) => readFileSync(path.join(root, name), 'utf8');

interface Package {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly integrity?: string;
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly bin?: unknown;
  readonly exports?: unknown;
}

const manifest = JSON.parse(read('package.json')) as Package;
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Package> };
const locked = Object.entries(packages).filter(([place]) => place !== '');

/** Where Node finds a package that another one needs: in its own folder or one further out. */
function placeOf(name: string, wantedBy: string): string | undefined {
  for (let base = wantedBy; ; base = base.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const place = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (base === '') return undefined;
  }
}

describe('the lock', () => {
  it('names what package.json asks for', () => {
    const { dependencies, devDependencies } = packages['']!;
    expect(dependencies ?? {}).toEqual(manifest.dependencies ?? {});
    expect(devDependencies ?? {}).toEqual(manifest.devDependencies ?? {});
  });

  it('names the packages of all platforms, each with its digest', () => {
    const wanted = Object.entries(packages).flatMap(([place, entry]) =>
      Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).map((name) => ({
        name,
        place,
      })),
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(wanted.filter(({ name, place }) => placeOf(name, place) === undefined)).toEqual([]);
    expect(locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
  });

  it('no package that a user gets runs a script when it is installed', () => {
    const shipped = locked.filter(([, { dev, devOptional }]) => !dev && !devOptional);
    expect(shipped.length).toBeGreaterThan(0);
    expect(shipped.filter(([, entry]) => entry.hasInstallScript)).toEqual([]);
    const own = Object.keys(manifest.scripts ?? {});
    expect(own.filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
  });
});

it('every runtime dependency has a note in docs/decisions', () => {
  const folder = path.join(root, 'docs/decisions');
  const notes = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const names = Object.keys(manifest.dependencies ?? {});
  expect(names.filter((name) => !notes.some((note) => note.includes(name)))).toEqual([]);
});

/** What may be in the package: built code with its types and maps, documents, the licence. */
const published = [
  /^package\.json$/,
  /^(README|CHANGELOG|SECURITY|LICENSE)(\.md)?$/,
  /^docs\/([\w-]+\/)*[\w.-]+\.(md|svg)$/,
  /^dist\/([\w.-]+\/)*[\w.-]*\.(js|cjs|mjs|d\.ts|d\.cts|d\.mts|map|wasm|lua|json|stamp)$/,
];

/** All paths that bin and exports name. */
function targets(value: unknown): string[] {
  if (typeof value === 'string') return [value.replace(/^\.\//, '')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(targets);
}

it('the published files are these and no others', { timeout: 60_000 }, () => {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout, status } = spawnSync('npm', words, { cwd: root, encoding: 'utf8' });
  expect(status).toBe(0);
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string; mode: number }[] }];
  const names = files.map((file) => file.path);
  expect(names.filter((name) => !published.some((pattern) => pattern.test(name)))).toEqual([]);
  expect(names).toContain('package.json');
  expect(names).toContain('LICENSE');
  expect(names.filter((name) => name.startsWith('dist/test') || name.includes('.code-'))).toEqual(
    [],
  );
  // `npm test` has built before; a bare vitest run may not have.
  if (!names.some((name) => name.startsWith('dist/bin/'))) {
    console.warn('SKIPPED: whether bin and exports are published: dist/ is not built');
    return;
  }
  const wanted = targets([manifest.bin, manifest.exports]).filter((name) => !name.includes('*'));
  expect(wanted.filter((name) => !names.includes(name))).toEqual([]);
});
