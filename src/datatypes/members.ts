/**
 * Elements of the large representations: entries of a dict (`src/memory/dict.ts`) whose key is a
 * field or member, made and read here.
 *
 *     +0 next | +4 - | +8 key length, flags | [+12 - | +16 float64]  when EXTENDED | key | tail
 *
 * The float64 is a member's score or the time a field expires.
 */
import { type Arena, NO_BYTES, type Ref } from '../memory/arena.ts';
import { EXTENDED, EXTENDED_HEADER, HEADER, KEY_LENGTH } from '../memory/dict.ts';
import { copyBytes } from '../util/bytes.ts';
import type { Text, Tools } from './value.ts';

/** Bytes to be found; the fields change with every read. */
export class TextRegister implements Text {
  buf: Uint8Array = NO_BYTES;
  off = 0;
  len = 0;

  /** Shows what another text shows. */
  set({ buf, off, len }: Text): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
  }

  forget(): void {
    this.buf = NO_BYTES;
  }
}

/**
 * An entry for a key with `tail` bytes behind it, not yet in a dict. `extended` leaves room for a
 * float64. O(len).
 */
export function newMember(
  arena: Arena,
  buf: Uint8Array,
  off: number,
  len: number,
  extended: boolean,
  tail: number,
): Ref {
  const header = extended ? EXTENDED_HEADER : HEADER;
  const entry = arena.alloc(header + len + tail);
  const i32 = arena.i32[entry >>> 15]!;
  const word = (entry & 0x7fff) << 1;
  i32[word + 1] = 0;
  i32[word + 2] = len | (extended ? EXTENDED : 0);
  if (extended) i32[word + 3] = 0;
  copyBytes(buf, off, arena.u8[entry >>> 15]!, (word << 2) + header, len);
  return entry;
}

export function isExtended(arena: Arena, entry: Ref): boolean {
  return arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 2]! < 0;
}

/** The float64 of an extended entry. */
export function numberOf(arena: Arena, entry: Ref): number {
  return arena.f64[entry >>> 15]![(entry & 0x7fff) + 2]!;
}

/** Sets the float64 of an extended entry, which was touched. */
export function setNumber(arena: Arena, entry: Ref, value: number): void {
  arena.f64[entry >>> 15]![(entry & 0x7fff) + 2] = value;
}

/** Offset of the bytes behind an entry's key, in its segment. */
export function tailOf(arena: Arena, entry: Ref): number {
  const keyWord = arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 2]!;
  const header = keyWord < 0 ? EXTENDED_HEADER : HEADER;
  return ((entry & 0x7fff) << 3) + header + (keyWord & KEY_LENGTH);
}

/** Points a register at an entry's key. */
export function locateMember(arena: Arena, entry: Ref, text: TextRegister): void {
  const keyWord = arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 2]!;
  text.buf = arena.u8[entry >>> 15]!;
  text.off = ((entry & 0x7fff) << 3) + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
  text.len = keyWord & KEY_LENGTH;
}

/** Compares a text with an entry's key bytewise, a prefix first: negative, 0 or positive. */
export function compareMember(
  arena: Arena,
  buf: Uint8Array,
  off: number,
  len: number,
  entry: Ref,
): number {
  const keyWord = arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + 2]!;
  const u8 = arena.u8[entry >>> 15]!;
  const at = ((entry & 0x7fff) << 3) + (keyWord < 0 ? EXTENDED_HEADER : HEADER);
  const keyLen = keyWord & KEY_LENGTH;
  const common = Math.min(len, keyLen);
  for (let i = 0; i < common; i++) {
    const order = buf[off + i]! - u8[at + i]!;
    if (order !== 0) return order;
  }
  return len - keyLen;
}

/**
 * Moves a dict and its entries where the arena wants that, unless they are too many. `move` moves
 * one and returns its new ref. Returns the dict's root. O(entries).
 */
export function moveMembers(
  { arena, dict, limits, moving }: Tools,
  root: Ref,
  move: (entry: Ref) => Ref = (entry) => arena.relocate(entry),
): Ref {
  const found: Ref[] = [];
  const look = (entry: Ref) => {
    if (arena.shouldMove(entry)) found.push(entry);
  };
  if (dict.size(root) <= limits.movedAtOnce) {
    moving.cursor = 0;
    dict.forEach(root, look);
  } else {
    let buckets = limits.movedAtOnce;
    do moving.cursor = dict.scan(root, moving.cursor, look);
    while (moving.cursor !== 0 && --buckets > 0);
  }
  for (const entry of found) {
    const hash = dict.hashOfEntry(entry);
    dict.replace(root, hash, entry, move(entry));
  }
  return moving.cursor === 0 ? dict.moveIfSparse(root) : root;
}
