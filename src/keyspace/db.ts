/**
 * One database: the only door to its keys. Every lookup checks expiry; every change in place goes
 * through here, so access time, time to live and accounting are kept in one place.
 *
 * Refs returned are valid until the next call that writes.
 * Sources: redis-server 7.0.15 db.c, evict.c, object.c (behaviour only).
 */
import type { HashValue } from '../datatypes/hash.ts';
import type { Text, Value } from '../datatypes/value.ts';
import { Encoding, ValueType } from '../datatypes/value-types.ts';
import type { Ref } from '../memory/arena.ts';
import type { Args } from '../util/args.ts';
import { copyBytes } from '../util/bytes.ts';
import { errors } from '../util/errors.ts';
import { INLINE, INLINE_MAX, type UnixMs } from './entry.ts';
import { FieldExpiry } from './field-expiry.ts';

/** What `setString` does with the time to live: keep it, or drop it, or set it. */
export const KEEP_TTL = -1;
export const NO_TTL = 0;

/** How often `randomEntry` draws before it searches. */
const RANDOM_TRIES = 100;

export class Db extends FieldExpiry {
  /** Number of keys, expired ones that were not yet removed included. O(1). */
  get size(): number {
    return this.dict.size(this.root);
  }

  /** Buckets of its hash table. O(1). */
  get buckets(): number {
    return this.dict.buckets(this.root);
  }

  // ---- finding -----------------------------------------------------------------------------

  /** The live entry of a key, or 0. An expired one is removed. No statistics, no access time. */
  find(buf: Uint8Array, off: number, len: number): Ref {
    return this.findHashed(this.dict.hash(buf, off, len), buf, off, len, false);
  }

  /** What there is of a key, removing nothing: an expired key may be there still. */
  presence(buf: Uint8Array, off: number, len: number): 'missing' | 'live' | 'expired' {
    const entry = this.dict.find(this.root, this.dict.hash(buf, off, len), buf, off, len);
    if (entry === 0) return 'missing';
    return this.isVolatile(entry) && this.isExpired(entry) ? 'expired' : 'live';
  }

  /** As `find`, of what has expired and was not removed, too. */
  findEvenExpired(buf: Uint8Array, off: number, len: number): Ref {
    return this.dict.find(this.root, this.dict.hash(buf, off, len), buf, off, len);
  }

  /** As `find`, of the key that is argument i. */
  findKey(args: Args, i: number): Ref {
    return this.findArgument(args, i, false);
  }

  private findHashed(hash: number, buf: Uint8Array, off: number, len: number, keep: boolean): Ref {
    this.hash = hash;
    const entry = this.dict.find(this.root, hash, buf, off, len);
    if (entry !== 0 && this.isVolatile(entry) && this.isExpired(entry)) {
      if (!keep && !this.space.keepsExpired) this.expireEntry(entry);
      this.hash = hash;
      return 0;
    }
    return entry;
  }

  /** `find` of argument i, whose hash may have been worked out ahead; `keep`s what has expired. */
  private findArgument(args: Args, i: number, keep: boolean): Ref {
    const hash = args.hashAt === i ? args.hash : this.hashFurther(args, i);
    return this.findHashed(hash, args.buf, args.off[i]!, args.len[i]!, keep);
  }

  /** The hash of argument i, which is not the first key. */
  private hashFurther(args: Args, i: number): number {
    if (args.hashCount > 0) {
      const k = (i - args.hashAt) / args.hashStep;
      if (k > 0 && k <= args.hashCount && k === (k | 0)) return args.hashes[args.hashBase + k - 1]!;
    }
    return this.dict.hash(args.buf, args.off[i]!, args.len[i]!);
  }

  /** Entry of argument i for a command that reads: counts hit or miss, renews the access time. */
  read(args: Args, i: number): Ref {
    const entry = this.findArgument(args, i, this.space.expiryHeld);
    if (entry === 0) this.missed(args, i);
    else {
      this.space.hits++;
      this.space.accessed(entry);
    }
    return entry;
  }

  /** As `read`, but leaves the access time alone (TTL, TYPE, EXISTS). */
  peek(args: Args, i: number): Ref {
    const entry = this.findArgument(args, i, this.space.expiryHeld);
    if (entry === 0) this.missed(args, i);
    else this.space.hits++;
    return entry;
  }

