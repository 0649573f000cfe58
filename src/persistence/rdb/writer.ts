/**
 * Writes one value in RDB encoding: what DUMP answers, and what is behind each key of an RDB file.
 * The forms are those of redis 7.0, so that it can load them; a hash with fields that expire has
 * forms of its own, which redis 7.4 brought. Reads only; a value may be one of a snapshot.
 *
 *     string     the string                     list   nodes, each a container (2) and a listpack
 *     set        members, or one intset         hash   fields and values, or one listpack
 *     zset       members, each with a double, the greatest first, or one listpack
 *     hash with times   int64 earliest | count | (its time less the earliest, plus 1, or 0; field;
 *                       value) ..., or int64 earliest | listpack of field, value, time or 0, the
 *                       earliest first, those without one last
 */
import type { HashValue } from '../../datatypes/hash.ts';
import type { ListValue } from '../../datatypes/list.ts';
import type { SetValue } from '../../datatypes/set.ts';
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { StreamValue } from '../../datatypes/stream.ts';
import type { Tools, Value } from '../../datatypes/value.ts';
import { Encoding, ValueType } from '../../datatypes/value-types.ts';
import type { Arena, Ref } from '../../memory/arena.ts';
import { Intset } from '../../memory/intset.ts';
import { ListpackEntry } from '../../memory/listpack-entry.ts';
import type { RdbOutput } from './output.ts';
import { StreamWriter } from './stream-writer.ts';
import { NODE_PACKED, RDB_VERSION, RDB_VERSION_FIELD_TTL, RdbType } from './types.ts';

const LISTPACK_HEADER = 6;
/** Bytes of a listpack beside its elements. */
export const LISTPACK_OVERHEAD = 7;
const LISTPACK_END = 0xff;
const COUNT_MAX = 0xffff;

/** The RDB type that a value of this type and encoding is written as. */
export function rdbTypeOf(type: number, encoding: number): number {
  if (type === ValueType.string) return RdbType.string;
  if (type === ValueType.list) return RdbType.listQuicklist2;
  if (type === ValueType.set) return encoding === Encoding.intset ? RdbType.setIntset : RdbType.set;
  if (type === ValueType.zset) {
    return encoding === Encoding.listpack ? RdbType.zsetListpack : RdbType.zset;
  }
  if (type === ValueType.stream) return RdbType.stream2;
  if (encoding === Encoding.listpack) return RdbType.hashListpack;
  if (encoding === Encoding.listpackEx) return RdbType.hashListpackTtl;
  return encoding === Encoding.hashtableEx ? RdbType.hashTtl : RdbType.hash;
}

/** The RDB version of which a type is. */
export function rdbVersionOf(rdbType: number): number {
  const ttl = rdbType === RdbType.hashTtl || rdbType === RdbType.hashListpackTtl;
  return ttl ? RDB_VERSION_FIELD_TTL : RDB_VERSION;
}

export class RdbWriter {
  private readonly tools: Tools;
  private readonly out: RdbOutput;
  private readonly intset: Intset;
  private readonly stream: StreamWriter;
  private readonly entry = new ListpackEntry();
  /** Where a listpack is put together. */
  private packed: Buffer = Buffer.allocUnsafe(8192);

  constructor(tools: Tools, out: RdbOutput) {
    this.tools = tools;
    this.out = out;
    this.intset = new Intset(tools.arena);
    this.stream = new StreamWriter(out);
  }

  /** Writes an open value that is not a string, without its type. O(size). */
  write(value: Value): void {
    if (value.type === ValueType.list) this.list(value as ListValue);
    else if (value.type === ValueType.set) this.set(value as SetValue);
    else if (value.type === ValueType.zset) this.sortedSet(value as SortedSetValue);
    else if (value.type === ValueType.hash) this.hash(value as HashValue);
    else this.stream.write(value as StreamValue);
  }

  private listpack(ref: Ref): void {
    const bytes = this.tools.listpack.view(ref);
    this.out.string(bytes, 0, bytes.length);
  }

  /** Nodes as they are, each with a listpack's header and end. */
  private list(list: ListValue): void {
    this.out.length(list.nodes);
    forEachRun(this.tools.arena, list, (buf, off, len, count) => {
      this.room(len + LISTPACK_HEADER + 1);
      this.packed.set(buf.subarray(off, off + len), LISTPACK_HEADER);
      this.out.length(NODE_PACKED);
      this.finishListpack(LISTPACK_HEADER + len, count);
    });
  }

