/** Whatever a power cut leaves is a beginning of the history, with all that had to last. */
import { expect, it } from 'vitest';
import { runHistory } from './history.ts';
import { count, LONG, SEED } from './tier.ts';

const STATES = LONG ? 68_000 : 400;

for (const policy of ['always', 'everysec', 'no'] as const) {
  it(`appendfsync ${policy}: no state of the disk breaks the promise`, async () => {
    let states = 0;
    for (let seed = SEED; states < STATES; seed++) {
      const steps = LONG ? 80 : 50;
      const directives = { 'aof-use-rdb-preamble': seed % 3 === 2 ? 'no' : 'yes' };
      const statesPerCall = LONG ? 24 : 8;
      states += (await runHistory({ seed, policy, steps, statesPerCall, directives })).states;
    }
    expect(states).toBeGreaterThanOrEqual(STATES);
    count('states of the disk', states);
  });
}
