/**
 * Geo commands beside redis-server 7.0.15: the same random positions and searches to both, every
 * reply byte for byte. Where sine or arcsine of the C library behind the oracle are not rounded
 * correctly, a distance may differ in its 16th digit; how often is counted, and limited.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { ask } from '../harness/ask.ts';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const ROUNDS = FULL ? 1000 : 60;
const POINTS = 500;
const SEARCHES = 60;
/** Degrees over which the positions of a round are spread. */
const SPREADS = [360, 40, 1, 0.01, 0.0001];
const UNITS = ['m', 'km', 'ft', 'mi'];
const RIM = [
  [180, 85.05112878],
  [-180, -85.05112878],
  [180, -85.05112878],
  [-180, 85.05112878],
  [180, 0],
  [-180, 0],
  [0, 85.05112878],
  [0, 0],
] as const;
/** Of a million distances with four decimals, so many may differ by one in the last of them. */
const LAST_DECIMALS_PER_MILLION = 2;
/** Of a hundred distances with all digits, so many may differ in the last bits. */
const LAST_BITS_PER_HUNDRED = 1;

type Random = () => number;
type Point = readonly [longitude: number, latitude: number];

describeWithOracle('GEO', () => {
  let server: ServerProcess;
  let respite: RespiteServer;
  let oracle: Connection;
  let ours: Connection;
  let lastDecimals = 0;
  let distances = 0;

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

  const both = (commands: readonly (readonly string[])[]) =>
    Promise.all([ask(ours, commands), ask(oracle, commands)]);

  /** Sends commands to both; every reply must be the same. */
  async function compare(commands: readonly (readonly string[])[], note: string): Promise<void> {
    const [mine, theirs] = await both(commands);
    for (const [i, reply] of mine.entries()) {
      const other = theirs[i]!;
      distances += reply.split(DISTANCE).length - 1;
      if (reply === other) continue;
      const differing = differingDecimals(reply, other);
      if (differing === undefined) {
        expect.fail(`${note}\n${commands[i]!.join(' ')}\n${firstDifference(reply, other)}`);
      }
      lastDecimals += differing;
    }
  }

  it(`${ROUNDS} times ${POINTS} random positions and ${SEARCHES} searches`, async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      const points = randomPoints(random, SPREADS[round % SPREADS.length]!);
      const members = points.map((_, i) => `m${i}`);
      const any = () => members[between(random, 0, POINTS - 1)]!;
      const add = points.flatMap(([lon, lat], i) => [String(lon), String(lat), `m${i}`]);
      const commands = [['FLUSHALL'], ['GEOADD', 'k', ...add], ['ZRANGE', 'k', '0', '-1']];
      commands.push(['GEOPOS', 'k', ...members], ['GEOHASH', 'k', ...members]);
      for (let i = 0; i < POINTS; i++) {
        commands.push(['GEODIST', 'k', any(), any(), UNITS[i % UNITS.length]!]);
      }
      const radius = SPREADS[round % SPREADS.length]! * 160_000;
      for (let i = 0; i < SEARCHES; i++) {
        const near = points[between(random, 0, POINTS - 1)]!;
        commands.push(['GEOSEARCH', 'k', ...randomSearch(random, any(), near, radius)]);
      }
      commands.push([
        'GEOSEARCH',
        'k',
        'FROMMEMBER',
        any(),
        'BYBOX',
        '9e7',
        '9e7',
        'm',
        'WITHHASH',
      ]);
      await compare(commands, `seed ${seed} round ${round}`);
    }
    const limit = 1 + (distances * LAST_DECIMALS_PER_MILLION) / 1e6;
    expect(lastDecimals, `of ${distances} distances, seed ${seed}`).toBeLessThanOrEqual(limit);
  });

  it('stores distances that differ in the last bits only, and seldom', async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    let stored = 0;
    let differing = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const points = randomPoints(random, SPREADS[round % SPREADS.length]!);
      const add = points.flatMap(([lon, lat], i) => [String(lon), String(lat), `m${i}`]);
      const search = ['FROMMEMBER', 'm1', 'BYRADIUS', '90000', 'km', 'STOREDIST'];
      const [mine, theirs] = await both([
        ['FLUSHALL'],
        ['GEOADD', 'k', ...add],
        ['GEOSEARCHSTORE', 'd', 'k', ...search],
        ...points.map((_, i) => ['ZSCORE', 'd', `m${i}`]),
      ]);
      for (let i = 3; i < mine.length; i++) {
        stored++;
        const [a, b] = [Number(mine[i]!.split('\r\n')[1]), Number(theirs[i]!.split('\r\n')[1])];
        if (a === b) continue;
        differing++;
        expect(Math.abs(a - b) / b, `seed ${seed}: ${a} ${b}`).toBeLessThan(2e-15 * steepness(b));
      }
    }
    const limit = (stored * LAST_BITS_PER_HUNDRED) / 100;
    expect(differing, `of ${stored}, seed ${seed}`).toBeLessThan(limit);
  });

  it('GEORADIUS with STORE and the like leave the same sorted sets', async () => {
    const seed = SEED;
    const random = randomFrom(seed);
    for (let round = 0; round < ROUNDS; round += 5) {
      const points = randomPoints(random, SPREADS[random() < 0.5 ? 0 : 1]!);
      const add = points.flatMap(([lon, lat], i) => [String(lon), String(lat), `m${i}`]);
      const commands = [['FLUSHALL'], ['GEOADD', 'k', ...add]];
      for (let i = 0; i < 10; i++) {
        const around = ['GEORADIUSBYMEMBER', 'k', `m${i}`, String(random() * 6000), 'km'];
        const limit = random() < 0.5 ? ['COUNT', String(between(random, 1, 40))] : [];
        commands.push(
          [...around, ...limit, 'STORE', 'd'],
          ['ZRANGE', 'd', '0', '-1', 'WITHSCORES'],
        );
        commands.push([...around, ...limit, 'DESC'], ['OBJECT', 'ENCODING', 'd']);
      }
      await compare(commands, `seed ${seed}`);
    }
  });
});

