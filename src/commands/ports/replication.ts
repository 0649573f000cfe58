/**
 * Replication as commands see it. `src/server/replication.ts` implements it, and the parts it is
 * made of.
 */
import type { CommandError } from '../../util/errors.ts';
import type { SessionPort } from './session.ts';

/** What a client that is to be a replica has told of itself (REPLCONF). */
export interface ReplicaSettings {
  listeningPort: number;
  ipAddress: string;
  takesMarkedData: boolean;
  takesNewIds: boolean;
  rdbOnly: boolean;
  withData: boolean;
  withFunctions: boolean;
}

/** PSYNC's arguments; the offset is that of the first byte that is wanted. */
export interface ContinueRequest {
  readonly replid: string;
  /** Undefined when it is no number. */
  readonly offset: number | undefined;
  /** The master wants this server to take its place (FAILOVER). */
  readonly isFailover: boolean;
}

/** An online replica, as ROLE shows it. */
export interface ShownReplica {
  readonly host: string;
  readonly port: number;
  readonly offset: number;
}

/** The part that has replicas. What is refused throws CommandError. */
export interface ReplicasPort {
  /** What a client says of itself before it becomes a replica. */
  settings(session: SessionPort): ReplicaSettings;
  /**
   * Makes a client a replica: it continues where it was if it can, else it gets all data. Without a
   * request (SYNC) always the latter. Nothing is answered in the ordinary way.
   */
  sync(session: SessionPort, request: ContinueRequest | undefined): void;
  /** A replica has applied the stream up to an offset, and has it on its disk up to another one. */
  acknowledge(session: SessionPort, offset: number, fsynced: number | undefined): void;
  /** Online replicas that have acknowledged an offset. */
  countAcknowledged(offset: number): number;
  /** Online replicas that have an offset on their disks. */
  countFsynced(offset: number): number;
  /**
   * Ends the wait of a session, whose command is about to block: as its timeout would once
   * `isDone`, with an error when `failure` has one. Asks the replicas to say how far they are.
   */
  awaitUntil(
    session: SessionPort,
    isDone: () => boolean,
    failure?: () => CommandError | undefined,
  ): void;
  /** Online replicas. */
  online(): readonly ShownReplica[];
}

/** What FAILOVER was asked to do. */
export interface FailoverRequest {
  readonly target: { readonly host: string; readonly port: number } | undefined;
  readonly force: boolean;
  readonly timeoutMs: number | undefined;
}

/** The planned change of roles. What is refused throws CommandError. */
export interface FailoverPort {
  readonly isRunning: boolean;
  start(request: FailoverRequest): void;
  abort(): void;
}

export interface ReplicationPort {
  /** Whether this server follows a master. */
  readonly isReplica: boolean;
  /** Bytes of the stream so far. */
  readonly offset: number;
  readonly replicas: ReplicasPort;
  readonly failover: FailoverPort;
}
