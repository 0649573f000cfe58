/**
 * Which clients may have which keys in their caches. Databases do not matter, as in Redis: a key's
 * name stands for the keys of that name in all of them.
 *
 * Keys are numbered from 0 without gaps; an open hash table finds their numbers. Every write of a
 * server with a tracking client asks, mostly in vain: that makes no string, and with hash and number
 * side by side it is one access to memory (a million keys cost SET 45 % when they were apart).
 *
 * Invariants: slot i is the hash slots[2 i] and the number slots[2 i + 1], which is a key's number
 * plus 1 or 0; at most half of the slots are taken; a key is found from the slot that its hash names
 * on, without a free one in between.
 */

/** The clients of a key: mostly it is one. */
export type ClientIds = number | Set<number>;

/** A key that was taken out. */
export interface TakenKey {
  /** As latin1 text. */
  readonly key: string;
  readonly clients: ClientIds;
}

const SLOTS_MIN = 64;
/** Beside a key's text: its slots, two references, a string's header. */
const KEY_BYTES = 56;
const ITEM_BYTES = 24;

export class KeyTable {
  /** Clients of all keys together. */
  items = 0;
  private readonly hash: (buf: Uint8Array, off: number, len: number) => number;
  private slots = new Int32Array(SLOTS_MIN * 2);
  private readonly keys: string[] = [];
  private readonly clients: ClientIds[] = [];
  private textBytes = 0;

  /** `hash` must be keyed: keys come from outside. */
  constructor(hash: (buf: Uint8Array, off: number, len: number) => number) {
    this.hash = hash;
  }

  get size(): number {
    return this.keys.length;
  }

  /** About what the table costs. O(1). */
  get memoryBytes(): number {
    return this.textBytes + this.size * KEY_BYTES + this.items * ITEM_BYTES;
  }

  /** Remembers a client of a key. O(length), amortised. */
  add(buf: Uint8Array, off: number, len: number, client: number): void {
    const hash = this.hash(buf, off, len) | 0;
    const slot = this.slotOf(hash, buf, off, len);
    const number = this.slots[2 * slot + 1]! - 1;
    if (number < 0) {
      this.insert(slot, hash, buf, off, len, client);
      return;
    }
    const clients = this.clients[number]!;
    if (typeof clients !== 'number') {
      if (clients.has(client)) return;
      clients.add(client);
    } else {
      if (clients === client) return;
      this.clients[number] = new Set([clients, client]);
    }
    this.items++;
  }

  /** Touches the slots of `n` hashes, all at once: memory is slow, but not one at a time. */
  prefetch(hashes: Int32Array, n: number): number {
    const { slots } = this;
    const mask = (slots.length >> 1) - 1;
    let sum = 0;
    for (let i = 0; i < n; i++) sum ^= slots[2 * (hashes[i]! & mask)]!;
    return sum;
  }

  /** Takes a key out, if it is there. O(length). */
  take(buf: Uint8Array, off: number, len: number): TakenKey | undefined {
    const slot = this.slotOf(this.hash(buf, off, len) | 0, buf, off, len);
    return this.slots[2 * slot + 1] === 0 ? undefined : this.takeSlot(slot);
  }

  /** Takes any key out; `random` is uniform in [0, 1). The table must not be empty. O(1). */
  takeAny(random: number): TakenKey {
    return this.takeSlot(this.slotOfNumber(Math.floor(random * this.size)));
  }

  clear(): void {
    this.items = 0;
    this.textBytes = 0;
    this.keys.length = 0;
    this.clients.length = 0;
    this.slots = new Int32Array(SLOTS_MIN * 2);
  }

  private insert(
    slot: number,
    hash: number,
    buf: Uint8Array,
    off: number,
    len: number,
    client: number,
  ): void {
    this.keys.push(Buffer.from(buf.buffer, buf.byteOffset + off, len).toString('latin1'));
    this.clients.push(client);
    this.slots[2 * slot] = hash;
    this.slots[2 * slot + 1] = this.keys.length;
    this.items++;
    this.textBytes += len;
    if (this.keys.length * 4 > this.slots.length) this.grow();
  }

  /** Takes the key of a slot out; the last key gets its number. */
  private takeSlot(slot: number): TakenKey {
    const number = this.slots[2 * slot + 1]! - 1;
    const taken = { key: this.keys[number]!, clients: this.clients[number]! };
    this.items -= typeof taken.clients === 'number' ? 1 : taken.clients.size;
    this.textBytes -= taken.key.length;
    const last = this.keys.length - 1;
    if (last === 0) {
      this.clear();
      return taken;
    }
    if (number !== last) {
      this.slots[2 * this.slotOfNumber(last) + 1] = number + 1;
      this.keys[number] = this.keys[last]!;
      this.clients[number] = this.clients[last]!;
    }
    this.keys.pop();
    this.clients.pop();
    this.closeGap(slot);
    return taken;
  }

  /** The slot of a key, or the free one where the search for it ends. */
  private slotOf(hash: number, buf: Uint8Array, off: number, len: number): number {
    const { slots } = this;
    const mask = (slots.length >> 1) - 1;
    let slot = hash & mask;
    for (;;) {
      const number = slots[2 * slot + 1]! - 1;
      if (number < 0) return slot;
      if (slots[2 * slot] === hash && sameText(this.keys[number]!, buf, off, len)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private slotOfNumber(number: number): number {
    const { slots } = this;
    const text = Buffer.from(this.keys[number]!, 'latin1');
    const mask = (slots.length >> 1) - 1;
    let slot = this.hash(text, 0, text.length) & mask;
    while (slots[2 * slot + 1] !== number + 1) slot = (slot + 1) & mask;
    return slot;
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

  private grow(): void {
    const old = this.slots;
    const slots = new Int32Array(old.length * 2);
    const mask = (slots.length >> 1) - 1;
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

function sameText(text: string, buf: Uint8Array, off: number, len: number): boolean {
  if (text.length !== len) return false;
  for (let i = 0; i < len; i++) if (text.charCodeAt(i) !== buf[off + i]) return false;
  return true;
}