  private missed(args: Args, i: number): void {
    this.space.misses++;
    this.changes.happened(this, 'keymiss', args.buf, args.off[i]!, args.len[i]!);
  }

  /** Entry of argument i for a command that writes: renews the access time. */
  write(args: Args, i: number): Ref {
    const entry = this.findArgument(args, i, false);
    if (entry !== 0) this.space.modified(entry);
    return entry;
  }

  /** As `read`, and throws WRONGTYPE unless the key is missing or a string. */
  readString(args: Args, i: number): Ref {
    const entry = this.read(args, i);
    if (entry !== 0) this.locateString(entry);
    return entry;
  }

  /** As `write`, and throws WRONGTYPE unless the key is missing or a string. */
  writeString(args: Args, i: number): Ref {
    const entry = this.write(args, i);
    if (entry !== 0) this.locateString(entry);
    return entry;
  }

  // ---- other values ------------------------------------------------------------------------

  /** As `read`, opens the value; throws WRONGTYPE unless the key is missing or of its type. */
  readValue(args: Args, i: number, value: Value): Ref {
    const entry = this.read(args, i);
    return entry === 0 ? 0 : this.openAs(entry, value);
  }

  /** As `write`, opens the value; throws WRONGTYPE unless the key is missing or of its type. */
  writeValue(args: Args, i: number, value: Value): Ref {
    const entry = this.write(args, i);
    return entry === 0 ? 0 : this.openAs(entry, value);
  }

  /** As `find`, opens the value; throws WRONGTYPE unless the key is missing or of its type. */
  findValue(buf: Uint8Array, off: number, len: number, value: Value): Ref {
    const entry = this.find(buf, off, len);
    return entry === 0 ? 0 : this.openAs(entry, value);
  }

  /** Adds a key, which must be absent, with a value that belongs to no key yet. O(1). */
  addValue(args: Args, i: number, value: Value): Ref {
    return this.addValueAt(args.buf, args.off[i]!, args.len[i]!, value);
  }

  /** As `addValue`, but the caller tells of the new key, with `announceNewKey`, when it is time. */
  addUnannounced(args: Args, i: number, value: Value): Ref {
    return this.linkValue(args.buf, args.off[i]!, args.len[i]!, value);
  }

  /** As `addValue`, of a key given by its bytes. */
  addValueAt(key: Uint8Array, keyOff: number, keyLen: number, value: Value): Ref {
    const e = this.linkValue(key, keyOff, keyLen, value);
    this.announceNewKey(key, keyOff, keyLen);
    return e;
  }

  /** Makes the key's entry; where there is no room for it, the value is freed. */
  private linkValue(key: Uint8Array, keyOff: number, keyLen: number, value: Value): Ref {
    this.hash = this.dict.hash(key, keyOff, keyLen);
    let e: Ref;
    try {
      e = this.newEntry(key, keyOff, keyLen, -1, false);
    } catch (error) {
      this.space.discard(value);
      throw error;
    }
    const i32 = this.arena.i32[e >>> 15]!;
    i32[((e & 0x7fff) << 1) + 1]! |= value.type;
    const slot = this.valueSlot(e);
    i32[slot] = value.ref;
    i32[slot + 1] = value.encoding;
    value.open(e, slot);
    return e;
  }

  /** Puts a value that belongs to no key yet in the place of whatever the key holds. */
  putValue(args: Args, i: number, value: Value): Ref {
    const present = this.find(args.buf, args.off[i]!, args.len[i]!);
    if (present === 0) return this.addValue(args, i, value);
    // In this order: where there is no room, the key keeps what it holds.
    const entry = this.linkValue(args.buf, args.off[i]!, args.len[i]!, value);
    this.removeEntry(present);
    return entry;
  }

  /**
   * The dict of an entry's fields or members, or 0 when it has none; reads the first word of any
   * other collection, so that it is in the processor's caches.
   */
  memberDict(entry: Ref): Ref {
    const type = this.typeOf(entry);
    if (type === ValueType.string) return 0;
    const value = this.valueRef(entry);
    const encoding = this.encodingOf(entry);
    const first = this.arena.i32[value >>> 15]![(value & 0x7fff) << 1]!;
    if (encoding === Encoding.hashtable) return value;
    if (encoding === Encoding.skiplist || encoding === Encoding.hashtableEx) return first;
    return 0;
  }

