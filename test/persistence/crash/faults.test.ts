/**
 * Each call of the disk fails once, or from then on until it is healed: with `always` the server
 * ends rather than lose what clients have seen; else it refuses writes and recovers by itself.
 */
import { expect, it } from 'vitest';
import type { DiskFault } from '../../harness/simulated-disk.ts';
import { callsOf, type HistoryOptions, runHistory } from './history.ts';
import { count, LONG, SEED } from './tier.ts';

const codes = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'short'] as const;

const HISTORIES = LONG ? 2 : 1;

for (const policy of ['always', 'everysec'] as const) {
  it(`appendfsync ${policy}: any call of the disk may fail`, async () => {
    let faults = 0;
    for (let i = 0; i < HISTORIES; i++) {
      const steps = LONG ? 12 : 8;
      const options: HistoryOptions = {
        ...{ seed: SEED + 2 + i, policy, steps, rewrites: 0.4, statesPerCall: 2 },
        directives: { 'aof-use-rdb-preamble': i % 2 === 0 ? 'yes' : 'no' },
      };
      const calls = await callsOf(options);
      for (let call = 1; call <= calls.length; call++) {
        // The long tier has each of them in each place.
        for (const [k, fault] of faultsAt(call).entries()) {
          if (!LONG && (call * 4 + k) % 9 !== 0) continue;
          await runHistory({ ...options, fault });
          faults++;
        }
      }
    }
    expect(faults).toBeGreaterThan(40);
    count('failed calls of the disk', faults);
  });
}

function faultsAt(call: number): DiskFault[] {
  return codes.flatMap((code) =>
    // Interrupted for ever is no fault that there is.
    (code === 'EINTR' ? [false] : [false, true]).map((forGood) => ({ call, code, forGood })),
  );
}
