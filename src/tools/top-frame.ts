/** What `respite top` shows: two readings of INFO made into lines of text. */

/** A reading of INFO. */
export interface Sample {
  readonly fields: ReadonlyMap<string, string>;
}

/** Fields by name; those of a section that repeat none. */
export function sampleOf(info: string): Sample {
  const fields = new Map<string, string>();
  for (const line of info.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return { fields };
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The picture, one text a row, within `size`. */
export function frame(where: string, before: Sample, now: Sample, size: Size): string[] {
  const text = (name: string) => now.fields.get(name) ?? '-';
  const number = (name: string) => Number(now.fields.get(name) ?? 0);
  const seconds = elapsed(before, now);
  const rate = (name: string) => (number(name) - Number(before.fields.get(name) ?? 0)) / seconds;
  const hits = rate('keyspace_hits');
  const asked = hits + rate('keyspace_misses');
  const limit = number('maxmemory');
  const lines = [
    `respite ${text('respite_version')} at ${where}   ${text('role')}   up ${span(number('uptime_in_seconds'))}`,
    '',
    `requests  ${count(rate('total_commands_processed'))}/s   hits ${
      asked > 0 ? `${Math.round((hits / asked) * 100)}%` : '-'
    }   in ${bytes(rate('total_net_input_bytes'))}/s   out ${bytes(rate('total_net_output_bytes'))}/s`,
    `clients   ${text('connected_clients')} connected   ${text('blocked_clients')} blocked   ` +
      `${count(rate('total_connections_received'))}/s new   ${text('rejected_connections')} rejected`,
    `memory    ${bytes(number('used_memory'))} of ${limit === 0 ? 'no limit' : bytes(limit)}   ` +
      `resident ${bytes(number('used_memory_rss'))}   peak ${bytes(number('used_memory_peak'))}`,
    `keys      ${keysOf(now)}   expired ${count(rate('expired_keys'))}/s   ` +
      `evicted ${count(rate('evicted_keys'))}/s`,
    `disk      ${text('rdb_changes_since_last_save')} changes unsaved   last save ` +
      `${text('rdb_last_bgsave_status')}   append-only ${text('aof_enabled') === '1' ? 'on' : 'off'}`,
    `processor ${percent(rate('used_cpu_user') + rate('used_cpu_sys'))}`,
    '',
    ...commandLines(before, now, seconds),
  ];
  return lines.slice(0, Math.max(1, size.rows - 1)).map((line) => line.slice(0, size.columns));
}

function elapsed(before: Sample, now: Sample): number {
  const at = (sample: Sample) => Number(sample.fields.get('server_time_usec') ?? 0) / 1e6;
  return Math.max(0.001, at(now) - at(before));
}

function keysOf({ fields }: Sample): string {
  let keys = 0;
  for (const [name, value] of fields) {
    if (/^db\d+$/.test(name)) keys += Number(/keys=(\d+)/.exec(value)?.[1] ?? 0);
  }
  return count(keys);
}

/** The commands that took most time since the reading before. */
function commandLines(before: Sample, now: Sample, seconds: number): string[] {
  const rows: { name: string; calls: number; usec: number }[] = [];
  for (const [field, value] of now.fields) {
    if (!field.startsWith('cmdstat_')) continue;
    const one = statOf(value);
    const other = statOf(before.fields.get(field) ?? '');
    const calls = one.calls - other.calls;
    const usec = one.usec - other.usec;
    if (calls > 0) rows.push({ name: field.slice('cmdstat_'.length), calls, usec });
  }
  if (rows.length === 0) return ['no command since the last look'];
  rows.sort((a, b) => b.usec - a.usec || b.calls - a.calls);
  const head = `${'command'.padEnd(24)}${'calls/s'.padStart(12)}${'us each'.padStart(12)}${'time'.padStart(8)}`;
  const body = rows.map(({ name, calls, usec }) => {
    const each = (usec / calls).toFixed(2);
    const share = percent(usec / 1e6 / seconds);
    return `${name.padEnd(24)}${count(calls / seconds).padStart(12)}${each.padStart(12)}${share.padStart(8)}`;
  });
  return [head, ...body];
}

function statOf(value: string): { calls: number; usec: number } {
  const read = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(value)?.[1] ?? 0);
  return { calls: read('calls'), usec: read('usec') };
}

function percent(part: number): string {
  return `${(Math.max(0, part) * 100).toFixed(part < 0.0995 ? 1 : 0)}%`;
}

function count(n: number): string {
  if (n < 10 && n !== Math.round(n)) return n.toFixed(1);
  return Math.round(n).toLocaleString('en-US');
}

function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = n;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function span(seconds: number): string {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
