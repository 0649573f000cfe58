/** `oom-score-adj`: the kernel's score of this process, by role, beside redis-server. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { OomScore } from '../../src/server/oom-score.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import type { ServerProcess } from '../harness/server-process.ts';

let dir = '';
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A score in a file of its own, which a test may change or take away. */
function fixture() {
  dir = mkdtempSync(path.join(tmpdir(), 'respite-oom-'));
  const file = path.join(dir, 'score');
  const config = new Config();
  const lines: string[] = [];
  const role = { isReplica: false };
  writeFileSync(file, '7\n');
  const score = new OomScore({
    config,
    isReplica: () => role.isReplica,
    log: (_level, line) => void lines.push(line),
    file,
  });
  for (const name of ['oom-score-adj', 'oom-score-adj-values']) {
    config.onChange(name, () => score.apply());
  }
  const set = (...words: string[]) => {
    const pairs: [string, string][] = [];
    for (let i = 0; i < words.length; i += 2) pairs.push([words[i]!, words[i + 1]!]);
    config.set(pairs);
  };
  return { config, file, lines, read: () => readFileSync(file, 'latin1'), role, score, set };
}

it('the score that was there when it is switched on comes back', () => {
  const { file, read, role, score, set } = fixture();
  score.follow();
  expect(read()).toBe('7\n');
  writeFileSync(file, '30\n');
  set('oom-score-adj', 'yes', 'oom-score-adj-values', '5 100 800');
  expect(read()).toBe('35\n');
  role.isReplica = true;
  score.follow();
  expect(read()).toBe('130\n');
  set('oom-score-adj', 'absolute');
  expect(read()).toBe('100\n');
  set('oom-score-adj-values', '0 -1500 0');
  expect(read()).toBe('-1000\n');
  set('oom-score-adj-values', '0 1500 0', 'oom-score-adj', 'relative');
  expect(read()).toBe('1000\n');
  set('oom-score-adj', 'no');
  expect(read()).toBe('30\n');
  writeFileSync(file, '50\n');
  set('oom-score-adj', 'yes');
  expect(read()).toBe('1000\n');
  set('oom-score-adj', 'no');
  expect(read()).toBe('50\n');
});

it('what cannot be written is refused, and all of the CONFIG SET with it', () => {
  const { config, file, lines, set } = fixture();
  set('oom-score-adj', 'yes');
  rmSync(file);
  mkdirSync(file);
  expect(() => set('maxmemory', '5mb', 'oom-score-adj-values', '1 2 3')).toThrow(
    "ERR CONFIG SET failed (possibly related to argument 'oom-score-adj-values') - " +
      'Failed to set current oom_score_adj. Check server logs.',
  );
  expect(config.string('oom-score-adj-values')).toBe('0 200 800');
  expect(config.number('maxmemory')).toBe(0);
  expect(lines[0]).toMatch(/^Unable to write oom_score_adj: /);
});

it('what cannot be read is refused, and is off afterwards', () => {
  const { config, file, lines, set } = fixture();
  rmSync(file);
  mkdirSync(file);
  expect(() => set('oom-score-adj', 'yes')).toThrow('Failed to set current oom_score_adj');
  expect(config.string('oom-score-adj')).toBe('no');
  expect(lines[0]).toMatch(/^Unable to read oom_score_adj: /);
});

describeWithOracle('the score of the process', () => {
  it('is that of redis-server after the same commands', { timeout: 60_000 }, async () => {
    const lines = [
      'CONFIG GET oom-score-adj',
      'CONFIG SET oom-score-adj yes',
      'CONFIG SET oom-score-adj-values',
      'REPLICAOF 127.0.0.1 1',
      'CONFIG SET oom-score-adj absolute',
      'REPLICAOF NO ONE',
      'CONFIG SET maxmemory 1mb oom-score-adj-values',
      'CONFIG GET maxmemory',
      'CONFIG SET oom-score-adj no',
      'CONFIG GET oom-score-adj',
      'CONFIG GET oom-score-adj-values',
    ];
    // Less than at the start is allowed to some users only: to both servers or to none.
    const values = ['120 260 800', '-900 0 0'];
    const seen: string[][] = [];
    for (const start of [startOracle, startRespite]) {
      const server: ServerProcess = await start([
        ...['--oom-score-adj', 'absolute', '--oom-score-adj-values', '90', '200', '800'],
      ]);
      const found: string[] = [];
      const look = (line: string, reply: string) =>
        found.push(
          `${line}: ${reply} ${readFileSync(`/proc/${server.pid}/oom_score_adj`, 'latin1')}`,
        );
      try {
        const client = await server.connect();
        look('at the start', '');
        let next = 0;
        for (const line of lines) {
          const more = line.endsWith('values') && line.includes(' SET ') ? [values[next++]!] : [];
          client.send(...line.split(' '), ...more);
          look(line, (await client.receive()).bytes.toString('latin1'));
        }
      } finally {
        await server.stop();
      }
      seen.push(found);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]![0]).toMatch(/ 90\n$/);
  });
});
