/**
 * Scores, cells, distances and searches without an oracle: vectors, models in BigInt, properties.
 */
import { describe, expect, it } from 'vitest';
import { distance, EARTH_RADIUS, Region, type Shape } from '../../src/datatypes/geo-distance.ts';
import { GeoMatches } from '../../src/datatypes/geo-matches.ts';
import { searchRanges, stepForRadius } from '../../src/datatypes/geo-search.ts';
import {
  cellScore,
  decodeScore,
  encodeScore,
  geohashText,
  isPosition,
  LATITUDE_MAX,
  STEP_MAX,
} from '../../src/datatypes/geohash.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const SAMPLES = process.env['RESPITE_FULL'] === '1' ? 200_000 : 5000;
/** Half of a cell's sides, in degrees. */
const HALF_WIDTH = 360 / 2 ** 27;
const HALF_HEIGHT = (2 * LATITUDE_MAX) / 2 ** 27;

function decoded(score: number): { longitude: number; latitude: number } {
  const position = { longitude: 0, latitude: 0 };
  decodeScore(score, position);
  return position;
}

/** Bit by bit: rows to even bits, columns to odd ones. */
function interleaved(column: number, row: number): bigint {
  let bits = 0n;
  for (let i = 0n; i < 27n; i++) {
    bits |= ((BigInt(row) >> i) & 1n) << (2n * i);
    bits |= ((BigInt(column) >> i) & 1n) << (2n * i + 1n);
  }
  return bits;
}

function circle(longitude: number, latitude: number, radius: number): Shape {
  return { longitude, latitude, metersPerUnit: 1, radius, width: 0, height: 0 };
}

describe('scores', () => {
  it.each([
    [13.361389, 38.115556, 3479099956230698],
    [15.087269, 37.502669, 3479447370796909],
    [0, 0, 3377699720527872],
    [-180, -LATITUDE_MAX, 0],
    [180, LATITUDE_MAX, 2 ** 52 + 2 ** 53],
    [180, -LATITUDE_MAX, 2 ** 53],
    [-180, LATITUDE_MAX, 2 ** 52],
  ])('encodeScore(%d, %d)', (longitude, latitude, score) => {
    expect(encodeScore(longitude, latitude)).toBe(score);
  });

  it('cellScore() interleaves, with one rounding past 2^53', () => {
    const random = randomFrom(1);
    for (let i = 0; i < SAMPLES; i++) {
      const step = between(random, 1, STEP_MAX);
      const column = random() < 0.05 ? 2 ** step : Math.floor(random() * 2 ** step);
      const row = random() < 0.05 ? 2 ** step : Math.floor(random() * 2 ** step);
      const bits = interleaved(column, row);
      const scale = 2n * BigInt(STEP_MAX - step);
      expect(cellScore(column, row, step, 0)).toBe(Number(bits << scale));
      expect(cellScore(column, row, step, 1)).toBe(Number((bits + 1n) << scale));
    }
  });

  it('decodeScore() answers the middle of the cell that encodeScore() found', () => {
    const random = randomFrom(2);
    for (let i = 0; i < SAMPLES; i++) {
      const longitude = random() * 360 - 180;
      const latitude = (random() * 2 - 1) * LATITUDE_MAX;
      const score = encodeScore(longitude, latitude);
      const position = decoded(score);
      expect(Math.abs(position.longitude - longitude)).toBeLessThan(HALF_WIDTH * 1.0000001);
      expect(Math.abs(position.latitude - latitude)).toBeLessThan(HALF_HEIGHT * 1.0000001);
      expect(encodeScore(position.longitude, position.latitude)).toBe(score);
    }
  });

  it('decodeScore() never leaves the globe, whatever the score', () => {
    const scores = [-0.5, -1, 0.5, 2 ** 53, 2 ** 63, 2 ** 64, 1e300, -1e300, 1 / 0, -1 / 0];
    for (const score of scores) {
      const { longitude, latitude } = decoded(score);
      expect(isPosition(longitude, latitude), String(score)).toBe(true);
    }
    expect(decoded(-0.5)).toEqual(decoded(0));
    expect(decoded(7.9)).toEqual(decoded(7));
  });

  it('isPosition() knows the limits', () => {
    expect(isPosition(180, LATITUDE_MAX)).toBe(true);
    expect(isPosition(-180, -LATITUDE_MAX)).toBe(true);
    expect(isPosition(180.00000000000003, 0)).toBe(false);
    expect(isPosition(0, 85.05112878000001)).toBe(false);
    expect(isPosition(Number.NaN, 0)).toBe(false);
    expect(isPosition(0, Number.NaN)).toBe(false);
  });
});

