/**
 * Fair samples without repetition.
 */

/**
 * `count` different numbers below `size`, each subset equally likely, in random order. Floyd's
 * algorithm for few, a partial shuffle for many. O(count), or O(size) for most of them.
 */
export function sampleIndexes(size: number, count: number, random: () => number): number[] {
  if (count * 3 > size) {
    const all = Array.from({ length: size }, (_, i) => i);
    return shuffled(all, count, random);
  }
  const chosen = new Set<number>();
  for (let top = size - count; top < size; top++) {
    const pick = Math.floor(random() * (top + 1));
    chosen.add(chosen.has(pick) ? top : pick);
  }
  return shuffled([...chosen], count, random);
}

/** The first `count` elements after a fair shuffle, which is made in place. O(count). */
export function shuffled<T>(items: T[], count: number, random: () => number): T[] {
  const last = Math.min(count, items.length);
  for (let i = 0; i < last; i++) {
    const k = i + Math.floor(random() * (items.length - i));
    const item = items[k]!;
    items[k] = items[i]!;
    items[i] = item;
  }
  items.length = last;
  return items;
}

/**
 * `count` different picks of `seek`, which names a uniformly chosen one of `size` elements each
 * time it is called; for count well below size. O(count) expected.
 */
export function sampleDistinct(count: number, seek: () => number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(seek());
  return chosen;
}
