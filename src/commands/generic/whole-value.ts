/**
 * A key's whole value as bytes, for DUMP and for those that bring it elsewhere.
 */
import { ValueType } from '../../datatypes/value-types.ts';
import type { Entry } from '../../keyspace/entry.ts';
import { PayloadCodec } from '../../persistence/rdb/payload.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

/** The key that is argument i, to be read with all of its value; 0 when there is none. */
export function readWhole({ db, keyspace }: Context, args: Args, i: number): Entry {
  const entry = db.read(args, i);
  if (entry === 0 || db.typeOf(entry) !== ValueType.hash) return entry;
  // Fields that are due go first, and the key with the last one.
  return db.findValue(args.buf, args.off[i]!, args.len[i]!, keyspace.hashes);
}

/** An entry's value as RESTORE takes it; a view valid until `PayloadCodec.release`. O(size). */
export function payloadOf({ db, keyspace, server }: Context, entry: Entry): Uint8Array {
  return PayloadCodec.of(keyspace).dump(db, entry, server.config.bool('rdbcompression'));
}