describe('geohashText()', () => {
  it.each([
    [10.40744, 57.64911, 'u4pruydqqv0'],
    [-49.265506, -25.382708, '6gkzwgjzn80'],
    [13.361389338970184, 38.1155563954963, 'sqc8b49rny0'],
  ])('of %d, %d', (longitude, latitude, text) => {
    expect(geohashText(longitude, latitude)).toBe(text);
  });

  it('is what halving the globe again and again yields', () => {
    const random = randomFrom(3);
    for (let i = 0; i < 2000; i++) {
      const longitude = random() * 360 - 180;
      const latitude = random() * 170 - 85;
      expect(geohashText(longitude, latitude)).toBe(`${halved(longitude, latitude)}0`);
    }
  });
});

/** Ten characters of a geohash by bisection, longitude first. */
function halved(longitude: number, latitude: number): string {
  const sides = [
    { low: -180, high: 180, value: longitude },
    { low: -90, high: 90, value: latitude },
  ];
  let text = '';
  let bits = 0;
  for (let i = 0; i < 50; i++) {
    const side = sides[i % 2]!;
    const middle = (side.low + side.high) / 2;
    const above = side.value >= middle;
    if (above) side.low = middle;
    else side.high = middle;
    bits = bits * 2 + (above ? 1 : 0);
    if (i % 5 < 4) continue;
    text += '0123456789bcdefghjkmnpqrstuvwxyz'[bits]!;
    bits = 0;
  }
  return text;
}

describe('distance()', () => {
  it('is 0 to itself, the same both ways, and a quarter of the globe to the pole', () => {
    expect(distance(12, 34, 12, 34)).toBe(0);
    expect(distance(1, 2, -30, 40)).toBe(distance(-30, 40, 1, 2));
    expect(distance(0, 0, 90, 0)).toBeCloseTo((EARTH_RADIUS * Math.PI) / 2, 6);
    expect(distance(-90, 0, 90, 0)).toBeCloseTo(EARTH_RADIUS * Math.PI, 6);
    expect(distance(180, 10, -180, 10)).toBeLessThan(1e-8);
  });

  it('between Palermo and Catania', () => {
    const [a, b] = [decoded(3479099956230698), decoded(3479447370796909)];
    const meters = distance(a.longitude, a.latitude, b.longitude, b.latitude);
    expect(meters).toBe(166274.15156960033);
  });
});

describe('Region', () => {
  it('a circle holds what is no farther than its radius', () => {
    const random = randomFrom(4);
    for (let i = 0; i < SAMPLES; i++) {
      const [lon1, lat1] = [random() * 360 - 180, random() * 170 - 85];
      const spread = 10 ** -between(random, 0, 6);
      const [lon2, lat2] = [lon1 + random() * spread, lat1 + random() * spread];
      const meters = distance(lon1, lat1, lon2, lat2);
      const inside = (radius: number) =>
        new Region(circle(lon1, lat1, radius)).distanceInside(lon2, lat2);
      expect(inside(meters)).toBe(meters);
      expect(inside(meters * (1 + 2 ** -52))).toBe(meters);
      expect(inside(meters * (1 - 2 ** -52))).toBe(-1);
      expect(inside(1e9)).toBe(meters);
    }
  });

  it('a box holds what is near enough both along the meridian and along the parallel', () => {
    const shape: Shape = {
      ...{ longitude: 10, latitude: 50, metersPerUnit: 1000, radius: undefined },
      ...{ width: 200, height: 100 },
    };
    const region = new Region(shape);
    expect(region.distanceInside(10, 50)).toBe(0);
    expect(region.distanceInside(11.3, 50)).toBeCloseTo(distance(10, 50, 11.3, 50), 6);
    expect(region.distanceInside(11.5, 50)).toBe(-1);
    expect(region.distanceInside(10, 50.44)).toBeGreaterThan(48_000);
    expect(region.distanceInside(10, 50.46)).toBe(-1);
    expect(region.distanceInside(11.3, 50.44)).toBeGreaterThan(100_000);
  });
});

