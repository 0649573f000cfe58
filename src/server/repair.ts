/**
 * What is left to do when a command failed after it had begun to write: the arena was full, or its
 * reply too large. No empty collection is left. Clients that watch, cache or wait for its keys
 * learn what it did. The journal gets the keys as they are now, since the same command run
 * elsewhere need not fail at the same place.
 */
import type { Command } from '../commands/command-table.ts';
import type { Context } from '../commands/context.ts';
import { KeyList } from '../commands/key-list.ts';
import { ValueType } from '../datatypes/value-types.ts';
import { NO_EVENT } from '../keyspace/events.ts';
import { PayloadCodec } from '../persistence/rdb/payload.ts';
import type { Args } from '../util/args.ts';

/**
 * Settles the keys that a failed command may have written. O(their values) while a journal is read.
 */
export function repairAfterFailure(ctx: Context, command: Command, args: Args): void {
  const keys = new KeyList();
  command.keys?.find(args, keys);
  for (let i = 0; i < keys.count; i++) {
    if (keys.uses[i]!.flags.includes('RO')) continue;
    const index = keys.at[i]!;
    removeIfEmpty(ctx, args, index);
    ctx.changed(NO_EVENT, args, index);
    noteImage(ctx, args, index);
  }
}

function removeIfEmpty(ctx: Context, args: Args, i: number): void {
  const { db, keyspace } = ctx;
  const entry = db.find(args.buf, args.off[i]!, args.len[i]!);
  const type = entry === 0 ? ValueType.string : db.typeOf(entry);
  // A stream may well be empty.
  if (type === ValueType.string || type === ValueType.stream) return;
  const value = keyspace.cursor(type);
  db.open(entry, value);
  if (value.size === 0) db.remove(entry);
  else db.fieldsChanged(entry, value);
}

/** Puts a key as it is now into the journal: RESTORE, or DEL of one that is gone. */
function noteImage(ctx: Context, args: Args, i: number): void {
  if (!ctx.effectsWanted) return;
  const { db, keyspace } = ctx;
  const entry = db.find(args.buf, args.off[i]!, args.len[i]!);
  if (entry === 0) {
    ctx.instead('DEL')?.argument(args, i);
    return;
  }
  const expireAt = db.expireAt(entry);
  const codec = PayloadCodec.of(keyspace);
  const image = codec.dump(db, entry, false);
  ctx
    .instead('RESTORE')
    ?.argument(args, i)
    .integer(expireAt === -1 ? 0 : expireAt)
    .bytes(image, 0, image.length)
    .text('REPLACE')
    .text('ABSTTL');
  codec.release();
}
