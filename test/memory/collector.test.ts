/** V8 can be asked to collect shared buffers, without being made to. */
import { expect, it } from 'vitest';
import { askForCollection } from '../../src/memory/collector.ts';
import { monotonicMs, setTimeout } from '../../src/util/timers.ts';

const MIB = 1024 * 1024;
const WITHIN_MS = 20_000;
const ASK_EVERY_MS = 20;

it('askForCollection() has dropped shared buffers collected', async () => {
  let collected = 0;
  const registry = new FinalizationRegistry<number>((bytes) => {
    collected += bytes;
  });
  registry.register(new SharedArrayBuffer(MIB), MIB);
  const deadline = monotonicMs() + WITHIN_MS;
  while (collected === 0 && monotonicMs() < deadline) {
    expect(askForCollection()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
  expect(collected).toBe(MIB);
});
