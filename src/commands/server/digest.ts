/**
 * DEBUG DIGEST and DIGEST-VALUE: a signature of the content of values, the same for the same data
 * whatever its representation, order of writing or server. SHA-1 in two ways: `mix` depends on the
 * order in which it is told things, `xor` does not.
 * Source: redis-server 7.0.15, DEBUG DIGEST (behaviour).
 */
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
import type { Text } from '../../util/bytes.ts';
import { formatDouble17g } from '../../util/numbers.ts';
import { Sha1 } from '../../util/sha1.ts';

const sha = new Sha1();

/** 20 bytes, as five int32, that change with everything they are told. */
class Digest {
  readonly words = new Int32Array(5);

  reset(): this {
    this.words.fill(0);
    return this;
  }

  /** Takes a text in; in another order the outcome is another one. */
  mix(data: Uint8Array): void {
    this.mixBytes(data, 0, data.length);
  }

  mixText({ buf, off, len }: Text): void {
    this.mixBytes(buf, off, len);
  }

  /** Takes a text in; the order does not matter. */
  xorText({ buf, off, len }: Text): void {
    sha.hash(buf, off, len);
    this.xorWords(sha.words);
  }

  /** Takes another digest in as if it were a text; the order does not matter. */
  xorDigest(other: Digest): void {
    sha.hashWords(other.words);
    this.xorWords(sha.words);
  }

  xorWords(words: Int32Array): void {
    for (let i = 0; i < 5; i++) this.words[i]! ^= words[i]!;
  }

  /** The 20 bytes in hex. */
  toString(): string {
    return Array.from(this.words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private mixBytes(buf: Uint8Array, off: number, len: number): void {
    sha.hash(buf, off, len);
    this.xorWords(sha.words);
    sha.hashWords(this.words);
    this.words.set(sha.words);
  }
}

/** One for the value at hand and one for its element: a digest of millions makes no garbage. */
const ofValue = new Digest();
const ofElement = new Digest();
const EXPIRES = Buffer.from('!!expire!!');

/** The signature of all data, in hex. O(bytes). */
export function datasetDigest(space: Keyspace): string {
  const total = new Digest();
  for (const db of space.dbs) {
    if (db.size === 0) continue;
    total.mix(bigEndian(db.index));
    db.forEach((entry) => {
      const digest = ofValue.reset();
      digest.mix(db.keyOf(entry));
      mixValue(digest, space, db, entry);
      total.xorDigest(digest);
    });
  }
  return total.toString();
}

/** The signature of a key's value, in hex; zeros for no key (entry 0). O(bytes). */
export function valueDigest(space: Keyspace, db: Db, entry: Entry): string {
  const digest = ofValue.reset();
  if (entry !== 0) mixValue(digest, space, db, entry);
  return digest.toString();
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
  if (db.isVolatile(entry)) digest.xorText({ buf: EXPIRES, off: 0, len: EXPIRES.length });
}

function mixList(digest: Digest, list: ListValue): void {
  list.forRange(0, list.size, () => digest.mixText(list.element));
}

function mixSet(digest: Digest, set: SetValue): void {
  set.forEach(() => {
    digest.xorText(set.member);
  });
}

function mixSortedSet(digest: Digest, zset: SortedSetValue): void {
  zset.forEach(() => {
    ofElement.reset().mixText(zset.member);
    ofElement.mix(Buffer.from(formatDouble17g(zset.score)));
    digest.xorDigest(ofElement);
  });
}

function mixHash(digest: Digest, hash: HashValue): void {
  hash.forEach(() => {
    ofElement.reset().mixText(hash.field);
    ofElement.mixText(hash.value);
    digest.xorDigest(ofElement);
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
