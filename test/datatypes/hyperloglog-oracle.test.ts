/**
 * HyperLogLog beside redis-server 7.0.15: the same commands to both; replies and stored bytes must
 * be equal, for random elements, for random sound values and for damaged ones.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HEADER_BYTES, REGISTERS } from '../../src/datatypes/hyperloglog.ts';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { ask } from '../harness/ask.ts';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const ADDS = FULL ? 200_000 : 10_000;
const VALUES = FULL ? 20_000 : 600;
const LIMITS = [0, 17, 18, 20, 21, 22, 23, 60, 300, 3000, 20_000, 40_000];

type Random = () => number;

describeWithOracle('HyperLogLog', () => {
  let server: ServerProcess;
  let respite: RespiteServer;
  let oracle: Connection;
  let ours: Connection;

  beforeAll(async () => {
    server = await startOracle();
    respite = await createServer();
    oracle = await server.connect();
    ours = await Connection.open(respite.port);
  });

  afterAll(async () => {
    oracle?.close();
    ours?.close();
    await respite?.close();
    await server?.stop();
  });

  /** Sends commands to both; every reply must be the same. */
  async function compare(commands: readonly (readonly string[])[], note: string): Promise<void> {
    const [mine, theirs] = await Promise.all([ask(ours, commands), ask(oracle, commands)]);
    const at = mine.findIndex((reply, i) => reply !== theirs[i]);
    if (at < 0) return;
    const show = (argv: readonly string[]) => argv.map((arg) => JSON.stringify(arg)).join(' ');
    const before = commands.slice(Math.max(0, at - 6), at + 1).map(show);
    expect.fail(
      `${note}\n${before.join('\n')}\nours:   ${short(mine[at])}\noracle: ${short(theirs[at])}`,
    );
  }

  it.each(LIMITS)(`${ADDS} elements, hll-sparse-max-bytes %i`, async (limit) => {
    const seed = SEED;
    const random = randomFrom(seed);
    const commands: string[][] = [['FLUSHALL'], setLimit(limit)];
    for (let added = 0; added < ADDS; ) {
      const n = random() < 0.8 ? 1 : between(random, 0, 20);
      added += Math.max(n, 1);
      commands.push(['PFADD', 'k', ...Array.from({ length: n }, () => element(random))]);
      // Always at first, then less and less often: long values are slow to compare.
      if (random() < 50 / added) commands.push(['GET', 'k']);
      if (random() < 0.01) commands.push(['PFCOUNT', 'k']);
    }
    commands.push(['GET', 'k'], ['PFDEBUG', 'ENCODING', 'k'], ['PFCOUNT', 'k']);
    await compare(commands, `seed ${seed}`);
  });

  it('counts a million elements alike', async () => {
    const commands: string[][] = [['FLUSHALL'], setLimit(3000)];
    for (let i = 0; i < 1_000_000; i += 5000) {
      commands.push(['PFADD', 'k', ...Array.from({ length: 5000 }, (_, n) => `e${i + n}`)]);
      commands.push(['PFCOUNT', 'k']);
    }
    commands.push(['GET', 'k']);
    await compare(commands, 'a million elements');
  });

  it(`${VALUES} made-up values, sound ones`, async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    for (let done = 0; done < VALUES; done += 20) {
      const commands: string[][] = [['FLUSHALL'], setLimit(pick(random, LIMITS))];
      for (let i = 0; i < 20; i++) {
        commands.push(['SET', 'k', soundValue(random)]);
        commands.push(['SET', 'j', soundValue(random)]);
        for (let n = between(random, 0, 8); n > 0; n--) {
          commands.push(['PFADD', 'k', element(random)], ['GET', 'k']);
          commands.push(['PFADD', 'j', element(random), element(random)], ['GET', 'j']);
        }
        commands.push(...readers('k'), ['PFMERGE', 'new', 'k'], ['GET', 'new'], ['DEL', 'new']);
        commands.push(['PFCOUNT', 'j', 'k', 'none'], ['PFMERGE', 'j', 'none', 'k'], ['GET', 'j']);
        commands.push(...readers('j'), ['PFDEBUG', 'TODENSE', 'k'], ...readers('k'));
      }
      await compare(commands, `seed ${seed}`);
    }
  });

  it(`${VALUES} made-up values, damaged ones`, async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    for (let done = 0; done < VALUES; done += 20) {
      const commands: string[][] = [['FLUSHALL'], setLimit(pick(random, LIMITS))];
      for (let i = 0; i < 20; i++) {
        const value = damagedValue(random);
        commands.push(['SET', 'k', value], ...readers('k'), ['SET', 'j', soundValue(random)]);
        for (let n = endsInsideRun(value) ? 0 : 4; n > 0; n--) {
          commands.push(['PFADD', 'k', element(random)], ['GET', 'k']);
        }
        commands.push(['PFCOUNT', 'j', 'k'], ['PFMERGE', 'j', 'k'], ['GET', 'j']);
        if (!endsInsideRun(value)) commands.push(['PFMERGE', 'k', 'j'], ['GET', 'k']);
        commands.push(['PFDEBUG', 'TODENSE', 'k'], ['GET', 'k']);
      }
      await compare(commands, `seed ${seed}`);
    }
  });

  it('every register at every height counts alike', async () => {
    const commands: string[][] = [['FLUSHALL']];
    for (let rank = 0; rank < 64; rank++) {
      const four = rank | (rank << 6) | (rank << 12) | (rank << 18);
      const three = String.fromCharCode(four & 255, (four >> 8) & 255, (four >> 16) & 255);
      const all = three.repeat(REGISTERS / 4);
      const half = three.repeat(REGISTERS / 8) + '\0'.repeat((REGISTERS * 3) / 8);
      const most = `\0${all.slice(1)}`;
      for (const registers of [all, half, most]) {
        commands.push(['SET', 'k', `${header(0)}${registers}`], ['PFCOUNT', 'k'], ['GET', 'k']);
        commands.push(['PFCOUNT', 'k', 'none'], ['PFMERGE', 'd', 'k'], ['GET', 'd'], ['DEL', 'd']);
      }
    }
    await compare(commands, 'heights');
  });
});

