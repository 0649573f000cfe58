/**
 * All databases over one arena, what they share, and what follows from a change. It knows no
 * client, command, file or socket.
 */
import type { HeapArena } from '../memory/heap-arena.ts';
import { Changes } from './changes.ts';
import { Db } from './db.ts';
import { KeyspaceSnapshot } from './frozen-keyspace.ts';
import { Values } from './values.ts';

export interface KeyspaceOptions {
  readonly arena: HeapArena;
  readonly databases: number;
  /** Two random int32: the key of the keyed hash. */
  readonly hashKey: Int32Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class Keyspace extends Values {
  readonly changes: Changes;
  readonly dbs: Db[] = [];
  private readonly hashKey: Int32Array;

  constructor(options: KeyspaceOptions) {
    super(options.arena, options.hashKey, options.random);
    this.hashKey = options.hashKey;
    this.changes = new Changes(this.dict);
    for (let i = 0; i < options.databases; i++) this.dbs.push(new Db(this, this.changes, i));
    this.freeEntry = (entry) => this.dbs[0]!.freeUnlinked(entry);
  }

  /** Empties databases; their memory is given back in slices (`freeGarbage`). O(databases). */
  flush(indexes: Iterable<number>): void {
    let removed = 0;
    for (const index of indexes) removed += this.dbs[index]!.clear();
    this.changes.flushed(removed);
  }

  /**
   * Exchanges two databases' contents. O(1); the Db objects keep their connections. Counts as one
   * change.
   */
  swap(a: number, b: number): void {
    this.changes.wrote(1);
    if (a === b) return;
    const first = this.dbs[a]!;
    const second = this.dbs[b]!;
    const { watches, waiters } = this.changes;
    watches.replaced(first, second);
    watches.replaced(second, first);
    this.dbs[a] = second;
    this.dbs[b] = first;
    second.index = a;
    first.index = b;
    waiters.databaseChanged(a);
    waiters.databaseChanged(b);
  }

  /**
   * To be called some times a second, while no command runs: returns memory that is not used to
   * the system. What was read last is let go of: one register can hold a value of any size.
   */
  giveBack(): void {
    this.forget();
    for (const db of this.dbs) db.forget();
    this.arena.giveBack();
  }

  /**
   * Empty databases beside the present ones, to be filled and then to take their place
   * (`replaceAll`) or to be given up (`Db.drop`). O(databases).
   */
  stage(): Db[] {
    return this.dbs.map((_, index) => new Db(this, this.changes, index));
  }

  /** Puts staged databases in the place of the present ones, which are freed in slices. */
  replaceAll(staged: readonly Db[]): void {
    const { watches, waiters } = this.changes;
    for (const db of staged) {
      const old = this.dbs[db.index]!;
      watches.replaced(old, db);
      this.dbs[db.index] = db;
      old.drop();
      waiters.databaseChanged(db.index);
    }
  }

  /** One database more, for tools that do not know how many a file has. */
  addDatabase(): void {
    this.dbs.push(new Db(this, this.changes, this.dbs.length));
  }

  /** Freezes all databases for readers in other threads. O(segments), some nanoseconds each. */
  snapshot(): KeyspaceSnapshot {
    const roots = Int32Array.from(this.dbs, (db) => db.root);
    return new KeyspaceSnapshot(this.arena.snapshot(), { roots, hashKey: this.hashKey });
  }

  /** Bytes of all data and indexes. O(1). */
  get usedBytes(): number {
    return this.arena.usedBytes + this.indexBytes;
  }
}
