/**
 * One connection as commands see it, and its transaction. `src/session` implements both.
 */
import type { User } from '../../acl/user.ts';
import type { Watcher } from '../../keyspace/watches.ts';
import type { Subscriber } from '../../pubsub/topic.ts';
import type { TrackedClient } from '../../tracking/client-tracking.ts';
import type { Args } from '../../util/args.ts';
import type { Command } from '../command-table.ts';

/** CLIENT REPLY's states: `skipNext` turns into `skip` for exactly one command. */
export type ReplyMode = 'on' | 'off' | 'skipNext' | 'skip';

/** Commands that wait for EXEC. */
export interface QueuePort {
  readonly length: number;
  /** The arguments of a command, valid until the next `read`. They are read in order. */
  read(i: number): Args;
  /** The command that `read` has read last. */
  readonly command: Command;
}

/** A session's transaction. */
export interface TransactionPort extends Watcher {
  /** Between MULTI and EXEC: commands are queued. */
  readonly isOpen: boolean;
  /** A command was refused while queueing: EXEC will refuse all. */
  readonly isRefused: boolean;
  /** How many commands EXEC is running, 0 while it does not. */
  running: number;
  begin(): void;
  /**
   * Ends the transaction; the caller also calls `watches.forget`. Returns the queue, if any.
   */
  end(): QueuePort | undefined;
  /** The queue that `end` returned is done with. */
  release(queue: QueuePort): void;
}

/** One connection as commands see it. */
export interface SessionPort extends Subscriber, TrackedClient {
  readonly id: number;
  readonly createdAtMs: number;
  name: string;
  libName: string;
  libVersion: string;
  respVersion: 2 | 3;
  dbIndex: number;
  authenticated: boolean;
  user: User;
  replyMode: ReplyMode;
  noEvict: boolean;
  noTouch: boolean;
  /** Whether it is shown all commands (MONITOR). `MonitorsPort` sets it. */
  isMonitor: boolean;
  /** Whether nothing is answered: CLIENT REPLY leaves it out, or the connection is to end. */
  readonly isMuted: boolean;
  readonly transaction: TransactionPort;
  /** Bytes of the replication stream there were after its latest command. */
  readonly streamOffset: number;
  /** `ip:port` of the peer, or `path:0` on a unix socket. */
  readonly address: string;
  readonly localAddress: string;
  /** Whether it comes from this machine: a unix socket or the loopback interface. */
  readonly isLocal: boolean;
  /**
   * Its commands are effects, of another server or of a file: what they say holds even where a
   * client could not say so (an exact trim with a LIMIT).
   */
  readonly appliesEffects: boolean;
  /** Where its commands come from, as MONITOR shows it: `ip:port` or `unix:path`. */
  readonly origin: string;
  /** CLIENT LIST's type of this client. */
  readonly type: 'normal' | 'master' | 'replica' | 'pubsub';
  /** One line of CLIENT LIST without the line end. `request` is what it is asking now. */
  describe(nowMs: number, request?: Args): string;
  /** Replies written so far are sent, then the connection ends. */
  closeAfterReply(): void;
  /** Ends the connection without delay. */
  kill(): void;
  /** Back to the state of a new connection (RESET, all but the connection itself). */
  reset(): void;
}
