/** Positions by numbers, equal ones by comparison or as they were. */
import { expect, it } from 'vitest';
import { sortByKeys } from '../../src/util/keyed-sort.ts';
import { PackedTexts } from '../../src/util/packed-texts.ts';
import { between, randomFrom } from './float-texts.ts';

const kinds: readonly ((random: () => number) => number)[] = [
  (random) => between(random, -3, 3),
  (random) => between(random, 0, 2 ** 40),
  (random) => (random() - 0.5) * 10 ** between(random, -300, 300),
  (random) => [0, -0, Infinity, -Infinity, 5e-324, -5e-324][between(random, 0, 5)]!,
  () => 7,
];

it('sortByKeys() orders as a stable sort by comparison does', () => {
  const random = randomFrom(1);
  for (let round = 0; round < 400; round++) {
    const length = between(random, 0, round % 20 === 0 ? 3000 : 130);
    const kind = kinds[round % kinds.length]!;
    const keys = Float64Array.from({ length }, () => kind(random));
    const second = Array.from({ length }, () => between(random, 0, 3));
    const tie = (a: number, b: number) => second[a]! - second[b]!;
    const compare = (a: number, b: number) =>
      keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : tie(a, b);
    const wanted = [...keys.keys()].sort(compare);
    expect([...sortByKeys(keys.slice(), tie)]).toEqual(wanted);
  }
});

it('sortByKeys() compares neighbours only where the keys are equal', () => {
  let compared = 0;
  const tie = () => {
    compared++;
    return 0;
  };
  sortByKeys(
    Float64Array.from({ length: 10_000 }, (_, i) => -i),
    tie,
  );
  expect(compared).toBe(0);
  sortByKeys(new Float64Array(10_000), tie);
  expect(compared).toBeLessThan(20_000);
});

it('PackedTexts tells empty texts from missing ones, however many there are', () => {
  const texts = new PackedTexts(1, 1);
  for (let i = 0; i < 1000; i++) {
    if (i % 3 === 0) texts.addMissing();
    else texts.add(Buffer.from('x'.repeat(i)), 1, i % 3 === 1 ? 0 : i - 1);
  }
  for (let i = 0; i < 1000; i++) {
    expect(texts.isMissing(i)).toBe(i % 3 === 0);
    expect(texts.lengthOf(i)).toBe(i % 3 === 2 ? i - 1 : 0);
  }
});
