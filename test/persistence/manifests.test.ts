/**
 * Directories of append-only files as other servers, crashes and people leave them: what starts and
 * with which data, what is refused and why; held against redis-server where it is at hand.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { nodeFiles } from '../../src/persistence/files.ts';
import { BareServer } from '../harness/bare-server.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import { KillableServer } from './crash/kills.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const set = (key: string, value: string) =>
  `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;

/** Names of files below the directory, and what is in them. */
type Files = Readonly<Record<string, string>>;

const one = set('one', '1');
const two = set('two', '2');
const three = set('three', '3');
const inDir = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`appendonlydir/${name}`, text]));
const manifest = (...lines: string[]): Files =>
  inDir({ 'appendonly.aof.manifest': lines.map((line) => `${line}\n`).join('') });
const base = 'file appendonly.aof.1.base.aof seq 1 type b';
const incr = (seq: number) => `file appendonly.aof.${seq}.incr.aof seq ${seq} type i`;
const data = inDir({
  'appendonly.aof.1.base.aof': one,
  'appendonly.aof.1.incr.aof': two,
  'appendonly.aof.2.incr.aof': three,
});

/** A directory; how many keys a start finds, or what it says when there is none. */
const cases: readonly (readonly [what: string, files: Files, expected: number | string])[] = [
  ['base and two incremental files', { ...data, ...manifest(base, incr(1), incr(2)) }, 3],
  ['only a base', { ...data, ...manifest(base) }, 1],
  ['only incremental files', { ...data, ...manifest(incr(1), incr(2)) }, 2],
  ['a comment', { ...data, ...manifest('# note', base, incr(1)) }, 2],
  [
    'history that is gone',
    { ...data, ...manifest(base, 'file gone.aof seq 1 type h', incr(1)) },
    2,
  ],
  [
    'numbers that are not next to each other',
    {
      ...inDir({ 'appendonly.aof.1.base.aof': one, 'appendonly.aof.7.incr.aof': two }),
      ...manifest(base, incr(7)),
    },
    2,
  ],
  [
    'other files that nobody names',
    { ...data, ...inDir({ 'stray.aof': '!!!' }), ...manifest(base) },
    1,
  ],
  [
    'fields in another order',
    { ...data, ...manifest('seq 1 type b file appendonly.aof.1.base.aof') },
    1,
  ],
  ['a field that nobody knows', { ...data, ...manifest(`${base} newkey newvalue`) }, 1],
  [
    'an empty incremental file at the end',
    {
      ...inDir({ 'appendonly.aof.1.base.aof': one, 'appendonly.aof.1.incr.aof': '' }),
      ...manifest(base, incr(1)),
    },
    1,
  ],
  ['no manifest', {}, 0],
  ['files without a manifest', data, 0],
  ['an upgrade from one old file', { 'appendonly.aof': one + two }, 2],
  [
    'an upgrade that was interrupted',
    {
      'appendonly.aof': one + two,
      ...manifest('file appendonly.aof seq 1 type b'),
    },
    2,
  ],
  [
    'an old file next to new ones',
    { 'appendonly.aof': '!!!', ...data, ...manifest(base, incr(1)) },
    2,
  ],
  [
    'a torn last file',
    {
      ...data,
      ...inDir({ 'appendonly.aof.2.incr.aof': three + one.slice(0, -3) }),
      ...manifest(base, incr(1), incr(2)),
    },
    3,
  ],
  [
    'a torn file that is not the last',
    {
      ...data,
      ...inDir({ 'appendonly.aof.1.incr.aof': two.slice(0, -3) }),
      ...manifest(base, incr(1), incr(2)),
    },
    'Fatal error: the truncated file is not the last file',
  ],
  [
    'a missing base',
    { ...inDir({ 'appendonly.aof.1.incr.aof': two }), ...manifest(base, incr(1)) },
    'length. stat: No such file or directory',
  ],
  [
    'a missing incremental file',
    { ...data, ...manifest(base, incr(1), incr(3)) },
    'length. stat: No such file or directory',
  ],
  [
    'numbers that go back',
    { ...data, ...manifest(base, incr(2), incr(1)) },
    'Found a non-monotonic sequence number',
  ],
  ['a blank line', { ...data, ...manifest(base, '', incr(1)) }, 'Invalid AOF manifest file format'],
  ['two bases', { ...data, ...manifest(base, base) }, 'Found duplicate base file information'],
  ['an unknown type', { ...data, ...manifest('file a.aof seq 1 type x') }, 'Unknown AOF file type'],
  ['no name', { ...data, ...manifest('seq 1 type b') }, 'Invalid AOF manifest file format'],
  [
    'a missing word',
    { ...data, ...manifest('file a.aof seq 1 type') },
    'Invalid AOF manifest file format',
  ],
  [
    'a number that is none',
    { ...data, ...manifest('file a.aof seq x type b') },
    'Invalid AOF manifest file format',
  ],
  ['a short line', { ...data, ...manifest('a') }, 'Invalid AOF manifest file format'],
  [
    'a line that is too long',
    { ...data, ...manifest(`file ${'a'.repeat(1100)} seq 1 type b`) },
    'contains too long line',
  ],
  [
    'no line end',
    { ...data, ...inDir({ 'appendonly.aof.manifest': base }) },
    'contains too long line',
  ],
  ['an empty manifest', { ...data, ...manifest() }, 'Found an empty AOF manifest'],
  ['a path', { ...data, ...manifest('file ../a.aof seq 1 type b') }, "File can't be a path"],
  [
    'garbage in a file',
    {
      ...data,
      ...inDir({ 'appendonly.aof.1.incr.aof': `!!!${two}` }),
      ...manifest(base, incr(1)),
    },
    'Bad file format',
  ],
];

