/**
 * Commands that Redis has and this server has not: whoever sends one is told so, instead of only
 * that it is unknown. Names of 7.0 to 8.8; what is built is found in the command table before.
 */

const missing: Readonly<Record<string, readonly string[]>> = {
  replication: [
    ...['failover', 'psync', 'replconf', 'replicaof', 'role', 'slaveof', 'sync', 'wait', 'waitaof'],
  ],
  cluster: [...['asking', 'cluster', 'readonly', 'readwrite', 'restore-asking'], 'trimslots'],
  modules: ['module'],
  'vector sets': [
    ...['vadd', 'vcard', 'vdim', 'vemb', 'vgetattr', 'vinfo', 'vismember', 'vlinks'],
    ...['vrandmember', 'vrange', 'vrem', 'vsetattr', 'vsim'],
  ],
};

const modules: Readonly<Record<string, string>> = {
  json: 'JSON documents',
  ft: 'search',
  ts: 'time series',
  bf: 'Bloom filters',
  cf: 'Cuckoo filters',
  cms: 'count-min sketches',
  topk: 'top-k sketches',
  tdigest: 't-digests',
};

const subjects: ReadonlyMap<string, string> = new Map(
  Object.entries(missing).flatMap(([subject, names]) => names.map((name) => [name, subject])),
);

/** What a command belongs to that is not there; undefined when there is none of that name. */
export function missingSubject(name: string): string | undefined {
  const lower = name.toLowerCase();
  const dot = lower.indexOf('.');
  return subjects.get(lower) ?? (dot > 0 ? modules[lower.slice(0, dot)] : undefined);
}
