/**
 * What the main thread and the thread that writes snapshots tell each other.
 */
import type { KeyspaceRoots } from '../../keyspace/frozen-keyspace.ts';
import type { SnapshotBuffers, SnapshotSegments } from '../../memory/frozen-arena.ts';
import type { CommandFileOptions } from '../aof/command-file.ts';
import type { RdbSource, RdbWriteOptions } from '../rdb/file-writer.ts';
import type { SaveOptions } from '../rdb/save-file.ts';

/** What a snapshot is to become: an RDB file, or commands that build the data. */
export interface FileJob {
  readonly form: 'rdb' | 'commands';
  readonly options: Omit<SaveOptions & CommandFileOptions, 'isCancelled'>;
}

/** What goes to replicas: the bytes of an RDB file, handed over in pieces. */
export interface StreamJob {
  readonly form: 'stream';
  readonly options: RdbWriteOptions;
  /** Microseconds to wait for each key (rdb-key-save-delay). */
  readonly keyDelayUs: number;
  /** Whether the keys are left out. */
  readonly withoutData: boolean;
}

/** What a snapshot is to become, and of which data. */
export type SnapshotJob = (FileJob | StreamJob) & SnapshotSource;

export interface SnapshotSource {
  readonly databases: RdbSource['databases'];
  readonly functions: readonly Uint8Array[];
  readonly nowMs: number;
}

export interface BeginMessage {
  readonly type: 'begin';
  readonly job: SnapshotJob;
  readonly segments: SnapshotSegments;
  readonly roots: KeyspaceRoots;
  /** `Progress` words. */
  readonly progress: SharedArrayBuffer;
}

export type WorkerInput = BeginMessage | { readonly type: 'part'; readonly part: SnapshotBuffers };

export type WorkerOutput =
  | { readonly type: 'piece'; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly keys: number; readonly bytes: number }
  | { readonly type: 'failed'; readonly message: string };

/**
 * Words of the shared progress: keys written so far; 1 when the save is to stop; how many pieces of
 * a stream may still be handed over, for which its writer waits.
 */
export const Progress = { keys: 0, cancel: 1, credit: 2, words: 3 } as const;

/** Bytes of a piece of a stream; the last one may be shorter. */
export const PIECE_BYTES = 256 * 1024;
