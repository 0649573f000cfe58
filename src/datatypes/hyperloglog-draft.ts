/**
 * Edits a HyperLogLog as Redis does, byte for byte. A draft begins as a view of a stored value and
 * becomes a copy of its own with the first change, so an error half way leaves the store as it
 * was, and elements that change nothing cost no copy. One draft serves any number of values, one
 * after the other; its buffers are reused.
 *
 * A change in the sparse encoding splits the run that covers the register, then joins equal
 * neighbours near it. The value becomes dense, and stays so, when a rank is above 32 or a split
 * would make it longer than a limit (hll-sparse-max-bytes).
 *
 * `buf[off .. off + len)` is the value now. A view is valid until the next write to the store.
 * Source: behaviour of redis-server 7.0.15.
 */
import {
  DENSE,
  DENSE_BYTES,
  denseRegister,
  ENCODING_AT,
  forgetCount,
  HEADER_BYTES,
  indexOf,
  isDense,
  longRun,
  position,
  REGISTERS,
  RUN_LENGTH,
  rankOf,
  runValue,
  SPARSE,
  setDenseRegister,
  setDenseRegisters,
} from './hyperloglog.ts';

/** What an added element did. */
export const UNCHANGED = 0;
export const CHANGED = 1;
/** The runs do not cover the register, or do not make up all registers. The draft is useless. */
export const DAMAGED = -1;

const SPARSE_RANK_MAX = 32;
const SHORT_ZEROS_MAX = 64;
const VALUE_RUN_MAX = 4;
/** Runs that are looked at for joining, from the one before the changed one on. */
const JOIN_RUNS = 5;
/** A sound sparse value has at most 32784 bytes; only what a client made up is longer. */
const COPY_BYTES = 64 * 1024;

export class HyperLogLogDraft {
  buf: Uint8Array;
  off = 0;
  len = 0;
  private readonly copy = new Uint8Array(COPY_BYTES);
  private readonly dense = new Uint8Array(DENSE_BYTES);
  private isOwn = false;
  /**
   * A run left of the register looked up last, and its first register: where the next look-up may
   * begin. Relative to `off`.
   */
  private nearAt = HEADER_BYTES;
  private nearFirst = 0;
  /** What `findRun` found: the run, its first register, and the run before it, -1 for none. */
  private at = 0;
  private first = 0;
  private before = -1;

  constructor() {
    this.buf = this.copy;
  }

  /** Begins with an empty value: 18 bytes, one run of zeros. */
  create(): void {
    this.copy.fill(0, 0, HEADER_BYTES);
    this.copy.set(EMPTY);
    this.start(this.copy, 0, EMPTY.length);
    this.isOwn = true;
  }

  /** Begins with a stored value for which `isHyperLogLog` holds. O(1). */
  load(buf: Uint8Array, off: number, len: number): void {
    this.start(buf, off, len);
    this.isOwn = false;
  }

  /** Raises the register of a position to its rank. O(1) when dense, else O(len). */
  add(at: number, sparseBytesMax: number): number {
    const index = indexOf(at);
    const rank = rankOf(at);
    if (isDense(this.buf, this.off)) return this.raiseDense(index, rank);
    return this.raiseSparse(index, rank, sparseBytesMax);
  }

  /**
   * `add` for each of 16384 registers that is not zero. None may be lower than the value's own.
   * Answers UNCHANGED or CHANGED when the value is sound. O(registers + len).
   */
  addAll(registers: Uint8Array, sparseBytesMax: number): number {
    let result = UNCHANGED;
    for (let i = 0; i < REGISTERS; i++) {
      if (isDense(this.buf, this.off)) {
        this.own(0);
        setDenseRegisters(this.buf, this.off, registers);
        return CHANGED;
      }
      const rank = registers[i]!;
      if (rank === 0) continue;
      const done = this.add(position(i, rank), sparseBytesMax);
      if (done === DAMAGED) return DAMAGED;
      if (done === CHANGED) result = CHANGED;
    }
    return result;
  }

  /** Makes the value dense; the header stays as it is. False when it is damaged. O(registers). */
  makeDense(): boolean {
    const { buf, off } = this;
    if (isDense(buf, off)) return true;
    const { dense } = this;
    dense.fill(0);
    for (let i = 0; i < HEADER_BYTES; i++) dense[i] = buf[off + i]!;
    dense[ENCODING_AT] = DENSE;
    const end = off + this.len;
    let index = 0;
    for (let at = off + HEADER_BYTES; at < end; at++) {
      const op = buf[at]!;
      let length = RUN_LENGTH[op]!;
      if (length === 0) length = longRun(buf, at++, end);
      if (index + length > REGISTERS) return false;
      if (op >= 0x80) {
        const rank = runValue(op);
        for (let i = index; i < index + length; i++) setDenseRegister(dense, 0, i, rank);
      }
      index += length;
    }
    if (index !== REGISTERS) return false;
    this.start(dense, 0, DENSE_BYTES);
    this.isOwn = true;
    return true;
  }

  /** Marks the cached estimate as out of date. */
  forgetCount(): void {
    this.own(0);
    forgetCount(this.buf, this.off);
  }

  private start(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
    this.nearAt = HEADER_BYTES;
    this.nearFirst = 0;
  }

  /** Makes the draft a copy, with room for `more` bytes. */
  private own(more: number): void {
    const { buf, off, len } = this;
    if (this.isOwn && off + len + more <= buf.length) return;
    const to = len + more <= COPY_BYTES ? this.copy : new Uint8Array(len + more + COPY_BYTES);
    to.set(buf.subarray(off, off + len));
    this.buf = to;
    this.off = 0;
    this.isOwn = true;
  }

