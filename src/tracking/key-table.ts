/**
 * Which clients may have which keys in their caches. Databases do not matter, as in Redis: a key's
 * name stands for the keys of that name in all of them.
 *
 * One record for each key, in an arena of its own: nothing here is an object of JavaScript. An open
 * hash table finds the records. While a client tracks, every write looks for its key here,
 * mostly in vain: with hash and record next to each other that is one access to memory (a million
 * keys cost SET 45 % when they were apart).
 *
 *     record   +0 int32  length of the name, -1 for a name that is not kept
 *              +4 int32  number of clients
 *              +8        the id of the one client (float64), or the ref of a list of ids (int32)
 *              +16       the name, or 8 bytes of digest
 *     list     the ids in order, as float64
 *
 * Names over NAME_MAX bytes are not kept: they would cost more than all else. A key is found
 * without: by 32 bits of keyed hash and 64 of digest.
 *
 * Invariants: slot i is the hash slots[2 i] and the record slots[2 i + 1], 0 for none; at most half
 * of the slots are taken and at least a sixteenth while there are more than SLOTS_MIN; a record is
 * found from the slot that its hash names on, without a free one in between.
 */
import { askForCollection } from '../memory/collector.ts';
import { HeapArena } from '../memory/heap-arena.ts';
import { copyBytes, sameBytes } from '../util/bytes.ts';
import { latin1 } from '../util/latin1.ts';
import { xxh3 } from '../util/xxh3.ts';

/** A key that was taken out. */
export interface TakenKey {
  /** As latin1 text, undefined for a long name, which was not kept. */
  readonly key: string | undefined;
  /** Ids of its clients in order. */
  readonly clients: readonly number[];
}

const SLOTS_MIN = 64;
/** An arena larger than this is worth a collection when it is dropped. */
const COLLECT_BYTES = 16 * 1024 * 1024;
/**
 * Random slots that `takeAny` looks at: a sixteenth is taken, so all are free once in 10^11 times.
 */
const ATTEMPTS_MAX = 400;
/** The longest name that is kept. */
export const NAME_MAX = 256;
/** In words: what a record consists of. */
const NAME_LENGTH = 0;
const CLIENT_COUNT = 1;
const CLIENT_LIST = 2;
/** In float64s. */
const ONE_CLIENT = 1;
/** In bytes. */
const NAME = 16;
const DIGEST_BYTES = 8;
const NOT_KEPT = -1;

export class KeyTable {
  /** Keys. */
  size = 0;
  /** Clients of all keys together. */
  items = 0;
  private readonly hash: (buf: Uint8Array, off: number, len: number) => number;
  private slots = new Int32Array(SLOTS_MIN * 2);
  private arena = new HeapArena();

  /** `hash` must be keyed: keys come from outside. */
  constructor(hash: (buf: Uint8Array, off: number, len: number) => number) {
    this.hash = hash;
  }

  /** Bytes that the table takes: exact, 0 when it is empty. O(1). */
  get memoryBytes(): number {
    return this.size === 0 ? 0 : this.arena.usedBytes + this.slots.byteLength;
  }

  /** Remembers a client of a key. O(length + log clients), amortised; O(clients) for a new one. */
  add(buf: Uint8Array, off: number, len: number, client: number): void {
    const hash = this.hash(buf, off, len) | 0;
    const slot = this.slotOf(hash, buf, off, len);
    const record = this.slots[2 * slot + 1]!;
    if (record === 0) this.insert(slot, hash, buf, off, len, client);
    else this.addClient(record, client);
  }

  /** Reads the slots of `n` hashes in one loop, so that their cache misses overlap. */
  prefetch(hashes: Int32Array, n: number): number {
    const { slots } = this;
    const mask = (slots.length >> 1) - 1;
    let sum = 0;
    for (let i = 0; i < n; i++) sum ^= slots[2 * (hashes[i]! & mask)]!;
    return sum;
  }

  /** Takes a key out; its clients, or undefined if it is not there. O(length + clients). */
  take(buf: Uint8Array, off: number, len: number): readonly number[] | undefined {
    const slot = this.slotOf(this.hash(buf, off, len) | 0, buf, off, len);
    return this.slots[2 * slot + 1] === 0 ? undefined : this.takeSlot(slot).clients;
  }

  /**
   * Takes any key out, each with the same probability; `random` is uniform in [0, 1). The table
   * must not be empty. O(1) on average.
   */
  takeAny(random: () => number): TakenKey {
    const { slots } = this;
    const count = slots.length >> 1;
    let slot = Math.floor(random() * count);
    // Few slots are free; past a run of bad luck it is the next one, whatever `random` may be.
    for (let i = 0; slots[2 * slot + 1] === 0; i++) {
      slot = i < ATTEMPTS_MAX ? Math.floor(random() * count) : (slot + 1) & (count - 1);
    }
    return this.takeSlot(slot);
  }

  clear(): void {
    if (this.size === 0) return;
    const bytes = this.arena.reservedBytes;
    this.items = 0;
    this.size = 0;
    this.arena = new HeapArena();
    this.slots = new Int32Array(SLOTS_MIN * 2);
    // V8 does not count what an arena holds.
    if (bytes > COLLECT_BYTES) askForCollection();
  }

  /** To be called some times a second: returns unused memory to the system. */
  giveBack(): void {
    this.arena.giveBack();
  }

  // ---- records -------------------------------------------------------------------------------

