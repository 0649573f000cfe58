/** SORT BY nosort reads no more of a list or sorted set than it answers. */
import { expect, it, vi } from 'vitest';
import { ValueType } from '../../src/datatypes/value-types.ts';
import { InProcess } from '../harness/in-process.ts';

const SIZE = 1000;

it.each([
  ['list', ValueType.list],
  ['zset', ValueType.zset],
])('SORT BY nosort LIMIT reads only the range of a %s', (key, type) => {
  const respite = new InProcess();
  const texts = Array.from({ length: SIZE }, (_, i) => `m${i}`);
  if (key === 'list') respite.call('RPUSH', key, ...texts);
  else respite.call('ZADD', key, ...texts.flatMap((text, i) => [String(i), text]));
  const cursor = respite.server.keyspace.cursor(type) as unknown as {
    forRange(from: number, count: number): void;
  };
  const forRange = vi.spyOn(cursor, 'forRange');
  const sort = (...words: string[]) => respite.texts('SORT', key, 'BY', 'nosort', ...words);
  const backwards = texts.toReversed();
  expect(sort('LIMIT', '5', '10')).toEqual(texts.slice(5, 15));
  expect(sort('LIMIT', '5', '10', 'DESC')).toEqual(backwards.slice(5, 15));
  expect(sort('LIMIT', '-3', '2', 'DESC')).toEqual(backwards.slice(0, 2));
  expect(sort('LIMIT', '995', '10')).toEqual(texts.slice(995));
  expect(sort('LIMIT', '995', '10', 'DESC')).toEqual(backwards.slice(995));
  expect(sort('LIMIT', '1000', '10')).toEqual([]);
  expect(sort('LIMIT', '1000', '10', 'DESC')).toEqual([]);
  expect(sort('LIMIT', '0', '0', 'DESC')).toEqual([]);
  for (const [, count] of forRange.mock.calls) expect(count).toBeLessThanOrEqual(10);
  expect(sort('DESC')).toEqual(backwards);
});

it('SORT makes no object for an element', () => {
  const respite = new InProcess();
  const texts = Array.from({ length: 1000 }, (_, i) => String((i * 7919) % 1_000_003));
  for (let i = 0; i < 100; i++) respite.call('RPUSH', 'l', ...texts);
  // STORE answers a number: the harness makes no objects of the reply then.
  respite.call('SORT', 'l', 'STORE', 'd');
  // V8 makes things of its own now and then, so the least of some runs counts.
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const before = process.memoryUsage().heapUsed;
    respite.call('SORT', 'l', 'STORE', 'd');
    const grown = process.memoryUsage().heapUsed - before;
    if (grown > 0) least = Math.min(least, grown);
  }
  // 100,000 Buffers are 9 MB of heap and more.
  expect(least).toBeLessThan(4e6);
});
