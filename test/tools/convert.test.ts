/**
 * Dumps as JSON lines: every type there and back, binary texts, large values, what is wrong with its
 * line; and the tools as a process.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { datasetDigest } from '../../src/commands/server/digest.ts';
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import { PayloadCodec } from '../../src/persistence/rdb/payload.ts';
import { JsonReader } from '../../src/tools/json-reader.ts';
import { writeJsonLines } from '../../src/tools/json-writer.ts';
import { Progress } from '../../src/tools/progress.ts';
import { InProcess } from '../harness/in-process.ts';
import { respiteFile } from '../harness/respite.ts';
import { randomValue } from '../persistence/rdb/random-values.ts';
import { load, newSpace, write } from '../persistence/rdb/spaces.ts';
import { randomFrom } from '../util/float-texts.ts';

const FIRST = '{"format":"respite-dump","version":1}';

function linesOf(space: Keyspace): string[] {
  const lines: string[] = [];
  writeJsonLines(space, { aux: [], functions: [] }, (line) => lines.push(line));
  return lines;
}

function fromLines(lines: readonly string[]): Keyspace {
  const space = newSpace();
  space.expiryEnabled = false;
  const reader = new JsonReader(space);
  for (const line of lines) reader.line(line);
  return space;
}

function payload(space: Keyspace, name: string): string {
  const db = space.dbs[0]!;
  const entry = db.find(Buffer.from(name), 0, name.length);
  return Buffer.from(PayloadCodec.of(space).dump(db, entry, true)).toString('hex');
}

describe('JSON lines', () => {
  it('can be read', () => {
    const commands = new InProcess();
    const call = (line: string) => commands.call(...line.split(' '));
    call('SET s value');
    commands.call('SET', Buffer.of(0xff, 0), Buffer.of(0x80));
    call('RPUSH l a 1');
    call('SADD set b a');
    call('ZADD z 1.5 b -inf a');
    call('HSET h g w f v');
    call('HPEXPIREAT h 4000000000000 FIELDS 1 f');
    call('PEXPIREAT s 4000000000001');
    expect(linesOf(commands.server.keyspace)).toEqual([
      FIRST,
      '{"db":0,"key":"h","type":"hash","value":[["f","v",4000000000000],["g","w"]]}',
      '{"db":0,"key":"l","type":"list","value":["a","1"]}',
      '{"db":0,"key":"s","type":"string","expireAt":4000000000001,"value":"value"}',
      '{"db":0,"key":"set","type":"set","value":["a","b"]}',
      '{"db":0,"key":"z","type":"zset","value":[["a","-inf"],["b",1.5]]}',
      '{"db":0,"key":{"base64":"/wA="},"type":"string","value":{"base64":"gA=="}}',
    ]);
  });

  it('bring every value back', () => {
    const random = randomFrom(7);
    const commands = new InProcess();
    for (let i = 0; i < 140; i++) {
      for (const argv of randomValue(random, i).commands) commands.call(...argv);
      commands.call('RENAME', 'k', `key ${i}`);
    }
    const { keyspace } = commands.server;
    const lines = linesOf(keyspace);
    const copy = fromLines(lines);
    expect(datasetDigest(copy)).toBe(datasetDigest(keyspace));
    expect(linesOf(copy)).toEqual(lines);
  });

  it('bring groups, released entries and producers of a stream back', () => {
    const commands = new InProcess();
    const call = (line: string) => commands.call(...line.split(' '));
    for (let i = 1; i < 6; i++) call(`XADD s ${i}-1 f v${i}`);
    call('XADD s IDMP p one * f v');
    call('XGROUP CREATE s g 0');
    call('XREADGROUP GROUP g me COUNT 4 STREAMS s >');
    call('XNACK s g FAIL IDS 2 3-1 2-1');
    const { keyspace } = commands.server;
    const copy = fromLines(linesOf(keyspace));
    expect(payload(copy, 's')).toBe(payload(keyspace, 's'));
  });

  it('cut large values into lines', () => {
    const commands = new InProcess();
    for (let i = 0; i < 2500; i++) {
      commands.call('RPUSH', 'l', `e${i}`);
      commands.call('HSET', 'h', `f${i}`, `v${i}`);
      commands.call('XADD', 's', `${i + 1}-0`, 'f', `v${i}`);
    }
    commands.call('SET', 'long', Buffer.alloc(9_000_000, 'é'));
    const { keyspace } = commands.server;
    const lines = linesOf(keyspace);
    expect(lines).toHaveLength(1 + 3 * 3 + 3);
    expect(datasetDigest(fromLines(lines))).toBe(datasetDigest(keyspace));
  });

  it('say what is wrong', () => {
    const key = (rest: string) => `{"db":0,"key":"k",${rest}}`;
    const cases: readonly [string[], RegExp][] = [
      [[key('"type":"string","value":"v"')], /the first line must be/],
      [[FIRST, 'nonsense'], /JSON/],
      [[FIRST, '[]'], /an object is expected/],
      [[FIRST, key('"type":"tree","value":[1]')], /there is no type "tree"/],
      [[FIRST, key('"type":"list","value":[]')], /without elements/],
      [[FIRST, key('"type":"set","value":["a","a"]')], /a member is there twice/],
      [[FIRST, key('"type":"hash","value":[["f","a"],["f","b"]]')], /a field is there twice/],
      [[FIRST, key('"type":"zset","value":[["m","x"]]')], /a score is expected, not "x"/],
      [[FIRST, key('"type":"list","more":["x"]')], /of a key that is not there/],
      [[FIRST, '{"db":99,"key":"k","type":"string","value":""}'], /no database 99/],
      [[FIRST, key('"type":"stream","value":[["5","f","v"]]')], /"5" is no id of a stream/],
    ];
    for (const [lines, message] of cases) expect(() => fromLines(lines)).toThrow(message);
  });
});

describe('the tools', () => {
  let directory: string;
  const tool = (...args: string[]) =>
    spawnSync(process.execPath, [respiteFile, ...args], {
      encoding: 'utf8',
      cwd: directory,
    });

  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'respite-test-tools-'));
    const commands = new InProcess();
    commands.call('SET', 'k', 'v');
    commands.call('ZADD', 'z', '1', 'a');
    writeFileSync(path.join(directory, 'a.rdb'), write(commands.server.keyspace));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('check tells what is in a file, or what is wrong', () => {
    const good = tool('check', 'rdb', 'a.rdb');
    expect(good.stdout).toMatch(/RDB version 10, \d+ bytes\n.* 2 keys/s);
    expect([good.status, good.stderr]).toEqual([0, '']);
    const bytes = readFileSync(path.join(directory, 'a.rdb'));
    writeFileSync(path.join(directory, 'cut.rdb'), bytes.subarray(0, -3));
    const cut = tool('check', 'rdb', 'cut.rdb');
    expect(cut.stderr).toMatch(/^cut\.rdb: .*, at byte \d+; 2 keys before it are sound\n$/);
    expect([cut.status, cut.stdout]).toEqual([1, '']);
    expect(tool('check', 'rdb', 'missing.rdb').status).toBe(1);
  });

  /** The lines of a dump but those that tell who wrote it. */
  const withoutAux = (name: string) =>
    readFileSync(path.join(directory, name), 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith('{"aux"'));

  it('convert reads and writes append-only files, single and with a manifest', () => {
    expect(tool('convert', 'a.rdb', 'a.jsonl').status).toBe(0);
    const lines = withoutAux('a.jsonl');
    for (const output of ['c.aof', 'appendonly.aof.manifest']) {
      expect(tool('convert', 'a.rdb', output).stdout).toContain(`keys written to ${output}`);
      expect(tool('check', 'aof', output).stdout).toContain('OK');
      expect(tool('convert', output, 'c.jsonl').status).toBe(0);
      expect(withoutAux('c.jsonl')).toEqual(lines);
    }
    writeFileSync(path.join(directory, 'torn.aof'), '*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nDEL');
    const torn = tool('convert', 'torn.aof', 'd.rdb');
    expect([torn.status, torn.stderr]).toEqual([1, expect.stringContaining('byte 14')]);
  });

  it('convert goes there and back', () => {
    expect(tool('convert', 'a.rdb', 'a.jsonl').status).toBe(0);
    expect(readFileSync(path.join(directory, 'a.jsonl'), 'utf8').split('\n')).toHaveLength(4);
    expect(tool('convert', 'a.jsonl', 'b.rdb', '--rdb-version', '12').status).toBe(0);
    const bytes = readFileSync(path.join(directory, 'b.rdb'));
    expect(bytes.subarray(0, 9).toString()).toBe('REDIS0012');
    const space = newSpace();
    expect(load(space, bytes).keys).toBe(2);
    expect(tool('convert', 'b.rdb', '-').stdout).toBe(
      readFileSync(path.join(directory, 'a.jsonl'), 'utf8'),
    );
    writeFileSync(path.join(directory, 'bad.jsonl'), `${FIRST}\n{"db":0,"key":1}\n`);
    const bad = tool('convert', 'bad.jsonl', 'b.rdb');
    expect(bad.stderr).toMatch(/^respite: line 2, at byte 38: a string or/);
    expect(bad.status).toBe(1);
    expect(readFileSync(path.join(directory, 'b.rdb')).equals(bytes)).toBe(true);
  });
});

describe('progress', () => {
  it('shows on a terminal only, and goes away', () => {
    const written: string[] = [];
    const terminal = { isTTY: true, write: (text: string) => written.push(text) };
    const progress = new Progress(terminal, 'reading', 0);
    progress.update(30, 120);
    progress.end();
    expect(written[0]).toMatch(/^\rreading \[#{8}\.{22}\] {2}25 %, \d+ s left/);
    expect(written[1]).toBe('\r\x1b[K');
    const quiet = new Progress({ write: (text) => written.push(text) }, 'reading', 0);
    quiet.update(1, 2);
    quiet.end();
    expect(written).toHaveLength(2);
  });
});
