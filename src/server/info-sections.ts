/**
 * The sections of INFO whose figures come from several owners. Fields and their order follow
 * redis-server 7.0.15 where tools read them; nothing is told that has no source here.
 */
import { arch, platform, release } from 'node:os';
import type { Command, CommandTable } from '../commands/command-table.ts';
import type { ConfigPort } from '../commands/ports/config.ts';
import type { Compactor } from '../keyspace/compactor.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { PubSub } from '../pubsub/pubsub.ts';
import type { Tracking } from '../tracking/tracking.ts';
import type { Blocking } from './blocking.ts';
import type { Clients } from './clients.ts';
import type { Clock } from './clock.ts';
import type { Endpoints } from './endpoints.ts';
import type { Eviction } from './eviction.ts';
import type { Info, InfoLine } from './info.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Loader } from './loading.ts';
import type { MemoryFigures } from './memory-figures.ts';
import type { MemoryReports } from './memory-reports.ts';
import type { Migrations } from './migrations.ts';
import type { Pause } from './pause.ts';
import type { Persistence } from './persistence.ts';
import { mainThreadTimes, residentBytes } from './process-figures.ts';
import type { ServerProfile } from './profiles.ts';
import type { Replication } from './replication.ts';
import type { RuntimeFigures } from './runtime-figures.ts';
import type { Scripting } from './scripting.ts';
import type { StallWatch } from './stall-watch.ts';
import type { Stats } from './stats.ts';
import { RESPITE_VERSION } from './version.ts';

/** Where the figures come from. */
export interface Sources {
  readonly blocking: Blocking;
  readonly clients: Clients;
  readonly clock: Clock;
  readonly commands: CommandTable;
  readonly config: ConfigPort & { readonly file: string };
  readonly endpoints: Endpoints;
  readonly defrag: Compactor;
  readonly eviction: Eviction;
  readonly loader: Loader;
  readonly migrations: Migrations;
  readonly pause: Pause;
  readonly persistence: Persistence;
  readonly keyspace: Keyspace;
  readonly lifecycle: Lifecycle;
  readonly memory: MemoryFigures;
  readonly profile: ServerProfile;
  readonly memoryReports: MemoryReports;
  readonly pubsub: PubSub;
  readonly replication: Replication;
  readonly runtime: RuntimeFigures;
  readonly scripts: Scripting;
  readonly stalls: StallWatch;
  readonly stats: Stats;
  readonly tracking: Tracking;
}

/** Adds all sections to `info`, and what CONFIG RESETSTAT resets. */
export function addInfoSections(info: Info, sources: Sources): void {
  info.add('server', () => serverLines(sources));
  info.add('clients', () => clientLines(sources));
  info.add('memory', () => memoryLines(sources));
  info.add('persistence', () => persistenceLines(sources));
  info.add('stats', () => statsLines(sources));
  info.add('replication', () => sources.replication.infoLines());
  info.add('cpu', cpuLines);
  info.add('commandstats', () => commandLines(sources));
  info.add('errorstats', () => errorLines(sources));
  info.add('latencystats', () => percentileLines(sources));
  info.add('runtime', () => runtimeLines(sources));
  info.add('cluster', () => [['cluster_enabled', 0]]);
  info.add('keyspace', () => keyspaceLines(sources));
  info.onReset(() => resetStats(sources));
}

function resetStats(sources: Sources): void {
  const { commands, eviction, keyspace, memory, runtime, stalls, stats } = sources;
  stats.reset();
  eviction.resetStats();
  runtime.reset();
  stalls.reset();
  memory.peak = 0;
  keyspace.hits = 0;
  keyspace.misses = 0;
  keyspace.expiredKeys = 0;
  keyspace.expiredFields = 0;
  keyspace.lazyFreedObjects = 0;
  for (const command of commands) {
    command.resetStats();
    for (const sub of command.subcommands ?? []) sub.resetStats();
  }
}

function serverNames({ profile: { valkeyVersion } }: Sources): InfoLine[] {
  if (valkeyVersion === undefined) return [['server_name', 'respite']];
  return [
    ['server_name', 'valkey'],
    ['valkey_version', valkeyVersion],
  ];
}

