/**
 * This server's part as a replica, as commands see it; `src/server/replication-replica.ts`.
 */
export interface ReplicaPort {
  /** Whom it follows; undefined for a master. */
  readonly master: { readonly host: string; readonly port: number } | undefined;
  /** ROLE's word for the link to it. */
  readonly state: string;
  /** Bytes of its stream that have been applied, -1 while there is no link. */
  readonly appliedOffset: number;
  /** Whether this server follows that one already. */
  follows(host: string, port: number): boolean;
  /** Follows another server from now on. */
  follow(host: string, port: number): void;
  /** Follows nobody any more. */
  promote(): void;
  /** Tells the master how far its stream has been applied. */
  acknowledge(): void;
}
