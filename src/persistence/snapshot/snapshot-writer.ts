/**
 * Snapshots to disk without fork: the arena is frozen, and a worker thread writes what it held at
 * that moment while the event loop goes on. The worker starts with the first snapshot and ends when
 * none was taken for a while, since it costs some MB.
 */
import { unlinkSync } from 'node:fs';
import path from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Keyspace } from '../../keyspace/keyspace.ts';
import { clearTimeout, setImmediate, setTimeout } from '../../util/timers.ts';
import type { RdbSource } from '../rdb/file-writer.ts';
import {
  type FileJob,
  Progress,
  type SnapshotSource,
  type StreamJob,
  type WorkerInput,
  type WorkerOutput,
} from './snapshot-messages.ts';

/** How long an idle worker is kept. */
const IDLE_MS = 30_000;

export interface SnapshotResult {
  readonly keys: number;
  readonly bytes: number;
  /** Most bytes that the snapshot held beside the data. */
  readonly heldBytes: number;
}

/** A save that did not succeed; the temporary file is gone. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** A snapshot being written. */
export class RunningSnapshot {
  /** Resolves when the file is in its place; rejects with SnapshotError. */
  readonly done: Promise<SnapshotResult>;
  private readonly progress: Int32Array;
  private readonly held: () => number;
  private heldMax = 0;

  constructor(done: Promise<SnapshotResult>, progress: Int32Array, held: () => number) {
    this.done = done;
    this.progress = progress;
    this.held = held;
  }

  /** Keys written so far. */
  get keys(): number {
    return Atomics.load(this.progress, Progress.keys);
  }

  /** Bytes that it holds at present beside the data, and the most so far. */
  get heldBytes(): number {
    const bytes = this.held();
    this.heldMax = Math.max(this.heldMax, bytes);
    return bytes;
  }

  get heldBytesMax(): number {
    return Math.max(this.heldMax, this.heldBytes);
  }

  /** Whether nobody wants it any more: then it is no failure that it does not succeed. */
  get isCancelled(): boolean {
    return Atomics.load(this.progress, Progress.cancel) === 1;
  }

  /** Has it stop soon; `done` rejects then. */
  cancel(): void {
    Atomics.store(this.progress, Progress.cancel, 1);
    Atomics.notify(this.progress, Progress.credit);
  }

  /** Lets it hand over so many more pieces. Only a stream waits for that. */
  grant(pieces: number): void {
    Atomics.add(this.progress, Progress.credit, pieces);
    Atomics.notify(this.progress, Progress.credit);
  }
}

/** Writes the data of a moment, one snapshot at a time. */
export interface SnapshotTaker {
  /** Takes the data as of now and has it written. Throws when it cannot begin. */
  start(job: FileJob & Pick<SnapshotSource, 'functions'>): RunningSnapshot;
  /**
   * As `start`, but the bytes come to `take` in pieces, as many as are granted; the caller's to
   * keep. All have come when `done` resolves.
   */
  stream(
    job: StreamJob & Pick<SnapshotSource, 'functions'>,
    take: (piece: Uint8Array) => void,
  ): RunningSnapshot;
  /** Ends what it needs; a snapshot under way fails. */
  close(): Promise<void>;
}

export class SnapshotWriter implements SnapshotTaker {
  private readonly keyspace: Keyspace;
  private worker: Worker | undefined = undefined;
  private idleTimer: NodeJS.Timeout | undefined = undefined;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /**
   * Freezes the data as of now and has it written. One at a time. Freezing takes O(segments), far
   * below a millisecond for a GiB.
   */
  start(job: FileJob & Pick<SnapshotSource, 'functions'>): RunningSnapshot {
    return this.begin(job, savedDatabases(this.keyspace), undefined);
  }

  stream(
    job: StreamJob & Pick<SnapshotSource, 'functions'>,
    take: (piece: Uint8Array) => void,
  ): RunningSnapshot {
    const databases = job.withoutData ? [] : savedDatabases(this.keyspace);
    return this.begin(job, databases, take);
  }

