/**
 * DEBUG: what tests need of a server and nobody else should have; behind enable-debug-command.
 * One command without subcommand specs, as in Redis.
 */
import { createHash } from 'node:crypto';
import { Encoding, encodingName } from '../../datatypes/value-types.ts';
import { type Db, NO_TTL } from '../../keyspace/db.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseInt64 } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { plainEncoding } from '../string/string-value.ts';
import { debugProtocol } from './debug-protocol.ts';

type Handler = (ctx: Context, args: Args, reply: Reply) => void;

interface DebugCommand {
  /** Least and greatest number of arguments, DEBUG and the subcommand counted. */
  readonly arity: readonly [number, number];
  readonly help: readonly string[];
  readonly run: Handler;
}

const many = Number.POSITIVE_INFINITY;

/** A value's digest, folded into `digest` as Redis does (debug.c, xorObjectDigest). */
function mix(digest: Buffer, data: Uint8Array): void {
  xor(digest, data);
  createHash('sha1').update(digest).digest().copy(digest);
}

function xor(digest: Buffer, data: Uint8Array): void {
  const hash = createHash('sha1').update(data).digest();
  for (let i = 0; i < digest.length; i++) digest[i]! ^= hash[i]!;
}

function bigEndian(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

function mixValue(digest: Buffer, db: Db, entry: number): void {
  mix(digest, bigEndian(db.typeOf(entry)));
  db.locateString(entry);
  mix(digest, db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen));
  if (db.isVolatile(entry)) xor(digest, Buffer.from('!!expire!!'));
}

function datasetDigest(ctx: Context): string {
  const total = Buffer.alloc(20);
  for (const db of ctx.keyspace.dbs) {
    if (db.size === 0) continue;
    mix(total, bigEndian(db.index));
    db.forEach((entry) => {
      const digest = Buffer.alloc(20);
      mix(digest, db.keyOf(entry));
      mixValue(digest, db, entry);
      xor(total, digest);
    });
  }
  return total.toString('hex');
}

function digestValues(ctx: Context, args: Args, reply: Reply): void {
  reply.array(args.argc - 2);
  for (let i = 2; i < args.argc; i++) {
    const digest = Buffer.alloc(20);
    const entry = ctx.db.find(args.buf, args.off[i]!, args.len[i]!);
    if (entry !== 0) mixValue(digest, ctx.db, entry);
    reply.simple(digest.toString('hex'));
  }
}

function populate(ctx: Context, args: Args, reply: Reply): void {
  const count = intArgument(args, 2, errors.outOfRangePositive);
  if (count < 0) throw errors.outOfRangePositive;
  const prefix = args.argc > 3 ? args.bytes(3) : Buffer.from('key');
  const size = args.argc === 5 ? intArgument(args, 4, errors.outOfRangePositive) : 0;
  if (size < 0) throw errors.outOfRangePositive;
  const { db } = ctx;
  for (let j = 0; j < count; j++) {
    const key = Buffer.concat([prefix, Buffer.from(`:${j}`)]);
    if (db.find(key, 0, key.length) !== 0) continue;
    const text = Buffer.from(`value:${j}`);
    const value = size === 0 ? text : Buffer.alloc(size);
    if (size > 0) text.copy(value);
    const encoding = plainEncoding(value.length);
    db.setString(0, key, 0, key.length, value, 0, value.length, encoding, NO_TTL);
  }
  reply.ok();
}

function describeObject(ctx: Context, args: Args, reply: Reply): void {
  const { db, keyspace } = ctx;
  const entry = db.find(args.buf, args.off[2]!, args.len[2]!);
  if (entry === 0) throw errors.noSuchKey;
  const idle = keyspace.lfuEnabled ? 0 : keyspace.idleSeconds(entry);
  reply.simple(
    `Value at:0x${(entry >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingName(db.encodingOf(entry))} serializedlength:${savedLength(db, entry)} ` +
      `lru:${keyspace.accessOf(entry)} lru_seconds_idle:${idle}`,
  );
}

/** Bytes that an RDB file would take for a string, before any compression. */
function savedLength(db: Db, entry: number): number {
  db.locateString(entry);
  const { valueLen } = db;
  if (db.encodingOf(entry) === Encoding.int) {
    const n = Number(parseInt64(db.valueBuf, db.valueOff, valueLen));
    if (n >= -128 && n <= 127) return 2;
    if (n >= -32768 && n <= 32767) return 3;
    if (n >= -2147483648 && n <= 2147483647) return 5;
  }
  const header = valueLen < 64 ? 1 : valueLen < 16384 ? 2 : 5;
  return header + valueLen;
}

