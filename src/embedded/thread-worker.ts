/** The thread of a server: takes calls, answers each. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ServerOptions } from './api.ts';
import type { EmbeddedServer } from './embedded-server.ts';
import type { Effect, Injection, Match } from './fault-types.ts';
import type { Recorder } from './looking-types.ts';
import { startServer } from './start.ts';
import type { Answer, Call, Started } from './thread-messages.ts';

let server: EmbeddedServer;
const injections: Injection[] = [];
const slow: Disposable[] = [];
const recorders: Recorder[] = [];

type Method = (...args: never[]) => unknown;

const methods: Readonly<Record<string, Method>> = {
  async start(): Promise<Started> {
    server = await startServer(workerData as ServerOptions);
    const { host, password, port } = server;
    return { host, password, port };
  },
  exec: (name: string, ...args: never[]) => server.exec(name, ...args),
  counters: () => server.counters,
  clients: () => server.clients,
  reset: (options: never) => server.reset(options),
  seed: (data: never) => server.seed(data),
  snapshot: () => {
    const snapshot = server.snapshot();
    const shared = snapshot.share();
    snapshot.dispose();
    return shared;
  },
  toJSON: () => server.toJSON(),
  save: (file: never) => server.save(file),
  load: (file: never) => server.load(file),
  inject: (match: Match, effect: Effect) => injections.push(server.inject(match, effect)) - 1,
  'injection.hits': (number: number) => injections[number]?.hits,
  'injection.dispose': (number: number) => injections[number]?.dispose(),
  refuse: (refused: boolean) => server.refuse(refused),
  dropConnections: (...none: never[]) => server.dropConnections(...none),
  pause: (ms: number) => server.pause(ms),
  slowReplies: (options: never) => slow.push(server.slowReplies(options)) - 1,
  'slow.dispose': (number: number) => slow[number]?.[Symbol.dispose](),
  record: (options: never) => recorders.push(server.record(options)) - 1,
  'recorder.commands': (number: number) => recorders[number]?.commands,
  'recorder.of': (number: number, name: string) => recorders[number]?.of(name),
  'recorder.clear': (number: number) => recorders[number]?.clear(),
  'recorder.stop': (number: number) => recorders[number]?.stop(),
  close: () => server.close(),
  'clock.now': () => server.clock.now(),
  'clock.advance': (ms: number) => server.clock.advance(ms),
  'clock.set': (date: number) => server.clock.set(date),
  'clock.freeze': (at?: number) => server.clock.freeze(at),
  'clock.resume': () => server.clock.resume(),
  'clock.reset': () => server.clock.reset(),
};

parentPort?.on('message', ({ id, method, args }: Call) => {
  void answer(id, method, args).then((message) => parentPort?.postMessage(message));
});

async function answer(id: number, method: string, args: readonly unknown[]): Promise<Answer> {
  try {
    return { id, value: await methods[method]!(...(args as never[])) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message } = error;
    return { id, error: { name, message, facts: { ...error } } };
  }
}
