/**
 * All databases of a snapshot, as a worker thread reads them: no expiry is looked at, nothing is
 * counted or renewed, nothing can be written.
 *
 *     main thread:  const snapshot = keyspace.snapshot();
 *                   worker.postMessage(snapshot.description());  or the segments and parts
 *     worker:       const frozen = FrozenKeyspace.open(description);
 *                   for (const db of frozen.dbs)
 *                     db.forEach((entry) => db.open(entry, frozen.cursor(db.typeOf(entry))));
 *     main thread:  snapshot.release();                          when the worker has ended
 */
import { HashValue } from '../datatypes/hash.ts';
import { ListValue } from '../datatypes/list.ts';
import { SetValue } from '../datatypes/set.ts';
import { SortedSetValue } from '../datatypes/sorted-set.ts';
import { StreamValue } from '../datatypes/stream.ts';
import { defaultLimits, type Tools, type Value } from '../datatypes/value.ts';
import type { Arena, Ref } from '../memory/arena.ts';
import { Dict } from '../memory/dict.ts';
import { FrozenArena, type SnapshotDescription } from '../memory/frozen-arena.ts';
import { Listpack } from '../memory/listpack.ts';
import type { Snapshot } from '../memory/snapshot.ts';
import { EntryReader } from './entry.ts';

/** What a reader is told of a keyspace beside its arena; it can be posted. */
export interface KeyspaceRoots {
  /** Dicts of the databases, by index. */
  readonly roots: Int32Array;
  /** The key of the keyed hash: look-ups need it, walks do not. */
  readonly hashKey: Int32Array;
}

export interface KeyspaceDescription extends KeyspaceRoots {
  readonly arena: SnapshotDescription;
}

/** A moment of all databases. */
export class KeyspaceSnapshot {
  readonly arena: Snapshot;
  readonly roots: KeyspaceRoots;

  constructor(arena: Snapshot, roots: KeyspaceRoots) {
    this.arena = arena;
    this.roots = roots;
  }

  /** All that a reader needs, in one message: for an arena up to some GiB. O(segments). */
  description(): KeyspaceDescription {
    return { arena: this.arena.describe(), ...this.roots };
  }

  /** Its readers have ended. Idempotent. */
  release(): void {
    this.arena.release();
  }
}

/** One database of a snapshot. */
export class FrozenDb extends EntryReader {
  readonly index: number;
  private readonly dict: Dict;
  private readonly root: Ref;

  constructor(arena: Arena, dict: Dict, root: Ref, index: number) {
    super(arena);
    this.dict = dict;
    this.root = root;
    this.index = index;
  }

  /** Number of keys, expired ones included. O(1). */
  get size(): number {
    return this.dict.size(this.root);
  }

  /** Every entry, in no order. O(n). */
  forEach(emit: (entry: Ref) => void): void {
    this.dict.forEach(this.root, emit);
  }

  /** The entry of a key, expired or not, or 0. O(1) expected. */
  find(buf: Uint8Array, off: number, len: number): Ref {
    return this.dict.find(this.root, this.dict.hash(buf, off, len), buf, off, len);
  }
}

export class FrozenKeyspace {
  /** What cursors are made of. */
  readonly tools: Tools;
  readonly dbs: readonly FrozenDb[];
  private readonly cursors: (Value | undefined)[] = [];

  constructor(arena: Arena, { roots, hashKey }: KeyspaceRoots) {
    const dict = new Dict(arena, hashKey);
    const listpack = new Listpack(arena);
    this.tools = {
      arena,
      dict,
      listpack,
      limits: defaultLimits,
      random: Math.random,
      moving: { cursor: 0 },
    };
    this.dbs = Array.from(roots, (root, i) => new FrozenDb(arena, dict, root, i));
    for (const Type of [HashValue, ListValue, SetValue, SortedSetValue, StreamValue]) {
      const cursor = new Type(this.tools);
      this.cursors[cursor.type] = cursor;
    }
  }

  /** The keyspace of a description. O(segments). */
  static open(description: KeyspaceDescription): FrozenKeyspace {
    return new FrozenKeyspace(FrozenArena.open(description.arena), description);
  }

  /** The cursor on values of a collection type. */
  cursor(type: number): Value {
    return this.cursors[type]!;
  }
}
