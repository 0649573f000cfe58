/**
 * `respite check aof`: the verdicts of redis-check-aof for files torn at every byte and damaged ones,
 * and what --fix leaves; manifests; the tool as a process.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadCommandFiles } from '../../src/server/offline.ts';
import { checkAof } from '../../src/tools/check-aof.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import { respiteFile } from '../harness/respite.ts';
import { load, newSpace, write } from '../persistence/rdb/spaces.ts';

const FULL = process.env['RESPITE_FULL'] === '1';

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

const COMMANDS = [
  command('SELECT', '0'),
  '#TS:1700000000\r\n',
  command('SET', 'key', 'a value of some length'),
  command('MULTI'),
  command('INCR', 'n'),
  command('RPUSH', 'l', '', 'x'),
  command('EXEC'),
  '#TS:1700000001\r\n',
  command('DEL', 'key'),
].join('');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'respite-check-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  /** Bytes that are sound, where one is told. */
  readonly soundTo: number;
  readonly text: string;
}

function ours(file: string, fix = false, answer = ''): Result {
  let text = '';
  const add = (more: string) => {
    text += more;
  };
  const output = {
    out: add,
    err: add,
    terminal: { write: () => true },
    ask: () => answer,
    readCommands: loadCommandFiles,
  };
  const code = checkAof(file, { fix, yes: false }, output);
  const told = /of \d+ bytes (\d+) are sound/.exec(text)?.[1];
  return { code, text, soundTo: Number(told ?? readFileSync(file).length) };
}

/** It comes with redis-server. */
const checker = (process.env['REDIS_SERVER'] ?? 'redis-server').replace(/server$/, 'check-aof');

/** Checks each file named after the checker; ends what it said with its exit code. */
const CHECK_ALL = 'for file; do "$0" "$file"; echo "exit code $?"; done';

/** What the reference says of the files: from one shell, which is quicker to fork than this process. */
function theirs(files: readonly string[]): Result[] {
  const { stdout } = spawnSync('sh', ['-c', CHECK_ALL, checker, ...files], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  const parts = stdout.split(/^exit code (\d+)\n/m);
  const results = files.map((_, i) => {
    const text = parts[2 * i] ?? '';
    const told = /ok_up_to=(\d+)/.exec(text)?.[1] ?? '0';
    return { code: Number(parts[2 * i + 1]), soundTo: Number(told), text };
  });
  expect(parts.length).toBe(2 * files.length + 1);
  return results;
}

describeWithOracle('check aof next to redis-check-aof', () => {
  let files: [what: string, file: string][] = [];
  afterEach(() => {
    for (const [, file] of files) rmSync(file);
    files = [];
  });

  function add(bytes: Buffer, what: string): void {
    const file = path.join(dir, `${files.length}.aof`);
    writeFileSync(file, bytes);
    files.push([what, file]);
  }

  /** Compares these of what is told of each file. */
  function compare(...told: ('code' | 'soundTo')[]): void {
    const expected = theirs(files.map(([, file]) => file));
    for (const [i, [what, file]] of files.entries()) {
      const own = ours(file);
      const [left, right] = [own, expected[i]!].map((one) => told.map((name) => one[name]));
      expect([what, left]).toEqual([what, right]);
    }
  }

  it('has its verdict and its last sound byte for a file torn at every byte', () => {
    const bytes = Buffer.from(COMMANDS);
    for (let end = 0; end <= bytes.length; end++) add(bytes.subarray(0, end), `to ${end}`);
    compare('code', 'soundTo');
  });

  it('has its verdict for a byte changed at every place', () => {
    for (let at = 0; at < COMMANDS.length; at += FULL ? 1 : 2) {
      const bytes = Buffer.from(COMMANDS);
      bytes[at] = at % 3 === 0 ? 0x2a : bytes[at]! ^ 1;
      add(bytes, `changed at ${at}`);
    }
    compare('code', 'soundTo');
  });

  it('has its exit code for an RDB file in front', () => {
    const space = newSpace();
    load(space, write(newSpace()));
    const rdb = write(space, { aux: [['aof-base', '1']] });
    const bytes = Buffer.concat([rdb, Buffer.from(COMMANDS)]);
    for (let end = 1; end <= bytes.length; end += FULL ? 1 : 7) {
      add(bytes.subarray(0, end), `to ${end}`);
    }
    compare('code');
  });
});

describe('check aof', () => {
  it('cuts off what is torn with --fix, after a yes', () => {
    const file = path.join(dir, 'torn.aof');
    writeFileSync(file, `${COMMANDS}*1\r\n$4\r\nPI`);
    expect(ours(file, true, 'n').code).toBe(1);
    expect(readFileSync(file).length).toBe(COMMANDS.length + 10);
    expect(ours(file, true, 'y').code).toBe(0);
    expect(readFileSync(file).toString()).toBe(COMMANDS);
    expect(ours(file)).toMatchObject({ code: 0 });
  });

  it('checks the files of a manifest, and fixes only the last one', () => {
    const manifest = path.join(dir, 'a.manifest');
    const [base, incr] = [path.join(dir, 'a.1.base.rdb'), path.join(dir, 'a.1.incr.aof')];
    writeFileSync(manifest, 'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n');
    const rdb = write(newSpace());
    writeFileSync(base, rdb);
    writeFileSync(incr, COMMANDS.slice(0, -3));
    expect(ours(manifest)).toMatchObject({ code: 1 });
    expect(ours(manifest, true, 'y').code).toBe(0);
    expect(ours(manifest).code).toBe(0);
    copyFileSync(incr, base);
    writeFileSync(base, COMMANDS.slice(0, -3));
    expect(ours(manifest, true, 'y')).toMatchObject({ code: 1 });
    expect(readFileSync(base).length).toBe(COMMANDS.length - 3);
    writeFileSync(base, rdb.subarray(0, -2));
    expect(ours(manifest, true, 'y').text).toContain('byte');
    writeFileSync(manifest, 'file a.1.base.rdb seq 0 type b\n');
    expect(ours(manifest)).toMatchObject({ code: 1 });
  });

  it('is a command that asks', () => {
    const file = path.join(dir, 'asked.aof');
    writeFileSync(file, `${COMMANDS}*`);
    const run = (input: string, ...args: string[]) =>
      spawnSync(process.execPath, [respiteFile, 'check', 'aof', file, ...args], {
        encoding: 'utf8',
        input,
      });
    expect(run('').status).toBe(1);
    const refused = run('no\n', '--fix');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('[y/N]')]);
    expect(run('y\n', '--fix').status).toBe(0);
    expect(run('').status).toBe(0);
    writeFileSync(file, `${COMMANDS}*`);
    expect(run('', '--fix', '--yes').status).toBe(0);
    expect(readFileSync(file).toString()).toBe(COMMANDS);
  });
});
