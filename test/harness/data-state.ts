/**
 * What a key holds, as one text that is equal for equal data whatever its representation: the value's
 * digest, its time to live, those of a hash's fields. Nothing expires while it is read.
 */
import { valueDigest } from '../../src/commands/server/digest.ts';
import { ValueType } from '../../src/datatypes/value-types.ts';
import type { Db } from '../../src/keyspace/db.ts';
import type { Server } from '../../src/server/server.ts';

/** The state of one key; empty when there is none. */
export function keyState(server: Server, dbIndex: number, key: Buffer): string {
  return frozen(server, (db) => stateOf(server, db, key), dbIndex);
}

/** The state of every key of every database, sorted. O(bytes). */
export function allStates(server: Server): string[] {
  const { dbs } = server.keyspace;
  return dbs.flatMap(({ size }, index) =>
    size === 0
      ? []
      : frozen(
          server,
          (db) => {
            const keys: Buffer[] = [];
            db.forEach((entry) => {
              keys.push(Buffer.from(db.keyOf(entry)));
            });
            return keys
              .map((key) => `${index} ${key.toString('hex')} ${stateOf(server, db, key)}`)
              .sort();
          },
          index,
        ),
  );
}

function frozen<T>({ keyspace }: Server, read: (db: Db) => T, dbIndex: number): T {
  const { expiryEnabled } = keyspace;
  keyspace.expiryEnabled = false;
  try {
    return read(keyspace.dbs[dbIndex]!);
  } finally {
    keyspace.expiryEnabled = expiryEnabled;
  }
}

function stateOf(server: Server, db: Db, key: Buffer): string {
  const { keyspace } = server;
  const entry = db.find(key, 0, key.length);
  if (entry === 0) return '';
  const type = db.typeOf(entry);
  const parts = [String(type), valueDigest(keyspace, db, entry)];
  if (db.isVolatile(entry)) parts.push(`until ${db.expireAt(entry)}`);
  if (type === ValueType.hash) {
    const { hashes } = keyspace;
    db.open(entry, hashes);
    const due: string[] = [];
    hashes.forEach(() => {
      const { buf, off, len } = hashes.field;
      if (hashes.fieldExpiry === 0) return;
      due.push(
        `${Buffer.from(buf.subarray(off, off + len)).toString('hex')}@${hashes.fieldExpiry}`,
      );
    });
    parts.push(...due.sort());
  }
  return parts.join(' ');
}
