/**
 * Every difference from redis-server 7.0.15 that is on purpose. An entry needs a reason that holds
 * before a reader who knows Redis, and is listed in docs/compatibility.md; one that no script needs
 * any more fails the run. "It is easier for us" is not a reason.
 */
import type { AllowedDifference } from '../harness/differential.ts';

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    script: 'wrong-type',
    command: /^OBJECT ENCODING/,
    ours: /listpack/,
    oracle: /hashtable/,
    why: 'small sets of strings are listpacks as in Redis 7.2, with its set-max-listpack-* limits',
  },
  {
    script: 'zset',
    command: /^Z(REV)?RANK \S+ \S+ \S+$/,
    oracle: /wrong number of arguments/,
    why: 'ZRANK and ZREVRANK take WITHSCORE as in Redis 7.2',
  },
  {
    script: 'reset',
    command: /^CLIENT INFO/,
    ours: /flags=N/,
    oracle: /flags=e/,
    why: 'RESET ends CLIENT NO-EVICT as in Redis 7.2',
  },
];

/** Reviewed differences in COMMAND INFO: `command: field` to the reason. */
export const allowedCommandInfo: Readonly<Record<string, string>> = {
  'zrank: arity': 'takes WITHSCORE as in Redis 7.2',
  'zrevrank: arity': 'takes WITHSCORE as in Redis 7.2',
};

const build = 'describes how a C program was built';
const persistence = 'belongs to RDB and AOF, which are not there yet';
const replication = 'belongs to replication and cluster, which are not there yet';
const allocator = 'describes jemalloc and its defragmentation; our arena has neither';
const threads = 'describes I/O threads and reply buffers of the C server';
const later = 'belongs to a capability that is not there yet';

/** Fields of INFO that we do not have, each with the reason. One that appears must leave the list. */
export const missingInfoFields: Readonly<Record<string, string>> = {
  ...because(build, 'redis_git_dirty redis_build_id monotonic_clock atomicvar_api gcc_version'),
  ...because(allocator, 'allocator_frag_ratio allocator_frag_bytes allocator_rss_ratio'),
  ...because(allocator, 'allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes'),
  ...because(allocator, 'active_defrag_hits active_defrag_misses active_defrag_key_hits'),
  ...because(allocator, 'active_defrag_key_misses total_active_defrag_time'),
  ...because(allocator, 'current_active_defrag_time lazyfreed_objects'),
  ...because(persistence, 'current_cow_peak current_cow_size current_cow_size_age'),
  ...because(persistence, 'current_fork_perc current_save_keys_processed current_save_keys_total'),
  ...because(persistence, 'rdb_last_cow_size rdb_last_load_keys_expired rdb_last_load_keys_loaded'),
  ...because(persistence, 'aof_rewrites aof_rewrites_consecutive_failures'),
  ...because(persistence, 'aof_last_cow_size module_fork_in_progress module_fork_last_cow_size'),
  ...because(replication, 'mem_replication_backlog mem_total_replication_buffers'),
  ...because(replication, 'mem_cluster_links total_net_repl_input_bytes'),
  ...because(replication, 'total_net_repl_output_bytes instantaneous_input_repl_kbps'),
  ...because(replication, 'instantaneous_output_repl_kbps migrate_cached_sockets'),
  ...because(replication, 'slave_expires_tracked_keys unexpected_error_replies'),
  ...because(threads, 'io_threaded_reads_processed io_threaded_writes_processed'),
  ...because(threads, 'reply_buffer_shrinks reply_buffer_expands'),
  ...because(threads, 'used_cpu_sys_main_thread used_cpu_user_main_thread'),
  ...because(later, 'expired_stale_perc total_eviction_exceeded_time'),
  ...because(later, 'current_eviction_exceeded_time dump_payload_sanitizations'),
};

function because(why: string, fields: string): Record<string, string> {
  return Object.fromEntries(fields.split(' ').map((field) => [field, why]));
}
