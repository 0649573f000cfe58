/**
 * Doubles and integers as redis-server 7.0.15 reads and prints them: the table of spellings, and
 * random ones through ZADD with ZSCORE, SET with OBJECT ENCODING, and INCRBY.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatDouble17g, isInt64Text, parseDouble, parseInt64 } from '../../src/util/numbers.ts';
import { ask, bulk } from '../harness/ask.ts';
import type { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, isSpelled, randomFloatText, randomFrom, spellings } from './float-texts.ts';

const RANDOM_TEXTS = process.env['RESPITE_FULL'] === '1' ? 300_000 : 10_000;

const NOT_FLOAT = '-ERR value is not a valid float\r\n';
const NOT_INTEGER = '-ERR value is not an integer or out of range\r\n';

describeWithOracle('numbers', () => {
  let server: ServerProcess;
  let resp2: Connection;
  let resp3: Connection;

  beforeAll(async () => {
    // The listpack encoding would keep -0 as 0; the skiplist keeps the double itself.
    server = await startOracle(['--zset-max-listpack-entries', '0']);
    resp2 = await server.connect();
    resp3 = await server.connect();
    await resp3.call('HELLO', '3');
  });

  afterAll(async () => {
    resp2?.close();
    resp3?.close();
    await server?.stop();
  });

  /** What ZADD answers when it refuses, else what ZSCORE does. */
  async function scores(connection: Connection, texts: readonly string[]): Promise<string[]> {
    const commands = texts.flatMap((text) => [
      ['DEL', 'z'],
      ['ZADD', 'z', text, 'm'],
      ['ZSCORE', 'z', 'm'],
    ]);
    const replies = await ask(connection, commands);
    return texts.map((_, i) => {
      const added = replies[3 * i + 1]!;
      return added === ':1\r\n' ? replies[3 * i + 2]! : added;
    });
  }

  function ours(text: string): string | undefined {
    const value = parseDouble(Buffer.from(text, 'latin1'), 0, text.length);
    return Number.isNaN(value) ? undefined : formatDouble17g(value);
  }

  it('the table of spellings is what ZADD and INCRBYFLOAT make of them', async () => {
    const texts = spellings.map(([text]) => text);
    const zscores = await scores(resp2, texts);
    const sums = await ask(
      resp2,
      texts.flatMap((text) => [
        ['SET', 's', text],
        ['INCRBYFLOAT', 's', '0'],
      ]),
    );
    spellings.forEach(([text, zscore, sum], i) => {
      const told = zscores[i] === NOT_FLOAT ? undefined : zscores[i]!.split('\r\n')[1];
      expect(isSpelled(zscore, told), `ZADD ${JSON.stringify(text)}: ${zscores[i]}`).toBe(true);
      const reply = sums[2 * i + 1]!;
      let added = reply === NOT_FLOAT ? undefined : reply.split('\r\n')[1];
      if (reply.includes('NaN or Infinity')) added = 'inf';
      expect(isSpelled(sum, added), `INCRBYFLOAT ${JSON.stringify(text)}: ${reply}`).toBe(true);
    });
  });

  it('parseDouble() and formatDouble17g() do as ZADD and ZSCORE do', async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    const texts = Array.from({ length: RANDOM_TEXTS }, () => randomFloatText(random));
    const replies = await scores(resp2, texts);
    const differences = texts.flatMap((text, i) => {
      const mine = ours(text);
      const expected = mine === undefined ? NOT_FLOAT : bulk(mine);
      return expected === replies[i] ? [] : [{ seed, text, mine, oracle: replies[i] }];
    });
    expect(differences.slice(0, 10)).toEqual([]);
  }, 600_000);

  it('RESP3 doubles have the same digits', async () => {
    const random = randomFrom(7);
    const texts = Array.from({ length: 500 }, () => randomFloatText(random)).filter(ours);
    const replies = await scores(resp3, texts);
    expect(replies).toEqual(texts.map((text) => `,${ours(text)}\r\n`));
  });

  it('parseInt64() and isInt64Text() do as INCRBY and OBJECT ENCODING do', async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    const texts = Array.from({ length: 3000 }, () => randomIntegerText(random));
    const replies = await ask(
      resp2,
      texts.flatMap((text) => [
        ['SET', 's', text],
        ['OBJECT', 'ENCODING', 's'],
        ['INCRBY', 's', '0'],
      ]),
    );
    texts.forEach((text, i) => {
      const note = `seed ${seed}: ${JSON.stringify(text)}`;
      const bytes = Buffer.from(text, 'latin1');
      const value = parseInt64(bytes, 0, bytes.length);
      const expected = value === undefined ? NOT_INTEGER : `:${value}\r\n`;
      expect(expected, note).toBe(replies[3 * i + 2]);
      const isInt = replies[3 * i + 1] === bulk('int');
      expect(isInt64Text(bytes, 0, bytes.length), note).toBe(isInt);
    });
  });
});

/** Integers near the ends of their ranges, and texts that are almost integers. */
function randomIntegerText(random: () => number): string {
  const limits = [0n, 2n ** 53n, 10n ** 15n, 10n ** 18n, 2n ** 63n, 2n ** 64n, 10n ** 19n];
  const limit = limits[between(random, 0, limits.length - 1)]!;
  const text = String(limit + BigInt(between(random, -12, 12)));
  const kind = random();
  if (kind < 0.4) return text;
  if (kind < 0.7) return text.startsWith('-') ? text : `-${text}`;
  const extras = ['+', ' ', '0', '-', '.', '\0', 'e', '00'];
  const extra = extras[between(random, 0, extras.length - 1)]!;
  const at = [0, text.length, between(random, 0, text.length)][between(random, 0, 2)]!;
  return text.slice(0, at) + extra + text.slice(at);
}
