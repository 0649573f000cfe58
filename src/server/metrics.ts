/**
 * The server's figures in Prometheus' text format (or OpenMetrics), for a scrape: those of INFO,
 * and what commands took as histograms. Nothing is counted for it alone, so it costs only when it
 * is asked for.
 */
import type { Command, CommandTable } from '../commands/command-table.ts';
import type { ConfigPort } from '../commands/ports/config.ts';
import type { SlowLogPort } from '../commands/ports/observation.ts';
import type { Info } from './info.ts';
import { counters, gauges, type MetricName } from './metrics-names.ts';

export interface MetricSources {
  readonly info: Info;
  readonly commands: CommandTable;
  readonly config: ConfigPort;
  readonly slowLog: SlowLogPort;
}

/** Sections of INFO that are read. */
const SECTIONS = [
  'server',
  'clients',
  'memory',
  'persistence',
  'stats',
  'replication',
  'cpu',
  'errorstats',
  'runtime',
  'cluster',
  'keyspace',
];

type Labels = Readonly<Record<string, string>>;

/** Writes families of samples: one TYPE line each. */
class Exposition {
  private readonly lines: string[] = [];
  private readonly isOpen: boolean;

  /** `isOpen`: OpenMetrics. */
  constructor(isOpen: boolean) {
    this.isOpen = isOpen;
  }

  family(name: string, type: 'gauge' | 'counter' | 'histogram' | 'summary'): void {
    // OpenMetrics knows counters only under names that end in _total, a suffix of the sample.
    const isOther = this.isOpen && type === 'counter' && !name.endsWith('_total');
    const family = this.isOpen && type === 'counter' ? name.replace(/_total$/, '') : name;
    this.lines.push(`# TYPE redis_${family} ${isOther ? 'unknown' : type}`);
  }

  sample(name: string, value: number | string, labels?: Labels): void {
    this.lines.push(`redis_${name}${labels === undefined ? '' : shown(labels)} ${value}`);
  }

  text(): string {
    return `${this.lines.join('\n')}\n${this.isOpen ? '# EOF\n' : ''}`;
  }
}

