/**
 * The narrow doors through which handlers reach what lies outside the data: their session, other
 * sessions, configuration, lifecycle. `src/session` and `src/server` implement them.
 */
import type { Watcher } from '../keyspace/watches.ts';
import type { PubSub } from '../pubsub/pubsub.ts';
import type { Subscriber } from '../pubsub/topic.ts';
import type { TrackedClient } from '../tracking/client-tracking.ts';
import type { Tracking } from '../tracking/tracking.ts';
import type { Args } from '../util/args.ts';
import type { Command, CommandTable } from './command-table.ts';

/** CLIENT REPLY's states: `skipNext` turns into `skip` for exactly one command. */
export type ReplyMode = 'on' | 'off' | 'skipNext' | 'skip';

/** Commands that wait for EXEC. */
export interface QueuePort {
  readonly length: number;
  command(i: number): Command;
  /** The arguments of a command, valid until the next `read`. */
  read(i: number): Args;
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
  /** Back to no transaction; what is watched is the keyspace's to forget. Returns the queue, if any. */
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
  user: string;
  replyMode: ReplyMode;
  noEvict: boolean;
  noTouch: boolean;
  /** Whether it is shown all commands (MONITOR). `MonitorsPort` sets it. */
  isMonitor: boolean;
  /** Whether nothing is answered: CLIENT REPLY leaves it out, or the connection is to end. */
  readonly isMuted: boolean;
  readonly transaction: TransactionPort;
  /** `ip:port` of the peer, or `path:0` on a unix socket. */
  readonly address: string;
  readonly localAddress: string;
  /** Where its commands come from, as MONITOR shows it: `ip:port` or `unix:path`. */
  readonly origin: string;
  /** CLIENT LIST's type of this client. */
  readonly type: 'normal' | 'master' | 'replica' | 'pubsub';
  /** One line of CLIENT LIST without the line end. */
  describe(nowMs: number): string;
  /** Replies written so far are sent, then the connection ends. */
  closeAfterReply(): void;
  /** Ends the connection without delay. */
  kill(): void;
  /** Back to the state of a new connection (RESET, all but the connection itself). */
  reset(): void;
}

/** The sessions that are shown all commands. */
export interface MonitorsPort {
  add(session: SessionPort): void;
  remove(session: SessionPort): void;
}

export type PauseMode = 'write' | 'all';

/** What SHUTDOWN was asked to do. */
export interface ShutdownRequest {
  readonly save: 'default' | 'save' | 'nosave';
  readonly now: boolean;
  readonly force: boolean;
  readonly abort: boolean;
}

/** The configuration as CONFIG sees it. Errors are thrown as CommandError. */
export interface ConfigPort {
  get(patterns: readonly string[]): [name: string, value: string][];
  set(pairs: readonly (readonly [name: string, value: string])[]): void;
  rewrite(): void;
  string(name: string): string;
  number(name: string): number;
  bool(name: string): boolean;
}

/** The server as commands see it. */
export interface ServerPort {
  readonly config: ConfigPort;
  readonly commands: CommandTable;
  readonly pubsub: PubSub;
  readonly monitors: MonitorsPort;
  readonly tracking: Tracking;
  readonly startedAtMs: number;
  /** The Redis version that clients are told. */
  readonly version: string;
  /** Unix time in seconds of the last successful save. */
  lastSaveSeconds: number;
  /** Every open session, oldest first. */
  sessions(): Iterable<SessionPort>;
  sessionById(id: number): SessionPort | undefined;
  /** INFO's text for the named sections (lower case; `default`, `all`, `everything` included). */
  info(sections: readonly string[]): string;
  resetStats(): void;
  /** Suspends commands until `untilMs` (wall clock). */
  pauseClients(untilMs: number, mode: PauseMode): void;
  unpauseClients(): void;
  /** Ends a blocked session's wait. Returns whether it was blocked. */
  unblock(id: number, withError: boolean): boolean;
  /** Starts an orderly end; throws CommandError when refused. */
  shutdown(request: ShutdownRequest): void;
  /** Writes a line to the log. */
  log(level: 'debug' | 'verbose' | 'notice' | 'warning', message: string): void;
  /** Turns the active expire cycle on or off (DEBUG SET-ACTIVE-EXPIRE). */
  setActiveExpire(enabled: boolean): void;
  /** Blocks the whole server for `ms` (DEBUG SLEEP). */
  sleep(ms: number): void;
  /** A new replication id (DEBUG CHANGE-REPL-ID). */
  changeReplicationId(): void;
  /** Logs a session in when user and password match; false when they don't. */
  authenticate(session: SessionPort, user: string, password: Uint8Array): boolean;
  /** Bytes of used memory, as INFO reports. */
  usedMemory(): number;
}
