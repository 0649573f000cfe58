/**
 * SORT against redis-server 7.0.15: random values and options, with many elements that compare
 * equal, so that the order of those shows.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { ask } from '../harness/ask.ts';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const ROUNDS = process.env['RESPITE_FULL'] === '1' ? 2000 : 100;

type Random = () => number;

function numbered(random: Random, letters: string, most: number): string {
  return letters[between(random, 0, letters.length - 1)]! + between(random, 0, most);
}

/** Commands that make values and what derives from their elements. */
function data(random: Random): string[][] {
  const size = between(random, 1, [5, 12, 60, 300][between(random, 0, 3)]!);
  const most = between(random, 2, 400);
  const numeric = random() < 0.5;
  const element = () =>
    numeric ? String(between(random, -most, most)) : numbered(random, 'ab', most);
  const elements = Array.from({ length: size }, element);
  const weights = [...new Set(elements)].filter(() => random() < 0.9);
  const weight = () => String(between(random, -3, 3) / (random() < 0.2 ? 2 : 1));
  return [
    ['FLUSHALL'],
    ['RPUSH', 'list', ...elements],
    ['SADD', 'set', ...elements],
    ['ZADD', 'zset', ...elements.flatMap((text) => [String(between(random, 0, 9)), text])],
    ...weights.map((text) => ['SET', `w_${text}`, weight()]),
    ...weights.map((text) => ['HSET', `h_${text}`, 'w', weight(), 'n', numbered(random, 'xyz', 3)]),
  ];
}

function sortCommand(random: Random): string[] {
  const one = (...words: string[]) => words[between(random, 0, words.length - 1)]!;
  const key = one('list', 'set', 'zset');
  const argv = ['SORT', key];
  const by = one('', '', 'w_*', 'h_*->w', 'h_*->n', key === 'set' ? 'w_*' : 'nosort');
  if (by !== '') argv.push('BY', by);
  if (random() < 0.5)
    argv.push('LIMIT', String(between(random, -1, 40)), String(between(random, -1, 40)));
  if (random() < 0.5) argv.push(one('ASC', 'DESC', 'DESC'));
  // Without a tie-break members of (sorted) sets are in the order of a hash table, which is random.
  if (random() < 0.5 && (key === 'list' || by === '')) argv.push('ALPHA');
  if (random() < 0.4) argv.push('GET', one('#', 'w_*', 'h_*->n', 'none'));
  if (random() < 0.2) argv.push('GET', '#');
  if (random() < 0.2) argv.push('STORE', 'dst');
  return argv;
}

describeWithOracle('SORT', () => {
  let server: RespiteServer;
  let oracle: ServerProcess;
  let ours: Connection;
  let theirs: Connection;

  beforeAll(async () => {
    server = await createServer();
    oracle = await startOracle();
    ours = await Connection.open(server.port);
    theirs = await oracle.connect();
  });
  afterAll(async () => {
    ours?.close();
    theirs?.close();
    await server?.close();
    await oracle?.stop();
  });

  it(`answers as the server does, ${ROUNDS} times 20 commands`, async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const commands = data(random);
      for (let i = 0; i < 20; i++) commands.push(sortCommand(random), ['LRANGE', 'dst', '0', '-1']);
      const [mine, other] = await Promise.all([ask(ours, commands), ask(theirs, commands)]);
      commands.forEach((argv, i) => {
        expect(mine[i], `seed ${seed}, round ${round}: ${argv.join(' ')}`).toBe(other[i]);
      });
    }
  });
});