  private set(set: SetValue): void {
    const { out } = this;
    if (set.encoding === Encoding.intset) {
      const bytes = this.intset.view(set.ref);
      out.string(bytes, 0, bytes.length);
      return;
    }
    const { member } = set;
    out.length(set.size);
    set.forEach(() => {
      out.string(member.buf, member.off, member.len);
    });
  }

  private sortedSet(zset: SortedSetValue): void {
    if (zset.encoding === Encoding.listpack) {
      this.listpack(zset.ref);
      return;
    }
    const { out } = this;
    const { member, size } = zset;
    out.length(size);
    zset.forRange(size - 1, size, true, () => {
      out.string(member.buf, member.off, member.len);
      out.double(zset.score);
    });
  }

  private hash(hash: HashValue): void {
    if (hash.encoding === Encoding.listpack) this.listpack(hash.ref);
    else if (hash.encoding === Encoding.listpackEx) this.packedWithTimes(hash);
    else {
      const { out } = this;
      const { field, value } = hash;
      const timed = hash.encoding === Encoding.hashtableEx;
      const earliest = earliestOf(hash);
      if (timed) out.int64(earliest);
      out.length(hash.size);
      hash.forEach(() => {
        if (timed) {
          const expiry = expiryOf(hash);
          out.length(expiry === 0 ? 0 : expiry - earliest + 1);
        }
        out.string(field.buf, field.off, field.len);
        out.string(value.buf, value.off, value.len);
      });
    }
  }

  private packedWithTimes(hash: HashValue): void {
    this.out.int64(earliestOf(hash));
    const places = hash.places().map((place) => {
      hash.seekTo(place);
      return { place, expiry: expiryOf(hash) };
    });
    places.sort((a, b) => (a.expiry || Number.MAX_VALUE) - (b.expiry || Number.MAX_VALUE));
    let end = LISTPACK_HEADER;
    const { field, value } = hash;
    for (const { place, expiry } of places) {
      hash.seekTo(place);
      this.entry.measure(field.buf, field.off, field.len);
      end = this.append(end, field.buf, field.off, field.len);
      this.entry.measure(value.buf, value.off, value.len);
      end = this.append(end, value.buf, value.off, value.len);
      this.entry.measureInt(expiry);
      end = this.append(end, value.buf, 0, 0);
    }
    this.finishListpack(end, places.length * 3);
  }

  /** Puts the element measured last at the end of what is packed; the new end. */
  private append(end: number, buf: Uint8Array, off: number, len: number): number {
    this.room(end + this.entry.bytes + 1);
    this.entry.put(this.packed, end, buf, off, len);
    return end + this.entry.bytes;
  }

  /** Writes the listpack whose elements end at `end`. */
  private finishListpack(end: number, count: number): void {
    const { packed } = this;
    packed.writeUInt32LE(end + 1, 0);
    packed.writeUInt16LE(Math.min(count, COUNT_MAX), 4);
    packed[end] = LISTPACK_END;
    this.out.string(packed, 0, end + 1);
  }

  private room(bytes: number): void {
    if (bytes <= this.packed.length) return;
    const bigger = Buffer.allocUnsafe(Math.max(bytes, this.packed.length * 2));
    bigger.set(this.packed);
    this.packed = bigger;
  }
}

/**
 * Calls `emit` with the bytes and the number of the elements of each node of a list; `emit` must
 * not write to the arena. The layout is that of src/datatypes/list.ts. O(nodes).
 */
export function forEachRun(
  arena: Arena,
  list: ListValue,
  emit: (buf: Uint8Array, off: number, len: number, count: number) => void,
): void {
  const word = (ref: Ref, i: number) => arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  for (let node = word(list.ref, 0); node !== 0; node = word(node, 1)) {
    const start = word(node, 2);
    const off = ((node & 0x7fff) << 3) + start;
    emit(arena.u8[node >>> 15]!, off, word(node, 3) - start, word(node, 4));
  }
}

/** When the field that a walk has come to expires; 0 when it does not. */
function expiryOf(hash: HashValue): number {
  const { field } = hash;
  hash.find(field.buf, field.off, field.len);
  return hash.fieldExpiry;
}

/** The earliest time at which a field expires; 0 when none does. */
function earliestOf(hash: HashValue): number {
  const { nextExpiry } = hash;
  return nextExpiry === Number.POSITIVE_INFINITY ? 0 : nextExpiry;
}
