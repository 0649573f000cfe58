/**
 * Tells whether packed elements are different from each other, without an object per element: equal
 * ones would break what is made of them. Bounded work for whatever bytes: O(n^2) at most, of the
 * few hundred elements that a packed value has.
 */
import type { ListpackElements } from './elements.ts';

const FACTOR = 0x01000193;

export class DistinctCheck {
  /** Hashes seen, 0 in empty places; twice as many places as elements at least. */
  private table = new Int32Array(64);

  /** Whether every `stride`-th element differs from the others of these. Ends before the first. */
  holds(elements: ListpackElements, stride: number): boolean {
    const mask = this.clear(elements.count / stride);
    const { table } = this;
    let unsure = false;
    elements.rewind();
    while (!unsure && elements.next()) {
      const hash = hashOf(elements.text, elements.off, elements.len);
      let place = (hash ^ (hash >>> 15)) & mask;
      for (; table[place] !== 0; place = (place + 1) & mask) {
        if (table[place] === hash) unsure = true;
      }
      table[place] = hash;
      for (let i = 1; i < stride; i++) elements.next();
    }
    elements.rewind();
    return !unsure || areDistinct(elements, stride);
  }

  /** Empties the table, which is large enough for `count`; what to mask a hash with. */
  private clear(count: number): number {
    let places = 16;
    while (places < count * 2) places *= 2;
    if (this.table.length < places) this.table = new Int32Array(places);
    else this.table.fill(0, 0, places);
    return places - 1;
  }
}

/** Not 0. */
function hashOf(text: Uint8Array, off: number, len: number): number {
  let hash = len;
  for (let i = off; i < off + len; i++) hash = Math.imul(hash ^ text[i]!, FACTOR);
  return hash | 1;
}

/** The slow way, for the case that two hashes are equal. */
function areDistinct(elements: ListpackElements, stride: number): boolean {
  const seen = new Set<string>();
  elements.rewind();
  while (elements.next()) {
    const { text, off, len } = elements;
    const before = seen.size;
    seen.add(Buffer.from(text.buffer, text.byteOffset + off, len).toString('latin1'));
    if (seen.size === before) return false;
    for (let i = 1; i < stride; i++) elements.next();
  }
  elements.rewind();
  return true;
}