  private openAs(entry: Ref, value: Value): Ref {
    if (this.typeOf(entry) !== value.type) throw errors.wrongType;
    value.open(entry, this.valueSlot(entry));
    if (value.type === ValueType.hash) return this.withoutDueFields(entry, value as HashValue);
    return entry;
  }

  /** Sets the 24 bits of access data of an entry (`src/keyspace/access-time.ts`). O(1). */
  setAccess(entry: Ref, access: number): void {
    this.arena.touch(entry);
    const i32 = this.arena.i32[entry >>> 15]!;
    const at = ((entry & 0x7fff) << 1) + 1;
    i32[at] = (i32[at]! & 0xff) | (access << 8);
  }

  isExpired(entry: Ref): boolean {
    if (!this.space.expiryEnabled) return false;
    return this.expireAt(entry) < this.space.nowMs;
  }

  // ---- strings -----------------------------------------------------------------------------

  /**
   * Writes a string value. `entry` is the result of the find just made for this very key: 0 adds
   * the key, otherwise the value of any type is replaced. The bytes are copied; they may lie in a
   * receive buffer but not in the arena. `expireAt` is a time, KEEP_TTL or NO_TTL.
   * Returns the entry, which may have moved. O(value length).
   */
  setString(
    entry: Ref,
    key: Uint8Array,
    keyOff: number,
    keyLen: number,
    value: Uint8Array,
    valueOff: number,
    valueLen: number,
    encoding: number,
    expireAt: UnixMs,
  ): Ref {
    let e = entry;
    if (e === 0) {
      e = this.addEntry(key, keyOff, keyLen, valueLen, expireAt > 0);
      this.announceNewKey(key, keyOff, keyLen);
    } else {
      // Room first: when there is none, the key keeps its value and its time to live.
      e = this.roomFor(e, valueLen, expireAt > 0);
      if (expireAt === NO_TTL && this.isVolatile(e)) this.persist(e);
    }
    if (expireAt > 0) this.writeExpiry(e, expireAt);
    this.writeTypeAndLength(e, encoding, valueLen);
    this.locateString(e);
    copyBytes(value, valueOff, this.valueBuf, this.valueOff, valueLen);
    return e;
  }

  /** `setString` of the key that is argument i; the value is a text outside of the arena. */
  setText(args: Args, i: number, entry: Ref, text: Text, encoding: number, expireAt: UnixMs): Ref {
    const { buf, off, len } = text;
    const at = args.off[i]!;
    return this.setString(entry, args.buf, at, args.len[i]!, buf, off, len, encoding, expireAt);
  }

  /** `setString` of the key that is argument i to the value that is argument `valueAt`. */
  setArgument(
    args: Args,
    i: number,
    entry: Ref,
    valueAt: number,
    encoding: number,
    expireAt: UnixMs,
  ): Ref {
    return this.setString(
      entry,
      args.buf,
      args.off[i]!,
      args.len[i]!,
      args.buf,
      args.off[valueAt]!,
      args.len[valueAt]!,
      encoding,
      expireAt,
    );
  }

  /**
   * Makes a string of at least `length` bytes of the key that is argument i, ready to be written to
   * as after `growString`: `entry` is the find just made, 0 adds a string of zero bytes. When there
   * is no room nothing has changed. Returns the entry. Amortised O(growth).
   */
  growOrAdd(args: Args, i: number, entry: Ref, length: number): Ref {
    if (entry !== 0) return this.growString(entry, length, Encoding.raw);
    const off = args.off[i]!;
    const len = args.len[i]!;
    const e = this.addEntry(args.buf, off, len, length, false);
    this.announceNewKey(args.buf, off, len);
    this.writeTypeAndLength(e, Encoding.raw, length);
    this.locateString(e);
    this.valueBuf.fill(0, this.valueOff, this.valueOff + length);
    return e;
  }

