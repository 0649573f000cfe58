/**
 * INFO: sections of `name:value` lines. Fields and their order follow redis-server 7.0.15 where
 * tools read them; nothing is reported that has no source here.
 */
import { arch, platform, release } from 'node:os';
import type { Command } from '../commands/command-table.ts';
import type { StatsPort } from '../commands/ports/stats.ts';
import type { Server } from './server.ts';
import { REDIS_VERSION, RESPITE_VERSION } from './version.ts';

type Line = readonly [name: string, value: string | number];
type Section = readonly [title: string, lines: (server: Server) => Line[]];

const defaultSections = [
  'server',
  'clients',
  'memory',
  'persistence',
  'stats',
  'replication',
  'cpu',
  'modules',
  'errorstats',
  'cluster',
  'keyspace',
];

const sections: Readonly<Record<string, Section>> = {
  server: ['Server', serverLines],
  clients: ['Clients', clientLines],
  memory: ['Memory', memoryLines],
  persistence: ['Persistence', persistenceLines],
  stats: ['Stats', statsLines],
  replication: ['Replication', replicationLines],
  cpu: ['CPU', cpuLines],
  modules: ['Modules', () => []],
  commandstats: ['Commandstats', commandLines],
  errorstats: ['Errorstats', errorLines],
  latencystats: ['Latencystats', () => []],
  cluster: ['Cluster', () => [['cluster_enabled', 0]]],
  keyspace: ['Keyspace', keyspaceLines],
};

export class Info implements StatsPort {
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  text(names: readonly string[]): string {
    return buildInfo(this.server, names);
  }

  reset(): void {
    const { commands, keyspace, stats } = this.server;
    stats.reset();
    keyspace.hits = 0;
    keyspace.misses = 0;
    keyspace.expiredKeys = 0;
    keyspace.expiredFields = 0;
    for (const command of commands) {
      command.resetStats();
      for (const sub of command.subcommands ?? []) sub.resetStats();
    }
  }
}

/** The text for the named sections; unknown names add nothing. */
function buildInfo(server: Server, names: readonly string[]): string {
  const wanted = new Set<string>();
  for (const name of names.length === 0 ? ['default'] : names) {
    if (name === 'default') for (const section of defaultSections) wanted.add(section);
    else if (name === 'all' || name === 'everything') {
      for (const section of Object.keys(sections)) wanted.add(section);
    } else wanted.add(name);
  }
  const parts: string[] = [];
  for (const [name, [title, lines]] of Object.entries(sections)) {
    if (!wanted.has(name)) continue;
    const text = lines(server).map(([field, value]) => `${field}:${value}\r\n`);
    parts.push(`# ${title}\r\n${text.join('')}`);
  }
  return parts.join('\r\n');
}

function serverLines(server: Server): Line[] {
  const nowMs = server.now();
  const uptime = Math.max(0, Math.floor((nowMs - server.lifecycle.startedAtMs) / 1000));
  return [
    ['redis_version', REDIS_VERSION],
    ['server_name', 'respite'],
    ['respite_version', RESPITE_VERSION],
    ['redis_mode', 'standalone'],
    ['os', `${platform()} ${release()} ${arch()}`],
    ['arch_bits', 64],
    ['node_version', process.version],
    ['multiplexing_api', 'libuv'],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', server.lifecycle.runId],
    ['tcp_port', server.endpoints.port],
    ['server_time_usec', Math.floor(nowMs * 1000)],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', server.config.number('hz')],
    ['configured_hz', server.config.number('hz')],
    ['lru_clock', Math.floor(nowMs / 1000) & 0xffffff],
    ['executable', process.argv[1] ?? process.execPath],
    ['config_file', server.config.file],
    ['io_threads_active', 0],
  ];
}

function clientLines(server: Server): Line[] {
  let biggestInput = 0;
  let biggestOutput = 0;
  let waiting = 0;
  for (const session of server.clients.all()) {
    biggestInput = Math.max(biggestInput, session.parser.bufferedBytes);
    biggestOutput = Math.max(biggestOutput, session.connection.unsentBytes);
    if (session.isWaiting) waiting++;
  }
  return [
    ['connected_clients', server.clients.size],
    ['cluster_connections', 0],
    ['maxclients', server.config.number('maxclients')],
    ['client_recent_max_input_buffer', biggestInput],
    ['client_recent_max_output_buffer', biggestOutput],
    ['blocked_clients', waiting],
    ['tracking_clients', server.tracking.clientCount],
    ['clients_in_timeout_table', server.blocking.timed],
  ];
}

