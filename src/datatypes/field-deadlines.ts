/**
 * The extra block of a hash in which a field ever had a time to live, and the order in which the
 * fields of a large one expire. It knows neither keys nor values.
 *
 *     +0 int32 the body: listpack or dict | +4 int32 ordered index of (expiry, entry), with a dict
 *     +8 int32 the key's entry | +12 int32 position in the keyspace's heap, -1 for none
 *     +16 float64 the earliest expiry, Infinity for none
 *
 * The keyspace's heap reads and writes +12 as in an entry (src/keyspace/expiry-heap.ts).
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { OrderedIndex, type Ties } from '../memory/ordered-index.ts';
import { numberOf, setNumber } from './members.ts';

export const EX_BYTES = 24;
/** Stands for the time of what does not expire. */
export const NEVER = Number.POSITIVE_INFINITY;
const BODY = 0;
const INDEX = 1;
const OWNER = 2;
const POSITION = 3;

/** Orders index elements of equal expiry by ref. */
class ByRef implements Ties {
  probe: Ref = 0;

  compareProbe(ref: Ref): number {
    return this.probe - ref;
  }
}

export class FieldDeadlines {
  private readonly arena: Arena;
  private readonly byRef = new ByRef();
  private readonly index: OrderedIndex;

  constructor(arena: Arena) {
    this.arena = arena;
    this.index = new OrderedIndex(arena, this.byRef);
  }

  /** The extra block of a hash that belongs to no key yet; `large` ones get an index. */
  create(body: Ref, large: boolean): Ref {
    const index = large ? this.index.create() : 0;
    const block = this.arena.alloc(EX_BYTES);
    this.setWord(block, BODY, body);
    this.setWord(block, INDEX, index);
    this.setWord(block, OWNER, 0);
    this.setWord(block, POSITION, -1);
    this.writeNext(block, NEVER);
    return block;
  }

  /** A copy of the block of a small hash, for another body; it belongs to no key yet. */
  cloneSmall(block: Ref, body: Ref): Ref {
    const copy = this.create(body, false);
    this.writeNext(copy, this.next(block));
    return copy;
  }

  body(block: Ref): Ref {
    return this.word(block, BODY);
  }

  setBody(block: Ref, body: Ref): void {
    this.arena.touch(block);
    this.setWord(block, BODY, body);
  }

  /** The entry of the hash's key, as noted by `setOwner`; 0 when it belongs to none yet. O(1). */
  owner(block: Ref): Ref {
    return this.word(block, OWNER);
  }

  /** Notes the entry of the hash's key. O(1). */
  setOwner(block: Ref, entry: Ref): void {
    if (this.word(block, OWNER) === entry) return;
    this.arena.touch(block);
    this.setWord(block, OWNER, entry);
  }

  /** The place in the keyspace's heap; negative when the block is not there. O(1). */
  position(block: Ref): number {
    return this.word(block, POSITION);
  }

  /** Notes that the block is in the keyspace's heap no more; the heap itself notes the rest. */
  clearPosition(block: Ref): void {
    this.arena.touch(block);
    this.setWord(block, POSITION, -1);
  }

  /** The hash has become a large one: its body is a dict without fields that expire yet. */
  enlarge(block: Ref, body: Ref): void {
    const index = this.index.create();
    this.arena.touch(block);
    this.setWord(block, BODY, body);
    this.setWord(block, INDEX, index);
    this.writeNext(block, NEVER);
  }

  /** The earliest expiry that was noted. O(1). */
  next(block: Ref): number {
    return this.arena.f64[block >>> 15]![(block & 0x7fff) + 2]!;
  }

  setNext(block: Ref, whenMs: number): void {
    if (this.next(block) === whenMs) return;
    this.arena.touch(block);
    this.writeNext(block, whenMs);
  }

  // ---- large hashes ------------------------------------------------------------------------

  /** An extended entry without a time now expires at `whenMs`. O(log n). */
  add(block: Ref, entry: Ref, whenMs: number): void {
    this.arena.touch(entry);
    setNumber(this.arena, entry, whenMs);
    this.byRef.probe = entry;
    this.index.insert(this.word(block, INDEX), whenMs, entry);
    if (whenMs < this.next(block)) this.setNext(block, whenMs);
  }

  /** Takes an entry's time away. O(log n). */
  remove(block: Ref, entry: Ref): void {
    const root = this.word(block, INDEX);
    this.byRef.probe = entry;
    const found = this.index.remove(root, numberOf(this.arena, entry));
    if (!found) throw new Error('hash: a field with a time to live is not in the index');
    this.arena.touch(entry);
    setNumber(this.arena, entry, 0);
    this.index.seekFirst(root);
    this.setNext(block, this.index.leaf === 0 ? NEVER : this.index.score);
  }

  /** The entry that expires first; there must be one. O(1). */
  first(block: Ref): Ref {
    this.index.seekFirst(this.word(block, INDEX));
    return this.index.entry;
  }

  /** Entries with a time. O(1). */
  count(block: Ref): number {
    return this.index.size(this.word(block, INDEX));
  }

  /** Moves the index where the arena wants that. O(nodes). */
  moveIndex(block: Ref): void {
    const index = this.word(block, INDEX);
    if (index === 0) return;
    const to = this.index.moveIfSparse(index);
    if (to === index) return;
    this.arena.touch(block);
    this.setWord(block, INDEX, to);
  }

  /** Bytes of block and index. O(nodes). */
  memory(block: Ref): number {
    const index = this.word(block, INDEX);
    return this.arena.capacity(block) + (index === 0 ? 0 : this.index.memory(index));
  }

  /** Frees the index, about `max` leaves of it. Returns whether some are left. */
  clearIndex(block: Ref, max: number): boolean {
    const index = this.word(block, INDEX);
    if (index === 0) return false;
    if (this.index.clearStep(index, max)) return true;
    this.arena.touch(block);
    this.setWord(block, INDEX, 0);
    return false;
  }

  /**
   * Throws when the index of a large hash is damaged, or `next` is not its first. O(n); for tests.
   */
  checkLarge(block: Ref): void {
    const root = this.word(block, INDEX);
    this.index.checkInvariants(root);
    this.index.seekFirst(root);
    const first = this.index.leaf === 0 ? NEVER : this.index.score;
    if (first !== this.next(block)) throw new Error('hash: the earliest expiry is another one');
  }

  private writeNext(block: Ref, whenMs: number): void {
    this.arena.f64[block >>> 15]![(block & 0x7fff) + 2] = whenMs;
  }

  private word(block: Ref, i: number): number {
    return this.arena.i32[block >>> 15]![((block & 0x7fff) << 1) + i]!;
  }

  private setWord(block: Ref, i: number, value: number): void {
    this.arena.i32[block >>> 15]![((block & 0x7fff) << 1) + i] = value;
  }
}
