/**
 * Who added what to a stream of late (XADD IDMP, Redis 8.6): producers by name, and the ids that
 * they gave to their entries, each with the id that the stream gave. One state block a stream, made
 * when first needed; a producer is there only while it has ids.
 *
 *     state, int32 words:     0 producers by name | 1 oldest, 2 newest record of all | 3 records
 *                             4 seconds that a record is kept | 5 most records of a producer
 *                             6-7 float64 entries added so far | 8-9 float64 duplicates so far
 *     producer, int32 words:  0 records by the id given | 1 oldest, 2 newest record | 3 entry
 *     record, int32 words:    0-3 the entry's id | 4-5 float64 time noted, ms | 6 entry |
 *                             7 producer
 *                             8 record before it, 9 behind it | 10 behind it of the same producer
 *
 * Records are linked in the order in which they were noted, and of their times; so the oldest of
 * all is its producer's oldest, too. What has expired counts no more and goes when the producers
 * are used next.
 * Source: documentation of XADD and XCFGSET.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { StreamId } from './stream-id.ts';
import { NamedBlocks } from './stream-names.ts';
import type { Text, Tools } from './value.ts';

export const DURATION_DEFAULT = 100;
export const SIZE_DEFAULT = 100;

const STATE_BYTES = 40;
const OLDEST = 1;
const NEWEST = 2;
const COUNT = 3;
const DURATION = 4;
const SIZE_MAX = 5;
/** In float64 words. */
const ADDED = 3;
const DUPLICATES = 4;
const PRODUCER_BYTES = 16;
const PRODUCER_ENTRY = 3;
const RECORD_BYTES = 44;
/** In float64 words. */
const NOTED_AT = 2;
const RECORD_ENTRY = 6;
const PRODUCER = 7;
const BEFORE = 8;
const BEHIND = 9;
const BEHIND_OF_PRODUCER = 10;
/** The word of a state and of a producer that names a dict. */
const NAMES = 0;

export class StreamProducers {
  private readonly arena: Arena;
  private readonly tools: Tools;
  private readonly names: NamedBlocks;
  private readonly scratch = new StreamId();
  /** The block with the word that names the state. */
  private owner: Ref = 0;
  private ownerWord = 0;

  constructor(tools: Tools) {
    this.tools = tools;
    this.arena = tools.arena;
    this.names = new NamedBlocks(tools);
  }

  /** Looks at the producers whose state a word of a stream's root names. */
  open(owner: Ref, word: number): void {
    this.owner = owner;
    this.ownerWord = word;
  }

  /** Whether anybody has used them or set their limits. */
  get inUse(): boolean {
    return this.state !== 0;
  }

  /** Number of producers. O(1). */
  get size(): number {
    return this.inUse ? this.names.size(this.state, NAMES) : 0;
  }

  /** Number of records, of all producers. */
  get records(): number {
    return this.inUse ? this.word(this.state, COUNT) : 0;
  }

  /** Seconds that a record is kept. */
  get durationSeconds(): number {
    return this.inUse ? this.word(this.state, DURATION) : DURATION_DEFAULT;
  }

  /** The most records of one producer. */
  get sizeMax(): number {
    return this.inUse ? this.word(this.state, SIZE_MAX) : SIZE_DEFAULT;
  }

  /** Entries that were ever noted. */
  get added(): number {
    return this.inUse ? this.float(this.state, ADDED) : 0;
  }

  /** Duplicates that were ever found. */
  get duplicates(): number {
    return this.inUse ? this.float(this.state, DUPLICATES) : 0;
  }

  /** Sets the limits; others than before make all records forgotten. O(records). */
  configure(durationSeconds: number, sizeMax: number): void {
    const state = this.makeState();
    if (durationSeconds === this.durationSeconds && sizeMax === this.sizeMax) return;
    while (this.word(state, OLDEST) !== 0) this.drop(this.word(state, OLDEST));
    this.arena.touch(state);
    this.setWord(state, DURATION, durationSeconds);
    this.setWord(state, SIZE_MAX, sizeMax);
  }

