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

/** What has elements that chance may pick, each known by a place. */
export interface Sampled {
  /** Goes to a uniformly chosen element; returns its place. */
  seekRandom(): number;
  /** Goes to the element at a place. */
  seekTo(place: number): void;
  /** The places of all elements. O(n). */
  places(): number[];
}

/** Picks that are tried for each element wanted, and in any case: fair ones need 1.5 on average. */
const PICKS_EACH = 8;
const PICKS_MORE = 64;

/**
 * Goes to `count` different elements, at most a third of them, each subset equally likely, and
 * calls `emit` at each. An embedder's random numbers may come round in a circle, or never change:
 * what they do not find is taken in order. O(count) expected, O(n) with such numbers.
 */
export function sampleDistinct(from: Sampled, count: number, emit: () => void): void {
  const chosen = new Set<number>();
  for (let left = count * PICKS_EACH + PICKS_MORE; chosen.size < count; left--) {
    if (left === 0) {
      sampleRest(from, count, chosen, emit);
      return;
    }
    const place = from.seekRandom();
    if (chosen.has(place)) continue;
    chosen.add(place);
    emit();
  }
}

function sampleRest(from: Sampled, count: number, chosen: Set<number>, emit: () => void): void {
  for (const place of from.places()) {
    if (chosen.size === count) return;
    if (chosen.has(place)) continue;
    chosen.add(place);
    from.seekTo(place);
    emit();
  }
}