function serverLines(s: Sources): InfoLine[] {
  const nowMs = s.clock.now();
  const { wait } = s.lifecycle;
  const uptime = Math.max(0, Math.floor((nowMs - s.lifecycle.startedAtMs) / 1000));
  return [
    ['redis_version', s.lifecycle.version],
    ...serverNames(s),
    ['respite_version', RESPITE_VERSION],
    // Known to a build of redis-server; tools that print them want them to be there.
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_mode', 'standalone'],
    ['os', `${platform()} ${release()} ${arch()}`],
    ['arch_bits', 64],
    ['node_version', process.version],
    ['monotonic_clock', 'libuv hrtime'],
    ['multiplexing_api', 'libuv'],
    ['process_id', process.pid],
    ['process_supervised', s.lifecycle.supervisedBy],
    ['run_id', s.lifecycle.runId],
    ['tcp_port', s.endpoints.port],
    ['server_time_usec', s.clock.micros()],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', s.config.number('hz')],
    ['configured_hz', s.config.number('hz')],
    ['lru_clock', Math.floor(nowMs / 1000) & 0xffffff],
    ...(wait.isRunning ? [['shutdown_in_milliseconds', wait.leftMs] as const] : []),
    ['executable', process.argv[1] ?? process.execPath],
    ['config_file', s.config.file],
    ['io_threads_active', 0],
  ];
}

function clientLines(s: Sources): InfoLine[] {
  const { input, output } = s.clients.memory.biggest();
  return [
    // Replicas are no clients here, though CLIENT LIST has them.
    ['connected_clients', s.clients.size - s.replication.replicas.count],
    ['cluster_connections', 0],
    ['maxclients', s.config.number('maxclients')],
    ['client_recent_max_input_buffer', input],
    ['client_recent_max_output_buffer', output],
    // Clients whose next command waits: for a key, or for the end of a pause.
    ['blocked_clients', s.blocking.size + s.pause.size],
    ['tracking_clients', s.tracking.clientCount],
    ['clients_in_timeout_table', s.blocking.timed],
  ];
}

