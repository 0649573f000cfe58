/**
 * What a search has found: members (copied, for an index may decode them into one shared buffer),
 * scores, distances, and the order in which to answer them.
 */
import { partialSort } from '../util/partial-sort.ts';

const INITIAL_MATCHES = 16;
const INITIAL_BYTES = 256;

export type GeoOrder = 'found' | 'nearest' | 'farthest';

export class GeoMatches {
  /** Number of matches. */
  size = 0;
  /** Bytes of all members. */
  bytes = new Uint8Array(INITIAL_BYTES);
  private scores = new Float64Array(INITIAL_MATCHES);
  private distances = new Float64Array(INITIAL_MATCHES);
  /** Where each member begins in `bytes`; one more entry than matches. */
  private begins = new Float64Array(INITIAL_MATCHES + 1);
  private order = new Int32Array(0);

  /** Adds a match; copies the member. Amortised O(len). */
  add(score: number, meters: number, buf: Uint8Array, off: number, len: number): void {
    const i = this.size;
    if (i === this.scores.length) this.growMatches();
    const begin = this.begins[i]!;
    const end = begin + len;
    if (end > this.bytes.length) this.growBytes(end);
    for (let k = 0; k < len; k++) this.bytes[begin + k] = buf[off + k]!;
    this.scores[i] = score;
    this.distances[i] = meters;
    this.begins[i + 1] = end;
    this.size = i + 1;
  }

  /**
   * Decides the order of the first `count` matches. Equal distances keep the order they were found
   * in only if all matches are asked for; else they come as Redis's partial sort leaves them.
   * O(n log n), or about O(n + count log count).
   */
  arrange(order: GeoOrder, count: number): void {
    const { size, distances } = this;
    this.order = new Int32Array(size);
    for (let i = 0; i < size; i++) this.order[i] = i;
    if (order === 'found') return;
    const compare =
      order === 'nearest'
        ? (a: number, b: number) => distances[a]! - distances[b]!
        : (a: number, b: number) => distances[b]! - distances[a]!;
    if (count >= size) this.order.sort(compare);
    else partialSort(this.order, size, 0, count - 1, compare);
  }

  /** Which match is the i-th in the order arranged. */
  at(i: number): number {
    return this.order[i]!;
  }

  score(match: number): number {
    return this.scores[match]!;
  }

  /** In metres. */
  distance(match: number): number {
    return this.distances[match]!;
  }

  /** Where a match's member begins in `bytes`. */
  memberOff(match: number): number {
    return this.begins[match]!;
  }

  memberLen(match: number): number {
    return this.begins[match + 1]! - this.begins[match]!;
  }

  private growMatches(): void {
    const capacity = this.size * 2;
    this.scores = grown(this.scores, capacity);
    this.distances = grown(this.distances, capacity);
    this.begins = grown(this.begins, capacity + 1);
  }

  private growBytes(need: number): void {
    const bytes = new Uint8Array(Math.max(need, this.bytes.length * 2));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

function grown(from: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(capacity);
  to.set(from);
  return to;
}
