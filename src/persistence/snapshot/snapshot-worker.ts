/**
 * The thread that writes snapshots to disk, one after the other: it opens the frozen arena that it
 * is told of, and walks it with the same modules as the main thread. It changes nothing and keeps
 * nothing.
 *
 * Messages in: `begin` with all but the arena's buffers, then its buffers in parts. Out: `done` or
 * `failed`. Progress and the wish to stop go through two shared words (`snapshot-messages.ts`).
 */
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { FrozenKeyspace } from '../../keyspace/frozen-keyspace.ts';
import { FrozenArena } from '../../memory/frozen-arena.ts';
import { saveCommandFile } from '../aof/command-file.ts';
import { nodeFiles } from '../files.ts';
import { saveRdbFile } from '../rdb/save-file.ts';
import {
  type BeginMessage,
  Progress,
  type WorkerInput,
  type WorkerOutput,
} from './snapshot-messages.ts';

let begun: BeginMessage | undefined;
let arena: FrozenArena | undefined;

parentPort!.on('message', (message: WorkerInput) => {
  if (message.type === 'begin') {
    begun = message;
    arena = new FrozenArena(message.segments);
    return;
  }
  arena!.add(message.part);
  if (!message.part.last) return;
  const output = run(begun!, arena!);
  begun = undefined;
  arena = undefined;
  parentPort!.postMessage(output);
});

function run({ job, roots, progress }: BeginMessage, frozen: FrozenArena): WorkerOutput {
  const words = new Int32Array(progress);
  const isCancelled = ({ keys }: { readonly keys: number }): boolean => {
    Atomics.store(words, Progress.keys, keys);
    return Atomics.load(words, Progress.cancel) === 1;
  };
  try {
    const { tools } = new FrozenKeyspace(frozen, roots);
    const { databases, form, functions, nowMs } = job;
    const source = { tools, databases, functions, nowMs };
    const save = form === 'rdb' ? saveRdbFile : saveCommandFile;
    const { keys, bytes } = save(nodeFiles, source, { ...job.options, isCancelled });
    return { type: 'done', keys, bytes };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const where = path.join(job.options.directory, job.options.temporaryName);
    return { type: 'failed', message: `${where}: ${message}` };
  }
}