  /** Forgets what was noted too long ago. O(that). */
  expire(nowMs: number): void {
    const { state } = this;
    if (state === 0) return;
    for (;;) {
      const oldest = this.word(state, OLDEST);
      if (oldest === 0 || !this.hasExpired(oldest, nowMs)) return;
      this.drop(oldest);
    }
  }

  private hasExpired(record: Ref, nowMs: number): boolean {
    return this.float(record, NOTED_AT) <= nowMs - this.durationSeconds * 1000;
  }

  /**
   * Whether a producer's id was noted: counts the duplicate, and `id` becomes that of the entry,
   * which may be deleted. Nothing changes otherwise. O(1).
   */
  findDuplicate(producer: Text, given: Text, id: StreamId, nowMs: number): boolean {
    if (!this.find(producer, given, id, nowMs)) return false;
    this.addTo(this.state, DUPLICATES, 1);
    return true;
  }

  /** As `findDuplicate`, but nothing is counted. O(1). */
  find(producer: Text, given: Text, id: StreamId, nowMs: number): boolean {
    const record = this.recordOf(producer, given);
    if (record === 0 || this.hasExpired(record, nowMs)) return false;
    id.load(this.arena, record, 0);
    return true;
  }

  /** Forgets what a producer's given id stands for and, as they are older, all records before. */
  forget(producer: Text, given: Text): void {
    const record = this.recordOf(producer, given);
    if (record === 0) return;
    let oldest: Ref;
    do {
      oldest = this.word(this.state, OLDEST);
      this.drop(oldest);
    } while (oldest !== record);
  }

  private recordOf(producer: Text, given: Text): Ref {
    const { names, state } = this;
    if (state === 0) return 0;
    const block = names.find(state, NAMES, producer.buf, producer.off, producer.len);
    return block === 0 ? 0 : names.find(block, NAMES, given.buf, given.off, given.len);
  }

  /**
   * Notes the id of an entry; the producer's given id was not noted or has expired. O(1),
   * amortised.
   */
  note(producer: Text, given: Text, id: StreamId, nowMs: number): void {
    this.expire(nowMs);
    this.addRecord(producer, given, id, nowMs);
  }

  /** As `note`, of a file: nothing expires. Returns false when the id given is there already. */
  restore(producer: Text, given: Text, id: StreamId, notedMs: number): boolean {
    const { names } = this;
    const block = names.find(this.makeState(), NAMES, producer.buf, producer.off, producer.len);
    if (block !== 0 && names.find(block, NAMES, given.buf, given.off, given.len) !== 0)
      return false;
    this.addRecord(producer, given, id, notedMs);
    return true;
  }

  private addRecord(producer: Text, given: Text, id: StreamId, notedMs: number): void {
    const { arena, names } = this;
    const state = this.makeState();
    const block = this.makeProducer(state, producer);
    const record = arena.alloc(RECORD_BYTES);
    id.store(arena, record, 0);
    // No time is before that of the record before: what has expired is always the list's start.
    const newest = this.word(state, NEWEST);
    const time = newest === 0 ? notedMs : Math.max(notedMs, this.float(newest, NOTED_AT));
    arena.f64[record >>> 15]![(record & 0x7fff) + NOTED_AT] = time;
    this.setWord(record, PRODUCER, block);
    this.setWord(record, BEHIND, 0);
    this.setWord(record, BEHIND_OF_PRODUCER, 0);
    const entry = names.add(block, NAMES, given.buf, given.off, given.len, record);
    this.setWord(record, RECORD_ENTRY, entry);
    this.setWord(record, BEFORE, newest);
    this.linkLast(state, record, BEHIND);
    this.linkLast(block, record, BEHIND_OF_PRODUCER);
    this.setWord(state, COUNT, this.word(state, COUNT) + 1);
    this.addTo(state, ADDED, 1);
    while (names.size(block, NAMES) > this.sizeMax) this.drop(this.word(block, OLDEST));
  }

