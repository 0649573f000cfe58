/**
 * What the HyperLogLog commands share: the check of a value, the draft they edit, its storing.
 */
import { isHyperLogLog } from '../../datatypes/hyperloglog.ts';
import { HyperLogLogDraft } from '../../datatypes/hyperloglog-draft.ts';
import { Encoding } from '../../datatypes/value-types.ts';
import type { Db } from '../../keyspace/db.ts';
import { KEEP_TTL } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';

/** The runs of a sparse value do not make up its registers. */
export const damaged = new CommandError('INVALIDOBJ Corrupted HLL object detected');

const notHyperLogLog = new CommandError('WRONGTYPE Key is not a valid HyperLogLog string value.');

/** Handlers are synchronous, so one draft serves all commands of all servers in the process. */
export const draft = new HyperLogLogDraft();

/** Throws unless the string that `db` has located is a HyperLogLog. O(1). */
export function expectHyperLogLog(db: Db): void {
  if (!isHyperLogLog(db.valueBuf, db.valueOff, db.valueLen)) throw notHyperLogLog;
}

/** Largest sparse value, in bytes. */
export function sparseBytesMax(ctx: Context): number {
  return ctx.server.config.number('hll-sparse-max-bytes');
}

/** Stores the draft under the key that is argument i; `entry` is its find. O(bytes). */
export function storeDraft(db: Db, entry: Entry, args: Args, i: number): void {
  db.setText(args, i, entry, draft, Encoding.raw, KEEP_TTL);
}

/**
 * Makes the value of `entry` writable in place and locates it. Its encoding becomes raw, as in
 * Redis, which copies a shared or embedded string even if nothing in it will change.
 */
export function makeWritable(db: Db, entry: Entry): void {
  db.locateString(entry);
  db.growString(entry, db.valueLen, Encoding.raw);
}

/** Only the encoding part of `makeWritable`. */
export function makeRaw(db: Db, entry: Entry): void {
  if (db.encodingOf(entry) !== Encoding.raw) makeWritable(db, entry);
}
