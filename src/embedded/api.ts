/**
 * The interface of an embedded server: what programs and tests see. Types only, so that the
 * package's `.d.ts` files need nothing of what lies behind them.
 */
import type { Change, ChangesOptions } from '../server/change.ts';
import type { Profile } from '../server/profiles.ts';
import type { ClientInfo } from './client-types.ts';
import type { Effect, Injection, Match, SlowReplies } from './fault-types.ts';
import type { CommandArgument, LocalClient, LocalClientOptions, ReplyOf } from './local-types.ts';
import type { Recorder, RecorderOptions, ServerEvents } from './looking-types.ts';
import type { Json, ResetOptions, Seed, SharedSnapshot, StateSnapshot } from './state-types.ts';

/** A value of a directive: an array is written as its words, or as several lines (`user`). */
export type ConfigValue = string | number | boolean | readonly (string | number)[];

/** What a server is made of. An option that is not listed here is refused. */
export interface ServerOptions {
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** Password of the default user (`requirepass`). */
  readonly password?: string;
  /**
   * Directory that data is loaded from and saved to, made if it is not there; without it nothing
   * is loaded.
   */
  readonly dir?: string;
  /** File whose data the server begins with, as for `load()`. */
  readonly load?: string;
  /** Data the server begins with. */
  readonly seed?: Seed;
  /** A snapshot the server begins with: `server.snapshot()`, or its `share()` in another thread. */
  readonly from?: StateSnapshot | SharedSnapshot;
  /** Further redis.conf directives, by name: `{ maxmemory: '100mb' }`. */
  readonly config?: Readonly<Record<string, ConfigValue>>;
  /**
   * Which server to be like where they differ; default: 7.2 in its version, see
   * docs/embedding.md.
   */
  readonly compat?: Profile;
  /** Replaces the wall clock: ms since the epoch. See also `clock`. */
  readonly now?: () => number;
  /** Replaces the source of randomness: uniform in [0, 1). */
  readonly random?: () => number;
  /** Receives log lines; without it the server is silent. */
  readonly log?: (line: string) => void;
}

/** `createServer({ thread: true })`: in a thread of its own, so without functions. */
export interface ThreadOptions extends Omit<ServerOptions, 'now' | 'random' | 'log'> {
  readonly thread: true;
}

/** How a client library is told to connect: its options, or those with a database. */
export interface UrlOptions {
  /** Database to select; default 0. */
  readonly db?: number;
}

/** The options of a client library. */
export interface ClientOptions {
  readonly ioredis: {
    readonly host: string;
    readonly port: number;
    readonly db: number;
    readonly password?: string;
  };
  readonly 'node-redis': {
    readonly socket: { readonly host: string; readonly port: number };
    readonly database: number;
    readonly password?: string;
  };
}

/**
 * The clock of one server: the real one until it is moved. Times to live, TIME, ids of streams,
 * idle times, timeouts of blocked clients and `expired` events follow it together.
 */
export interface ServerClock {
  /** The server's time, ms since the epoch. */
  now(): number;
  /** Whether it stands still. */
  readonly frozen: boolean;
  /** Moves it on; what is due happens before it returns. O(what is due). */
  advance(ms: number): void;
  /** Sets it; it goes on from there, or stands there when frozen. */
  set(date: Date | number): void;
  /** Stops it, now or at a date. */
  freeze(at?: Date | number): void;
  /** Lets it run again from where it is. */
  resume(): void;
  /** Back to the real time. */
  reset(): void;
}

/** Counters since the start or the last `reset()` of statistics. */
export interface Counters {
  readonly commands: number;
  readonly connections: number;
  readonly errors: number;
  readonly hits: number;
  readonly misses: number;
  readonly expired: number;
  /** Calls by the command's full name (`get`, `config|get`), those that were called. */
  readonly byCommand: Readonly<Record<string, number>>;
}

/** An event of the keyspace, as keyspace notifications tell them. */
export interface KeyEventInfo {
  readonly db: number;
  /** Redis's name: `set`, `expired`, `del`, … */
  readonly event: string;
  readonly key: string;
}

export interface KeyEventsOptions {
  /** Glob of the keys; default all. */
  readonly match?: string;
  /** Only these events; default all but `new` and `keymiss`. */
  readonly events?: readonly string[];
  readonly db?: number;
}

