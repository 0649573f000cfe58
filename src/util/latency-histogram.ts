/**
 * How long calls took: counts by duration, in steps of at most 1/64 of the duration. Recording
 * allocates nothing; the counts are made with the first record (13 KB).
 *
 * Layout: durations below 128 ns have a place each; above, every power of two has 64.
 */

/** Longer durations count as this one, as in redis-server: one second. */
const NANOSECONDS_MAX = 1_000_000_000;
const STEPS = 64;
const PLACES = placeOf(NANOSECONDS_MAX) + 1;
const EMPTY = new Float64Array(0);

export class LatencyHistogram {
  /** Calls recorded. */
  total = 0;
  /** Their durations together, ns; those over a second in full. */
  nanoseconds = 0;
  private counts = EMPTY;

  /** Counts `calls` calls of this duration each. O(1). */
  record(nanoseconds: number, calls = 1): void {
    if (this.counts.length === 0) this.counts = new Float64Array(PLACES);
    const place = placeOf(Math.min(NANOSECONDS_MAX, nanoseconds));
    this.counts[place] = this.counts[place]! + calls;
    this.total += calls;
    this.nanoseconds += nanoseconds * calls;
  }

  reset(): void {
    this.counts = EMPTY;
    this.total = 0;
    this.nanoseconds = 0;
  }

  /** The duration in ns that `percent` of all calls did not exceed; 0 without calls. O(places). */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((Math.min(100, percent) / 100) * this.total + 0.5));
    let sum = 0;
    for (let place = 0; place < this.counts.length; place++) {
      sum += this.counts[place]!;
      if (sum < wanted) continue;
      return percent === 0 ? lowestOf(place) : highestOf(place);
    }
    return 0;
  }

  /** The longest duration in ns. O(places). */
  get max(): number {
    return this.percentile(100);
  }

  /**
   * How many calls took no longer than the step that begins at 1024 ns, 2048 ns, …; only bounds
   * that add calls are told, the first one that covers all is the last. O(places).
   */
  forEachPower(visit: (nanoseconds: number, calls: number) => void): void {
    let sum = 0;
    let told = 0;
    let place = 0;
    for (let bound = 1024; told < this.total; bound *= 2) {
      const last = Math.min(PLACES - 1, placeOf(bound));
      while (place <= last) sum += this.counts[place++]!;
      if (sum > told) visit(bound, sum);
      told = sum;
    }
  }
}

function placeOf(nanoseconds: number): number {
  const ns = nanoseconds | 0;
  if (ns < 2 * STEPS) return Math.max(0, ns);
  const shift = 31 - Math.clz32(ns) - 6;
  return shift * STEPS + (ns >> shift);
}

/** The shortest and the longest duration that are counted at a place. */
function lowestOf(place: number): number {
  if (place < 2 * STEPS) return place;
  return ((place % STEPS) + STEPS) << (Math.floor(place / STEPS) - 1);
}

function highestOf(place: number): number {
  return place < 2 * STEPS ? place : lowestOf(place + 1) - 1;
}
