/**
 * What the parts of replication know of each other: the link to a master, the links of replicas,
 * the planned change of roles. `replication.ts` puts them together.
 */
import type { FailoverPort, ReplicasPort } from '../commands/ports/replication.ts';
import type { StreamPosition } from '../replication/identity.ts';
import type { Session } from '../session/session.ts';
import type { InfoLine } from './info.ts';

/** This server's part as a replica, as the other parts see it; there while it has a master. */
export interface Following {
  /** Whether the link is up: data received, stream flowing. */
  readonly isUp: boolean;
  /** Database selected in the master's stream, for an RDB file; undefined when none is known. */
  readonly streamDb: number | undefined;
  /** A file was loaded that says where in a history its data is. */
  loaded(position: StreamPosition): void;
  /** INFO's lines that follow `role:slave`. */
  infoLines(): readonly InfoLine[];
}

/** Changes this server's role. */
export interface Roles {
  /** Follows a master from now on; `isFailover`: it is told to take this server's place. */
  follow(host: string, port: number, isFailover: boolean): void;
  /** Follows nobody any more. */
  promote(): void;
}

/** This server's part as the one who has replicas. */
export interface Links extends ReplicasPort {
  /** Number of replicas. */
  readonly count: number;
  all(): Iterable<Session>;
  /** There are more bytes in the stream. */
  fed(): void;
  /** Ends all links: who is there may ask to continue. */
  disconnectAll(): void;
  /** A replica has taken all it was sent. */
  drained(session: Session): void;
  /** A client that was a replica is gone. */
  forget(session: Session): void;
  /** Tells the gates whether enough replicas keep up; the role has changed. */
  countGood(): void;
  /** A backlog begins its life without replicas now. */
  restartTtl(): void;
  /** Called by the cron. */
  tick(nowMs: number): void;
  /** INFO's lines about them. */
  infoLines(): readonly InfoLine[];
}

/** The planned change of roles. */
export interface FailoverPart extends FailoverPort {
  /** `master_failover_state` in INFO. */
  readonly state: string;
  /** A replica has said how far it is, or time has passed. */
  check(): void;
  /** The target has answered PSYNC: it goes on as the master, or it does not. */
  answered(accepted: boolean): void;
  /** The master wants this server to take its place. Throws CommandError. */
  takeOver(session: Session, replid: string): void;
}