  private begin(
    job: (FileJob | StreamJob) & Pick<SnapshotSource, 'functions'>,
    databases: SnapshotSource['databases'],
    take: ((piece: Uint8Array) => void) | undefined,
  ): RunningSnapshot {
    const { keyspace } = this;
    const snapshot = keyspace.snapshot();
    const shared = new SharedArrayBuffer(Progress.words * Int32Array.BYTES_PER_ELEMENT);
    const progress = new Int32Array(shared);
    const worker = this.readyWorker();
    this.post(worker, {
      type: 'begin',
      job: { ...job, databases, nowMs: keyspace.nowMs },
      segments: snapshot.arena.segments,
      roots: snapshot.roots,
      progress: shared,
    });
    const parts = snapshot.arena.parts();
    const postPart = (): void => {
      const { value, done } = parts.next();
      if (done === true || value === undefined) return;
      this.post(worker, { type: 'part', part: value });
      if (!value.last) setImmediate(postPart);
    };
    postPart();
    const held = (): number => snapshot.arena.heldBytes;
    const result = this.outcome(worker, job, take);
    const running = new RunningSnapshot(
      result.then(
        (outcome) => {
          const heldBytes = running.heldBytesMax;
          snapshot.release();
          return { ...outcome, heldBytes };
        },
        (error) => {
          snapshot.release();
          throw error;
        },
      ),
      progress,
      held,
    );
    return running;
  }

  /** Ends the worker; a snapshot under way fails. */
  async close(): Promise<void> {
    clearTimeout(this.idleTimer);
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private outcome(
    worker: Worker,
    job: FileJob | StreamJob,
    take: ((piece: Uint8Array) => void) | undefined,
  ): Promise<{ keys: number; bytes: number }> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        worker.off('message', onMessage);
        worker.off('error', onError);
        worker.off('exit', onExit);
      };
      const onMessage = (output: WorkerOutput): void => {
        if (output.type === 'piece') {
          take?.(output.bytes);
          return;
        }
        end();
        this.rest();
        if (output.type === 'done') resolve(output);
        else reject(new SnapshotError(output.message));
      };
      const crashed = (message: string): void => {
        end();
        if (this.worker === worker) this.worker = undefined;
        if (job.form !== 'stream') removeLeftOver(job.options);
        reject(new SnapshotError(message));
      };
      const onError = (error: Error): void => crashed(`the worker failed: ${error.message}`);
      const onExit = (): void => crashed('the worker ended');
      worker.on('message', onMessage);
      worker.on('error', onError);
      worker.on('exit', onExit);
    });
  }

  private readyWorker(): Worker {
    clearTimeout(this.idleTimer);
    const threads = process.getBuiltinModule('node:worker_threads');
    this.worker ??= new threads.Worker(workerUrl(), {
      name: 'snapshot',
      stdout: false,
      stderr: false,
    });
    this.worker.ref();
    return this.worker;
  }

  /** Nothing to do: the worker may go, and does not keep the process alive. */
  private rest(): void {
    this.worker?.unref();
    this.idleTimer = setTimeout(() => void this.close(), IDLE_MS);
    this.idleTimer.unref();
  }

  private post(worker: Worker, message: WorkerInput): void {
    worker.postMessage(message);
  }
}

/** The databases that have keys, as a save needs them. */
export function savedDatabases(keyspace: Keyspace): RdbSource['databases'] {
  return keyspace.dbs
    .filter((db) => db.size > 0)
    .map((db) => ({ index: db.index, root: db.root, volatileKeys: db.expires.size }));
}

/** A worker that died has left its temporary file. */
function removeLeftOver({ directory, temporaryName }: FileJob['options']): void {
  try {
    unlinkSync(path.join(directory, temporaryName));
  } catch {
    // It had not come that far.
  }
}

/** The compiled worker, also where this module runs from its source (tests). */
function workerUrl(): URL {
  const own = import.meta.url;
  if (!own.endsWith('.ts')) return new URL('./snapshot-worker.js', own);
  return new URL('./snapshot-worker.js', own.replace(/\/src\/(?!.*\/src\/)/, '/dist/src/'));
}
