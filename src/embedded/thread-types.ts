/** A server in a thread of its own, as its program sees it. Types only. */
import type { Counters, Reachable } from './api.ts';
import type { ClientInfo } from './client-types.ts';
import type { Effect, Match, SlowReplies } from './fault-types.ts';
import type { RecordedCommand, RecorderOptions } from './looking-types.ts';
import type { Json, ResetOptions, Seed, SharedSnapshot } from './state-types.ts';

/** As `ServerClock`; each call resolves when it is done. */
export interface ThreadClock {
  now(): Promise<number>;
  advance(ms: number): Promise<void>;
  set(date: Date | number): Promise<void>;
  freeze(at?: Date | number): Promise<void>;
  resume(): Promise<void>;
  reset(): Promise<void>;
}

/** A fault of a server in a thread. */
export interface ThreadInjection extends AsyncDisposable {
  hits(): Promise<number>;
  dispose(): Promise<void>;
}

/** A recorder of a server in a thread: what it has kept comes when it is asked for. */
export interface ThreadRecorder extends AsyncDisposable {
  commands(): Promise<readonly RecordedCommand[]>;
  of(name: string): Promise<RecordedCommand[]>;
  clear(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * What `createServer({ thread: true })` returns: the program's event loop stays free, and a program
 * that blocks does not block the server. As `RespiteServer`, but each call is a message.
 */
export interface ThreadedServer extends Reachable, AsyncDisposable {
  readonly clock: ThreadClock;
  counters(): Promise<Counters>;
  clients(): Promise<readonly ClientInfo[]>;
  reset(options?: ResetOptions): Promise<void>;
  seed(data: Seed): Promise<void>;
  /** `snapshot().share()`: for `createServer({ from })`, here or in other threads. */
  snapshot(): Promise<SharedSnapshot>;
  toJSON(): Promise<Json>;
  save(file?: string): Promise<void>;
  load(file: string): Promise<void>;
  /** Functions cannot go to a thread: `client` is a name or an id. */
  inject(match: Match, effect: Effect): Promise<ThreadInjection>;
  refuse(refused: boolean): Promise<void>;
  dropConnections(): Promise<number>;
  pause(ms: number): Promise<void>;
  slowReplies(options?: SlowReplies): Promise<AsyncDisposable>;
  record(options?: RecorderOptions): Promise<ThreadRecorder>;
  close(): Promise<void>;
}
