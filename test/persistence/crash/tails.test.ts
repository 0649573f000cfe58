/** Damaged append-only files: cut off, with garbage, of unknown commands. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { BareServer, Inspector } from '../../harness/bare-server.ts';
import { describeWithOracle } from '../../harness/oracle.ts';
import { checkTails, INCR, recordFile, withTail } from './tails.ts';
import { count, LONG } from './tier.ts';

it('a file cut off at any byte is loaded up to its last whole command', async () => {
  const bytes = LONG ? 16_384 : 1200;
  const file = await recordFile(bytes, { 'aof-timestamp-enabled': 'yes' });
  const offsets = checkTails(file, 1);
  expect(offsets).toBeGreaterThan(bytes);
  count('offsets of a torn tail', offsets);
});

it('so is one whose base is commands', async () => {
  const bytes = LONG ? 16_384 : 600;
  const file = await recordFile(bytes, { 'aof-use-rdb-preamble': 'no' });
  const offsets = checkTails(file, 1);
  expect(offsets).toBeGreaterThan(bytes);
  count('offsets of a torn tail', offsets);
});

it('aof-load-truncated no: a file that is cut off is refused and left as it is', async () => {
  const file = await recordFile(800);
  const inspector = new Inspector({ 'aof-load-truncated': 'no' });
  for (let at = 0; at < file.bytes.length; at += 7) {
    const bytes = file.bytes.subarray(0, at);
    const torn = withTail(file, bytes);
    const end = file.ends.find((each) => each.at === at);
    if (end !== undefined) expect(inspector.aofDigest(torn)).toBe(end.digest);
    else {
      expect(() => inspector.aofDigest(torn)).toThrow('Unexpected end of file');
      expect(inspector.log).toContain('set aof-load-truncated to yes and start again');
      expect(torn.read(INCR)).toEqual(bytes);
    }
  }
});

it('garbage in the middle, and unknown commands, are refused where they are', async () => {
  const file = await recordFile(800);
  const inspector = new Inspector();
  for (const { at } of file.ends.slice(0, -1)) {
    for (const [garbage, message] of [
      ['!!!', 'Bad file format'],
      ['\r\n', 'Bad file format'],
      ['*0\r\n', 'Bad file format'],
      ['*1\r\n+OK\r\n', 'Bad file format'],
      ['PING\r\n', 'Bad file format'],
      ['*1\r\n$5\r\nNOSUC\r\n', "Unknown command 'NOSUC'"],
    ] as const) {
      const bytes = Buffer.concat([
        file.bytes.subarray(0, at),
        Buffer.from(garbage),
        file.bytes.subarray(at),
      ]);
      const damaged = withTail(file, bytes);
      expect(() => inspector.aofDigest(damaged), JSON.stringify(garbage)).toThrow(message);
      expect(inspector.log).toMatch(new RegExp(`byte ${at}\\b`));
      expect(damaged.read(INCR)).toEqual(bytes);
    }
  }
});

it('any other byte in its place: refused or another value, never worse', async () => {
  const file = await recordFile(LONG ? 8192 : 300);
  const inspector = new Inspector();
  let changes = 0;
  for (let at = 0; at < file.bytes.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      changes++;
      const bytes = Buffer.from(file.bytes);
      bytes[at]! ^= flip;
      try {
        inspector.aofDigest(withTail(file, bytes));
      } catch (error) {
        expect((error as Error).name).toBe('LoadError');
      }
    }
  }
  count('changed bytes of an append-only file', changes);
});

it('goes on after the cut as if nothing had been there', async () => {
  const file = await recordFile(1000);
  const disk = withTail(file, file.bytes.subarray(0, -3));
  const first = new BareServer(disk, { appendonly: 'yes' });
  await first.start();
  first.run('SET after cut');
  first.aof.prepare();
  expect(new Inspector().aofDigest(disk)).toBe(first.digest());
});

describeWithOracle('files that end too early', () => {
  it('redis-check-aof finds the same end', async () => {
    const file = await recordFile(3000);
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-tails-'));
    const inspector = new Inspector();
    try {
      for (let at = 40; at < file.bytes.length; at += 211) {
        const name = path.join(dir, 'a.aof');
        writeFileSync(name, file.bytes.subarray(0, at));
        const { stdout } = spawnSync('redis-check-aof', [name], { encoding: 'utf8' });
        const theirs = Number(/ok_up_to=(\d+)/.exec(stdout)?.[1]);
        const torn = withTail(file, file.bytes.subarray(0, at));
        inspector.aofDigest(torn);
        expect(torn.read(INCR).length, stdout).toBe(theirs);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
