/** Whatever a power cut leaves is a beginning of the history, with all that had to last. */
import { expect, it } from 'vitest';
import { runHistory } from './history.ts';

for (const policy of ['always', 'everysec', 'no'] as const) {
  it(`appendfsync ${policy}: no state of the disk breaks the promise`, async () => {
    let states = 0;
    for (let seed = 1; seed <= 3; seed++) {
      states += (await runHistory({ seed, policy, steps: 50, statesPerCall: 8 })).states;
    }
    expect(states).toBeGreaterThan(500);
  });
}