  private insert(
    slot: number,
    hash: number,
    buf: Uint8Array,
    off: number,
    len: number,
    client: number,
  ): void {
    const { arena, slots } = this;
    const kept = len <= NAME_MAX;
    const record = arena.alloc(NAME + (kept ? len : DIGEST_BYTES));
    arena.setWord(record, NAME_LENGTH, kept ? len : NOT_KEPT);
    arena.setWord(record, CLIENT_COUNT, 1);
    arena.setFloat(record, ONE_CLIENT, client);
    if (kept) copyBytes(buf, off, arena.u8[record >>> 15]!, nameAt(record), len);
    else this.setDigest(record, xxh3(buf, off, len));
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = record;
    this.items++;
    this.size++;
    if (this.size * 4 > slots.length) this.resize(slots.length * 2);
  }

  private addClient(record: number, client: number): void {
    const { arena } = this;
    const count = arena.word(record, CLIENT_COUNT);
    if (count === 1) {
      const other = arena.float(record, ONE_CLIENT);
      if (other === client) return;
      const list = arena.alloc(16);
      arena.setFloat(list, 0, Math.min(other, client));
      arena.setFloat(list, 1, Math.max(other, client));
      arena.setWord(record, CLIENT_LIST, list);
    } else if (!this.addToList(record, count, client)) return;
    arena.setWord(record, CLIENT_COUNT, count + 1);
    this.items++;
  }

  /** Puts a client in its place in a list. False when it is there already. */
  private addToList(record: number, count: number, client: number): boolean {
    const { arena } = this;
    let list = arena.word(record, CLIENT_LIST);
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >>> 1;
      if (arena.float(list, middle) < client) low = middle + 1;
      else high = middle;
    }
    if (low < count && arena.float(list, low) === client) return false;
    if ((count + 1) * 8 > arena.capacity(list)) {
      list = arena.realloc(list, count * 8, count * 16);
      arena.setWord(record, CLIENT_LIST, list);
    }
    const begin = list & 0x7fff;
    arena.f64[list >>> 15]!.copyWithin(begin + low + 1, begin + low, begin + count);
    arena.setFloat(list, low, client);
    return true;
  }

  /** Takes the key of a slot out. */
  private takeSlot(slot: number): TakenKey {
    const { arena, slots } = this;
    const record = slots[2 * slot + 1]!;
    const length = arena.word(record, NAME_LENGTH);
    const count = arena.word(record, CLIENT_COUNT);
    const taken = {
      key:
        length === NOT_KEPT ? undefined : latin1(arena.u8[record >>> 15]!, nameAt(record), length),
      clients: this.clientsOf(record, count),
    };
    if (count > 1) arena.free(arena.word(record, CLIENT_LIST));
    arena.free(record);
    this.items -= count;
    this.size--;
    this.closeGap(slot);
    const pairs = slots.length >> 1;
    if (this.size === 0) this.clear();
    if (pairs > SLOTS_MIN && this.size * 16 < pairs) this.resize(slots.length >> 1);
    return taken;
  }

  private clientsOf(record: number, count: number): number[] {
    const { arena } = this;
    if (count === 1) return [arena.float(record, ONE_CLIENT)];
    const list = arena.word(record, CLIENT_LIST);
    return Array.from({ length: count }, (_, i) => arena.float(list, i));
  }

  private setDigest(record: number, digest: bigint): void {
    this.arena.setWord(record, NAME >> 2, Number(BigInt.asIntN(32, digest)));
    this.arena.setWord(record, (NAME >> 2) + 1, Number(BigInt.asIntN(32, digest >> 32n)));
  }

  private hasName(record: number, buf: Uint8Array, off: number, len: number): boolean {
    const { arena } = this;
    const length = arena.word(record, NAME_LENGTH);
    if (length !== NOT_KEPT) {
      if (length !== len) return false;
      return sameBytes(arena.u8[record >>> 15]!, nameAt(record), buf, off, len);
    }
    if (len <= NAME_MAX) return false;
    const digest = xxh3(buf, off, len);
    return (
      arena.word(record, NAME >> 2) === Number(BigInt.asIntN(32, digest)) &&
      arena.word(record, (NAME >> 2) + 1) === Number(BigInt.asIntN(32, digest >> 32n))
    );
  }

  // ---- slots ---------------------------------------------------------------------------------

  /** The slot of a key, or the free one where the search for it ends. */
  private slotOf(hash: number, buf: Uint8Array, off: number, len: number): number {
    const { slots } = this;
    const mask = (slots.length >> 1) - 1;
    let slot = hash & mask;
    for (;;) {
      const record = slots[2 * slot + 1]!;
      if (record === 0) return slot;
      if (slots[2 * slot] === hash && this.hasName(record, buf, off, len)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  /** Empties a slot: what would not be found past it moves up. */
  private closeGap(gap: number): void {
    const { slots } = this;
    const mask = (slots.length >> 1) - 1;
    for (let slot = (gap + 1) & mask; slots[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const home = slots[2 * slot]! & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[2 * gap] = slots[2 * slot]!;
      slots[2 * gap + 1] = slots[2 * slot + 1]!;
      gap = slot;
    }
    slots[2 * gap + 1] = 0;
  }

  private resize(length: number): void {
    const old = this.slots;
    const slots = new Int32Array(length);
    const mask = (length >> 1) - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let slot = old[i]! & mask;
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = old[i]!;
      slots[2 * slot + 1] = old[i + 1]!;
    }
    this.slots = slots;
  }
}

/** Where a record's name begins in its segment, in bytes. */
function nameAt(record: number): number {
  return ((record & 0x7fff) << 3) + NAME;
}