function place(files: Files, directory: string): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text, 'latin1');
  }
}

/** A start of ours: the server, or what it said. */
async function start(files: Files, more: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-manifest-'));
  directories.push(directory);
  place(files, directory);
  const bare = new BareServer(nodeFiles, { dir: directory, appendonly: 'yes', ...more });
  let failure: string | undefined;
  try {
    await bare.start();
  } catch {
    failure = bare.logged.join('\n');
  }
  return { bare, directory, failure };
}

it.each(cases)('%s', async (_what, files, expected) => {
  const { bare, directory, failure } = await start(files);
  if (typeof expected === 'string') {
    expect(failure).toContain(expected);
    // Nothing was touched.
    for (const [name, text] of Object.entries(files)) {
      expect(readFileSync(path.join(directory, name), 'latin1')).toBe(text);
    }
    return;
  }
  expect(failure).toBeUndefined();
  expect(bare.server.keyspace.dbs[0]!.size).toBe(expected);
  // Goes on, and the next start has all of it.
  bare.run('SET next start');
  await bare.server.persistence.close();
  const again = new BareServer(nodeFiles, { dir: directory, appendonly: 'yes' });
  await again.start();
  expect(again.server.keyspace.dbs[0]!.size).toBe(expected + 1);
  await again.server.persistence.close();
});

it('names with blanks and quotes', async () => {
  const name = `my "file".aof`;
  const { bare, directory } = await start({}, { appendfilename: name });
  bare.run('SET k v');
  await bare.server.persistence.close();
  expect(readdirSync(path.join(directory, 'appendonlydir')).sort()).toEqual([
    `${name}.1.base.rdb`,
    `${name}.1.incr.aof`,
    `${name}.manifest`,
  ]);
  const again = new BareServer(nodeFiles, {
    ...{ dir: directory, appendonly: 'yes', appendfilename: name },
  });
  await again.start();
  expect(again.server.keyspace.dbs[0]!.size).toBe(1);
  await again.server.persistence.close();
});

describeWithOracle('the same directories', () => {
  it('redis-server starts where we start, and refuses what we refuse, for the same reason', async () => {
    for (const [what, files, expected] of cases) {
      const server = new KillableServer(['--appendonly', 'yes', '--save', '']);
      try {
        place(files, server.dir);
        let log: string | undefined;
        try {
          await server.start(['redis-server']);
        } catch (error) {
          log = (error as Error).message;
        }
        if (typeof expected === 'string') expect(log, what).toContain(expected);
        else {
          expect(log, what).toBeUndefined();
          const directory = path.join(server.dir, 'appendonlydir');
          const name = 'appendonly.aof.manifest';
          const theirs = readFileSync(path.join(directory, name), 'latin1');
          const ours = await start(files);
          const text = readFileSync(path.join(ours.directory, 'appendonlydir', name), 'latin1');
          await ours.bare.server.persistence.close();
          expect(text, what).toBe(theirs);
        }
      } finally {
        await server.remove();
      }
    }
  });
});
