/**
 * Fields of a large hash: entries of its dict that hold a field, its value and, when extended, the
 * time at which the field expires.
 *
 *     head (src/datatypes/members.ts) | field | length of the value, 1 byte or 4 | value
 *
 * LONG_VALUE in the entry's key word tells how long the length is. Nothing here knows the dict.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import { ENTRY_KEY, OWNERS_FLAG } from '../memory/dict.ts';
import { copyBytes } from '../util/bytes.ts';
import { isExtended, newMember, type TextRegister, tailOf } from './members.ts';

/** Bit of an entry's key word: the value's length takes four bytes, not one. */
const LONG_VALUE = OWNERS_FLAG;
const SHORT_VALUE_MAX = 255;

/** An entry in no dict yet; an extended one has room for a time, which is to be set. O(bytes). */
export function newHashEntry(
  arena: Arena,
  fieldBuf: Uint8Array,
  fieldOff: number,
  fieldLen: number,
  extended: boolean,
  buf: Uint8Array,
  off: number,
  len: number,
): Ref {
  const entry = newMember(arena, fieldBuf, fieldOff, fieldLen, extended, valueBytes(len));
  writeValue(arena, entry, buf, off, len);
  return entry;
}

/**
 * Writes a value over the one of an entry if it fits there without waste, and if the entry is
 * `extended` as asked. Returns whether it did. O(len).
 */
export function overwriteValue(
  arena: Arena,
  entry: Ref,
  extended: boolean,
  buf: Uint8Array,
  off: number,
  len: number,
): boolean {
  if (isExtended(arena, entry) !== extended) return false;
  const start = (entry & 0x7fff) << 3;
  const need = tailOf(arena, entry) - start + valueBytes(len);
  const capacity = arena.capacity(entry);
  if (need > capacity || capacity > need * 2 + 16) return false;
  arena.touch(entry);
  writeValue(arena, entry, buf, off, len);
  return true;
}

/** Points a register at an entry's value. */
export function locateValue(arena: Arena, entry: Ref, text: TextRegister): void {
  const u8 = arena.u8[entry >>> 15]!;
  const keyWord = arena.i32[entry >>> 15]![((entry & 0x7fff) << 1) + ENTRY_KEY]!;
  const p = tailOf(arena, entry);
  text.buf = u8;
  if ((keyWord & LONG_VALUE) === 0) {
    text.len = u8[p]!;
    text.off = p + 1;
  } else {
    text.len = (u8[p]! | (u8[p + 1]! << 8) | (u8[p + 2]! << 16) | (u8[p + 3]! << 24)) >>> 0;
    text.off = p + 4;
  }
}

function valueBytes(len: number): number {
  return len + (len <= SHORT_VALUE_MAX ? 1 : 4);
}

/** The entry was touched and has room. */
function writeValue(arena: Arena, entry: Ref, buf: Uint8Array, off: number, len: number): void {
  const i32 = arena.i32[entry >>> 15]!;
  const word = ((entry & 0x7fff) << 1) + ENTRY_KEY;
  const u8 = arena.u8[entry >>> 15]!;
  let p = tailOf(arena, entry);
  if (len <= SHORT_VALUE_MAX) {
    i32[word]! &= ~LONG_VALUE;
    u8[p++] = len;
  } else {
    i32[word]! |= LONG_VALUE;
    u8[p] = len;
    u8[p + 1] = len >> 8;
    u8[p + 2] = len >> 16;
    u8[p + 3] = len >> 24;
    p += 4;
  }
  copyBytes(buf, off, u8, p, len);
}