  private makeState(): Ref {
    if (this.state !== 0) return this.state;
    const state = this.arena.alloc(STATE_BYTES);
    const at = (state & 0x7fff) << 1;
    this.arena.i32[state >>> 15]!.fill(0, at, at + STATE_BYTES / 4);
    this.setWord(state, DURATION, DURATION_DEFAULT);
    this.setWord(state, SIZE_MAX, SIZE_DEFAULT);
    this.arena.touch(this.owner);
    this.setWord(this.owner, this.ownerWord, state);
    return state;
  }

  private makeProducer(state: Ref, name: Text): Ref {
    const { arena, names } = this;
    const present = names.find(state, NAMES, name.buf, name.off, name.len);
    if (present !== 0) return present;
    const block = arena.alloc(PRODUCER_BYTES);
    this.setWord(block, NAMES, 0);
    this.setWord(block, OLDEST, 0);
    this.setWord(block, NEWEST, 0);
    const entry = names.add(state, NAMES, name.buf, name.off, name.len, block);
    this.setWord(block, PRODUCER_ENTRY, entry);
    return block;
  }

  /** Puts a record at the end of a list, that of the state or of a producer. */
  private linkLast(list: Ref, record: Ref, behind: number): void {
    const last = this.word(list, NEWEST);
    this.arena.touch(list);
    this.setWord(list, NEWEST, record);
    if (last === 0) this.setWord(list, OLDEST, record);
    else {
      this.arena.touch(last);
      this.setWord(last, behind, record);
    }
  }

  /** Removes a record, its producer's oldest one. O(1). */
  private drop(record: Ref): void {
    const { arena, names, state } = this;
    const producer = this.word(record, PRODUCER);
    const next = this.word(record, BEHIND_OF_PRODUCER);
    names.remove(producer, NAMES, this.word(record, RECORD_ENTRY));
    this.unlink(state, record);
    arena.free(record);
    if (next === 0) {
      names.remove(state, NAMES, this.word(producer, PRODUCER_ENTRY));
      arena.free(producer);
    } else {
      arena.touch(producer);
      this.setWord(producer, OLDEST, next);
    }
  }

  private unlink(state: Ref, record: Ref): void {
    const before = this.word(record, BEFORE);
    const behind = this.word(record, BEHIND);
    this.arena.touch(state);
    this.setWord(state, COUNT, this.word(state, COUNT) - 1);
    if (before === 0) this.setWord(state, OLDEST, behind);
    else {
      this.arena.touch(before);
      this.setWord(before, BEHIND, behind);
    }
    if (behind === 0) this.setWord(state, NEWEST, before);
    else {
      this.arena.touch(behind);
      this.setWord(behind, BEFORE, before);
    }
  }

  // ---- as they are in files ----------------------------------------------------------------

  /** All producers, in the order of their names. O(n log n). */
  list(): Ref[] {
    return this.inUse ? this.names.list(this.state, NAMES) : [];
  }

  /** A producer's name, a view until the next operation. */
  name(producer: Ref): Text {
    return this.names.name(this.word(producer, PRODUCER_ENTRY));
  }

  /** Number of a producer's records. */
  recordsOf(producer: Ref): number {
    return this.names.size(producer, NAMES);
  }

  /** A producer's records, oldest first: the id it gave and the entry's. `emit` must not write. */
  forEachOf(producer: Ref, emit: (given: Text, id: StreamId) => void): void {
    const { scratch } = this;
    for (let record = this.word(producer, OLDEST); record !== 0; ) {
      scratch.load(this.arena, record, 0);
      emit(this.names.name(this.word(record, RECORD_ENTRY)), scratch);
      record = this.word(record, BEHIND_OF_PRODUCER);
    }
  }

  /** Sets how many entries were ever noted, and duplicates found; they are `inUse`. */
  restoreCounts(added: number, duplicates: number): void {
    const { state } = this;
    this.addTo(state, ADDED, added - this.added);
    this.addTo(state, DUPLICATES, duplicates - this.duplicates);
  }

  // ---- all of them -------------------------------------------------------------------------

