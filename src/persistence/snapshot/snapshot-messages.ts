/**
 * What the main thread and the thread that writes snapshots tell each other.
 */
import type { KeyspaceRoots } from '../../keyspace/frozen-keyspace.ts';
import type { SnapshotBuffers, SnapshotSegments } from '../../memory/frozen-arena.ts';
import type { CommandFileOptions } from '../aof/command-file.ts';
import type { RdbSource } from '../rdb/file-writer.ts';
import type { SaveOptions } from '../rdb/save-file.ts';

/** What a snapshot is to become. */
export interface SnapshotJob {
  /** An RDB file, or commands that build the data. */
  readonly form: 'rdb' | 'commands';
  readonly options: Omit<SaveOptions & CommandFileOptions, 'isCancelled'>;
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
  | { readonly type: 'done'; readonly keys: number; readonly bytes: number }
  | { readonly type: 'failed'; readonly message: string };

/** Words of the shared progress: keys written so far; 1 when the save is to stop. */
export const Progress = { keys: 0, cancel: 1, words: 2 } as const;