  /**
   * Makes a string of `length` bytes the value of argument i, without a time to live. `write` fills
   * it in where it stays; it may read other values, this key's old one among them, and must neither
   * throw nor write to the arena. The entry is looked for afterwards. O(length).
   */
  buildString(args: Args, i: number, length: number, write: (out: Uint8Array) => void): Ref {
    if (length <= INLINE_MAX) {
      const buf = new Uint8Array(length);
      write(buf);
      return this.setText(
        args,
        i,
        this.write(args, i),
        { buf, off: 0, len: length },
        Encoding.raw,
        NO_TTL,
      );
    }
    const { arena } = this;
    const block = arena.alloc(length);
    const at = (block & 0x7fff) << 3;
    write(arena.u8[block >>> 15]!.subarray(at, at + length));
    const entry = this.write(args, i);
    try {
      return this.putBlock(args, i, entry, block, length);
    } catch (error) {
      arena.free(block);
      throw error;
    }
  }

  /** Gives argument i, whose entry was just found, a raw string in a block of its own. O(1). */
  private putBlock(args: Args, i: number, entry: Ref, block: Ref, length: number): Ref {
    if (entry === 0) {
      const off = args.off[i]!;
      return this.addBlock(args.buf, off, args.len[i]!, block, length, Encoding.raw, NO_TTL);
    }
    const e = this.roomFor(entry, INLINE_MAX + 1, false);
    if (this.isVolatile(e)) this.persist(e);
    this.arena.free(this.valueRef(e));
    this.arena.i32[e >>> 15]![this.valueSlot(e)] = block;
    this.writeTypeAndLength(e, Encoding.raw, length);
    return e;
  }

  /**
   * Lengthens an existing string to `length` bytes (new ones are zero), sets its encoding and
   * leaves valueBuf/valueOff/valueLen at it, ready to be written to until the next call. A length
   * at or below the present one changes the encoding only. `entry` comes from the find just made.
   * Returns the entry, which may have moved. Amortised O(growth).
   */
  growString(entry: Ref, length: number, encoding: number): Ref {
    this.locateString(entry);
    const before = this.valueLen;
    const after = Math.max(length, before);
    let e = entry;
    if ((this.keyWord(e) & INLINE) === 0) this.growOutlined(e, before, after);
    else if (after > INLINE_MAX) e = this.outline(e, after);
    else {
      const end = this.keyEnd(e);
      e = this.reallocEntry(e, end + 1 + before, end + 1 + after);
    }
    this.arena.touch(e);
    this.writeTypeAndLength(e, encoding, after);
    this.locateString(e);
    if (after > before) this.valueBuf.fill(0, this.valueOff + before, this.valueOff + after);
    return e;
  }

  // ---- time to live ------------------------------------------------------------------------

  /** Sets when an entry expires. `entry` comes from the find just made; it may move. O(log n). */
  setExpiry(entry: Ref, expireAt: UnixMs): Ref {
    const e = this.withExtendedHeader(entry);
    this.writeExpiry(e, expireAt);
    return e;
  }

  // ---- removing and moving -----------------------------------------------------------------

  /** Removes the key that is argument i, be it expired or not. Returns whether there was one. */
  removeKey(args: Args, i: number): boolean {
    const { buf } = args;
    const off = args.off[i]!;
    const len = args.len[i]!;
    this.hash = this.dict.hash(buf, off, len);
    const entry = this.dict.find(this.root, this.hash, buf, off, len);
    if (entry !== 0) this.remove(entry);
    return entry !== 0;
  }

  /**
   * Copies a value under a key of this database, that of the find just made here. If the key is
   * there, too, the caller removes that entry then. Takes the encoding along; the caller sets the
   * expiry. O(value).
   */
  copyFrom(source: Db, entry: Ref, key: Uint8Array, keyOff: number, keyLen: number): Ref {
    const encoding = source.encodingOf(entry);
    const type = source.typeOf(entry);
    if (type !== ValueType.string) {
      const value = this.space.cursor(type);
      source.open(entry, value);
      // A copy that stopped half way would be lost. Its tables grow, so for a while two are there.
      const bytes = value.memory();
      this.space.arena.requireRoom(bytes + (bytes >>> 1));
      value.openDetached(value.clone(), encoding);
      let made: Ref;
      try {
        made = this.addValueAt(key, keyOff, keyLen, value);
      } catch (error) {
        this.space.discard(value);
        throw error;
      }
      this.fieldsChanged(made, value);
      return made;
    }
    source.locateString(entry);
    const end = source.valueOff + source.valueLen;
    const bytes = Buffer.from(source.valueBuf.subarray(source.valueOff, end));
    return this.setString(0, key, keyOff, keyLen, bytes, 0, bytes.length, encoding, NO_TTL);
  }