  /** Frees up to `max` records, at last the state. Returns whether some are left. */
  freeSome(max: number): boolean {
    const { state } = this;
    if (state === 0) return false;
    for (let left = max; this.word(state, OLDEST) !== 0; left--) {
      if (left <= 0) return true;
      this.drop(this.word(state, OLDEST));
    }
    this.arena.free(state);
    this.arena.touch(this.owner);
    this.setWord(this.owner, this.ownerWord, 0);
    return false;
  }

  /** Copies all to the stream whose root has its word for them at `word`. O(records). */
  cloneTo(root: Ref, word: number): void {
    if (!this.inUse) return;
    const { names } = this;
    const copy = new StreamProducers(this.tools);
    copy.open(root, word);
    copy.configure(this.durationSeconds, this.sizeMax);
    this.forEach((record, id) => {
      const producer = { ...names.name(this.word(this.word(record, PRODUCER), PRODUCER_ENTRY)) };
      const given = names.name(this.word(record, RECORD_ENTRY));
      copy.note(producer, given, id, this.float(record, NOTED_AT));
    });
    copy.addTo(copy.state, ADDED, this.added - copy.added);
    copy.addTo(copy.state, DUPLICATES, this.duplicates);
  }

  /** Bytes of everything. O(records). */
  memory(): number {
    const { arena, names, state } = this;
    if (state === 0) return 0;
    let total = arena.capacity(state) + names.memory(state, NAMES);
    names.some(state, NAMES, (producer) => {
      total += arena.capacity(producer) + names.memory(producer, NAMES);
      return true;
    });
    this.forEach((record) => {
      total += arena.capacity(record);
    });
    return total;
  }

  /** Throws when an invariant is broken; for tests. */
  checkInvariants(): void {
    const { names, state } = this;
    if (state === 0) return;
    const fail = (text: string): never => {
      throw new Error(`stream: ${text}`);
    };
    names.check(state, NAMES);
    /** By producer: the newest record so far. */
    const newest = new Map<Ref, Ref>();
    let before = 0;
    let count = 0;
    this.forEach((record) => {
      const producer = this.word(record, PRODUCER);
      const { buf, off, len } = names.name(this.word(record, RECORD_ENTRY));
      if (names.find(producer, NAMES, buf, off, len) !== record) fail('a record is not found');
      if (this.word(record, BEFORE) !== before) fail('records are not linked');
      const earlier = before === 0 ? 0 : this.float(before, NOTED_AT);
      if (this.float(record, NOTED_AT) < earlier) fail('a record is older than the one before');
      const last = newest.get(producer);
      const link = last === undefined ? [producer, OLDEST] : [last, BEHIND_OF_PRODUCER];
      if (this.word(link[0]!, link[1]!) !== record) fail("a producer's records are not linked");
      newest.set(producer, record);
      before = record;
      count++;
    });
    if (this.word(state, NEWEST) !== before) fail('the newest record is not the last');
    if (count !== this.records) fail(`counts ${this.records} records, holds ${count}`);
    if (newest.size !== this.size) fail('a producer without records');
    for (const [producer, record] of newest) {
      names.check(producer, NAMES);
      count -= names.size(producer, NAMES);
      if (names.size(producer, NAMES) > this.sizeMax) fail('too many records');
      if (this.word(producer, NEWEST) !== record) fail("a producer's newest record is not last");
    }
    if (count !== 0) fail('producers count other records');
  }

  /** Records with their entries' ids, oldest first. */
  private forEach(emit: (record: Ref, id: StreamId) => void): void {
    const { scratch } = this;
    for (let record = this.word(this.state, OLDEST); record !== 0; ) {
      scratch.load(this.arena, record, 0);
      emit(record, scratch);
      record = this.word(record, BEHIND);
    }
  }

  private get state(): Ref {
    return this.word(this.owner, this.ownerWord);
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  /** The block was touched. */
  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }

  private float(ref: Ref, i: number): number {
    return this.arena.f64[ref >>> 15]![(ref & 0x7fff) + i]!;
  }

  private addTo(state: Ref, i: number, n: number): void {
    this.arena.touch(state);
    this.arena.f64[state >>> 15]![(state & 0x7fff) + i]! += n;
  }
}