/** How clients reach a server, whichever thread it is in. */
export interface Reachable {
  readonly host: string;
  readonly port: number;
  /** `redis://host:port`, with the password if there is one. */
  readonly url: string;
  /** `url` with a database: `urlFor({ db: 3 })`. */
  urlFor(options?: UrlOptions): string;
  /** What `new Redis(…)` of ioredis or `createClient(…)` of node-redis takes. */
  options<Library extends keyof ClientOptions>(
    library: Library,
    options?: UrlOptions,
  ): ClientOptions[Library];

  /**
   * Runs a command. Resolves with its reply: strings for texts, numbers, arrays, plain objects for
   * maps, null. Rejects with a ReplyError. All calls share one client of their own.
   */
  exec<Name extends string>(
    name: Name,
    ...args: readonly CommandArgument[]
  ): Promise<ReplyOf<Name>>;
}

/** A running server. */
export interface RespiteServer extends Reachable, AsyncDisposable {
  readonly clock: ServerClock;
  readonly counters: Counters;
  /** The clients that are connected. */
  readonly clients: readonly ClientInfo[];

  // ---- without a socket
  /** A client of its own without a socket: its own database, transactions, subscriptions. */
  client(options?: LocalClientOptions): LocalClient;
  /** A Duplex that is a connection to this server, for client libraries: see docs/embedding.md. */
  connect(): import('node:stream').Duplex;

  // ---- state
  /**
   * Puts everything back: data, the configuration as it was at the start, users, scripts,
   * statistics, the clock, faults, and what clients have set for themselves (they stay
   * connected). In constant time: memory is given back afterwards, in slices.
   */
  reset(options?: ResetOptions): Promise<void>;
  /** Writes data, of every type, with times to live. Keys that are there are replaced. */
  seed(data: Seed): Promise<void>;
  /** This moment of all data, for `restore`. O(1) per key that changes afterwards. */
  snapshot(): StateSnapshot;
  /** Puts all data back as it was. O(what has changed since). */
  restore(snapshot: StateSnapshot): void;
  /** All data in the form that `seed` takes, keys in order: for readable diffs. O(data). */
  toJSON(): Json;
  /**
   * Saves an RDB file in the background: `dbfilename` in `dir`, or the file that is named. Resolves
   * when it is in its place and synced; rejects when it cannot be had: then the old file is there.
   */
  save(file?: string): Promise<void>;
  /**
   * Replaces all data and function libraries by what a file holds: an RDB file of any version, an
   * append-only file (its name ends in `.aof`), a manifest of such files, the JSON lines of
   * `respite convert`, or the JSON of `toJSON()`. Clients are told -LOADING meanwhile. With
   * `appendonly` it resolves when what was loaded is in the append-only files, too. Rejects with
   * what is wrong with the file: the data is as it was if it is an RDB file, else there is none.
   */
  load(file: string): Promise<void>;

  // ---- faults
  /** Makes requests fail, wait or vanish. Costs nothing while there is none. */
  inject(match: Match, effect: Effect): Injection;
  /** Refuses connections as a server does that is not there; those that are open go on. */
  refuse(refused: boolean): Promise<void>;
  /** Ends connections without a word; returns how many. */
  dropConnections(filter?: (client: ClientInfo) => boolean): number;
  /** Clients' commands wait for so long (CLIENT PAUSE). */
  pause(ms: number): void;
  /** Replies come in pieces, cut at random bytes, until it is disposed of. */
  slowReplies(options?: SlowReplies): Disposable;

  // ---- looking
  /** Notes the commands received from now on. */
  record(options?: RecorderOptions): Recorder;
  on<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this;
  once<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this;
  off<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this;
  /** What happens to keys from now on, whatever `notify-keyspace-events` says. */
  keyEvents(
    options?: KeyEventsOptions,
  ): AsyncIterableIterator<KeyEventInfo, undefined> & AsyncDisposable;
  /**
   * The changes of the data from now on, each as a command with the same effect on a copy. Costs
   * nothing while no stream is open; each must be read or ended (`break`, `return()`). A consumer
   * that is too slow for its buffer gets a ChangesLostError after what the buffer holds.
   */
  changes(options?: ChangesOptions): AsyncIterableIterator<Change, undefined> & AsyncDisposable;
  /**
   * Ends all connections and closes all sockets. With `appendonly` everything is written and
   * synced before it resolves, whatever `appendfsync` is; it saves no RDB file: call `save` first
   * if you want one. Safe to call twice.
   */
  close(): Promise<void>;
}
