/**
 * Names and patterns that clients choose: names are data, wherever they stand (as redis-server has
 * it), and no pattern keeps the server busy.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { splitWords } from '../../src/util/words.ts';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { names, patternPlaces, patterns, places } from './names.ts';

/** Far more than any of these takes on a busy machine, far less than a bad matcher would. */
const PATTERN_MS = 1000;

let server: Server;
let ours: Connection;

beforeAll(async () => {
  server = await startServer();
  ours = await Connection.open(server.port);
});
afterAll(async () => {
  ours.close();
  await closeAll();
});

const before = Object.getOwnPropertyNames(Object.prototype).sort().join();
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).sort().join()).toBe(before);
  expect(({} as Record<string, unknown>)['1']).toBeUndefined();
});

const wordsOf = (line: string, name: string) =>
  splitWords(line)!.map((word) => Buffer.from(word.replaceAll('%', name), 'latin1'));

async function reply(connection: Connection, words: readonly Buffer[]): Promise<string> {
  connection.send(...words);
  const { bytes } = await connection.receive();
  return bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' ');
}

describeWithOracle('names', () => {
  let oracle: ServerProcess;
  let theirs: Connection;

  beforeAll(async () => {
    oracle = await startOracle();
    theirs = await oracle.connect();
  });
  afterAll(async () => {
    theirs.close();
    await oracle.stop('SIGKILL');
  });

  it.each(places.map((one) => [one.id, one.what, one.lines] as const))(
    '%s: %s',
    async (_id, _what, lines) => {
      for (const name of names) {
        await reply(ours, [Buffer.from('FLUSHALL')]);
        await reply(theirs, [Buffer.from('FLUSHALL')]);
        for (const line of lines) {
          const words = wordsOf(line, name);
          const got = `${line} (${name}): ${await reply(ours, words)}`;
          expect(got).toBe(`${line} (${name}): ${await reply(theirs, words)}`);
        }
      }
    },
  );
});

describe('patterns', () => {
  const long = 'a'.repeat(40);

  beforeAll(async () => {
    const words = (line: string) => line.split(' ').map((word) => Buffer.from(word));
    const subject = '*?'.repeat(25_000);
    for (const line of ['HSET h # 1', 'SADD s #', 'ZADD z 1 #', 'SET # 1']) {
      for (const name of [long, subject]) await reply(ours, words(line.replace('#', name)));
    }
  });

  it.each(patternPlaces.map((one) => [one.id, one.what, one.lines] as const))(
    '%s: %s',
    async (_id, what, lines) => {
      for (const [, pattern] of patterns) {
        const listener = await Connection.open(server.port);
        if (what.includes('PSUBSCRIBE')) await listener.call('PSUBSCRIBE', pattern);
        const start = performance.now();
        await reply(ours, wordsOf(lines[0]!, pattern));
        expect(performance.now() - start).toBeLessThan(PATTERN_MS);
        listener.close();
      }
    },
  );
});
