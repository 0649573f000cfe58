/**
 * Fields of hashes that expire: a heap of the hashes that have such fields, by the earliest of
 * them, kept true when a hash changes, moves or goes; and the removal of what is due, on access and
 * by the active cycle. Each field that goes is an effect of its own in the journal.
 */
import type { HashValue } from '../datatypes/hash.ts';
import type { Value } from '../datatypes/value.ts';
import { Encoding, ValueType } from '../datatypes/value-types.ts';
import type { Ref } from '../memory/arena.ts';
import { debugging } from '../util/debug.ts';
import type { Changes } from './changes.ts';
import { EntryWriter } from './entry-writer.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import type { Values } from './values.ts';

export abstract class FieldExpiry extends EntryWriter {
  /** Hashes with fields that expire, by the earliest of them. */
  readonly fieldExpires: ExpiryHeap;

  constructor(space: Values, changes: Changes, index: number) {
    super(space, changes, index);
    this.fieldExpires = new ExpiryHeap(space.arena, space);
  }

  /**
   * The fields of a hash have changed: keeps the order in which hashes are looked at by the active
   * expire cycle. Other values pass untouched. O(log n), O(1) for a hash without times to live.
   */
  fieldsChanged(entry: Ref, value: Value): void {
    if (value.type !== ValueType.hash) return;
    const hash = value as HashValue;
    if (!hash.isEx) return;
    const heap = this.fieldExpires;
    const next = hash.nextExpiry;
    hash.deadlines.setOwner(hash.ref, entry);
    const position = hash.deadlines.position(hash.ref);
    if (next === Number.POSITIVE_INFINITY) this.forgetFields(entry);
    else if (position < 0) heap.add(hash.ref, next);
    else if (heap.whenAt(position) !== next) heap.reschedule(position, next);
  }

  /**
   * Removes fields that are due, about `max` at most, and keys left without fields. The keyspace's
   * clock says what is due. Returns whether more are due. O(max log n).
   */
  expireDueFields(max: number): boolean {
    const { nowMs, hashes } = this.space;
    const heap = this.fieldExpires;
    let left = max;
    while (heap.size > 0 && heap.whenAt(0) < nowMs) {
      if (left <= 0) return true;
      const entry = hashes.deadlines.owner(heap.entryAt(0));
      this.open(entry, hashes);
      const removed = this.expireFields(entry, hashes, left);
      this.fieldsExpired(entry, hashes, removed);
      this.changes.journal.endUnit();
      left -= removed + 1;
    }
    return false;
  }

  /**
   * Removes what is due of the hash just opened. The entry, or 0 when nothing is left of it. While
   * expiry is held everything stays, to be seen.
   */
  protected withoutDueFields(entry: Ref, hash: HashValue): Ref {
    const { expiryEnabled, expiryHeld, nowMs } = this.space;
    hash.log?.clear();
    if (!hash.isEx || hash.nextExpiry >= nowMs || !expiryEnabled || expiryHeld) return entry;
    return this.fieldsExpired(entry, hash, this.expireFields(entry, hash, Number.MAX_VALUE));
  }

  /** Removes fields that are due, `max` at most, and notes each in the journal. */
  protected expireFields(entry: Ref, hash: HashValue, max: number): number {
    const { nowMs } = this.space;
    const { changes } = this;
    if (!changes.journal.isRead) return hash.expireDue(nowMs, max, nothing);
    const key = this.keyOf(entry);
    const { field } = hash;
    return hash.expireDue(nowMs, max, () => {
      changes.fieldExpired(this, key, 0, key.length, field.buf, field.off, field.len);
    });
  }

  /**
   * `removed` fields of a hash have expired: the key goes with the last one, which leaves the
   * cursor on nothing. Returns the entry, or 0 when it went.
   */
  protected fieldsExpired(entry: Ref, hash: HashValue, removed: number): Ref {
    this.fieldsChanged(entry, hash);
    if (removed === 0) return entry;
    this.space.expiredFields += removed;
    if (hash.size > 0) {
      this.locateKey(entry);
      this.changes.fieldsExpired(this, this.valueBuf, this.valueOff, this.valueLen, false);
      return entry;
    }
    const key = this.keyOf(entry);
    this.removeEntry(entry);
    this.changes.fieldsExpired(this, key, 0, key.length, true);
    return 0;
  }

  /** The extra block of a hash whose fields may expire, or 0. */
  protected fieldsOf(entry: Ref): Ref {
    if (this.typeOf(entry) !== ValueType.hash) return 0;
    const encoding = this.encodingOf(entry);
    const extra = encoding === Encoding.listpackEx || encoding === Encoding.hashtableEx;
    return extra ? this.valueRef(entry) : 0;
  }

  /** A hash leaves this database or goes for good, or none of its fields expires any more. */
  protected forgetFields(entry: Ref): void {
    const root = this.fieldsOf(entry);
    if (root !== 0) this.forgetFieldsAt(root);
  }

  protected forgetFieldsAt(root: Ref): void {
    const { deadlines } = this.space.hashes;
    const position = deadlines.position(root);
    if (position < 0) return;
    this.fieldExpires.removeAt(position);
    deadlines.clearPosition(root);
  }

  /** A hash's entry is a new block: what points at the entry follows. */
  protected entryMoved(entry: Ref): void {
    if (this.fieldsOf(entry) === 0) return;
    const { hashes } = this.space;
    this.open(entry, hashes);
    this.fieldsChanged(entry, hashes);
  }

  /** Removes an entry that was reached in another way than by `find`, or has a successor. */
  removeEntry(entry: Ref): void {
    this.hash = this.dict.hashOfEntry(entry);
    this.remove(entry);
  }

  /** Removes the entry of the find just made. O(1), or O(value) for a large value. */
  remove(entry: Ref): void {
    if (debugging) this.checkFound(entry);
    this.dict.unlinkEntry(this.root, this.hash, entry);
    this.release(entry);
  }

  protected release(entry: Ref): void {
    if (this.isVolatile(entry)) this.expires.removeAt(this.heapIndex(entry));
    this.forgetFields(entry);
    this.freeUnlinked(entry);
  }
}

const nothing = () => {};
