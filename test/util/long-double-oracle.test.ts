/**
 * INCRBYFLOAT digit for digit against redis-server 7.0.15 on x86-64, on random pairs of operands.
 * Elsewhere a long double is not x87's, so other machines are skipped.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addLongDoubles, formatHumanDouble } from '../../src/util/long-double.ts';
import { ask, bulk } from '../harness/ask.ts';
import type { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, randomFloatText, randomFrom } from './float-texts.ts';

const PAIRS = process.env['RESPITE_FULL'] === '1' ? 500_000 : 20_000;
const isX87 = process.arch === 'x64';
if (!isX87) console.warn(`SKIPPED: INCRBYFLOAT against redis-server: no x87 on ${process.arch}`);

function ours(a: string, b: string): string {
  const sum = addLongDoubles(a, b);
  if (sum.kind === 'sum') return bulk(sum.text);
  if (sum.kind === 'notFloat') return '-ERR value is not a valid float\r\n';
  return '-ERR increment would produce NaN or Infinity\r\n';
}

describeWithOracle('long doubles', () => {
  let server: ServerProcess;
  let connection: Connection;

  beforeAll(async () => {
    server = await startOracle();
    connection = await server.connect();
  });

  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });

  async function sums(pairs: readonly (readonly [string, string])[]): Promise<string[]> {
    const replies = await ask(
      connection,
      pairs.flatMap(([a, b]) => [
        ['SET', 's', a],
        ['INCRBYFLOAT', 's', b],
      ]),
    );
    return pairs.map((_, i) => replies[2 * i + 1]!);
  }

  it.runIf(isX87)(
    `${PAIRS} random sums are INCRBYFLOAT's`,
    async () => {
      const seed = SEED;
      const random = randomFrom(seed);
      let refused = 0;
      for (let done = 0; done < PAIRS; done += 5000) {
        const pairs = Array.from({ length: 5000 }, () => randomPair(random));
        const replies = await sums(pairs);
        const differences = pairs.flatMap(([a, b], i) => {
          const mine = ours(a, b);
          if (mine.startsWith('-')) refused++;
          return mine === replies[i] ? [] : [{ seed, a, b, mine, oracle: replies[i] }];
        });
        expect(differences.slice(0, 5)).toEqual([]);
      }
      // The generator must not have drifted into nothing but refusals.
      expect(refused).toBeLessThan(PAIRS / 2);
    },
    600_000,
  );

  it.runIf(isX87)('a counter that is increased again and again stays the same', async () => {
    const random = randomFrom(11);
    let mine = '0';
    for (let step = 0; step < 500; step++) {
      const by = (random() * 10 ** between(random, -3, 4)).toFixed(between(random, 0, 12));
      const sum = addLongDoubles(mine, by);
      mine = sum.kind === 'sum' ? sum.text : sum.kind;
      expect(await connection.text('INCRBYFLOAT', 'counter', by)).toBe(mine);
    }
  });

  it.runIf(isX87)('formatHumanDouble() prints a double as INCRBYFLOAT does', async () => {
    const random = randomFrom(5);
    const values = Array.from({ length: 2000 }, () => {
      const units = Math.floor(random() * 2 ** between(random, 1, 53));
      return units * 2 ** between(random, -75, 60);
    });
    const replies = await sums(values.map((value) => [hexText(value), '0']));
    expect(values.map((value) => bulk(formatHumanDouble(value)))).toEqual(replies);
  });
});

/** Independent operands, or two close to each other so that digits cancel. */
function randomPair(random: () => number): [string, string] {
  const a = randomFloatText(random);
  if (random() < 0.8) return [a, randomFloatText(random)];
  const other = a.startsWith('-') ? a.slice(1) : `-${a.replace(/^\+/, '')}`;
  return [a, random() < 0.5 ? other : `${other}${between(random, 0, 9)}`];
}

function hexText(value: number): string {
  let n = value;
  let power = 0;
  for (; !Number.isInteger(n); n *= 2) power--;
  return `0x${BigInt(n).toString(16)}p${power}`;
}
