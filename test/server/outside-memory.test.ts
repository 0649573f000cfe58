/** When V8 is asked to collect what a server let go of outside of the arenas. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PRESSURE_BYTES } from '../../src/memory/collector.ts';
import { OutsideMemory } from '../../src/server/outside-memory.ts';

const MB = 1e6;

let nowMs = 0;
let live = 0;
let garbage = 0;
let used = 0;
let asked: number[] = [];
let collected = 0;
/** Whether V8 does what it is asked for. */
let obeys = true;
let outside: OutsideMemory;

beforeEach(() => {
  nowMs = 10_000;
  live = 4 * MB;
  garbage = 0;
  used = MB;
  asked = [];
  collected = 0;
  obeys = true;
  outside = new OutsideMemory({
    overhead: () => used,
    buffers: () => live + garbage,
    now: () => nowMs,
    askedMs: () => asked.at(-1) ?? Number.NEGATIVE_INFINITY,
    ask: () => {
      asked.push(nowMs);
      garbage += PRESSURE_BYTES;
      return true;
    },
    collect: () => {
      collected++;
      garbage = 0;
    },
  });
});

/** The cron for a while, V8 collecting 100 ms after it was asked. */
function run(ms: number): void {
  for (const end = nowMs + ms; nowMs < end; nowMs += 100) {
    if (obeys && asked.at(-1) === nowMs - 100) garbage = 0;
    outside.look();
  }
}

describe('OutsideMemory', () => {
  it('asks for what came and went between two looks, and once more for what went meanwhile', () => {
    run(1000);
    garbage = 40 * MB;
    run(2000);
    expect({ garbage, asks: asked.length, collected }).toEqual({
      garbage: 0,
      asks: 2,
      collected: 0,
    });
    run(60_000);
    expect(asked).toHaveLength(2);
  });

  it('asks for what was in use for long', () => {
    live += 200 * MB;
    used += 200 * MB;
    run(10_000);
    const before = asked.length;
    run(10_000);
    expect(asked).toHaveLength(before);
    live -= 200 * MB;
    garbage += 200 * MB;
    used -= 200 * MB;
    run(2000);
    expect(garbage).toBe(0);
  });

  it('is quiet about little, and while much comes and goes', () => {
    garbage = 10 * MB;
    run(10_000);
    for (let i = 0; i < 100; i++) {
      garbage = (i % 2) * 30 * MB;
      run(100);
    }
    expect(asked).toHaveLength(0);
  });

  it('makes V8 collect when it was asked three times in vain', () => {
    obeys = false;
    garbage = 40 * MB;
    run(2500);
    expect({ garbage, asks: asked.length, collected }).toEqual({
      garbage: 0,
      asks: 3,
      collected: 1,
    });
  });
});
