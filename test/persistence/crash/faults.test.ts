/**
 * Each call of the disk fails once, or from then on until it is healed: with `always` the server
 * ends rather than lose what clients have seen; else it refuses writes and recovers by itself.
 */
import { expect, it } from 'vitest';
import type { DiskFault } from '../../harness/simulated-disk.ts';
import { callsOf, type HistoryOptions, runHistory } from './history.ts';

const codes = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'short'] as const;

for (const policy of ['always', 'everysec'] as const) {
  it(`appendfsync ${policy}: any call of the disk may fail`, async () => {
    const options: HistoryOptions = { seed: 3, policy, steps: 10, rewrites: 0.4, statesPerCall: 2 };
    const calls = await callsOf(options);
    expect(new Set(calls.map((call) => call.split(' ')[0]))).toEqual(
      new Set([
        'makeDirectory',
        'syncDirectory',
        'open',
        'write',
        'sync',
        'syncData',
        'syncLater',
        'rename',
        'unlink',
      ]),
    );
    let faults = 0;
    for (let call = 1; call <= calls.length; call++) {
      for (const forGood of [false, true]) {
        const code = codes[(call + (forGood ? 2 : 0)) % codes.length]!;
        // Interrupted for ever is no fault that there is.
        if (code === 'EINTR' && forGood) continue;
        const fault: DiskFault = { call, code, forGood };
        await runHistory({ ...options, fault });
        faults++;
      }
    }
    expect(faults).toBeGreaterThan(100);
  });
}
