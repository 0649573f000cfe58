/**
 * LCS against redis-server 7.0.15: 500 random pairs of strings with every form of the command.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lcs, lcsLength, lcsMemory } from '../../src/datatypes/lcs.ts';
import { ask, bulk } from '../harness/ask.ts';
import type { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const PAIRS = process.env['RESPITE_FULL'] === '1' ? 20_000 : 500;

describeWithOracle('LCS', () => {
  let server: ServerProcess;
  let connection: Connection;

  beforeAll(async () => {
    server = await startOracle(['--proto-max-bulk-len', '1048576']);
    connection = await server.connect();
  });

  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });

  it(`answers as the server does for ${PAIRS} random pairs`, async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    const pairs = Array.from({ length: PAIRS }, () => {
      const letters = between(random, 1, 5);
      return [randomText(random, letters), randomText(random, letters)] as const;
    });
    const least = pairs.map(() => between(random, -1, 6));
    const replies = await ask(
      connection,
      pairs.flatMap(([a, b], i) => [
        ['MSET', 'a', a, 'b', b],
        ['LCS', 'a', 'b'],
        ['LCS', 'a', 'b', 'LEN'],
        ['LCS', 'a', 'b', 'IDX', 'WITHMATCHLEN', 'MINMATCHLEN', String(least[i])],
      ]),
    );
    pairs.forEach(([a, b], i) => {
      const [x, y] = [Buffer.from(a), Buffer.from(b)];
      const result = lcs(x, y, { minMatchLen: least[i]! });
      const text = Buffer.from(result.bytes).toString();
      const note = `seed ${seed}: LCS ${a} ${b} MINMATCHLEN ${least[i]}`;
      expect(bulk(text), note).toBe(replies[4 * i + 1]);
      expect(`:${lcsLength(x, y)}\r\n`, note).toBe(replies[4 * i + 2]);
      const matches = result.matches.map(
        ({ aStart, aEnd, bStart, bEnd }) =>
          `*3\r\n*2\r\n:${aStart}\r\n:${aEnd}\r\n*2\r\n:${bStart}\r\n:${bEnd}\r\n` +
          `:${aEnd - aStart + 1}\r\n`,
      );
      const list = `*${matches.length}\r\n${matches.join('')}`;
      const expected = `*4\r\n${bulk('matches')}${list}${bulk('len')}:${result.length}\r\n`;
      expect(expected, note).toBe(replies[4 * i + 3]);
    });
  });

  it('lcsMemory() is the limit that the server sets', async () => {
    for (const [n, m] of [
      [511, 511],
      [511, 512],
      [512, 511],
      [0, 262_143],
      [0, 262_144],
      [1, 131_071],
      [1, 131_072],
    ] as const) {
      const [, reply] = await ask(connection, [
        ['MSET', 'a', 'x'.repeat(n), 'b', 'y'.repeat(m)],
        ['LCS', 'a', 'b', 'LEN'],
      ]);
      const refused =
        '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n';
      expect(reply, `${n} and ${m} bytes`).toBe(lcsMemory(n, m) > 1048576 ? refused : ':0\r\n');
    }
  });
});

function randomText(random: () => number, letters: number): string {
  const length = between(random, 0, 90);
  return Array.from({ length }, () => 'abcde'[between(random, 0, letters - 1)]).join('');
}
