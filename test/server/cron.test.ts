/** The cron's work between requests comes in single slices, however often the timer ticks. */
import { expect, it } from 'vitest';
import { Cron } from '../../src/server/cron.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('a tick adds no second chain of slices to one under way', async () => {
  const cron = new Cron({ now: () => 0, hz: () => 1 });
  let slices = 0;
  cron.inSlices(() => ++slices < 5);
  cron.start();
  cron.wake();
  for (let done = 0; done < 5; done++) {
    for (let i = 0; i < 5; i++) cron.tick();
    expect(slices).toBe(done);
    await turn();
    expect(slices).toBe(done + 1);
  }
  await turn();
  expect(slices).toBe(5);
  cron.tick();
  expect(slices).toBe(6);
  cron.stop();
});
