/**
 * Values as bytes: DUMP and RESTORE. The payload is that of an RDB file (src/persistence/rdb).
 */
import { stringEncoding } from '../../datatypes/string-encoding.ts';
import type { Value } from '../../datatypes/value.ts';
import { NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import { setAccess } from '../../persistence/rdb/access.ts';
import { BadDataError } from '../../persistence/rdb/bad-data.ts';
import { PayloadCodec } from '../../persistence/rdb/payload.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { addInt64, type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { payloadOf, readWhole } from './whole-value.ts';

const busyKey = new CommandError('BUSYKEY Target key name already exists.');
const badTtl = new CommandError('ERR Invalid TTL value, must be >= 0');
const badIdleTime = new CommandError('ERR Invalid IDLETIME value, must be >= 0');
const badFrequency = new CommandError('ERR Invalid FREQ value, must be >= 0 and <= 255');
const badPayload = new CommandError('ERR DUMP payload version or checksum are wrong');
const badFormat = new CommandError('ERR Bad data format');

/** DUMP key */
export const dump = command({
  name: 'dump',
  arity: 2,
  group: 'generic',
  since: '2.6.0',
  summary: 'Returns the value of a key as bytes that RESTORE takes.',
  complexity: 'O(N) where N is the size of the value.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  tips: ['nondeterministic_output'],
  syntax: 'key',

  run(ctx, args, reply) {
    const entry = readWhole(ctx, args, 1);
    if (entry === 0) {
      reply.null();
      return;
    }
    reply.bytes(payloadOf(ctx, entry));
    PayloadCodec.of(ctx.keyspace).release();
  },
});

const options = grammar('[REPLACE] [ABSTTL] [IDLETIME seconds:integer] [FREQ frequency:integer]');
const REPLACE = options.word('REPLACE');
const ABSTTL = options.word('ABSTTL');
const IDLETIME = options.word('IDLETIME');
const FREQ = options.word('FREQ');

/** When and how often the key was used; -1 where that is not given. */
interface Usage {
  idleSeconds: Int64;
  frequency: number;
}

/** Reads the options; values are checked where they stand, as Redis does. */
function readOptions(args: Args): Usage {
  const usage: Usage = { idleSeconds: -1, frequency: -1 };
  options.begin();
  for (let i = 4; i < args.argc; ) {
    i = options.next(args, i);
    if (options.has(IDLETIME) && options.has(FREQ)) throw errors.syntax;
    if (options.last === IDLETIME) {
      usage.idleSeconds = int64Argument(args, options.at(IDLETIME));
      if (usage.idleSeconds < 0) throw badIdleTime;
    } else if (options.last === FREQ) {
      const frequency = int64Argument(args, options.at(FREQ));
      if (frequency < 0 || frequency > 255) throw badFrequency;
      usage.frequency = Number(frequency);
    }
  }
  return usage;
}

/** When the key expires: 0 for never, undefined when that is over already. */
function expiryOf(ctx: Context, ttl: Int64, absolute: boolean): UnixMs | undefined {
  if (ttl === 0) return NO_TTL;
  const when = absolute ? ttl : addInt64(ttl, ctx.nowMs);
  // What leaves 64 bits wraps to a time long past in Redis.
  return when === undefined || ctx.isOver(when) ? undefined : when;
}

function load(ctx: Context, codec: PayloadCodec, args: Args, i: number): Value | undefined {
  const off = args.off[i]!;
  const len = args.len[i]!;
  if (!codec.isSound(args.buf, off, len)) throw badPayload;
  try {
    return codec.load(args.buf, off, len);
  } catch (error) {
    if (!(error instanceof BadDataError)) throw error;
    // As redis-server, only for those who ask: a client could fill the disk with such lines.
    ctx.server.logger.write('verbose', `RESTORE refused a value: ${codec.reasonOf(error)}`);
    throw badFormat;
  }
}

/**
 * Adds the key that is argument 1 with what was loaded. The key may be there: its old entry is the
 * caller's to remove. When there is no room nothing is added.
 */
function addLoaded(
  ctx: Context,
  args: Args,
  codec: PayloadCodec,
  value: Value | undefined,
  expireAt: UnixMs,
): Entry {
  const { db } = ctx;
  if (value === undefined) {
    const { text: buf, off, len } = codec.input;
    // Its buffer is not kept, even when there is no room.
    codec.input.close();
    return db.setText(args, 1, 0, { buf, off, len }, stringEncoding(buf, off, len), expireAt);
  }
  codec.input.close();
  const entry = db.addValue(args, 1, value);
  db.fieldsChanged(entry, value);
  if (expireAt === NO_TTL) return entry;
  try {
    return db.setExpiry(entry, expireAt);
  } catch (error) {
    db.removeEntry(entry);
    throw error;
  }
}

/** RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] */
export const restore = command({
  name: 'restore',
  arity: -4,
  group: 'generic',
  since: '2.6.0',
  summary: 'Makes a key of what DUMP has returned.',
  complexity: 'O(N) where N is the size of the value, O(N*log(N)) for a sorted set.',
  flags: ['write', 'denyoom'],
  categories: ['dangerous'],
  keys: [keyAt(1, 'OW', 'update')],
  syntax: `key ttl:integer serialized-value:string ${options.line}`,

  run(ctx, args, reply) {
    const { db } = ctx;
    const { idleSeconds, frequency } = readOptions(args);
    const present = db.findKey(args, 1);
    if (present !== 0 && !options.has(REPLACE)) throw busyKey;
    const ttl = int64Argument(args, 2);
    if (ttl < 0) throw badTtl;
    const expireAt = expiryOf(ctx, ttl, options.has(ABSTTL));
    const codec = PayloadCodec.of(ctx.keyspace);
    const value = load(ctx, codec, args, 3);

    if (expireAt === undefined) {
      codec.input.close();
      if (value !== undefined) ctx.keyspace.freeValue(value.type, value.ref, value.encoding);
      if (present !== 0) {
        db.removeEntry(present);
        ctx.changed('del', args, 1);
        ctx.instead('DEL')?.argument(args, 1);
      }
    } else {
      const entry = addLoaded(ctx, args, codec, value, expireAt);
      if (present !== 0) db.removeEntry(present);
      setAccess(ctx.keyspace, db, entry, Number(idleSeconds), frequency);
      ctx.changed('restore', args, 1);
      if (expireAt !== NO_TTL && !options.has(ABSTTL)) {
        const line = ctx.instead('RESTORE')?.argument(args, 1).integer(expireAt);
        line?.argumentsFrom(args, 3, args.argc).text('ABSTTL');
      }
    }
    reply.ok();
  },
});
