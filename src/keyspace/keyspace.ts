/**
 * All databases over one arena, what they share, and what follows from a change. It knows no
 * client, command, file or socket.
 */
import type { Ref } from '../memory/arena.ts';
import type { ArenaMark, SharedArena } from '../memory/arena-mark.ts';
import type { HeapArena } from '../memory/heap-arena.ts';
import { Changes } from './changes.ts';
import { Db } from './db.ts';
import type { ExpiryMark } from './expiry-heap.ts';
import { KeyspaceSnapshot } from './frozen-keyspace.ts';
import { type Garbage, Values } from './values.ts';

export interface KeyspaceOptions {
  readonly arena: HeapArena;
  readonly databases: number;
  /** Two random int32: the key of the keyed hash. */
  readonly hashKey: Int32Array;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

interface KeyspaceIndexes {
  /** Dicts of the databases, by index. */
  readonly roots: readonly Ref[];
  readonly expires: readonly ExpiryMark[];
  readonly fieldExpires: readonly ExpiryMark[];
  readonly garbage: readonly Readonly<Garbage>[];
}

/** A moment of all databases, to come back to. */
export interface KeyspaceMark extends KeyspaceIndexes {
  readonly arena: ArenaMark;
  readonly keys: number;
}

/** A mark with its bytes, for keyspaces in other threads to begin with; it can be posted. */
export interface SharedKeyspace extends KeyspaceIndexes {
  readonly arena: SharedArena;
  readonly hashKey: Int32Array;
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
    this.forgetAll();
    this.arena.giveBack();
  }

  /** Lets go of what was read last, by whatever cursor. */
  forgetAll(): void {
    this.forget();
    for (const db of this.dbs) db.forget();
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
    this.changes.flushed(0);
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

  /** This moment, to come back to while its snapshot is not released. O(segments + TTLs / 4096). */
  mark(): KeyspaceMark {
    const { dbs } = this;
    return {
      arena: this.arena.mark(),
      keys: dbs.reduce((keys, db) => keys + db.size, 0),
      roots: dbs.map((db) => db.root),
      expires: dbs.map((db) => db.expires.mark()),
      fieldExpires: dbs.map((db) => db.fieldExpires.mark()),
      garbage: this.garbage.map((garbage) => ({ ...garbage })),
    };
  }

  /** Brings all databases back to a mark. O(segments + TTLs / 4096). */
  rewind(mark: KeyspaceMark): void {
    this.replaceAllBy(mark, () => this.arena.rewind(mark.arena));
    this.dict.forgetDraws();
  }

  /** A mark's data for keyspaces of other threads. O(bytes). */
  share({ arena, roots, expires, fieldExpires, garbage }: KeyspaceMark): SharedKeyspace {
    const { hashKey } = this;
    return { arena: this.arena.share(arena), hashKey, roots, expires, fieldExpires, garbage };
  }

  /** Begins with shared data; there must be as many databases. The hash key must be its own. */
  adopt(shared: SharedKeyspace): void {
    if (shared.roots.length !== this.dbs.length) {
      throw new Error(`the snapshot has ${shared.roots.length} databases`);
    }
    this.replaceAllBy(shared, () => this.arena.adopt(shared.arena));
  }

  private replaceAllBy(indexes: KeyspaceIndexes, replace: () => void): void {
    const { changes, dbs } = this;
    let removed = 0;
    for (const db of dbs) {
      removed += db.size;
      changes.watches.replaced(db, undefined);
    }
    this.forget();
    this.dict.forget();
    replace();
    this.garbage.length = 0;
    for (const garbage of indexes.garbage) this.garbage.push({ ...garbage });
    for (const [i, db] of dbs.entries()) {
      db.forget();
      db.root = indexes.roots[i]!;
      db.expires.rewind(indexes.expires[i]!);
      db.fieldExpires.rewind(indexes.fieldExpires[i]!);
      changes.watches.replaced(db, db);
      changes.waiters.databaseChanged(i);
    }
    changes.flushed(removed);
    if (this.hasGarbage) this.onGarbage?.();
  }

  /** Bytes of all data and indexes. O(1). */
  get usedBytes(): number {
    return this.arena.usedBytes + this.indexBytes;
  }
}