  private raiseDense(index: number, rank: number): number {
    if (denseRegister(this.buf, this.off, index) >= rank) return UNCHANGED;
    this.own(0);
    setDenseRegister(this.buf, this.off, index, rank);
    return CHANGED;
  }

  private raiseSparse(index: number, rank: number, bytesMax: number): number {
    if (rank > SPARSE_RANK_MAX) return this.raiseAsDense(index, rank);
    if (!this.findRun(index)) return DAMAGED;
    const { buf, off, at } = this;
    const end = off + this.len;
    const op = buf[at]!;
    const isValue = op >= 0x80;
    let length = RUN_LENGTH[op]!;
    const size = length === 0 ? 2 : 1;
    if (length === 0) length = longRun(buf, at, end);
    const left = index - this.first;
    const right = length - 1 - left;
    // The last run may not reach the register, or lack its second byte.
    if (right < 0 || at + size > end) return DAMAGED;
    if (isValue && runValue(op) >= rank) return UNCHANGED;
    const growth = partBytes(left, isValue) + 1 + partBytes(right, isValue) - size;
    if (growth > 0 && this.len + growth > bytesMax) return this.raiseAsDense(index, rank);
    const joinFrom = this.before < 0 ? HEADER_BYTES : this.before - off;
    this.own(3);
    this.split(at - off, size, growth, left, right, op, rank);
    this.join(joinFrom);
    forgetCount(this.buf, this.off);
    return CHANGED;
  }

  /**
   * Finds the run of a register and the one before it: `at`, `first`, `before`. The last run is
   * taken unseen. False when the runs end too early. O(len).
   */
  private findRun(index: number): boolean {
    const { buf, off } = this;
    const lastAt = off + this.len - 1;
    const fromNear = index >= this.nearFirst && this.nearAt !== HEADER_BYTES;
    let at = off + (fromNear ? this.nearAt : HEADER_BYTES);
    let first = fromNear ? this.nearFirst : 0;
    let before = -1;
    let beforeFirst = 0;
    while (at < lastAt) {
      const op = buf[at]!;
      let next: number;
      let size = 1;
      if (op < 0x80) {
        // Without a branch on short or long, which is chance: it costs more than all the rest.
        const long = op >>> 6;
        next = first + (((op & 0x3f) << (long << 3)) | (buf[at + 1]! & -long)) + 1;
        size += long;
      } else next = first + (op & 3) + 1;
      if (index < next) break;
      before = at;
      beforeFirst = first;
      first = next;
      at += size;
    }
    this.at = at;
    this.first = first;
    this.before = before;
    this.nearAt = before < 0 ? HEADER_BYTES : before - off;
    this.nearFirst = beforeFirst;
    // A look-up that began too late to see the run before is made again, from the beginning.
    if (before < 0 && fromNear) return this.findRun(index);
    return at <= lastAt;
  }

  private raiseAsDense(index: number, rank: number): number {
    return this.makeDense() ? this.raiseDense(index, rank) : DAMAGED;
  }

  /** Replaces the run `op` at `place` by its left part, one register of `rank`, its right part. */
  private split(
    place: number,
    size: number,
    growth: number,
    left: number,
    right: number,
    op: number,
    rank: number,
  ): void {
    const { buf } = this;
    const from = this.off + place + size;
    const end = this.off + this.len;
    if (growth !== 0 && from < end) buf.copyWithin(from + growth, from, end);
    this.len += growth;
    let at = this.putPart(this.off + place, left, op);
    buf[at++] = valueRun(rank, 1);
    this.putPart(at, right, op);
  }

  /** Writes `length` registers of the run `op`; answers where the next byte goes. */
  private putPart(at: number, length: number, op: number): number {
    const { buf } = this;
    if (length === 0) return at;
    if (op >= 0x80) buf[at] = valueRun(runValue(op), length);
    else if (length <= SHORT_ZEROS_MAX) buf[at] = length - 1;
    else {
      buf[at] = 0x40 | ((length - 1) >>> 8);
      buf[at + 1] = length - 1;
      return at + 2;
    }
    return at + 1;
  }

  /**
   * Joins neighbours of the same value, as long as the run stays within 4 registers. How far it
   * looks decides which bytes result, so it looks exactly as far as Redis.
   */
  private join(place: number): void {
    const { buf } = this;
    let end = this.off + this.len;
    let at = this.off + place;
    for (let runs = 0; runs < JOIN_RUNS && at < end; runs++) {
      const op = buf[at]!;
      if (op < 0x80) {
        at += op < 0x40 ? 1 : 2;
        continue;
      }
      const next = at + 1 < end ? buf[at + 1]! : 0;
      const length = (op & 3) + (next & 3) + 2;
      if (next < 0x80 || runValue(next) !== runValue(op) || length > VALUE_RUN_MAX) {
        at++;
        continue;
      }
      buf[at + 1] = valueRun(runValue(op), length);
      buf.copyWithin(at, at + 1, end);
      end--;
    }
    this.len = end - this.off;
  }
}

/** An empty value: header with encoding, and one run of 16384 zeros. */
const EMPTY = Uint8Array.of(
  ...[0x48, 0x59, 0x4c, 0x4c, SPARSE, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff],
);

/** Bytes that a part of a split run takes. */
function partBytes(length: number, isValue: boolean): number {
  if (length === 0) return 0;
  return isValue || length <= SHORT_ZEROS_MAX ? 1 : 2;
}

function valueRun(rank: number, length: number): number {
  return 0x80 | ((rank - 1) << 2) | (length - 1);
}
