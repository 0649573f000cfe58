/**
 * The server as commands see it: a bag of ports, one for each matter, implemented by the object
 * that owns the matter. `Server` holds them and implements none.
 */
import type { CommandTable } from '../command-table.ts';
import type { AclPort } from './acl.ts';
import type { BlockingPort, ClientsPort, MonitorsPort } from './clients.ts';
import type { ClockPort } from './clock.ts';
import type { ConfigPort } from './config.ts';
import type { DebugPort } from './debug.ts';
import type { LifecyclePort } from './lifecycle.ts';
import type { LogPort } from './log.ts';
import type { MemoryPort } from './memory.ts';
import type { PubSubPort, TrackingPort } from './messages.ts';
import type { MigrationsPort } from './migrations.ts';
import type { HotKeysPort, LargeCallsPort, LatencyPort, SlowLogPort } from './observation.ts';
import type { PersistencePort } from './persistence.ts';
import type { ReplicaPort } from './replica.ts';
import type { ReplicationPort } from './replication.ts';
import type { ScriptsPort } from './scripts.ts';
import type { StatsPort } from './stats.ts';

/** Everything outside the data that a handler may reach, besides its own session. */
export interface ServerPort {
  readonly acl: AclPort;
  readonly blocking: BlockingPort;
  readonly clients: ClientsPort;
  readonly clock: ClockPort;
  readonly commands: CommandTable;
  readonly config: ConfigPort;
  readonly debug: DebugPort;
  readonly hotKeys: HotKeysPort;
  readonly info: StatsPort;
  readonly largeCalls: LargeCallsPort;
  readonly latency: LatencyPort;
  readonly lifecycle: LifecyclePort;
  readonly logger: LogPort;
  readonly memoryReports: MemoryPort;
  readonly migrations: MigrationsPort;
  readonly monitors: MonitorsPort;
  readonly persistence: PersistencePort;
  readonly pubsub: PubSubPort;
  readonly replica: ReplicaPort;
  readonly replication: ReplicationPort;
  readonly scripts: ScriptsPort;
  readonly slowLog: SlowLogPort;
  readonly tracking: TrackingPort;
}