function memoryLines(s: Sources): InfoLine[] {
  const { memory } = s;
  const { usedBytes: allocated, reservedBytes: reserved } = s.keyspace.arena;
  const used = memory.used();
  const peak = Math.max(memory.peak, used);
  const rss = residentBytes();
  const { parts } = memory;
  const { overhead, dataset, net } = s.memoryReports.split();
  const replication = memory.replication();
  const max = s.eviction.maxBytes;
  return [
    ['used_memory', used],
    ['used_memory_human', human(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', human(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', human(peak)],
    ['used_memory_peak_perc', `${((used / peak) * 100).toFixed(2)}%`],
    ['used_memory_overhead', overhead],
    ['used_memory_startup', memory.startup],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', `${((dataset / Math.max(1, net)) * 100).toFixed(2)}%`],
    ['allocator_allocated', allocated],
    ['allocator_active', reserved],
    ['allocator_resident', reserved],
    ['total_system_memory', memory.system],
    ['total_system_memory_human', human(memory.system)],
    ...scriptMemory(s),
    ['maxmemory', max],
    ['maxmemory_human', human(max)],
    ['maxmemory_policy', s.config.string('maxmemory-policy')],
    ['allocator_frag_ratio', ratio(reserved, allocated)],
    ['allocator_frag_bytes', reserved - allocated],
    ['allocator_rss_ratio', ratio(reserved, reserved)],
    ['allocator_rss_bytes', 0],
    ['rss_overhead_ratio', ratio(rss, reserved)],
    ['rss_overhead_bytes', rss - reserved],
    ['mem_fragmentation_ratio', ratio(rss, memory.accounted)],
    ['mem_fragmentation_bytes', rss - memory.accounted],
    ['mem_not_counted_for_evict', memory.notCounted()],
    ['mem_replication_backlog', replication.backlog],
    ['mem_total_replication_buffers', replication.buffers],
    ['mem_clients_slaves', memory.replicas()],
    ['mem_clients_normal', parts.normalClients()],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', parts.aofBuffer()],
    ['mem_allocator', 'arena'],
    ['active_defrag_running', Math.ceil(s.defrag.effort)],
    ['lazyfree_pending_objects', s.keyspace.pendingObjects],
    ['lazyfreed_objects', s.keyspace.lazyFreedObjects],
  ];
}

function ratio(part: number, whole: number): string {
  return (part / Math.max(1, whole)).toFixed(2);
}

function persistenceLines(s: Sources): InfoLine[] {
  const { persistence: p } = s;
  const { saves, rewrites, progress } = p;
  return [
    ...loadingLines(s),
    ['current_cow_peak', progress.heldBytesMax],
    ['current_cow_size', progress.heldBytes],
    ['current_cow_size_age', 0],
    ['current_fork_perc', percent(progress.keys, progress.total)],
    ['current_save_keys_processed', progress.keys],
    ['current_save_keys_total', progress.total],
    ['rdb_changes_since_last_save', s.keyspace.changes.dirty],
    ['rdb_bgsave_in_progress', p.isRunning('save') ? 1 : 0],
    ['rdb_last_save_time', p.lastSaveSeconds],
    ['rdb_last_bgsave_status', saves.succeeded ? 'ok' : 'err'],
    ['rdb_last_bgsave_time_sec', saves.lastSeconds],
    ['rdb_current_bgsave_time_sec', p.runningSeconds('save')],
    ['rdb_saves', saves.count],
    ['rdb_last_cow_size', saves.lastHeldBytes],
    ['rdb_last_load_keys_expired', s.loader.progress.keysExpired],
    ['rdb_last_load_keys_loaded', s.loader.progress.keysLoaded],
    ['aof_enabled', p.aof === undefined ? 0 : 1],
    ['aof_rewrite_in_progress', p.isRunning('rewrite') ? 1 : 0],
    ['aof_rewrite_scheduled', p.rewriteScheduled ? 1 : 0],
    ['aof_last_rewrite_time_sec', rewrites.lastSeconds],
    ['aof_current_rewrite_time_sec', p.runningSeconds('rewrite')],
    ['aof_last_bgrewrite_status', rewrites.succeeded ? 'ok' : 'err'],
    ['aof_rewrites', rewrites.count],
    ['aof_rewrites_consecutive_failures', p.rewriteFailures],
    ['aof_last_write_status', p.aof?.lastError === undefined ? 'ok' : 'err'],
    ['aof_last_cow_size', rewrites.lastHeldBytes],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...appendOnlyLines(s),
  ];
}

/** What there is to say while the data of the disk is loaded, and whether it is. */
function loadingLines({ loader: { progress }, clock }: Sources): InfoLine[] {
  const { isAsync, isLoading, startedMs, total, loaded } = progress;
  const lines: InfoLine[] = [
    ['loading', isLoading && !isAsync ? 1 : 0],
    ['async_loading', isLoading && isAsync ? 1 : 0],
  ];
  if (!isLoading) return lines;
  const elapsed = Math.max(1, (clock.now() - startedMs) / 1000);
  const perSecond = Math.max(1, loaded / elapsed);
  return [
    ...lines,
    ['loading_start_time', Math.floor(startedMs / 1000)],
    ['loading_total_bytes', total],
    ['loading_rdb_used_mem', 0],
    ['loading_loaded_bytes', loaded],
    ['loading_loaded_perc', percent(loaded, total)],
    ['loading_eta_seconds', Math.ceil((total - loaded) / perSecond)],
  ];
}

function appendOnlyLines({ persistence: { aof, rewriteScheduled } }: Sources): InfoLine[] {
  if (aof === undefined) return [];
  return [
    ['aof_current_size', aof.currentBytes],
    ['aof_base_size', aof.baseBytes],
    ['aof_pending_rewrite', rewriteScheduled ? 1 : 0],
    ['aof_buffer_length', aof.bufferBytes],
    ['aof_pending_bio_fsync', aof.isSyncing ? 1 : 0],
    ['aof_delayed_fsync', aof.delayedSyncs],
  ];
}

function percent(part: number, whole: number): string {
  return (whole === 0 ? 0 : (part * 100) / whole).toFixed(2);
}

function statsLines(s: Sources): InfoLine[] {
  const { stats, keyspace, pubsub, tracking } = s;
  const { exceeded } = s.eviction;
  const { defrag } = s;
  return [
    ['total_connections_received', stats.connectionsReceived],
    ['total_commands_processed', stats.commandsProcessed],
    ['instantaneous_ops_per_sec', stats.commands.perSecond],
    ['total_net_input_bytes', stats.netInputBytes],
    ['total_net_output_bytes', stats.netOutputBytes],
    ['total_net_repl_input_bytes', stats.netReplicationInputBytes],
    ['total_net_repl_output_bytes', stats.netReplicationOutputBytes],
    ['instantaneous_input_kbps', (stats.input.perSecond / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (stats.output.perSecond / 1024).toFixed(2)],
    ['instantaneous_input_repl_kbps', (stats.replicationInput.perSecond / 1024).toFixed(2)],
    ['instantaneous_output_repl_kbps', (stats.replicationOutput.perSecond / 1024).toFixed(2)],
    ['rejected_connections', stats.rejectedConnections],
    ['sync_full', stats.syncFull],
    ['sync_partial_ok', stats.syncPartialOk],
    ['sync_partial_err', stats.syncPartialErr],
    ['expired_keys', keyspace.expiredKeys],
    ['expired_subkeys', keyspace.expiredFields],
    // The heap of deadlines knows which keys are due: none is left for a later look.
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', stats.expireTimeCapReached],
    ['expire_cycle_cpu_milliseconds', Math.floor(stats.expireCycleMicroseconds / 1000)],
    ['evicted_keys', keyspace.evictedKeys],
    ['evicted_clients', stats.evictedClients],
    ['total_eviction_exceeded_time', exceeded.totalMs],
    ['current_eviction_exceeded_time', exceeded.currentMs],
    ['keyspace_hits', keyspace.hits],
    ['keyspace_misses', keyspace.misses],
    ['pubsub_channels', pubsub.size('channel')],
    ['pubsub_patterns', pubsub.size('pattern')],
    ['pubsubshard_channels', pubsub.size('shardChannel')],
    ['latest_fork_usec', 0],
    ['total_forks', s.persistence.snapshotCount],
    ['migrate_cached_sockets', s.migrations.keptCount],
    ['active_defrag_hits', defrag.hits],
    ['active_defrag_misses', defrag.misses],
    ['active_defrag_key_hits', defrag.keyHits],
    ['active_defrag_key_misses', defrag.keyMisses],
    ['total_active_defrag_time', defrag.timeMs.total],
    ['current_active_defrag_time', defrag.timeMs.current],
    ['tracking_total_keys', tracking.keyCount],
    ['tracking_total_items', tracking.itemCount],
    ['tracking_total_prefixes', tracking.prefixCount],
    ['unexpected_error_replies', stats.unexpectedErrors],
    ['total_error_replies', stats.errorReplies],
    ['total_reads_processed', stats.readsProcessed],
    ['total_writes_processed', stats.writesProcessed],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ['acl_access_denied_auth', stats.aclDeniedAuth],
    ['acl_access_denied_cmd', stats.aclDeniedCommand],
    ['acl_access_denied_key', stats.aclDeniedKey],
    ['acl_access_denied_channel', stats.aclDeniedChannel],
    ['acl_access_denied_tls_cert', stats.aclDeniedTlsCert],
    ['client_query_buffer_limit_disconnections', stats.clientQueryLimitDisconnections],
    ['client_output_buffer_limit_disconnections', stats.clientOutputLimitDisconnections],
  ];
}

function cpuLines(): InfoLine[] {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return [
    ['used_cpu_sys', (systemCPUTime / 1e6).toFixed(6)],
    ['used_cpu_user', (userCPUTime / 1e6).toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ...mainThreadLines(),
  ];
}

function mainThreadLines(): InfoLine[] {
  const times = mainThreadTimes();
  if (times === undefined) return [];
  return [
    ['used_cpu_sys_main_thread', times.system.toFixed(6)],
    ['used_cpu_user_main_thread', times.user.toFixed(6)],
  ];
}

function commandLines(s: Sources): InfoLine[] {
  const lines: InfoLine[] = [];
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
  for (const command of s.commands) {
    if (command.subcommands === undefined) add(command);
    else for (const sub of command.subcommands) add(sub);
  }
  return lines;
}

/** The percentiles that the configuration asks for, of every command that has run. */
function percentileLines({ commands, config }: Sources): InfoLine[] {
  if (!config.bool('latency-tracking')) return [];
  const percentiles = config.string('latency-tracking-info-percentiles').split(' ').filter(Boolean);
  const lines: InfoLine[] = [];
  for (const each of commands) {
    for (const { fullName, latency } of [each, ...(each.subcommands ?? [])]) {
      if (latency.total === 0) continue;
      const values = percentiles.map((percentile) => {
        const microseconds = latency.percentile(Number(percentile)) / 1000;
        return `p${Number(percentile)}=${microseconds.toFixed(3)}`;
      });
      lines.push([`latency_percentiles_usec_${fullName}`, values.join(',')]);
    }
  }
  return lines;
}

/** What only a server on Node.js has to tell: the event loop, V8's heap and its collector. */
function runtimeLines({ runtime, stalls }: Sources): InfoLine[] {
  const { delays } = stalls;
  const { count, totalMs, maxMs } = runtime.pauses;
  const { usedBytes, totalBytes, limitBytes, externalBytes } = runtime.heap;
  const delay = (percent: number) => Math.round(delays.percentile(percent) / 1000);
  return [
    ['event_loop_utilization', runtime.utilization.toFixed(3)],
    ['event_loop_delay_usec', `p50=${delay(50)},p99=${delay(99)},p99.9=${delay(99.9)}`],
    ['event_loop_longest_delay_ms', stalls.longestMs.toFixed(1)],
    ['event_loop_stalls', stalls.stalls],
    ['gc_pauses', count],
    ['gc_pause_total_ms', totalMs.toFixed(1)],
    ['gc_pause_longest_ms', maxMs.toFixed(1)],
    ['v8_heap_used', usedBytes],
    ['v8_heap_size', totalBytes],
    ['v8_heap_limit', limitBytes],
    ['v8_external_memory', externalBytes],
  ];
}

function errorLines(s: Sources): InfoLine[] {
  return [...s.stats.errorCodes].map(([code, n]) => [`errorstat_${code}`, `count=${n}`]);
}

function keyspaceLines(s: Sources): InfoLine[] {
  const lines: InfoLine[] = [];
  for (const db of s.keyspace.dbs) {
    if (db.size === 0) continue;
    const ttl = averageTtl(db.expires, s.clock.now());
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
function human(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(2)}K`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(2)}M`;
  return `${(bytes / 1024 ** 3).toFixed(2)}G`;
}

/** What scripts and functions take: Lua heaps, and what is kept of them besides. */
function scriptMemory({ scripts }: Sources): InfoLine[] {
  const { cache, evalHeapBytes, functionHeapBytes, functions } = scripts;
  const heaps = evalHeapBytes + functionHeapBytes;
  const functionBytes = functions.bytes;
  const kept = cache.bytes + functionBytes;
  return [
    ['used_memory_lua', evalHeapBytes],
    ['used_memory_vm_eval', evalHeapBytes],
    ['used_memory_lua_human', human(evalHeapBytes)],
    ['used_memory_scripts_eval', cache.bytes],
    ['number_of_cached_scripts', cache.size],
    ['number_of_functions', functions.functionCount],
    ['number_of_libraries', functions.size],
    ['used_memory_vm_functions', functionHeapBytes],
    ['used_memory_vm_total', heaps],
    ['used_memory_vm_total_human', human(heaps)],
    ['used_memory_functions', functionBytes],
    ['used_memory_scripts', kept],
    ['used_memory_scripts_human', human(kept)],
  ];
}