function hashTableStats(ctx: Context, args: Args, reply: Reply): void {
  const db = ctx.keyspace.dbs[intArgument(args, 2)];
  if (db === undefined) throw new CommandError('ERR Out of range database');
  reply.verbatim(
    'txt',
    `[Dictionary HT]\n table size: ${db.buckets}\n number of elements: ${db.size}\n` +
      `[Expires HT]\n number of elements: ${db.expires.size}\n`,
  );
}

const table: Readonly<Record<string, DebugCommand>> = {
  'CHANGE-REPL-ID': {
    arity: [2, 2],
    help: ['CHANGE-REPL-ID', '    Takes a new replication id.'],
    run(ctx, _args, reply) {
      ctx.server.log('notice', 'Changing replication IDs after receiving change-repl-id');
      ctx.server.changeReplicationId();
      reply.ok();
    },
  },
  DIGEST: {
    arity: [2, 2],
    help: ['DIGEST', '    A hex signature of all data.'],
    run: (ctx, _args, reply) => reply.simple(datasetDigest(ctx)),
  },
  'DIGEST-VALUE': {
    arity: [2, many],
    help: ['DIGEST-VALUE <key> [<key> ...]', '    A hex signature of each value.'],
    run: digestValues,
  },
  ERROR: {
    arity: [3, 3],
    help: ['ERROR <string>', '    Answers an error with this text.'],
    run(_ctx, args) {
      throw new CommandError(args.latin1(2));
    },
  },
  HTSTATS: {
    arity: [3, 4],
    help: ['HTSTATS <dbid>', '    Figures of the hash table of a database.'],
    run: hashTableStats,
  },
  LOG: {
    arity: [3, 3],
    help: ['LOG <message>', '    Writes a message to the log.'],
    run(ctx, args, reply) {
      ctx.server.log('warning', `DEBUG LOG: ${args.latin1(2)}`);
      reply.ok();
    },
  },
  OBJECT: {
    arity: [3, 4],
    help: ['OBJECT <key>', '    How a value is kept.'],
    run: describeObject,
  },
  POPULATE: {
    arity: [3, 5],
    help: ['POPULATE <count> [<prefix>] [<size>]', '    Adds <count> strings.'],
    run: populate,
  },
  PROTOCOL: {
    arity: [3, 3],
    help: ['PROTOCOL <type>', '    Answers a test value of a protocol type.'],
    run: (_ctx, args, reply) => debugProtocol(args.latin1(2).toLowerCase(), reply),
  },
  'SET-ACTIVE-EXPIRE': {
    arity: [3, 3],
    help: ['SET-ACTIVE-EXPIRE <0|1>', '    Turns the active expire cycle off or on.'],
    run(ctx, args, reply) {
      ctx.server.setActiveExpire(args.latin1(2).charCodeAt(0) !== 48);
      reply.ok();
    },
  },
  SLEEP: {
    arity: [3, 3],
    help: ['SLEEP <seconds>', '    Stops the whole server for a while.'],
    run(ctx, args, reply) {
      // As Redis: what is no number counts as zero.
      const seconds = Number.parseFloat(args.latin1(2));
      if (seconds > 0) ctx.server.sleep(seconds * 1000);
      reply.ok();
    },
  },
};

function help(reply: Reply): void {
  const lines = ['DEBUG <subcommand> [<arg> ...]. Subcommands:'];
  for (const { help } of Object.values(table)) lines.push(...help);
  lines.push('HELP', '    This text.');
  reply.array(lines.length);
  for (const line of lines) reply.simple(line);
}

/** DEBUG subcommand [arg ...] */
export const debug = command({
  name: 'debug',
  arity: -2,
  group: 'server',
  since: '1.0.0',
  summary: 'Tools for testing the server itself.',
  complexity: 'Depends on subcommand.',
  flags: ['admin', 'noscript', 'loading', 'stale', 'protected'],

  run(ctx, args, reply) {
    const name = args.latin1(1);
    const upper = name.toUpperCase();
    if (upper === 'HELP' && args.argc === 2) {
      help(reply);
      return;
    }
    const found = Object.hasOwn(table, upper) ? table[upper] : undefined;
    if (found === undefined || args.argc < found.arity[0] || args.argc > found.arity[1]) {
      throw new CommandError(
        `ERR unknown subcommand or wrong number of arguments for '${name.slice(0, 128)}'. ` +
          'Try DEBUG HELP.',
      );
    }
    found.run(ctx, args, reply);
  },
});
