/**
 * What the collection types have in common: a value is a ref and an encoding, kept in two words of
 * its key's entry. A `Value` object is a cursor that can be opened on any number of values, one
 * after the other; what an operation moves or converts is written back at once, so a value is
 * never left with a stale ref.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import type { Dict } from '../memory/dict.ts';
import type { Listpack } from '../memory/listpack.ts';
import type { Text } from '../util/bytes.ts';
import { writeInt } from '../util/numbers.ts';
import { Encoding } from './value-types.ts';

export type { Text };

/** The thresholds of redis.conf between representations. */
export interface Limits {
  hashListpackEntries: number;
  hashListpackValue: number;
  setIntsetEntries: number;
  setListpackEntries: number;
  setListpackValue: number;
  zsetListpackEntries: number;
  zsetListpackValue: number;
  /** Elements of a list's node when positive, else -1 to -5 for 4 to 64 KiB. */
  listListpackSize: number;
  streamNodeBytes: number;
  streamNodeEntries: number;
  /** Members of a collection that are moved at once to save memory. */
  movedAtOnce: number;
}

/** Redis's defaults. */
export const defaultLimits: Readonly<Limits> = {
  hashListpackEntries: 512,
  hashListpackValue: 64,
  setIntsetEntries: 512,
  setListpackEntries: 128,
  setListpackValue: 64,
  zsetListpackEntries: 128,
  zsetListpackValue: 64,
  listListpackSize: -2,
  streamNodeBytes: 4096,
  streamNodeEntries: 100,
  movedAtOnce: 1000,
};

/** What every value of a store shares. */
export interface Tools {
  readonly arena: Arena;
  readonly dict: Dict;
  readonly listpack: Listpack;
  readonly limits: Limits;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** How far the members of a large value are moved; 0 before the first step and after the last. */
  readonly moving: { cursor: number };
}

/** ASCII (latin1) text as bytes of its own. */
export function textOf(text: string): { buf: Buffer; off: 0; len: number } {
  const buf = Buffer.from(text, 'latin1');
  return { buf, off: 0, len: buf.length };
}

const digits = { buf: Buffer.alloc(24), off: 0, len: 0 };

/** A whole number as text: the same object for each, good until the next call. O(digits). */
export function integerText(value: number | bigint): Text {
  if (typeof value === 'bigint') return textOf(value.toString());
  digits.len = writeInt(digits.buf, 0, value);
  return digits;
}

export abstract class Value {
  /** Number of the value's type (`ValueType`). */
  abstract readonly type: number;
  ref: Ref = 0;
  encoding = 0;
  protected readonly arena: Arena;
  protected readonly tools: Tools;
  /** Where ref and encoding are kept: a segment and an int32 index in it. */
  private slotRef: Ref = 0;
  private slot = 0;

  constructor(tools: Tools) {
    this.tools = tools;
    this.arena = tools.arena;
  }

  /** Number of elements. */
  abstract get size(): number;

  /**
   * Looks at the value whose ref and encoding are at int32 index `slot` of a block's segment. Each
   * type has a function of its own for this, which calls `openAt`: one for all of them would see
   * objects of five shapes, and V8 looks each field up then (50 ns of an RPUSH).
   */
  abstract open(block: Ref, slot: number): void;

  protected openAt(block: Ref, slot: number): void {
    this.slotRef = block;
    this.slot = slot;
    const i32 = this.arena.i32[block >>> 15]!;
    this.ref = i32[slot]!;
    this.encoding = i32[slot + 1]!;
  }

  /** Looks at a value that belongs to no key yet. */
  openDetached(ref: Ref, encoding: number): void {
    this.slotRef = 0;
    this.ref = ref;
    this.encoding = encoding;
    this.opened();
  }

  /**
   * Moves blocks that the arena wants to move: those of a value of one block, others where a type
   * says so. Of a table with more than `limits.movedAtOnce` members only so many, from where
   * `tools.moving` says; call it again until that is 0. O(bytes).
   */
  moveIfSparse(): void {
    const oneBlock = this.encoding === Encoding.listpack || this.encoding === Encoding.intset;
    if (!oneBlock || !this.tools.arena.shouldMove(this.ref)) return;
    this.become(this.tools.arena.relocate(this.ref), this.encoding);
    this.opened();
  }

  /** Lets go of the texts read last, so that their memory can be given back. */
  forget(): void {}

  /** Frees a value's memory, at most about `max` elements of it; the ref of what is left, or 0. */
  abstract freeSome(ref: Ref, encoding: number, max: number): Ref;

  /** A deep copy that belongs to no key: its ref; the encoding is this one's. O(size). */
  abstract clone(): Ref;

  /** Bytes of memory that the value takes. */
  abstract memory(): number;

  /** Throws when an invariant is broken; for tests. */
  abstract checkInvariants(): void;

  /** What a subclass reads when a value is opened. */
  protected opened(): void {}

  /** The value now has this ref and encoding. */
  protected become(ref: Ref, encoding: number): void {
    if (ref === this.ref && encoding === this.encoding) return;
    this.ref = ref;
    this.encoding = encoding;
    if (this.slotRef === 0) return;
    this.arena.touch(this.slotRef);
    const i32 = this.arena.i32[this.slotRef >>> 15]!;
    i32[this.slot] = ref;
    i32[this.slot + 1] = encoding;
  }

  protected word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  /** The block was touched. */
  protected setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }

  /** A copy of one block. */
  protected cloneBlock(ref: Ref, bytes: number): Ref {
    const to = this.arena.alloc(bytes);
    const from = (ref & 0x7fff) << 3;
    const source = this.arena.u8[ref >>> 15]!;
    this.arena.u8[to >>> 15]!.set(source.subarray(from, from + bytes), (to & 0x7fff) << 3);
    return to;
  }
}
