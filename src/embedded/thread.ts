/** A server in a thread: starts it, and makes a message of each call. */
import type { Worker } from 'node:worker_threads';
import { ConfigError } from '../config/errors.ts';
import { ListenError } from '../net/listen-error.ts';
import type { ThreadOptions } from './api.ts';
import type { Effect, Match, SlowReplies } from './fault-types.ts';
import type { CommandArgument, ReplyOf } from './local-types.ts';
import type { RecordedCommand, RecorderOptions } from './looking-types.ts';
import { ReplyError } from './reply-error.ts';
import type { Json, ResetOptions, Seed, SharedSnapshot } from './state-types.ts';
import type { Answer, Call, Started } from './thread-messages.ts';
import type {
  ThreadClock,
  ThreadedServer,
  ThreadInjection,
  ThreadRecorder,
} from './thread-types.ts';
import { Urls } from './urls.ts';

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** Calls to the thread, and their answers. */
class Calls {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private next = 0;
  private ended = false;

  constructor(worker: Worker) {
    this.worker = worker;
    worker.on('message', (answer: Answer) => this.answered(answer));
    worker.on('error', (error) => this.end(error));
    worker.on('exit', () => this.end(new Error('the thread of the server has ended')));
  }

  call<Value>(method: string, ...args: readonly unknown[]): Promise<Value> {
    if (this.ended) return Promise.reject(new Error('the server is closed'));
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject } as Pending);
      try {
        this.worker.postMessage({ id, method, args } satisfies Call);
      } catch (error) {
        this.pending.delete(id);
        reject(asNotSent(method, error as Error));
      }
    });
  }

  private answered({ id, error, value }: Answer): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (error === undefined) pending?.resolve(value as never);
    else pending?.reject(errorOf(error));
  }

  private end(error: Error): void {
    this.ended = true;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

function errorOf({ name, message, facts }: NonNullable<Answer['error']>): Error {
  if (name === 'ReplyError') return new ReplyError(message);
  const error = Object.assign(new Error(message), facts, { name });
  const kind = kinds[name];
  return kind === undefined ? error : Object.setPrototypeOf(error, kind.prototype);
}

/** Errors that programs ask for by their class, wherever they were made. */
const kinds: Readonly<Record<string, { readonly prototype: Error }>> = {
  ConfigError,
  ListenError,
  RangeError,
  TypeError,
};

function asNotSent(method: string, { message }: Error): TypeError {
  return new TypeError(`${method}(): functions cannot go to a server in a thread (${message})`);
}

class ThreadServer extends Urls implements ThreadedServer {
  readonly host: string;
  readonly port: number;
  readonly clock: ThreadClock;
  readonly password: string | undefined;
  private readonly worker: Worker;
  private readonly calls: Calls;
  private closing: Promise<void> | undefined;

  constructor(worker: Worker, calls: Calls, { host, port, password }: Started) {
    super();
    this.worker = worker;
    this.calls = calls;
    this.host = host;
    this.port = port;
    this.password = password;
    this.clock = {
      now: () => calls.call('clock.now'),
      advance: (ms) => calls.call('clock.advance', ms),
      set: (date) => calls.call('clock.set', date),
      freeze: (at) => calls.call('clock.freeze', ...(at === undefined ? [] : [at])),
      resume: () => calls.call('clock.resume'),
      reset: () => calls.call('clock.reset'),
    };
  }

  exec<Name extends string>(
    name: Name,
    ...args: readonly CommandArgument[]
  ): Promise<ReplyOf<Name>> {
    return this.calls.call('exec', name, ...args);
  }

  counters() {
    return this.calls.call<Awaited<ReturnType<ThreadedServer['counters']>>>('counters');
  }

  clients() {
    return this.calls.call<Awaited<ReturnType<ThreadedServer['clients']>>>('clients');
  }

  reset(options?: ResetOptions): Promise<void> {
    return this.calls.call('reset', options);
  }

  seed(data: Seed): Promise<void> {
    return this.calls.call('seed', data);
  }

  snapshot(): Promise<SharedSnapshot> {
    return this.calls.call('snapshot');
  }

  toJSON(): Promise<Json> {
    return this.calls.call('toJSON');
  }

  save(file?: string): Promise<void> {
    return this.calls.call('save', file);
  }

  load(file: string): Promise<void> {
    return this.calls.call('load', file);
  }

  async inject(match: Match, effect: Effect): Promise<ThreadInjection> {
    const { calls } = this;
    const number = await calls.call<number>('inject', match, effect);
    const dispose = (): Promise<void> => calls.call('injection.dispose', number);
    return {
      hits: () => calls.call('injection.hits', number),
      dispose,
      [Symbol.asyncDispose]: dispose,
    };
  }

  refuse(refused: boolean): Promise<void> {
    return this.calls.call('refuse', refused);
  }

  dropConnections(...none: readonly unknown[]): Promise<number> {
    return this.calls.call('dropConnections', ...none);
  }

  pause(ms: number): Promise<void> {
    return this.calls.call('pause', ms);
  }

  async slowReplies(options?: SlowReplies): Promise<AsyncDisposable> {
    const { calls } = this;
    const number = await calls.call<number>('slowReplies', options);
    return { [Symbol.asyncDispose]: () => calls.call('slow.dispose', number) };
  }

  async record(options?: RecorderOptions): Promise<ThreadRecorder> {
    const { calls } = this;
    const number = await calls.call<number>('record', options);
    const stop = (): Promise<void> => calls.call('recorder.stop', number);
    return {
      commands: () => calls.call<readonly RecordedCommand[]>('recorder.commands', number),
      of: (name) => calls.call<RecordedCommand[]>('recorder.of', number, name),
      clear: () => calls.call('recorder.clear', number),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  }

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    await this.calls.call('close').catch(() => {});
    await this.worker.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What only a server in this thread has, and what to do instead: said, not "undefined". */
const elsewhere: Readonly<Record<string, string>> = {
  client: 'exec() runs commands, and client libraries connect to url',
  connect: 'client libraries connect to url',
  restore: 'createServer({ thread: true, from: snapshot }) begins with one',
  on: 'record() keeps what was sent',
  once: 'record() keeps what was sent',
  off: 'there are no listeners',
  keyEvents: 'a client can subscribe to notify-keyspace-events',
  changes: 'a server in this thread has it',
};
for (const [name, instead] of Object.entries(elsewhere)) {
  Object.defineProperty(ThreadServer.prototype, name, {
    value() {
      throw new TypeError(`${name}() is not there for a server in a thread: ${instead}`);
    },
  });
}

/** Starts a server in a thread. Rejects as `createServer` does. */
export async function startThread(options: ThreadOptions): Promise<ThreadedServer> {
  const { thread: _, from, ...given } = options;
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'function') continue;
    throw ConfigError.ofOption(name, 'is a function, which cannot go to a thread');
  }
  const rest = { ...given, from: from !== undefined && 'share' in from ? from.share() : from };
  const threads = process.getBuiltinModule('node:worker_threads');
  const worker = new threads.Worker(workerUrl(), { name: 'respite', workerData: rest });
  const calls = new Calls(worker);
  try {
    const started = await calls.call<Started>('start');
    return new ThreadServer(worker, calls, started);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** The bundle of the thread, also where this module runs from its source (tests). */
function workerUrl(): URL {
  const own = import.meta.url.replace(/\/src\/(?=embedded\/thread\.ts$)/, '/dist/src/');
  return new URL('../../esm/thread-worker.js', own);
}
