/**
 * Ids of stream entries: two unsigned 64-bit numbers, milliseconds and a sequence number, kept as
 * int32 halves so that all 128 bits are exact and nothing is allocated. In the arena an id is four
 * int32 words: ms high, ms low, sequence high, sequence low.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import type { Ties } from '../memory/ordered-index.ts';
import { writeInt } from '../util/numbers.ts';

const TWO_32 = 0x100000000;
/** High halves below this make a number that is safe. */
const SAFE_HIGH = 0x200000;
/** Room for the longest text of an id. */
export const ID_TEXT_MAX = 41;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(other: StreamId): void {
    this.setHalves(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  setHalves(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh | 0;
    this.msLow = msLow | 0;
    this.seqHigh = seqHigh | 0;
    this.seqLow = seqLow | 0;
  }

  /** 0-0, the smallest. */
  setMin(): void {
    this.setHalves(0, 0, 0, 0);
  }

  /** The largest there is. */
  setMax(): void {
    this.setHalves(-1, -1, -1, -1);
  }

  /** The first id of a millisecond, a safe integer. */
  setTime(ms: number): void {
    this.setHalves(Math.floor(ms / TWO_32), ms | 0, 0, 0);
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  get hasMaxSequence(): boolean {
    return (this.seqHigh & this.seqLow) === -1;
  }

  /** The milliseconds as an index's score: in order, not always exact. */
  get score(): number {
    return (this.msHigh >>> 0) * TWO_32 + (this.msLow >>> 0);
  }

  /** Negative when this one comes before the other, 0 when they are the same. */
  compare(other: StreamId): number {
    if (this.msHigh !== other.msHigh) return (this.msHigh >>> 0) - (other.msHigh >>> 0);
    if (this.msLow !== other.msLow) return (this.msLow >>> 0) - (other.msLow >>> 0);
    if (this.seqHigh !== other.seqHigh) return (this.seqHigh >>> 0) - (other.seqHigh >>> 0);
    return (this.seqLow >>> 0) - (other.seqLow >>> 0);
  }

  sameTime(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** To the next id; false, with nothing changed, at the last one. */
  increment(): boolean {
    if (this.isMax) return false;
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) | 0;
    return true;
  }

  /** To the id before; false, with nothing changed, at 0-0. */
  decrement(): boolean {
    if (this.isZero) return false;
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow === -1) this.msHigh = (this.msHigh - 1) | 0;
    return true;
  }

  /** Reads the id at a word of a block. */
  load(arena: Arena, ref: Ref, word: number): void {
    const i32 = arena.i32[ref >>> 15]!;
    const at = ((ref & 0x7fff) << 1) + word;
    this.msHigh = i32[at]!;
    this.msLow = i32[at + 1]!;
    this.seqHigh = i32[at + 2]!;
    this.seqLow = i32[at + 3]!;
  }

  /** Writes the id at a word of a block, which was touched. */
  store(arena: Arena, ref: Ref, word: number): void {
    const i32 = arena.i32[ref >>> 15]!;
    const at = ((ref & 0x7fff) << 1) + word;
    i32[at] = this.msHigh;
    i32[at + 1] = this.msLow;
    i32[at + 2] = this.seqHigh;
    i32[at + 3] = this.seqLow;
  }

  /** `base` plus the differences that a node's entry holds, modulo 2^64 each. */
  setSum(base: StreamId, ms: number | bigint, seq: number | bigint): void {
    const msLow = lowOf(ms);
    this.msLow = (base.msLow + msLow) | 0;
    this.msHigh = (base.msHigh + highOf(ms) + carry(base.msLow, msLow)) | 0;
    const seqLow = lowOf(seq);
    this.seqLow = (base.seqLow + seqLow) | 0;
    this.seqHigh = (base.seqHigh + highOf(seq) + carry(base.seqLow, seqLow)) | 0;
  }

  /** Milliseconds since those of `base`, as a signed 64-bit integer. */
  msSince(base: StreamId): number | bigint {
    return difference(this.msHigh, this.msLow, base.msHigh, base.msLow);
  }

  /** Difference of the sequence numbers, as a signed 64-bit integer. */
  seqSince(base: StreamId): number | bigint {
    return difference(this.seqHigh, this.seqLow, base.seqHigh, base.seqLow);
  }

  /** Writes the milliseconds at a position of a buffer; returns the position behind. */
  formatTime(buf: Uint8Array, pos: number): number {
    return formatUnsigned(buf, pos, this.msHigh, this.msLow);
  }

  /** As `formatTime`, of the sequence number. */
  formatSequence(buf: Uint8Array, pos: number): number {
    return formatUnsigned(buf, pos, this.seqHigh, this.seqLow);
  }

  toString(): string {
    return `${unsigned(this.msHigh, this.msLow)}-${unsigned(this.seqHigh, this.seqLow)}`;
  }
}

/** Orders blocks that begin with an id: a stream's nodes and its pending entries. */
export class ById implements Ties {
  readonly probe = new StreamId();
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  compareProbe(ref: Ref): number {
    const i32 = this.arena.i32[ref >>> 15]!;
    const at = (ref & 0x7fff) << 1;
    const { probe } = this;
    if (probe.msHigh !== i32[at]) return (probe.msHigh >>> 0) - (i32[at]! >>> 0);
    if (probe.msLow !== i32[at + 1]) return (probe.msLow >>> 0) - (i32[at + 1]! >>> 0);
    if (probe.seqHigh !== i32[at + 2]) return (probe.seqHigh >>> 0) - (i32[at + 2]! >>> 0);
    return (probe.seqLow >>> 0) - (i32[at + 3]! >>> 0);
  }
}

/** Two halves as an unsigned integer: a number while safe. */
export function unsigned(high: number, low: number): number | bigint {
  const top = high >>> 0;
  if (top < SAFE_HIGH) return top * TWO_32 + (low >>> 0);
  return (BigInt(top) << 32n) | BigInt(low >>> 0);
}

/** Two halves as a signed integer: a number while safe. */
export function signed(high: number, low: number): number | bigint {
  if (high >= -SAFE_HIGH && high < SAFE_HIGH) {
    const n = high * TWO_32 + (low >>> 0);
    if (Number.isSafeInteger(n)) return n;
  }
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** The upper half of a 64-bit integer. */
export function highOf(n: number | bigint): number {
  // As a rule: a difference that is an int32, without a double.
  if (typeof n === 'number') return (n | 0) === n ? n >> 31 : Math.floor(n / TWO_32) | 0;
  return Number(BigInt.asIntN(32, n >> 32n));
}

/** The lower half of a 64-bit integer. */
export function lowOf(n: number | bigint): number {
  return typeof n === 'number' ? n | 0 : Number(BigInt.asIntN(32, n));
}

/** Carry of the sum of two lower halves. */
function carry(a: number, b: number): number {
  return (a >>> 0) + (b >>> 0) >= TWO_32 ? 1 : 0;
}

function difference(high: number, low: number, baseHigh: number, baseLow: number): number | bigint {
  // As a rule: without a double or a BigInt.
  if (high === baseHigh && (low ^ baseLow) >= 0) return low - baseLow;
  const borrow = low >>> 0 < baseLow >>> 0 ? 1 : 0;
  return signed((high - baseHigh - borrow) | 0, (low - baseLow) | 0);
}

function formatUnsigned(buf: Uint8Array, pos: number, high: number, low: number): number {
  if (high === 0 && low >= 0) return writeInt(buf, pos, low);
  const n = unsigned(high, low);
  if (typeof n === 'number') return writeInt(buf, pos, n);
  const text = n.toString();
  for (let i = 0; i < text.length; i++) buf[pos + i] = text.charCodeAt(i);
  return pos + text.length;
}
