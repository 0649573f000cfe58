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
import { collectGarbage } from '../../memory/collector.ts';
import { FrozenArena } from '../../memory/frozen-arena.ts';
import { setImmediate } from '../../util/timers.ts';
import { saveCommandFile } from '../aof/command-file.ts';
import { nodeFiles } from '../files.ts';
import { RdbFileWriter, type RdbSource } from '../rdb/file-writer.ts';
import { SaveDelay } from '../rdb/save-delay.ts';
import { SaveCancelled, saveRdbFile } from '../rdb/save-file.ts';
import {
  type BeginMessage,
  PIECE_BYTES,
  Progress,
  type StreamJob,
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
  // V8 collects nothing of a thread that waits, and the next snapshot may never come: buffers of
  // the frozen arena would stay. Later, as the message that brought them is in use until then.
  setImmediate(collectGarbage);
});

function run({ job, roots, progress }: BeginMessage, frozen: FrozenArena): WorkerOutput {
  const words = new Int32Array(progress);
  const isGivenUp = ({ keys }: { readonly keys: number }): boolean => {
    Atomics.store(words, Progress.keys, keys);
    return isCancelled(words);
  };
  try {
    const { tools } = new FrozenKeyspace(frozen, roots);
    const { databases, functions, nowMs } = job;
    const source = { tools, databases, functions, nowMs };
    if (job.form === 'stream') return stream(source, job, words);
    const save = job.form === 'rdb' ? saveRdbFile : saveCommandFile;
    const { keys, bytes } = save(nodeFiles, source, { ...job.options, isCancelled: isGivenUp });
    return { type: 'done', keys, bytes };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (job.form === 'stream') return { type: 'failed', message };
    const where = path.join(job.options.directory, job.options.temporaryName);
    return { type: 'failed', message: `${where}: ${message}` };
  }
}

/** Writes an RDB file to the main thread, as fast as that lets it. */
function stream(source: RdbSource, job: StreamJob, words: Int32Array): WorkerOutput {
  const { options, keyDelayUs } = job;
  const pieces = new Pieces(words);
  const delay = new SaveDelay(keyDelayUs, () => isCancelled(words));
  const writer = new RdbFileWriter(source, options, (bytes) => pieces.add(bytes));
  writer.begin();
  for (let more = true; more; ) {
    more = writer.step();
    Atomics.store(words, Progress.keys, writer.keys);
    delay.wrote(writer.keys);
    if (isCancelled(words)) throw new SaveCancelled();
  }
  writer.end();
  pieces.flush();
  return { type: 'done', keys: writer.keys, bytes: writer.bytes };
}

/** Bytes on their way to the main thread; each piece takes a credit, which is waited for. */
class Pieces {
  private readonly words: Int32Array;
  private piece = new Uint8Array(PIECE_BYTES);
  private length = 0;

  constructor(words: Int32Array) {
    this.words = words;
  }

  add(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const length = Math.min(bytes.length - from, PIECE_BYTES - this.length);
      this.piece.set(bytes.subarray(from, from + length), this.length);
      this.length += length;
      from += length;
      if (this.length === PIECE_BYTES) this.flush();
    }
  }

  flush(): void {
    if (this.length === 0) return;
    this.takeCredit();
    const bytes = this.piece.subarray(0, this.length);
    const message: WorkerOutput = { type: 'piece', bytes };
    parentPort!.postMessage(message, [bytes.buffer]);
    this.piece = new Uint8Array(PIECE_BYTES);
    this.length = 0;
  }

  private takeCredit(): void {
    const { words } = this;
    while (Atomics.load(words, Progress.credit) === 0) {
      Atomics.wait(words, Progress.credit, 0);
      if (isCancelled(words)) throw new SaveCancelled();
    }
    Atomics.sub(words, Progress.credit, 1);
  }
}

function isCancelled(words: Int32Array): boolean {
  return Atomics.load(words, Progress.cancel) === 1;
}