function shown(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** The text of one scrape. O(INFO + commands used). */
export function metricsText(sources: MetricSources, isOpen: boolean): string {
  const out = new Exposition(isOpen);
  const fields = new Map<string, string>();
  for (const section of SECTIONS) {
    for (const [name, value] of sources.info.lines(section)) fields.set(name, String(value));
  }
  out.family('up', 'gauge');
  out.sample('up', 1);
  figures(out, fields, gauges, 'gauge');
  figures(out, fields, counters, 'counter');
  server(out, fields, sources);
  databases(out, fields, sources.config.number('databases'));
  errors(out, fields);
  commands(out, [...used(sources.commands)]);
  latencies(out, [...used(sources.commands)], sources.config);
  return out.text();
}

function figures(
  out: Exposition,
  fields: ReadonlyMap<string, string>,
  names: readonly MetricName[],
  type: 'gauge' | 'counter',
): void {
  for (const { field, name, yes } of names) {
    const value = fields.get(field);
    if (value === undefined) continue;
    out.family(name, type);
    out.sample(name, yes === undefined ? Number.parseFloat(value) : Number(value === yes));
  }
}

/** What this server is, and what of its configuration dashboards show. */
function server(out: Exposition, fields: ReadonlyMap<string, string>, s: MetricSources): void {
  const of = (field: string) => fields.get(field) ?? '';
  out.family('instance_info', 'gauge');
  out.sample('instance_info', 1, {
    role: of('role'),
    redis_version: of('redis_version'),
    respite_version: of('respite_version'),
    redis_build_id: '',
    redis_mode: of('redis_mode'),
    os: of('os'),
    maxmemory_policy: of('maxmemory_policy'),
    tcp_port: of('tcp_port'),
    run_id: of('run_id'),
    process_id: of('process_id'),
  });
  const gauge = (name: string, value: number) => {
    out.family(name, 'gauge');
    out.sample(name, value);
  };
  gauge('config_maxmemory', Number(of('maxmemory')));
  // Whatever is configured: one thread serves.
  gauge('config_io_threads', 1);
  const uptime = Number(of('uptime_in_seconds'));
  gauge('start_time_seconds', Math.floor(Number(of('server_time_usec')) / 1e6) - uptime);
  gauge('latest_fork_seconds', Number(of('latest_fork_usec')) / 1e6);
  const [last] = s.slowLog.latest(1);
  gauge('slowlog_length', s.slowLog.length);
  gauge('slowlog_last_id', last?.id ?? 0);
  gauge('last_slow_execution_duration_seconds', (last?.amount ?? 0) / 1e6);
}

const KEYS = /^keys=(\d+),expires=(\d+),avg_ttl=(\d+)/;

function databases(out: Exposition, fields: ReadonlyMap<string, string>, count: number): void {
  const found = Array.from({ length: count }, (_, i) => KEYS.exec(fields.get(`db${i}`) ?? ''));
  const family = (name: string, value: (match: RegExpExecArray) => number, absent?: number) => {
    out.family(name, 'gauge');
    found.forEach((match, i) => {
      const number = match === null ? absent : value(match);
      if (number !== undefined) out.sample(name, number, { db: `db${i}` });
    });
  };
  family('db_keys', ([, keys]) => Number(keys), 0);
  family('db_keys_expiring', ([, , expires]) => Number(expires), 0);
  family('db_avg_ttl_seconds', ([, , , ttl]) => Number(ttl) / 1000);
}

function errors(out: Exposition, fields: ReadonlyMap<string, string>): void {
  out.family('errors_total', 'counter');
  for (const [name, value] of fields) {
    if (!name.startsWith('errorstat_')) continue;
    out.sample('errors_total', Number(value.slice('count='.length)), { err: name.slice(10) });
  }
}

function* used(table: CommandTable): Generator<Command> {
  for (const command of table) {
    for (const each of [command, ...(command.subcommands ?? [])]) {
      if (each.calls + each.rejectedCalls + each.failedCalls > 0) yield each;
    }
  }
}

function commands(out: Exposition, list: readonly Command[]): void {
  const family = (name: string, value: (command: Command) => number) => {
    out.family(name, 'counter');
    for (const each of list) out.sample(name, value(each), { cmd: each.fullName });
  };
  family('commands_total', ({ calls }) => calls);
  family('commands_duration_seconds_total', ({ microseconds }) => microseconds / 1e6);
  family('commands_rejected_calls_total', ({ rejectedCalls }) => rejectedCalls);
  family('commands_failed_calls_total', ({ failedCalls }) => failedCalls);
}

/** Upper bounds of the histograms: 1.024 µs and its doubles, up to a second. */
const BOUNDS = Array.from({ length: 21 }, (_, i) => 1024 * 2 ** i);

function latencies(out: Exposition, list: readonly Command[], config: ConfigPort): void {
  if (!config.bool('latency-tracking')) return;
  const timed = list.filter(({ latency }) => latency.total > 0);
  const percentiles = config.string('latency-tracking-info-percentiles').split(' ').filter(Boolean);
  out.family('latency_percentiles_usec', 'summary');
  for (const { fullName: cmd, latency } of timed) {
    for (const quantile of percentiles) {
      const value = latency.percentile(Number(quantile)) / 1000;
      out.sample('latency_percentiles_usec', value, { cmd, quantile });
    }
    out.sample('latency_percentiles_usec_sum', latency.nanoseconds / 1000, { cmd });
    out.sample('latency_percentiles_usec_count', latency.total, { cmd });
  }
  out.family('commands_latencies_usec', 'histogram');
  for (const { fullName: cmd, latency } of timed) {
    const told = new Map<number, number>();
    latency.forEachPower((bound, calls) => told.set(bound, calls));
    let calls = 0;
    for (const bound of BOUNDS) {
      calls = told.get(bound) ?? calls;
      out.sample('commands_latencies_usec_bucket', calls, { cmd, le: String(bound / 1000) });
    }
    out.sample('commands_latencies_usec_bucket', latency.total, { cmd, le: '+Inf' });
    out.sample('commands_latencies_usec_sum', latency.nanoseconds / 1000, { cmd });
    out.sample('commands_latencies_usec_count', latency.total, { cmd });
  }
}

/** What a server says of itself that cannot be used at present. */
export interface ReadinessSources {
  readonly info: Info;
  readonly gates: {
    readonly isLoading: boolean;
    readonly diskRefusal: { readonly line: string } | undefined;
  };
}

/** Why the server should get no requests at present; nothing when it should. */
export function unreadyReasons({ gates, info }: ReadinessSources): string[] {
  const reasons: string[] = [];
  if (gates.isLoading) reasons.push('the data is being loaded');
  if (gates.diskRefusal !== undefined) reasons.push(gates.diskRefusal.line);
  const link = info.lines('replication').find(([name]) => name === 'master_link_status');
  if (link !== undefined && link[1] !== 'up') reasons.push('the link to the master is down');
  return reasons;
}
