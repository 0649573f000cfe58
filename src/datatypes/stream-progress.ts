/**
 * How far a consumer group has come in its stream: the count of entries it has read, kept while it
 * is certain and estimated where the stream's marks allow it, and what is left to read.
 * Source: behaviour of redis-server 7.0.15.
 */
import type { Ref } from '../memory/arena.ts';
import type { StreamValue } from './stream.ts';
import { READ_UNKNOWN } from './stream-groups.ts';
import { StreamId } from './stream-id.ts';

type Int64 = number | bigint;

/** As many entries as a group can have read; it stays there. */
const READ_MAX = (1n << 63n) - 1n;

const mark = new StreamId();
const other = new StreamId();

/** Whether an entry from an id on may have been deleted, as far as the stream remembers. */
function mayHaveGapsFrom(stream: StreamValue, id: StreamId): boolean {
  if (stream.size === 0) return false;
  stream.readMaxDeletedId(mark);
  stream.readFirstId(other);
  // What was deleted before the first entry leaves no gap.
  if (mark.isZero || other.compare(mark) > 0) return false;
  return id.compare(mark) <= 0;
}

/** Entries ever added up to an id, or READ_UNKNOWN where it cannot be told. */
export function entriesUpTo(stream: StreamValue, id: StreamId): Int64 {
  const added = stream.entriesAdded;
  if (isZero(added)) return 0;
  stream.readLastId(mark);
  const order = id.compare(mark);
  if (order === 0 || (order < 0 && stream.size === 0)) return asSigned(added);
  if (order > 0) return READ_UNKNOWN;
  stream.readFirstId(mark);
  stream.readMaxDeletedId(other);
  if (!other.isZero && other.compare(mark) >= 0) return READ_UNKNOWN;
  const toFirst = id.compare(mark);
  if (toFirst < 0) return sum(added, -stream.size);
  return toFirst === 0 ? sum(added, 1 - stream.size) : READ_UNKNOWN;
}

/** The count of entries read after one more, with this id, was read. */
export function readOneMore(stream: StreamValue, read: Int64, id: StreamId): Int64 {
  if (read === READ_MAX) return read;
  if (!isUnknown(read) && !mayHaveGapsFrom(stream, id)) return sum(read, 1);
  return isZero(stream.entriesAdded) ? read : entriesUpTo(stream, id);
}

/** Entries that a group has still to read; undefined where it cannot be told. */
export function lagOf(stream: StreamValue, group: Ref): Int64 | undefined {
  const { groups, entriesAdded } = stream;
  if (isZero(entriesAdded)) return 0;
  const lastId = new StreamId();
  groups.readLastId(group, lastId);
  let read = groups.entriesRead(group);
  if (isUnknown(read) || mayHaveGapsFrom(stream, lastId)) read = entriesUpTo(stream, lastId);
  return isUnknown(read) ? undefined : difference(entriesAdded, read);
}

export function isUnknown(read: Int64): boolean {
  return read === READ_UNKNOWN;
}

function isZero(n: Int64): boolean {
  return n === 0;
}

function sum(a: Int64, b: number): Int64 {
  if (typeof a === 'number' && Number.isSafeInteger(a + b)) return a + b;
  return asSigned(BigInt(a) + BigInt(b));
}

function difference(a: Int64, b: Int64): Int64 {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a - b)) return a - b;
  return asSigned(BigInt(a) - BigInt(b));
}

/** As a signed integer of 64 bits, a number while safe. */
function asSigned(n: Int64): Int64 {
  if (typeof n === 'number') return n;
  const wrapped = BigInt.asIntN(64, n);
  const small = Number(wrapped);
  return Number.isSafeInteger(small) ? small : wrapped;
}