describe('searches', () => {
  it('stepForRadius() gives smaller steps to larger radiuses and near the poles', () => {
    expect(stepForRadius(0, 0)).toBe(26);
    expect(stepForRadius(1e-300, 0)).toBe(26);
    expect(stepForRadius(1000, 0)).toBe(14);
    expect(stepForRadius(1000, 67)).toBe(13);
    expect(stepForRadius(1000, -81)).toBe(12);
    expect(stepForRadius(1e9, 0)).toBe(1);
    expect(stepForRadius(Number.POSITIVE_INFINITY, 81)).toBe(1);
  });

  it('the ranges hold everything inside a circle, away from poles and date line', () => {
    const random = randomFrom(5);
    for (let i = 0; i < SAMPLES; i++) {
      const [longitude, latitude] = [random() * 240 - 120, random() * 100 - 50];
      const radius = 10 ** (random() * 6);
      const degrees = (radius / EARTH_RADIUS) * (180 / Math.PI);
      const shape = circle(longitude, latitude, radius);
      const lat = latitude + (random() * 2 - 1) * degrees;
      const lon = longitude + ((random() * 2 - 1) * degrees) / Math.cos((lat * Math.PI) / 180);
      const score = encodeScore(lon, lat);
      const place = decoded(score);
      const ranges = searchRanges(shape);
      expect(ranges.length).toBeLessThanOrEqual(9);
      if (new Region(shape).distanceInside(place.longitude, place.latitude) === -1) continue;
      expect(ranges.filter(({ min, max }) => score >= min && score < max)).toHaveLength(1);
    }
  });

  it('a circle larger than the globe takes each quarter once', () => {
    for (const radius of [2e7, 1e12, Number.POSITIVE_INFINITY]) {
      const ranges = searchRanges(circle(10, 20, radius));
      expect(ranges.map(({ min }) => min / 2 ** 50).sort()).toEqual([0, 1, 2, 3]);
    }
  });
});

describe('GeoMatches', () => {
  it('keeps what it is given, in the order asked for', () => {
    const random = randomFrom(6);
    const matches = new GeoMatches();
    const members = Array.from({ length: 300 }, (_, i) => Buffer.from('x'.repeat(i % 70) + i));
    const meters = members.map(() => between(random, 0, 1000));
    for (const [i, member] of members.entries())
      matches.add(i, meters[i]!, member, 0, member.length);
    const texts = (order: 'found' | 'nearest' | 'farthest', count: number) => {
      matches.arrange(order, count);
      return Array.from({ length: count }, (_, i) => {
        const match = matches.at(i);
        const off = matches.memberOff(match);
        const text = Buffer.from(matches.bytes.subarray(off, off + matches.memberLen(match)));
        expect(text).toEqual(members[matches.score(match)]);
        return matches.distance(match);
      });
    };
    const sorted = [...meters].sort((a, b) => a - b);
    expect(texts('found', 300)).toEqual(meters);
    expect(texts('nearest', 300)).toEqual(sorted);
    expect(texts('nearest', 17)).toEqual(sorted.slice(0, 17));
    expect(texts('farthest', 17)).toEqual(sorted.reverse().slice(0, 17));
  });
});