const setLimit = (bytes: number) => ['CONFIG', 'SET', 'hll-sparse-max-bytes', String(bytes)];

const readers = (key: string) => [
  ['PFDEBUG', 'ENCODING', key],
  ['PFDEBUG', 'DECODE', key],
  ['PFCOUNT', key],
  ['PFCOUNT', key],
  ['OBJECT', 'ENCODING', key],
  ['GET', key],
];

function short(reply: string | undefined): string {
  const text = JSON.stringify(reply);
  return text.length > 2000 ? `${text.slice(0, 1000)} … ${text.slice(-1000)}` : text;
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!;
}

/** Any bytes; all tail lengths of the hash occur. */
function element(random: Random): string {
  return bytes(random, random() < 0.05 ? between(random, 0, 300) : between(random, 0, 24));
}

function bytes(random: Random, length: number): string {
  return String.fromCharCode(...Array.from({ length }, () => between(random, 0, 255)));
}

/** Random but for the top bit of the cached count, which says that it is out of date. */
function header(encoding: number, random?: Random): string {
  if (random === undefined) return `HYLL${String.fromCharCode(encoding)}${'\0'.repeat(10)}\x80`;
  return `HYLL${String.fromCharCode(encoding)}${bytes(random, 11)}`;
}

/** A value whose registers are complete: dense, or sparse with runs that no server would write. */
function soundValue(random: Random): string {
  if (random() < 0.1) return header(0, random) + bytes(random, (REGISTERS * 6) / 8);
  let runs = header(1, random);
  const zeros = random();
  const ranks = random() < 0.5 ? 2 : 32;
  for (let index = 0; index < REGISTERS; ) {
    const left = REGISTERS - index;
    if (random() < zeros) {
      const long = random() < 0.1;
      const n = between(random, 1, Math.min(left, long ? pick(random, [200, REGISTERS]) : 64));
      const size = long ? String.fromCharCode(0x40 | ((n - 1) >> 8), (n - 1) & 255) : '';
      runs += long ? size : String.fromCharCode(n - 1);
      index += n;
    } else {
      const n = between(random, 1, Math.min(left, 4));
      runs += String.fromCharCode(0x80 | ((between(random, 1, ranks) - 1) << 2) | (n - 1));
      index += n;
    }
  }
  return runs;
}

function damagedValue(random: Random): string {
  const value = soundValue(random);
  const at = between(random, 0, value.length - 1);
  switch (between(random, 0, 5)) {
    case 0:
      return value.slice(0, at);
    case 1:
      return value + bytes(random, between(random, 1, 3));
    case 2:
      return value.slice(0, at) + bytes(random, 1) + value.slice(at + 1);
    case 3:
      return value.slice(0, HEADER_BYTES) + bytes(random, between(random, 0, 50));
    case 4:
      return value.slice(0, at) + value.slice(at + 1);
    default:
      return bytes(random, 1) + value.slice(1);
  }
}

/**
 * Whether the last run lacks its second byte. Redis then writes behind the string's end, which
 * nobody can imitate; here such a run cannot be changed.
 */
function endsInsideRun(value: string): boolean {
  if (value.charCodeAt(4) !== 1) return false;
  let at = HEADER_BYTES;
  while (at < value.length) at += (value.charCodeAt(at) & 0xc0) === 0x40 ? 2 : 1;
  return at > value.length;
}
