/**
 * Writes one value in RDB encoding: what DUMP answers, and what is behind each key of an RDB file.
 * The forms are those of redis 7.0, so that it can load them, unless a later version is asked for
 * or a value has what 7.0 has no form for: fields that expire (7.4), producers (8.6), released
 * pending entries (8.8). Reads only; a value may be one of a snapshot.
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
import type { StreamGroups } from '../../datatypes/stream-groups.ts';
import type { Tools, Value } from '../../datatypes/value.ts';
import { Encoding, ValueType } from '../../datatypes/value-types.ts';
import type { Ref } from '../../memory/arena.ts';
import { Intset } from '../../memory/intset.ts';
import { ListpackEntry } from '../../memory/listpack-entry.ts';
import type { RdbOutput } from './output.ts';
import { StreamWriter } from './stream-writer.ts';
import {
  NODE_PACKED,
  NODE_PLAIN,
  RDB_VERSION,
  RDB_VERSION_ACTIVE,
  RDB_VERSION_FIELD_TTL,
  RDB_VERSION_PRODUCERS,
  RDB_VERSION_RELEASED,
  RdbType,
} from './types.ts';

const LISTPACK_HEADER = 6;
/** Bytes of a listpack beside its elements. */
export const LISTPACK_OVERHEAD = 7;
const LISTPACK_END = 0xff;
const COUNT_MAX = 0xffff;
/** A list's node larger than this, which holds one long element, is written from where it lies. */
const NODE_COPY_MAX = 1024 * 1024;

/**
 * The RDB type that an open value is written as in a file of a version, or in the lowest version
 * that holds everything of it, `rdbVersionOf` of it.
 */
export function rdbTypeOf(value: Value, version: number): number {
  const { encoding } = value;
  switch (value.type) {
    case ValueType.list:
      return RdbType.listQuicklist2;
    case ValueType.set:
      if (encoding === Encoding.intset) return RdbType.setIntset;
      if (encoding === Encoding.hashtable || version < RDB_VERSION_ACTIVE) return RdbType.set;
      return RdbType.setListpack;
    case ValueType.zset:
      return encoding === Encoding.listpack ? RdbType.zsetListpack : RdbType.zset;
    case ValueType.stream:
      return streamTypeOf(value as StreamValue, version);
    default:
      return hashTypeOf(value as HashValue);
  }
}

function hashTypeOf(hash: HashValue): number {
  if (hash.encoding === Encoding.listpack) return RdbType.hashListpack;
  if (hash.nextExpiry === Number.POSITIVE_INFINITY) return RdbType.hash;
  return hash.isListpack ? RdbType.hashListpackTtl : RdbType.hashTtl;
}

function streamTypeOf(stream: StreamValue, version: number): number {
  if (version >= RDB_VERSION_RELEASED || hasReleased(stream.groups)) return RdbType.stream5;
  if (version >= RDB_VERSION_PRODUCERS || stream.producers.inUse) return RdbType.stream4;
  return version >= RDB_VERSION_ACTIVE ? RdbType.stream3 : RdbType.stream2;
}

function hasReleased(groups: StreamGroups): boolean {
  return !groups.every((group) => !groups.hadReleased(group) || groups.releasedCount(group) === 0);
}

/** The first RDB version that has a type, 10 for all older ones. */
export function rdbVersionOf(rdbType: number): number {
  switch (rdbType) {
    case RdbType.setListpack:
    case RdbType.stream3:
      return RDB_VERSION_ACTIVE;
    case RdbType.hashTtl:
    case RdbType.hashListpackTtl:
      return RDB_VERSION_FIELD_TTL;
    case RdbType.stream4:
      return RDB_VERSION_PRODUCERS;
    case RdbType.stream5:
      return RDB_VERSION_RELEASED;
    default:
      return RDB_VERSION;
  }
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

  /** Writes an open value that is not a string in the form of `rdbType`. O(size). */
  write(value: Value, rdbType: number): void {
    if (value.type === ValueType.list) this.list(value as ListValue);
    else if (value.type === ValueType.set) {
      this.set(value as SetValue, rdbType === RdbType.setListpack);
    } else if (value.type === ValueType.zset) this.sortedSet(value as SortedSetValue);
    else if (value.type === ValueType.hash) this.hash(value as HashValue, rdbType);
    else this.stream.write(value as StreamValue, rdbType);
  }

  private listpack(ref: Ref): void {
    const { arena, listpack } = this.tools;
    // No view of it: one for each small value would be half of the time.
    this.out.string(arena.u8[ref >>> 15]!, (ref & 0x7fff) << 3, listpack.bytes(ref));
  }

  /** Nodes as they are, each with a listpack's header and end; a very long element by itself. */
  private list(list: ListValue): void {
    const { out } = this;
    out.length(list.nodes);
    list.forEachRun((buf, off, len, count) => {
      if (len > NODE_COPY_MAX) {
        this.longNode(buf, off, len, count);
        return;
      }
      this.room(len + LISTPACK_OVERHEAD);
      this.packed.set(buf.subarray(off, off + len), LISTPACK_HEADER);
      out.length(NODE_PACKED);
      this.finishListpack(LISTPACK_HEADER + len, count);
    });
  }

  /** A node that is not copied, so not compressed either. */
  private longNode(buf: Uint8Array, off: number, len: number, count: number): void {
    const { out, entry } = this;
    if (count === 1) {
      entry.locate(buf, off);
      out.length(NODE_PLAIN);
      out.string(entry.buf, entry.off, entry.len);
      return;
    }
    out.length(NODE_PACKED);
    out.length(len + LISTPACK_OVERHEAD);
    this.packed.writeUInt32LE(len + LISTPACK_OVERHEAD, 0);
    this.packed.writeUInt16LE(Math.min(count, COUNT_MAX), 4);
    out.raw(this.packed, 0, LISTPACK_HEADER);
    out.raw(buf, off, len);
    out.byte(LISTPACK_END);
  }

  private set(set: SetValue, asListpack: boolean): void {
    const { out } = this;
    if (set.encoding === Encoding.intset) {
      const bytes = this.intset.view(set.ref);
      out.string(bytes, 0, bytes.length);
      return;
    }
    const { member } = set;
    if (asListpack) {
      this.listpack(set.ref);
      return;
    }
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
    zset.forEachBackwards(() => {
      out.string(member.buf, member.off, member.len);
      out.double(zset.score);
    });
  }

  private hash(hash: HashValue, rdbType: number): void {
    if (rdbType === RdbType.hashListpack) this.listpack(hash.ref);
    else if (rdbType === RdbType.hashListpackTtl) this.packedWithTimes(hash);
    else {
      const { out } = this;
      const { field, value } = hash;
      const timed = rdbType === RdbType.hashTtl;
      const earliest = hash.nextExpiry;
      if (timed) out.int64(earliest);
      out.length(hash.size);
      hash.forEach(() => {
        if (timed) {
          const expiry = hash.fieldExpiry;
          out.length(expiry === 0 ? 0 : expiry - earliest + 1);
        }
        out.string(field.buf, field.off, field.len);
        out.string(value.buf, value.off, value.len);
      });
    }
  }

  private packedWithTimes(hash: HashValue): void {
    this.out.int64(hash.nextExpiry);
    const places = hash.places().map((place) => {
      hash.seekTo(place);
      return { place, expiry: hash.fieldExpiry };
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
