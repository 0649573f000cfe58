/** Effects that look like a server's own errors; texts are those of redis-server 7.0.15. */
import type { Effect } from './fault-types.ts';

/**
 * Ready-made effects for `server.inject`:
 *
 *     server.inject({ command: 'SET' }, faults.readonly);
 *     server.inject({ key: 'a', times: 1 }, faults.moved(15495, '127.0.0.1:7001'));
 */
export const faults = {
  loading: { error: 'LOADING Redis is loading the dataset in memory' },
  readonly: { error: "READONLY You can't write against a read only replica." },
  oom: { error: "OOM command not allowed when used memory > 'maxmemory'." },
  busy: {
    error: 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  },
  noauth: { error: 'NOAUTH Authentication required.' },
  tryagain: { error: 'TRYAGAIN Multiple keys request during rehashing of slot' },
  clusterdown: { error: 'CLUSTERDOWN The cluster is down' },
  masterdown: {
    error: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  },
  moved: (slot: number, address: string): Effect => ({ error: `MOVED ${slot} ${address}` }),
  ask: (slot: number, address: string): Effect => ({ error: `ASK ${slot} ${address}` }),
} as const satisfies Record<string, Effect | ((slot: number, address: string) => Effect)>;
