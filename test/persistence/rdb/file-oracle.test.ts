/**
 * Files exchanged with redis-server 7.0.15: random values of every type and representation, times
 * to live, access data, several databases and functions, both ways, with the same digest.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { datasetDigest } from '../../../src/commands/server/digest.ts';
import type { RdbWriteOptions } from '../../../src/persistence/rdb/file-writer.ts';
import type { Connection } from '../../harness/connection.ts';
import { describeWithOracle, startOracle } from '../../harness/oracle.ts';
import type { ServerProcess } from '../../harness/server-process.ts';
import { randomFrom } from '../../util/float-texts.ts';
import { type Argv, randomValue } from './random-values.ts';
import { load, newSpace, write } from './spaces.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const VALUES = FULL ? 2000 : 140;
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 'answer' end)";

describeWithOracle('RDB files', () => {
  let oracle: ServerProcess;
  let theirs: Connection;

  beforeAll(async () => {
    oracle = await startOracle();
    theirs = await oracle.connect();
  });
  afterAll(async () => {
    theirs?.close();
    await oracle?.stop();
  });

  async function run(...commands: Argv[]): Promise<void> {
    for (const argv of commands) theirs.send(...argv);
    for (const argv of commands) {
      const { reply } = await theirs.receive();
      if (reply.kind === 'error') throw new Error(`${argv.slice(0, 3)}: ${reply.bytes}`);
    }
  }

  async function fill(seed: number, values: number): Promise<void> {
    const random = randomFrom(seed);
    await run(['FLUSHALL'], ['FUNCTION', 'FLUSH'], ['FUNCTION', 'LOAD', LIBRARY]);
    for (let i = 0; i < values; i++) {
      const name = random() < 0.2 ? String(i - 70) : `key ${'long '.repeat(i % 9)}${i}`;
      await run(['SELECT', i % 10 === 0 ? '9' : '0'], ...randomValue(random, i).commands);
      if (random() < 0.3) await run(['PEXPIREAT', 'k', String(4e12 + i)]);
      await run(['RENAME', 'k', name]);
    }
  }

  const file = () => path.join(oracle.dir, 'dump.rdb');
  const digest = () => theirs.text('DEBUG', 'DIGEST');

  const ways: readonly [string, Argv[], Partial<RdbWriteOptions>][] = [
    ['as it is', [], {}],
    ['without compression', [['CONFIG', 'SET', 'rdbcompression', 'no']], { compress: false }],
    [
      'with times of access',
      [['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']],
      { access: 'lru', checksum: false },
    ],
    [
      'with frequencies of access',
      [['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu']],
      { access: 'lfu' },
    ],
  ];

  it.each(ways)('go both ways, %s', async (_name, configuration, options) => {
    await run(...configuration);
    await fill(ways.findIndex(([name]) => name === _name) + 1, VALUES);
    const expected = await digest();
    await run(['SAVE']);

    const space = newSpace();
    space.nowMs = Date.now();
    space.lfuEnabled = options.access === 'lfu';
    const functions: Buffer[] = [];
    const aux = new Map<string, string>();
    const bytes = readFileSync(file());
    load(
      space,
      bytes,
      {
        onFunction: (code) => functions.push(Buffer.from(code)),
        onAux: (name, value) =>
          aux.set(Buffer.from(name).toString(), Buffer.from(value).toString()),
      },
      4096,
    );
    expect(datasetDigest(space)).toBe(expected);
    expect(functions.map(String)).toEqual([LIBRARY]);
    expect([...aux.keys()]).toEqual(['redis-ver', 'redis-bits', 'ctime', 'used-mem', 'aof-base']);

    const ours = write(space, { ...options, aux: [...aux] }, functions);
    writeFileSync(file(), ours);
    const check = spawnSync('redis-check-rdb', [file()], { encoding: 'utf8' });
    expect(check.stdout).toMatch(/Checksum OK|RDB looks OK|\[offset/);
    expect(check.status, check.stdout).toBe(0);
    await run(['FUNCTION', 'FLUSH'], ['DEBUG', 'RELOAD', 'NOSAVE']);
    expect(await digest()).toBe(expected);
    expect(await theirs.text('FCALL', 'f', '0')).toBe('answer');
    copyFileSync(file(), `${file()}.ours`);
  });

  it('are as long as theirs, and the same where the order is not left to chance', async () => {
    await run(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']);
    await run(['CONFIG', 'SET', 'rdbcompression', 'yes'], ['FLUSHALL'], ['FUNCTION', 'FLUSH']);
    await run(['SET', 'one', 'x'.repeat(100)], ['SELECT', '9'], ['RPUSH', 'l', 'a', '1', '-300']);
    await run(['PEXPIREAT', 'l', '4000000000000'], ['SAVE']);
    const bytes = readFileSync(file());
    const space = newSpace();
    space.nowMs = Date.now();
    const aux: [string, string][] = [];
    load(space, bytes, {
      onAux: (n, v) => aux.push([String(Buffer.from(n)), String(Buffer.from(v))]),
    });
    expect(write(space, { aux }).equals(bytes)).toBe(true);
  });

  it('access data arrives', async () => {
    await run(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'], ['SELECT', '0'], ['FLUSHALL']);
    const space = newSpace();
    space.nowMs = Date.now();
    const key = Buffer.from('k');
    const db = space.dbs[0]!;
    db.find(key, 0, 1);
    const entry = db.setString(0, key, 0, 1, key, 0, 1, 8, 0);
    space.nowMs += 5000_000;
    writeFileSync(file(), write(space, { access: 'lru' }));
    expect(db.accessOf(entry)).toBeGreaterThan(0);
    await run(['DEBUG', 'RELOAD', 'NOSAVE']);
    const reply = await theirs.call('OBJECT', 'IDLETIME', 'k');
    expect(Number('bytes' in reply ? reply.bytes.toString() : Number.NaN)).toBeCloseTo(5000, -1);
  });
});
