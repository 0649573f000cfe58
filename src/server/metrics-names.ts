/**
 * What the figures of INFO are called in Prometheus' text: the names of redis_exporter (1.45), so
 * that dashboards made for it work here. `test/server/metrics.test.ts` compares them.
 */

export interface MetricName {
  /** Field of INFO. */
  readonly field: string;
  /** Without `redis_`. */
  readonly name: string;
  /** Words that stand for 1, in fields that are no numbers; others are 0. */
  readonly yes?: string;
}

const rows = (text: string): MetricName[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [field = '', name = field, yes] = line.trim().split(/\s+/);
      return yes === undefined ? { field, name } : { field, name, yes };
    });

/** Figures that go up and down. */
export const gauges: readonly MetricName[] = rows(`
  active_defrag_running
  allocator_active allocator_active_bytes
  allocator_allocated allocator_allocated_bytes
  allocator_frag_bytes
  allocator_frag_ratio
  allocator_resident allocator_resident_bytes
  allocator_rss_bytes
  allocator_rss_ratio
  aof_base_size aof_base_size_bytes
  aof_buffer_length
  aof_current_rewrite_time_sec aof_current_rewrite_duration_sec
  aof_current_size aof_current_size_bytes
  aof_delayed_fsync
  aof_enabled
  aof_last_bgrewrite_status aof_last_bgrewrite_status ok
  aof_last_cow_size aof_last_cow_size_bytes
  aof_last_rewrite_time_sec aof_last_rewrite_duration_sec
  aof_last_write_status aof_last_write_status ok
  aof_pending_bio_fsync
  aof_pending_rewrite
  aof_rewrite_in_progress
  aof_rewrite_scheduled
  blocked_clients
  client_recent_max_input_buffer client_recent_max_input_buffer_bytes
  client_recent_max_output_buffer client_recent_max_output_buffer_bytes
  clients_in_timeout_table
  cluster_connections
  cluster_enabled
  connected_clients
  connected_slaves
  expired_stale_perc expired_stale_percentage
  io_threads_active
  lazyfree_pending_objects
  loading loading_dump_file
  master_last_io_seconds_ago master_last_io_seconds_ago
  master_link_status master_link_up up
  master_repl_offset
  master_sync_in_progress
  maxclients config_maxclients
  maxmemory memory_max_bytes
  mem_clients_normal
  mem_clients_slaves
  mem_fragmentation_bytes
  mem_fragmentation_ratio
  mem_not_counted_for_evict mem_not_counted_for_eviction_bytes
  module_fork_in_progress
  module_fork_last_cow_size
  number_of_cached_scripts
  process_id
  pubsub_channels
  pubsub_patterns
  rdb_bgsave_in_progress
  rdb_changes_since_last_save
  rdb_current_bgsave_time_sec rdb_current_bgsave_duration_sec
  rdb_last_bgsave_status rdb_last_bgsave_status ok
  rdb_last_bgsave_time_sec rdb_last_bgsave_duration_sec
  rdb_last_cow_size rdb_last_cow_size_bytes
  rdb_last_save_time rdb_last_save_timestamp_seconds
  repl_backlog_active repl_backlog_is_active
  repl_backlog_first_byte_offset
  repl_backlog_histlen repl_backlog_history_bytes
  repl_backlog_size replication_backlog_bytes
  second_repl_offset
  slave_expires_tracked_keys
  slave_priority
  slave_repl_offset
  tracking_clients
  tracking_total_items
  tracking_total_keys
  tracking_total_prefixes
  uptime_in_seconds
  used_memory memory_used_bytes
  used_memory_dataset memory_used_dataset_bytes
  used_memory_lua memory_used_lua_bytes
  used_memory_overhead memory_used_overhead_bytes
  used_memory_peak memory_used_peak_bytes
  used_memory_rss memory_used_rss_bytes
  used_memory_scripts memory_used_scripts_bytes
  used_memory_startup memory_used_startup_bytes
  event_loop_utilization
  v8_heap_limit v8_heap_limit_bytes
  v8_heap_size v8_heap_size_bytes
  v8_heap_used v8_heap_used_bytes
`);

/** Figures that only grow. */
export const counters: readonly MetricName[] = rows(`
  active_defrag_hits defrag_hits
  active_defrag_key_hits defrag_key_hits
  active_defrag_key_misses defrag_key_misses
  active_defrag_misses defrag_misses
  dump_payload_sanitizations
  event_loop_stalls event_loop_stalls_total
  evicted_keys evicted_keys_total
  expired_keys expired_keys_total
  expired_time_cap_reached_count expired_time_cap_reached_total
  gc_pauses gc_pauses_total
  io_threaded_reads_processed
  io_threaded_writes_processed
  keyspace_hits keyspace_hits_total
  keyspace_misses keyspace_misses_total
  migrate_cached_sockets migrate_cached_sockets_total
  rejected_connections rejected_connections_total
  sync_full replica_resyncs_full
  sync_partial_err replica_partial_resync_denied
  sync_partial_ok replica_partial_resync_accepted
  total_commands_processed commands_processed_total
  total_connections_received connections_received_total
  total_error_replies
  total_net_input_bytes net_input_bytes_total
  total_net_output_bytes net_output_bytes_total
  total_reads_processed
  total_writes_processed
  unexpected_error_replies
  used_cpu_sys cpu_sys_seconds_total
  used_cpu_sys_children cpu_sys_children_seconds_total
  used_cpu_sys_main_thread cpu_sys_main_thread_seconds_total
  used_cpu_user cpu_user_seconds_total
  used_cpu_user_children cpu_user_children_seconds_total
  used_cpu_user_main_thread cpu_user_main_thread_seconds_total
`);