  /**
   * Moves a value with its time to live and access time under a key of this database, that of the
   * find just made here. If the key is there, too, the caller removes that entry then. The value
   * itself is not copied unless it lies beside its key.
   */
  adopt(source: Db, entry: Ref, key: Uint8Array, keyOff: number, keyLen: number): void {
    const inline = (source.keyWord(entry) & INLINE) !== 0;
    const expireAt = source.expireAt(entry);
    const info = source.info(entry);
    if (inline) source.locateString(entry);
    const length = inline ? source.valueLen : 0;
    const e = this.newEntry(key, keyOff, keyLen, inline ? length : -1, expireAt !== -1);
    source.forgetFields(entry);
    this.announceNewKey(key, keyOff, keyLen);
    const i32 = this.arena.i32[e >>> 15]!;
    i32[((e & 0x7fff) << 1) + 1] = info;
    const at = ((e & 0x7fff) << 3) + this.keyEnd(e);
    if (inline) {
      source.locateString(entry);
      const u8 = this.arena.u8[e >>> 15]!;
      u8[at] = length;
      copyBytes(source.valueBuf, source.valueOff, u8, at + 1, length);
    } else {
      const slot = (at + 3) >> 2;
      const from = (((entry & 0x7fff) << 3) + source.keyEnd(entry) + 3) >> 2;
      const words = this.arena.i32[entry >>> 15]!;
      i32[slot] = words[from]!;
      i32[slot + 1] = words[from + 1]!;
    }
    if (expireAt !== -1) this.writeExpiry(e, expireAt);
    if (source.isVolatile(entry)) source.persist(entry);
    this.dict.unlinkEntry(source.root, this.dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
    this.entryMoved(e);
  }

  /**
   * A uniformly chosen live key's entry, or 0 when there is none. Removes the expired ones that it
   * meets; among very many of them the choice is no longer uniform. O(1) expected, else O(keys).
   */
  randomEntry(): Ref {
    for (let tries = 0; tries < RANDOM_TRIES; tries++) {
      const entry = this.dict.random(this.root, this.space.random);
      if (entry === 0) return 0;
      if (!this.isVolatile(entry) || !this.isExpired(entry)) return entry;
      if (this.space.expiryHeld || this.space.keepsExpired) continue;
      this.expireEntry(entry);
    }
    // Nearly all have expired: the first live one in the order of SCAN, from a place chosen by
    // chance.
    const start = Math.floor(this.space.random() * 0x100000000);
    return this.firstLive(start) || this.firstLive(0);
  }

  /** A uniformly chosen entry, be it expired or not; 0 when there is none. O(1) expected. */
  anyEntry(): Ref {
    return this.dict.random(this.root, this.space.random);
  }

  /** The first live entry that SCAN finds from a cursor on, or 0. O(keys). */
  private firstLive(start: number): Ref {
    let found: Ref = 0;
    let cursor = start;
    do {
      cursor = this.scan(cursor, (entry) => {
        if (!this.isVolatile(entry) || !this.isExpired(entry)) found = entry;
      });
    } while (found === 0 && cursor !== 0);
    return found;
  }

  /** One SCAN step; `emit` must not write. Returns the next cursor, 0 at the end. */
  scan(cursor: number, emit: (entry: Ref) => void): number {
    return this.dict.scan(this.root, cursor, emit);
  }

  /** Every entry; `emit` must not write. O(n). */
  forEach(emit: (entry: Ref) => void): void {
    this.dict.forEach(this.root, emit);
  }

  /** Empties the database; the old entries are freed in slices by the keyspace. O(1). */
  clear(): number {
    const removed = this.size;
    const { space, changes } = this;
    if (changes.watches.size > 0) changes.watches.replaced(this, undefined);
    const old = this.root;
    this.root = this.dict.create();
    this.expires.clear();
    this.fieldExpires.clear();
    space.reclaim(old);
    changes.waiters.databaseChanged(this.index);
    return removed;
  }

  /** Gives everything back in slices, the database itself too: nothing may be done with it then. */
  drop(): void {
    this.expires.clear();
    this.fieldExpires.clear();
    this.space.reclaim(this.root);
    this.root = 0;
  }

  /**
   * Moves an entry and its value, where the arena wants these blocks to move: of a very large value
   * a part, beginning at `cursor`, 0 at first. Returns where to go on, 0 at the end. O(bytes).
   */
  compact(entry: Ref, cursor = 0): number {
    const { arena } = this;
    const { moving } = this.space.tools;
    moving.cursor = cursor;
    const value = this.valueRef(entry);
    if (value !== 0 && this.typeOf(entry) !== ValueType.string) {
      const opened = this.space.cursor(this.typeOf(entry));
      this.open(entry, opened);
      opened.moveIfSparse();
      const fields = this.fieldsOf(entry);
      const position = fields === 0 ? -1 : this.space.hashes.deadlines.position(fields);
      if (position >= 0) this.fieldExpires.moved(position, fields);
    } else if (value !== 0 && arena.shouldMove(value)) {
      arena.touch(entry);
      const moved = arena.relocate(value);
      arena.i32[entry >>> 15]![this.valueSlot(entry)] = moved;
    }
    if (moving.cursor !== 0 || !arena.shouldMove(entry)) return moving.cursor;
    const hash = this.dict.hashOfEntry(entry);
    const to = arena.relocate(entry);
    this.dict.replace(this.root, hash, entry, to);
    if (this.isVolatile(to)) this.expires.moved(this.heapIndex(to), to);
    this.entryMoved(to);
    return 0;
  }

  /** Bytes of memory the entry and its value take. O(1) for a string, else O(elements). */
  memoryOf(entry: Ref): number {
    const own = this.arena.capacity(entry);
    const type = this.typeOf(entry);
    if (type === ValueType.string) {
      const outlined = this.valueRef(entry);
      return outlined === 0 ? own : own + this.arena.capacity(outlined);
    }
    const value = this.space.cursor(type);
    this.open(entry, value);
    return own + value.memory();
  }

  /** Removes at most `max` keys that are due. Returns whether more are due. O(max log n). */
  expireDue(nowMs: number, max: number): boolean {
    const heap = this.expires;
    for (let n = 0; n < max; n++) {
      if (heap.size === 0 || heap.whenAt(0) >= nowMs) return false;
      this.expireEntry(heap.entryAt(0));
      // Each removal of the active cycle is a unit of its own.
      this.changes.journal.endUnit();
    }
    return heap.size > 0 && heap.whenAt(0) < nowMs;
  }

  /** Idle rehash and shrinking, at most about `buckets` buckets. Returns whether work is left. */
  rehash(buckets: number): boolean {
    return this.dict.rehashFor(this.root, buckets);
  }

  /** Whether an entry, which may be gone, is there still; `hash` is its key's. O(1) expected. */
  holds(entry: Ref, hash: number): boolean {
    return this.dict.holds(this.root, hash, entry);
  }

  /** Removes a key to make room; `hash` is its key's. O(1) expected, its value in slices. */
  evict(entry: Ref, hash: number): void {
    this.dict.unlinkEntry(this.root, hash, entry);
    // Told between the two: the key is gone, its bytes are not.
    this.locateKey(entry);
    this.space.evictedKeys++;
    this.changes.evicted(this, this.valueBuf, this.valueOff, this.valueLen);
    this.release(entry);
  }

  private expireEntry(entry: Ref): void {
    this.dict.unlinkEntry(this.root, this.dict.hashOfEntry(entry), entry);
    // Told between the two: the key is gone, its bytes are not.
    this.locateKey(entry);
    this.space.expiredKeys++;
    this.changes.expired(this, this.valueBuf, this.valueOff, this.valueLen);
    this.release(entry);
  }
}