function memoryLines(server: Server): Line[] {
  const used = server.usedMemory();
  const peak = Math.max(server.stats.peakMemory, used);
  const rss = process.memoryUsage.rss();
  const dataset = server.keyspace.usedBytes;
  const max = server.config.number('maxmemory');
  return [
    ['used_memory', used],
    ['used_memory_human', human(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', human(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', human(peak)],
    ['used_memory_peak_perc', `${((used / peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', used - dataset],
    ['used_memory_startup', server.startupMemory],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', `${((dataset / Math.max(1, used)) * 100).toFixed(2)}%`],
    ['allocator_allocated', server.keyspace.arena.usedBytes],
    ['allocator_active', server.keyspace.arena.reservedBytes],
    ['allocator_resident', server.keyspace.arena.reservedBytes],
    ['total_system_memory', server.systemMemory],
    ['total_system_memory_human', human(server.systemMemory)],
    ['used_memory_lua', 0],
    ['used_memory_lua_human', '0B'],
    ['used_memory_scripts', 0],
    ['used_memory_scripts_human', '0B'],
    ['maxmemory', max],
    ['maxmemory_human', human(max)],
    ['maxmemory_policy', server.config.string('maxmemory-policy')],
    ['mem_fragmentation_ratio', (rss / Math.max(1, used)).toFixed(2)],
    ['mem_fragmentation_bytes', rss - used],
    ['mem_not_counted_for_evict', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', server.clients.memoryBytes()],
    ['mem_aof_buffer', 0],
    ['mem_allocator', 'arena'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', server.keyspace.hasGarbage ? 1 : 0],
  ];
}

function persistenceLines(server: Server): Line[] {
  return [
    ['loading', 0],
    ['async_loading', 0],
    ['rdb_changes_since_last_save', server.keyspace.changes.dirty],
    ['rdb_bgsave_in_progress', 0],
    ['rdb_last_save_time', server.lifecycle.lastSaveSeconds],
    ['rdb_last_bgsave_status', 'ok'],
    ['rdb_last_bgsave_time_sec', -1],
    ['rdb_current_bgsave_time_sec', -1],
    ['rdb_saves', 0],
    ['aof_enabled', 0],
    ['aof_rewrite_in_progress', 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', -1],
    ['aof_current_rewrite_time_sec', -1],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_last_write_status', 'ok'],
  ];
}

function statsLines(server: Server): Line[] {
  const { stats, keyspace, pubsub, tracking } = server;
  return [
    ['total_connections_received', stats.connectionsReceived],
    ['total_commands_processed', stats.commandsProcessed],
    ['instantaneous_ops_per_sec', stats.commands.perSecond],
    ['total_net_input_bytes', stats.netInputBytes],
    ['total_net_output_bytes', stats.netOutputBytes],
    ['instantaneous_input_kbps', (stats.input.perSecond / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (stats.output.perSecond / 1024).toFixed(2)],
    ['rejected_connections', stats.rejectedConnections],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', keyspace.expiredKeys],
    ['expired_subkeys', keyspace.expiredFields],
    ['expired_time_cap_reached_count', stats.expireTimeCapReached],
    ['expire_cycle_cpu_milliseconds', Math.floor(stats.expireCycleMicroseconds / 1000)],
    ['evicted_keys', 0],
    ['evicted_clients', 0],
    ['keyspace_hits', keyspace.hits],
    ['keyspace_misses', keyspace.misses],
    ['pubsub_channels', pubsub.size('channel')],
    ['pubsub_patterns', pubsub.size('pattern')],
    ['pubsubshard_channels', pubsub.size('shardChannel')],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['tracking_total_keys', tracking.keyCount],
    ['tracking_total_items', tracking.itemCount],
    ['tracking_total_prefixes', tracking.prefixCount],
    ['total_error_replies', stats.errorReplies],
    ['total_reads_processed', stats.readsProcessed],
    ['total_writes_processed', stats.writesProcessed],
    ['client_query_buffer_limit_disconnections', stats.clientQueryLimitDisconnections],
    ['client_output_buffer_limit_disconnections', stats.clientOutputLimitDisconnections],
  ];
}

function replicationLines(server: Server): Line[] {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', server.lifecycle.replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', server.config.number('repl-backlog-size')],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

function cpuLines(): Line[] {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return [
    ['used_cpu_sys', (systemCPUTime / 1e6).toFixed(6)],
    ['used_cpu_user', (userCPUTime / 1e6).toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
  ];
}

function commandLines(server: Server): Line[] {
  const lines: Line[] = [];
  const add = (command: Command) => {
    const { calls, microseconds, rejectedCalls, failedCalls } = command;
    if (calls === 0 && rejectedCalls === 0 && failedCalls === 0) return;
    const perCall = calls === 0 ? 0 : microseconds / calls;
    lines.push([
      `cmdstat_${command.fullName}`,
      `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${perCall.toFixed(2)},` +
        `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  };
  for (const command of server.commands) {
    if (command.subcommands === undefined) add(command);
    else for (const sub of command.subcommands) add(sub);
  }
  return lines;
}

function errorLines(server: Server): Line[] {
  return [...server.stats.errorCodes].map(([code, n]) => [`errorstat_${code}`, `count=${n}`]);
}

function keyspaceLines(server: Server): Line[] {
  const lines: Line[] = [];
  for (const db of server.keyspace.dbs) {
    if (db.size === 0) continue;
    const ttl = averageTtl(db.expires, server.now());
    // As 7.0 has it; what 7.4 adds is there when there is something to tell.
    const hashes = db.fieldExpires.size;
    const more = hashes === 0 ? '' : `,subexpiry=${hashes}`;
    const keys = `keys=${db.size},expires=${db.expires.size},avg_ttl=${ttl}${more}`;
    lines.push([`db${db.index}`, keys]);
  }
  return lines;
}

/** Mean of up to 64 times to live spread over the heap, ms. */
function averageTtl(heap: { size: number; whenAt(i: number): number }, nowMs: number): number {
  if (heap.size === 0) return 0;
  const step = Math.max(1, Math.floor(heap.size / 64));
  let sum = 0;
  let n = 0;
  for (let i = 0; i < heap.size; i += step) {
    sum += Math.max(0, heap.whenAt(i) - nowMs);
    n++;
  }
  return Math.floor(sum / n);
}

/** Bytes as Redis prints them: `1.00M`. */
export function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(2)}K`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(2)}M`;
  return `${(bytes / 1024 ** 3).toFixed(2)}G`;
}
