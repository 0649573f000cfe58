/**
 * The window is as if all were sorted; which of equal elements it holds is compared with
 * redis-server in test/datatypes/geohash-oracle.test.ts.
 */
import { expect, it } from 'vitest';
import { partialSort } from '../../src/util/partial-sort.ts';
import { between, randomFrom } from './float-texts.ts';

it('partialSort() puts in order what lies in the window, and loses nothing', () => {
  const random = randomFrom(1);
  for (let round = 0; round < 3000; round++) {
    const length = between(random, 0, round % 10 === 0 ? 500 : 60);
    const kinds = between(random, 1, 100);
    const keys = Array.from({ length }, () => between(random, 0, kinds));
    const list = Int32Array.from(keys.keys());
    const first = between(random, 0, Math.max(0, length - 1));
    const last = between(random, first, Math.max(first, length - 1));
    partialSort(list, length, first, last, (a, b) => keys[a]! - keys[b]!);
    const window = Array.from(list.subarray(first, last + 1), (i) => keys[i]);
    const sorted = [...keys].sort((a, b) => a - b);
    expect(window).toEqual(sorted.slice(first, last + 1));
    expect(new Set(list).size).toBe(length);
  }
});

it('partialSort() takes no quadratic time for sorted, reversed or equal elements', () => {
  const length = 20_000;
  for (const key of [(i: number) => i, (i: number) => -i, () => 0]) {
    let compared = 0;
    const list = Int32Array.from({ length }, (_, i) => i);
    partialSort(list, length, 0, length - 1, (a, b) => {
      compared++;
      return key(a) - key(b);
    });
    expect(compared).toBeLessThan(length * 40);
  }
});
