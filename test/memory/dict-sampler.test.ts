/** Samples of a dict: every entry is taken equally often, however long its chain is. */
import { describe, expect, it } from 'vitest';
import { Dict } from '../../src/memory/dict.ts';
import { DictSampler, SAMPLE_RUNS } from '../../src/memory/dict-sampler.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { SEED } from '../harness/seed.ts';
import { randomFrom } from '../util/float-texts.ts';

const SAMPLES_EACH = 400;

class Fixture {
  readonly arena = new HeapArena();
  readonly dict = new Dict(this.arena, Int32Array.of(1, 2));
  readonly root = this.dict.create();
  readonly sampler = new DictSampler(this.arena);
  readonly random = randomFrom(SEED);
  readonly taken = new Map<number, number>();

  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const entry = this.arena.alloc(16);
      const at = (entry & 0x7fff) << 1;
      const words = this.arena.i32[entry >>> 15]!;
      words[at + 1] = i;
      words[at + 2] = 4;
      words[at + 3] = i;
      this.dict.insert(this.root, this.dict.hashOfEntry(entry), entry);
      this.taken.set(entry, 0);
    }
  }

  /** Draws runs until so many entries were taken. */
  sample(count: number): void {
    const { sampler, taken, root } = this;
    for (let left = count; left > 0; left -= sampler.count) {
      sampler.begin();
      for (let i = 0; i < SAMPLE_RUNS; i++) {
        sampler.add(root, Math.floor(this.random() * sampler.runs(root)), 7);
      }
      sampler.load();
      for (let i = 0; i < sampler.count; i++) {
        const entry = sampler.entries[i]!;
        taken.set(entry, taken.get(entry)! + 1);
      }
    }
  }

  /** Chi square over the degrees of freedom: near 1 when all are equally likely. */
  unevenness(): number {
    const counts = [...this.taken.values()];
    const mean = counts.reduce((a, b) => a + b) / counts.length;
    const chi = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
    return chi / (counts.length - 1);
  }
}

describe('DictSampler', () => {
  it.each([1, 1500, 2048, 5000])('takes each of %i entries equally often', (count) => {
    const f = new Fixture();
    f.fill(count);
    f.sample(count * SAMPLES_EACH);
    if (count === 1) expect([...f.taken.values()]).toEqual([SAMPLES_EACH]);
    else expect(f.unevenness()).toBeLessThan(1.5);
  });

  it('does so while the dict grows: entries of both tables', () => {
    const f = new Fixture();
    f.fill(2048);
    // The next insertion begins to move; none is done in between.
    f.fill(300);
    expect(f.dict.buckets(f.root)).toBe(2048 + 4096);
    f.sample(2348 * SAMPLES_EACH);
    expect(f.unevenness()).toBeLessThan(1.5);
  });

  it('shows the owner of an entry what it has written there', () => {
    const f = new Fixture();
    f.fill(500);
    for (let run = 0; run < f.sampler.runs(f.root); run++) {
      f.sampler.begin();
      f.sampler.add(f.root, run, run);
      f.sampler.load();
      for (let i = 0; i < f.sampler.count; i++) {
        expect(f.sampler.owners[i]).toBe(run);
        expect(f.sampler.infos[i]).toBe(f.arena.word(f.sampler.entries[i]!, 1));
      }
    }
  });

  it('takes nothing of an empty dict', () => {
    const f = new Fixture();
    f.sampler.begin();
    f.sampler.add(f.root, 0, 0);
    f.sampler.load();
    expect(f.sampler.count).toBe(0);
  });
});