/** Some places are taken twice or more, some lie at the rim of the grid. */
function randomPoints(random: Random, spread: number): Point[] {
  const longitude = random() * 360 - 180;
  const latitude = random() * 168 - 84;
  const points: Point[] = [];
  for (let i = 0; i < POINTS; i++) {
    const lon = longitude + (random() - 0.5) * spread;
    const lat = latitude + ((random() - 0.5) * spread) / 2;
    if (i % 30 === 29) points.push(RIM[between(random, 0, RIM.length - 1)]!);
    else if (i % 10 === 9) points.push(points[between(random, 0, i - 1)]!);
    else points.push([lon - 360 * Math.round(lon / 360), Math.max(-85, Math.min(85, lat))]);
  }
  return points;
}

function randomSearch(random: Random, member: string, near: Point, radius: number): string[] {
  const unit = UNITS[between(random, 0, UNITS.length - 1)]!;
  const meters = { m: 1, km: 1000, ft: 0.3048, mi: 1609.34 }[unit]!;
  const size = () => String((radius * random() ** 2) / meters);
  const centre = ['FROMLONLAT', String(near[0]), String(near[1])];
  const argv = random() < 0.5 ? ['FROMMEMBER', member] : centre;
  if (random() < 0.5) argv.push('BYRADIUS', size(), unit);
  else argv.push('BYBOX', size(), size(), unit);
  const count = random() < 0.5 ? between(random, 1, 100) : 0;
  if (count > 0) argv.push('COUNT', String(count));
  if (count > 0 && random() < 0.4) argv.push('ANY');
  if (random() < 0.5) argv.push(random() < 0.5 ? 'ASC' : 'DESC');
  for (const extra of ['WITHDIST', 'WITHHASH', 'WITHCOORD']) {
    if (random() < 0.5) argv.push(extra);
  }
  return argv;
}

/** Distances as replies have them; coordinates have other numbers of decimals. */
const DISTANCE = /\r\n\d+\.\d{4}\r\n/;

/** How many distances differ by one in the last decimal; undefined if anything else differs. */
function differingDecimals(a: string, b: string): number | undefined {
  const [x, y] = [a.split('\r\n'), b.split('\r\n')];
  if (x.length !== y.length) return undefined;
  let count = 0;
  for (const [i, text] of x.entries()) {
    if (text === y[i]) continue;
    if (!/^\d+\.\d{4}$/.test(text) || Math.abs(Number(text) - Number(y[i])) > 0.00011) {
      return undefined;
    }
    count++;
  }
  return count;
}

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (a[at] === b[at]) at++;
  const part = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 60));
  return `ours:   ${part(a)}\noracle: ${part(b)}`;
}

/** How much an error of the sine is enlarged where the arcsine is steep: near the antipodes. */
function steepness(kilometers: number): number {
  return 1 / Math.max(1e-8, Math.cos(kilometers / 2 / 6372.797560856));
}
