/**
 * What a server does otherwise while it follows a master, put together: gates, expiry, the log's
 * letter, what errors of the stream lead to.
 */
import type { CommandTable } from '../commands/command-table.ts';
import type { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { OwnExpiry } from '../keyspace/own-expiry.ts';
import { CommandError } from '../util/errors.ts';
import type { Clients } from './clients.ts';
import { Dialer } from './dial.ts';
import type { Endpoints } from './endpoints.ts';
import type { Executor } from './executor.ts';
import { effectFailed } from './failed-effects.ts';
import type { Gates } from './gates.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Loader } from './loading.ts';
import type { Log } from './log.ts';
import type { OomScore } from './oom-score.ts';
import type { Output } from './output.ts';
import type { Persistence } from './persistence.ts';
import type { Replication } from './replication.ts';
import { ReplicaSide } from './replication-replica.ts';
import type { Stats } from './stats.ts';

const readOnly = new CommandError("READONLY You can't write against a read only replica.");
const masterDown = new CommandError(
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
);
const roleChanged =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
/** Time between two log lines about effects that do not get to the disk. */
const DISK_LOG_MS = 10_000;

/** The parts of a server that its role changes. */
export interface RoleTargets {
  readonly config: Config;
  readonly commands: CommandTable;
  readonly keyspace: Keyspace;
  readonly gates: Gates;
  readonly executor: Executor;
  readonly clients: Clients;
  readonly output: Output;
  readonly persistence: Persistence;
  readonly loader: Loader;
  readonly lifecycle: Lifecycle;
  readonly logger: Log;
  readonly replication: Replication;
  readonly stats: Stats;
  readonly now: () => number;
  readonly endpoints: Endpoints;
  readonly oomScore: OomScore;
  /** A master that was asked to hand its part over has answered. */
  readonly failoverAnswered: (accepted: boolean) => void;
}

/** Makes the replica side of a server. It follows nobody before its `start`. */
export function makeReplicaSide(server: RoleTargets): ReplicaSide {
  const { clients, config, endpoints, executor, gates, keyspace, logger, persistence } = server;
  const log: Log['write'] = (level, message) => logger.write(level, message);
  const serveWaiting = () => executor.blocking.serve();
  const side = new ReplicaSide({
    config,
    replication: server.replication,
    output: server.output,
    dial: new Dialer({
      config,
      port: () => endpoints.port,
      tlsPort: () => endpoints.tlsPort,
      context: () => endpoints.tls.clientContext(),
    }),
    stream: {
      table: server.commands,
      keyspace,
      executor,
      failed: (command, error) => effectFailed(server, 'master', command, error),
      beforeWrite: diskWatch(server),
    },
    load: {
      config,
      keyspace,
      persistence,
      gates,
      progress: server.loader.progress,
      now: server.now,
      log,
      isBusy: () => executor.isBusy,
      afterReplace: () => {
        persistence.syncLoaded();
        serveWaiting();
      },
    },
    hooks: {
      roleChanged: () => applyRole(server, side),
      endBlocked: () => executor.blocking.endAll(roleChanged),
      admit: (transport) => clients.admitMaster(transport),
      beforeReplace: () => persistence.holdForSync(),
      afterSync: () => persistence.resumeAfterSync(),
      failoverAnswered: server.failoverAnswered,
    },
    now: server.now,
    log,
  });
  for (const name of ['replica-read-only', 'replica-serve-stale-data']) {
    config.onChange(name, () => applyRole(server, side));
  }
  return side;
}

/** Takes over what follows from the role and the state of the link. */
function applyRole(server: RoleTargets, side: ReplicaSide): void {
  const { config, executor, gates, keyspace, logger, replication } = server;
  const isReplica = side.master !== undefined;
  const refusesWrites = isReplica && config.bool('replica-read-only');
  const refusesStale = isReplica && !side.isUp && !config.bool('replica-serve-stale-data');
  gates.replicaRefusal = refusesWrites ? readOnly : undefined;
  gates.staleRefusal = refusesStale ? masterDown : undefined;
  executor.leavesExpiry = isReplica;
  keyspace.keepsExpired = refusesWrites;
  keyspace.ownExpiry =
    isReplica && !refusesWrites ? (keyspace.ownExpiry ?? new OwnExpiry()) : undefined;
  logger.role = isReplica ? 'S' : 'M';
  replication.replicas.countGood();
  server.oomScore.follow();
}

/** Called before commands of the stream that write: what the disk does not take ends the server. */
function diskWatch(server: RoleTargets): () => void {
  const { config, gates, lifecycle, logger } = server;
  let toldMs = 0;
  return () => {
    if (gates.diskRefusal === undefined) return;
    if (!config.bool('replica-ignore-disk-write-errors')) {
      logger.write('warning', 'Replica was unable to write command to disk.');
      lifecycle.dieDamaged();
      return;
    }
    const nowMs = server.now();
    if (nowMs - toldMs < DISK_LOG_MS) return;
    toldMs = nowMs;
    logger.write('warning', 'Replica is applying a command it is unable to write to disk.');
  };
}
