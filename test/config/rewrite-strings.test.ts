/**
 * Configuration is input: whatever bytes a value has, CONFIG REWRITE writes them so that they come
 * back, to us and to redis-server, and no value becomes a line of its own. The long tier
 * (RESPITE_FULL=1) has 100,000 values.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { directives } from '../../src/config/directives.ts';
import { CommandError } from '../../src/util/errors.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import { Random } from '../linearizability/random.ts';

const VALUES = process.env['RESPITE_FULL'] === '1' ? 100_000 : 1200;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'respite-rewrite-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Directives whose value is any text. */
const texts = directives.filter(
  ({ type, mutable, since }) => type === 'string' && mutable && since === undefined,
);

/** What has meant something to some reader: quotes, escapes, line ends, comments, directives. */
const traps = [
  '\n',
  '\r',
  '\r\n',
  '\t',
  '\0',
  '\b',
  '\x07',
  '\x0b',
  '\x0c',
  '\x1b',
  '\x7f',
  '\x80',
  '\xff',
  '"',
  "'",
  '\\',
  '\\"',
  '\\x',
  '\\x0',
  '\\x00',
  '\\n',
  '#',
  ' ',
  '  ',
  '""',
  "''",
  '$',
  '`',
  '%s',
  '\nrequirepass ""\n',
  '\nrename-command CONFIG ""',
  '\nuser default on nopass ~* +@all',
  '\r\nport 1',
  '__proto__',
  'include /etc/passwd',
  '\u0001',
];

function randomText(random: Random): string {
  let text = '';
  for (let i = random.below(8); i >= 0; i--) {
    text += random.oneIn(2) ? random.pick(traps) : String.fromCharCode(random.below(256));
  }
  return text;
}

/** Sets a directive; false when the value may not be had. */
function set(config: Config, name: string, value: string): boolean {
  try {
    config.set([[name, value]], { local: true });
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError);
    return false;
  }
}

it(`${VALUES} values are rewritten and come back (seed ${SEED})`, { timeout: 120_000 }, () => {
  const random = new Random(SEED);
  const file = path.join(directory, 'respite.conf');
  const first = '# a comment\nenable-protected-configs yes\nport 7000\n';
  let done = 0;
  while (done < VALUES) {
    writeFileSync(file, first);
    const config = new Config();
    config.loadFile(file);
    for (const { name } of texts) if (set(config, name, randomText(random))) done++;
    config.rewrite();
    const again = new Config();
    again.loadFile(file);
    for (const { name } of directives)
      expect([name, again.string(name)]).toEqual([name, config.string(name)]);
    expect(again.users).toEqual([]);
    expect(again.renamedCommands).toEqual([]);
    const lines = readFileSync(file, 'latin1').split('\n');
    const isPlain = (line: string) => [...line].every((char) => char >= ' ' && char <= '~');
    expect(lines.filter((line) => !isPlain(line))).toEqual([]);
  }
});

describeWithOracle('a rewritten file', () => {
  it('means the same to redis-server', { timeout: 60_000 }, async () => {
    const random = new Random(SEED + 1);
    const file = path.join(directory, 'for-redis.conf');
    const names = texts.map(({ name }) => name).filter((name) => !/^(tls|bind|proc)-/.test(name));
    for (let round = 0; round < 4; round++) {
      writeFileSync(file, 'enable-protected-configs yes\n');
      const config = new Config();
      config.loadFile(file);
      config.assign('dir', directory);
      for (const name of names) {
        if (name !== 'requirepass') set(config, name, randomText(random));
      }
      config.rewrite();
      const oracle = await startOracle(['--include', file]);
      try {
        const connection = await oracle.connect();
        for (const name of names) {
          const reply = await connection.call('CONFIG', 'GET', name);
          const value = reply.kind === 'array' ? reply.items[1] : undefined;
          const text =
            value !== undefined && 'bytes' in value ? value.bytes.toString('latin1') : '';
          expect([name, text]).toEqual([name, config.string(name)]);
        }
        await connection.close();
      } finally {
        await oracle.stop();
      }
    }
  });
});
