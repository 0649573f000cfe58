/**
 * What follows from a change of data: the count of changes since the last save, clients that wait
 * for or watch a key, client-side caching, keyspace events, and the journal of effects. Everything
 * that changes data says so here once; nothing else writes the count.
 *
 * It knows no client, command or file: those who must learn of changes are set here by the server.
 */
import type { Dict } from '../memory/dict.ts';
import type { Args } from '../util/args.ts';
import type { KeyEvent } from './events.ts';
import { Journal } from './journal.ts';
import { Waiters } from './waiters.ts';
import type { Waiter } from './waiting-lines.ts';
import { type WatchedDb, Watches } from './watches.ts';

/** Told of keyspace events. Keys are valid during the call only. */
export interface EventSink {
  happened(dbIndex: number, event: KeyEvent, key: Uint8Array, off: number, len: number): void;
}

/** Told of keys whose value is another one now. Keys are valid during the call only. */
export interface ChangeSink {
  /** `byItself`: the key reached its end or made room; no client did it. */
  changed(dbIndex: number, key: Uint8Array, off: number, len: number, byItself: boolean): void;
  /** All keys of one or more databases are gone. */
  flushed(): void;
  /**
   * Keys with these hashes may change soon: reads what that will need. Returns a meaningless sum.
   */
  prefetch(hashes: Int32Array, n: number): number;
}

export class Changes {
  /** Keyspace events; set only while somebody may want them. */
  events: EventSink | undefined;
  /** Client-side caching; set only while a client uses it. */
  invalidations: ChangeSink | undefined;
  /** Clients that wait for keys. */
  readonly waiters: Waiters<Waiter>;
  /** Keys that transactions watch. */
  readonly watches = new Watches();
  /** What AOF, replicas and change streams follow. */
  readonly journal = new Journal();
  /** Keys and fields that reached their end or made room, since the start; never reset. */
  removals = 0;
  private readonly dict: Dict;
  /** Changes that commands have made, since the server began; never reset. */
  made = 0;
  /** Changes that were no command's: fields that reached their end. */
  private fieldRemovals = 0;
  /** Changes that the latest save holds. */
  private savedBefore = 0;

  constructor(dict: Dict) {
    this.dict = dict;
    this.waiters = new Waiters((buf, off, len) => dict.hash(buf, off, len));
  }

  /** Changes since the last save, as INFO's rdb_changes_since_last_save counts them. */
  get dirty(): number {
    return this.made + this.fieldRemovals - this.savedBefore;
  }

  /** A save succeeded that holds the first `count` of these changes. */
  saved(count: number): void {
    this.savedBefore += count;
  }

  /** The key that is argument i was changed in `count` places (elements, fields). O(log n). */
  changed(db: WatchedDb, event: KeyEvent, args: Args, i: number, count = 1): void {
    const off = args.off[i]!;
    const len = args.len[i]!;
    // Client-side caching and waiters need the key's hash again: SET loses 14 % to the former
    // without this, 6 % with it.
    const isHashed = this.invalidations !== undefined || this.waiters.size > 0;
    const known = isHashed && args.hashAt === i;
    if (known) this.dict.memoHash(args.buf, off, len, args.hash);
    this.changedKey(db, event, args.buf, off, len, count);
    if (known) this.dict.forget();
  }

  /** As `changed`, of a key given by its bytes. */
  changedKey(
    db: WatchedDb,
    event: KeyEvent,
    key: Uint8Array,
    off: number,
    len: number,
    count = 1,
  ): void {
    this.made += count;
    this.signal(db, event, key, off, len);
  }

  /** As `changed`, of something that neither WATCH nor client-side caching looks at. */
  changedMetadata(db: WatchedDb, event: KeyEvent, args: Args, i: number, count = 1): void {
    const off = args.off[i]!;
    const len = args.len[i]!;
    this.made += count;
    if (this.waiters.size > 0) this.waiters.keyChanged(db.index, args.buf, off, len);
    if (event !== '') this.events?.happened(db.index, event, args.buf, off, len);
  }

  /** `count` changes that nobody but the journal need learn of (pending entries of a group). */
  wrote(count: number): void {
    this.made += count;
  }

  /** An event that is no change of its own: a new key, a read of a missing one. */
  happened(db: WatchedDb, event: KeyEvent, key: Uint8Array, off: number, len: number): void {
    this.events?.happened(db.index, event, key, off, len);
  }

  /** A key reached its end, found by access or by the active cycle. */
  expired(db: WatchedDb, key: Uint8Array, off: number, len: number): void {
    this.removals++;
    this.signal(db, 'expired', key, off, len);
    const { journal } = this;
    if (journal.isRead) journal.line(db.index, journal.removalOfExpired).bytes(key, off, len);
  }

  /** A key had to make room for others. */
  evicted(db: WatchedDb, key: Uint8Array, off: number, len: number): void {
    this.removals++;
    this.signal(db, 'evicted', key, off, len);
    const { journal } = this;
    if (journal.isRead) journal.line(db.index, journal.removalOfEvicted).bytes(key, off, len);
  }

  /** A field of a hash reached its end; the event follows when all that are due are gone. */
  fieldExpired(
    db: WatchedDb,
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    field: Uint8Array,
    fieldOff: number,
    fieldLen: number,
  ): void {
    const { journal } = this;
    if (!journal.isRead) return;
    journal.line(db.index, 'HDEL').bytes(key, keyOff, keyLen).bytes(field, fieldOff, fieldLen);
  }

  /** Fields of a hash have reached their end, the last one perhaps. */
  fieldsExpired(db: WatchedDb, key: Uint8Array, off: number, len: number, isGone: boolean): void {
    this.removals++;
    this.fieldRemovals += isGone ? 2 : 1;
    this.signal(db, 'hexpired', key, off, len);
    if (isGone) this.signal(db, 'del', key, off, len);
  }

  /** Databases were emptied of `count` keys. Each has told its watchers and waiters. */
  flushed(count: number): void {
    this.made += count;
    this.invalidations?.flushed();
  }

  private signal(db: WatchedDb, event: KeyEvent, key: Uint8Array, off: number, len: number): void {
    if (this.waiters.size > 0) this.waiters.keyChanged(db.index, key, off, len);
    if (this.watches.size > 0) this.watches.keyChanged(db, key, off, len);
    if (this.invalidations !== undefined) {
      const byItself = event === 'expired' || event === 'evicted';
      this.invalidations.changed(db.index, key, off, len, byItself);
    }
    if (this.events !== undefined && event !== '') {
      this.events.happened(db.index, event, key, off, len);
    }
  }
}
