/** Latency histograms: no duration is told wrong by more than a 64th. */
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../../src/util/latency-histogram.ts';

describe('LatencyHistogram', () => {
  it('tells percentiles that are right to a 64th', () => {
    const histogram = new LatencyHistogram();
    for (let ns = 1; ns <= 100_000; ns++) histogram.record(ns);
    for (const percent of [1, 25, 50, 75, 99, 99.9, 100]) {
      const right = percent * 1000;
      const told = histogram.percentile(percent);
      expect(told).toBeGreaterThanOrEqual(right);
      expect(told).toBeLessThanOrEqual(right + right / 64);
    }
    expect(histogram.total).toBe(100_000);
    expect(histogram.nanoseconds).toBe((100_000 * 100_001) / 2);
  });

  it('holds every duration between the bounds of its place', () => {
    for (let ns = 0; ns < 2 ** 30; ns = Math.ceil(ns * 1.13) + 1) {
      const one = new LatencyHistogram();
      one.record(ns);
      const right = Math.min(ns, 1e9);
      expect(one.percentile(0)).toBeLessThanOrEqual(right);
      expect(one.percentile(100)).toBeGreaterThanOrEqual(right);
      expect(one.percentile(100) - one.percentile(0)).toBeLessThanOrEqual(right / 64);
    }
  });

  it('counts by powers of two, each count with those before it', () => {
    const histogram = new LatencyHistogram();
    histogram.record(500);
    histogram.record(3000, 4);
    histogram.record(2_000_000_000);
    const told: [number, number][] = [];
    histogram.forEachPower((bound, calls) => told.push([bound, calls]));
    expect(told).toEqual([
      [1024, 1],
      [4096, 5],
      [2 ** 30, 6],
    ]);
  });

  it('is empty at first and after a reset', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentile(50)).toBe(0);
    histogram.record(5);
    histogram.reset();
    expect([histogram.total, histogram.percentile(50)]).toEqual([0, 0]);
    histogram.forEachPower(() => expect.unreachable());
  });
});
