/**
 * DEBUG DIGEST and DIGEST-VALUE: a signature of the content of values, the same for the same data
 * whatever its representation, order of writing or server. SHA-1 in two ways: `mix` depends on the
 * order in which it is told things, `xor` does not.
 * Source: redis-server 7.0.15, DEBUG DIGEST (behaviour).
 */
import { createHash } from 'node:crypto';
import type { HashValue } from '../../datatypes/hash.ts';
import type { ListValue } from '../../datatypes/list.ts';
import type { SetValue } from '../../datatypes/set.ts';
import type { SortedSetValue } from '../../datatypes/sorted-set.ts';
import type { StreamValue } from '../../datatypes/stream.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Db } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Keyspace } from '../../keyspace/keyspace.ts';
import { formatDouble17g } from '../../util/numbers.ts';

interface Text {
  readonly buf: Uint8Array;
  readonly off: number;
  readonly len: number;
}

const EXPIRES = Buffer.from('!!expire!!');

/** 20 bytes that change with everything they are told. */
class Digest {
  readonly bytes = Buffer.alloc(20);

  /** Takes a text in; in another order the outcome is another one. */
  mix(data: Uint8Array): void {
    this.xor(data);
    createHash('sha1').update(this.bytes).digest().copy(this.bytes);
  }

  mixText({ buf, off, len }: Text): void {
    this.mix(buf.subarray(off, off + len));
  }

  /** Takes a text in; the order does not matter. */
  xor(data: Uint8Array): void {
    this.xorBytes(createHash('sha1').update(data).digest());
  }

  xorBytes(other: Uint8Array): void {
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i]! ^= other[i]!;
  }
}

/** The signature of all data, in hex. O(bytes). */
export function datasetDigest(space: Keyspace): string {
  const total = new Digest();
  for (const db of space.dbs) {
    if (db.size === 0) continue;
    total.mix(bigEndian(db.index));
    db.forEach((entry) => {
      const digest = new Digest();
      digest.mix(db.keyOf(entry));
      mixValue(digest, space, db, entry);
      total.xor(digest.bytes);
    });
  }
  return total.bytes.toString('hex');
}

/** The signature of a key's value, in hex; zeros for no key (entry 0). O(bytes). */
export function valueDigest(space: Keyspace, db: Db, entry: Entry): string {
  const digest = new Digest();
  if (entry !== 0) mixValue(digest, space, db, entry);
  return digest.bytes.toString('hex');
}

function mixValue(digest: Digest, space: Keyspace, db: Db, entry: Entry): void {
  const type = db.typeOf(entry);
  digest.mix(bigEndian(type));
  if (type === ValueType.string) {
    db.locateString(entry);
    digest.mix(db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen));
  } else {
    const value = space.cursor(type);
    db.open(entry, value);
    if (type === ValueType.list) mixList(digest, value as ListValue);
    else if (type === ValueType.set) mixSet(digest, value as SetValue);
    else if (type === ValueType.zset) mixSortedSet(digest, value as SortedSetValue);
    else if (type === ValueType.hash) mixHash(digest, value as HashValue);
    else mixStream(digest, value as StreamValue);
  }
  if (db.isVolatile(entry)) digest.xor(EXPIRES);
}

function mixList(digest: Digest, list: ListValue): void {
  list.forRange(0, list.size, () => digest.mixText(list.element));
}

function mixSet(digest: Digest, set: SetValue): void {
  set.forEach(() => {
    const { buf, off, len } = set.member;
    digest.xor(buf.subarray(off, off + len));
  });
}

function mixSortedSet(digest: Digest, zset: SortedSetValue): void {
  zset.forEach(() => {
    const element = new Digest();
    element.mixText(zset.member);
    element.mix(Buffer.from(formatDouble17g(zset.score)));
    digest.xor(element.bytes);
  });
}

function mixHash(digest: Digest, hash: HashValue): void {
  hash.forEach(() => {
    const pair = new Digest();
    pair.mixText(hash.field);
    pair.mixText(hash.value);
    digest.xor(pair.bytes);
  });
}

/** Entries in order, each as `ms.seq`, its fields and their values. */
function mixStream(digest: Digest, stream: StreamValue): void {
  const { cursor } = stream;
  const high = new StreamId();
  high.setMax();
  stream.seek(new StreamId(), high);
  while (cursor.next()) {
    digest.mix(Buffer.from(cursor.id.toString().replace('-', '.')));
    const { node } = cursor;
    for (let i = node.fields; i > 0; i--) {
      node.nextField();
      digest.mixText(node.field);
      digest.mixText(node.value);
    }
  }
}

function bigEndian(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}
