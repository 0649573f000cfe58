/**
 * DEBUG: what tests need of a server and nobody else should have; enable-debug-command allows it.
 * One command without subcommand specs, as in Redis.
 */
import type { ListValue } from '../../datatypes/list.ts';
import { plainEncoding } from '../../datatypes/string-encoding.ts';
import { Encoding, encodingName, ValueType } from '../../datatypes/value-types.ts';
import { NO_TTL } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import { Target } from '../../keyspace/journal.ts';
import { PayloadCodec } from '../../persistence/rdb/payload.ts';
import { LISTPACK_OVERHEAD } from '../../persistence/rdb/writer.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { debugProtocol } from './debug-protocol.ts';
import { datasetDigest, valueDigest } from './digest.ts';

type Handler = (ctx: Context, args: Args, reply: Reply) => void;

interface DebugCommand {
  /** Least and greatest number of arguments, DEBUG and the subcommand counted. */
  readonly arity: readonly [number, number];
  readonly help: readonly string[];
  readonly run: Handler;
}

/** '0'. */
const ZERO = 48;
const many = Number.POSITIVE_INFINITY;
const PACKED_THRESHOLD_MAX = 2 ** 32 - 2;
const memoryUnits: Readonly<Record<string, number>> = {
  ...{ b: 1, k: 1000, kb: 1024, m: 1e6, mb: 1024 ** 2, g: 1e9, gb: 1024 ** 3 },
};
const badThreshold = new CommandError(
  'ERR argument must be a memory value bigger than 1 and smaller than 4gb',
);
const notListpack = new CommandError('ERR Not a listpack encoded object.');

function digestValues(ctx: Context, args: Args, reply: Reply): void {
  const { db, keyspace } = ctx;
  reply.array(args.argc - 2);
  for (let i = 2; i < args.argc; i++) {
    const entry = db.find(args.buf, args.off[i]!, args.len[i]!);
    reply.simple(valueDigest(keyspace, db, entry));
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

const badReloadOption = new CommandError(
  'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.',
);

function reload(ctx: Context, args: Args, reply: Reply): void {
  const options = { save: true, flush: true, replace: false };
  for (let i = 2; i < args.argc; i++) {
    if (args.is(i, 'MERGE')) options.replace = true;
    else if (args.is(i, 'NOFLUSH')) options.flush = false;
    else if (args.is(i, 'NOSAVE')) options.save = false;
    else throw badReloadOption;
  }
  ctx.server.debug.reload(options);
  ctx.noEffect();
  reply.ok();
}

/** What DEBUG OBJECT adds for a list. */
function listFigures(ctx: Context, entry: Entry): string {
  const { db, keyspace } = ctx;
  if (db.typeOf(entry) !== ValueType.list) return '';
  const list = keyspace.cursor(ValueType.list) as ListValue;
  db.open(entry, list);
  let bytes = 0;
  list.forEachRun((_buf, _off, len) => {
    bytes += len + LISTPACK_OVERHEAD;
  });
  return (
    ` ql_nodes:${list.nodes} ql_avg_node:${(list.size / list.nodes).toFixed(2)} ` +
    `ql_listpack_max:${keyspace.limits.listListpackSize} ql_compressed:0 ` +
    `ql_uncompressed_size:${bytes}`
  );
}

function describeObject(ctx: Context, args: Args, reply: Reply): void {
  const { db, keyspace } = ctx;
  const entry = db.findEvenExpired(args.buf, args.off[2]!, args.len[2]!);
  if (entry === 0) throw errors.noSuchKey;
  const idle = keyspace.lfuEnabled ? 0 : keyspace.idleSeconds(entry);
  const compress = ctx.server.config.bool('rdbcompression');
  const saved = PayloadCodec.of(keyspace).savedLength(db, entry, compress);
  reply.simple(
    `Value at:0x${(entry >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingName(db.encodingOf(entry))} serializedlength:${saved} ` +
      `lru:${keyspace.accessOf(entry)} lru_seconds_idle:${idle}${listFigures(ctx, entry)}`,
  );
}

function describeListpack(ctx: Context, args: Args, reply: Reply): void {
  const { db } = ctx;
  const entry = db.find(args.buf, args.off[2]!, args.len[2]!);
  if (entry === 0) throw errors.noSuchKey;
  const encoding = db.encodingOf(entry);
  if (encoding !== Encoding.listpack) throw notListpack;
  ctx.server.logger.write('notice', `listpack: ${db.memoryOf(entry)} bytes with its key`);
  reply.simple('Listpack structure printed on stdout');
}

/** `100`, `64kb`, `1gb` ...; undefined for what is no size. */
function memoryBytes(text: string): number | undefined {
  const found = /^(\d{1,15})(b|k|kb|m|mb|g|gb)?$/i.exec(text);
  if (found === null) return undefined;
  return Number(found[1]) * memoryUnits[found[2]?.toLowerCase() ?? 'b']!;
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

/** A subcommand that turns something on or off; `0` is off. */
function toggle(
  name: string,
  help: string,
  set: (ctx: Context, isOn: boolean) => void,
): DebugCommand {
  return {
    arity: [3, 3],
    help: [`${name} <0|1>`, `    ${help}`],
    run(ctx, args, reply) {
      set(ctx, args.latin1(2).charCodeAt(0) !== ZERO);
      reply.ok();
    },
  };
}

const table: Readonly<Record<string, DebugCommand>> = {
  'AOF-FLUSH-SLEEP': {
    arity: [3, 3],
    help: ['AOF-FLUSH-SLEEP <micros>', '    Has writes of the append-only file take so long.'],
    run(ctx, args, reply) {
      ctx.server.debug.sleepBeforeAof(intArgument(args, 2));
      reply.ok();
    },
  },
  'CHANGE-REPL-ID': {
    arity: [2, 2],
    help: ['CHANGE-REPL-ID', '    Takes a new replication id.'],
    run(ctx, _args, reply) {
      ctx.server.logger.write('notice', 'Changing replication IDs after receiving change-repl-id');
      ctx.server.debug.changeReplicationId();
      reply.ok();
    },
  },
  'CONFIG-REWRITE-FORCE-ALL': {
    arity: [2, 2],
    help: [
      'CONFIG-REWRITE-FORCE-ALL',
      '    As CONFIG REWRITE, with all that has its default, too.',
    ],
    run(ctx, _args, reply) {
      ctx.server.debug.rewriteWholeConfig();
      reply.ok();
    },
  },
  DIGEST: {
    arity: [2, 2],
    help: ['DIGEST', '    A hex signature of all data.'],
    run: (ctx, _args, reply) => reply.simple(datasetDigest(ctx.keyspace)),
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
  LOADAOF: {
    arity: [2, 2],
    help: ['LOADAOF', '    Brings the append-only file to the disk, and loads the data from it.'],
    run(ctx, _args, reply) {
      ctx.server.debug.loadAof();
      ctx.noEffect();
      reply.ok();
    },
  },
  'PAUSE-CRON': toggle(
    'PAUSE-CRON',
    'Stops what is done now and then without a client, or goes on with it.',
    (ctx, isOn) => ctx.server.debug.pauseCron(isOn),
  ),
  RELOAD: {
    arity: [2, many],
    help: [
      'RELOAD [MERGE] [NOFLUSH] [NOSAVE]',
      '    Saves the data and loads it from the file.',
      '    MERGE: keys of the file take the place of those that are there.',
      '    NOFLUSH: what is there stays; NOSAVE: the file is loaded as it is.',
    ],
    run: reload,
  },
  HTSTATS: {
    arity: [3, 4],
    help: ['HTSTATS <dbid>', '    Figures of the hash table of a database.'],
    run: hashTableStats,
  },
  LISTPACK: {
    arity: [3, 3],
    help: ['LISTPACK <key>', '    Logs what a listpack takes.'],
    run: describeListpack,
  },
  LOG: {
    arity: [3, 3],
    help: ['LOG <message>', '    Writes a message to the log.'],
    run(ctx, args, reply) {
      ctx.server.logger.write('warning', `DEBUG LOG: ${args.latin1(2)}`);
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
  'QUICKLIST-PACKED-THRESHOLD': {
    arity: [3, 3],
    help: ['QUICKLIST-PACKED-THRESHOLD <size>', '    Accepted; nodes of lists are always packed.'],
    run(_ctx, args, reply) {
      const bytes = memoryBytes(args.latin1(2));
      if (bytes === undefined || bytes > PACKED_THRESHOLD_MAX) throw badThreshold;
      reply.ok();
    },
  },
  REPLICATE: {
    arity: [3, many],
    help: ['REPLICATE <command> [<argument> ...]', '    Sends replicas a command, whatever it is.'],
    run(ctx, args, reply) {
      const { journal } = ctx.keyspace.changes;
      if (journal.isRead) {
        const line = journal.line(ctx.db.index, args.latin1(2), Target.replicas);
        for (let i = 3; i < args.argc; i++) line.argument(args, i);
      }
      reply.ok();
    },
  },
  'SET-ACTIVE-EXPIRE': toggle(
    'SET-ACTIVE-EXPIRE',
    'Turns the active expire cycle off or on.',
    (ctx, isOn) => ctx.server.debug.setActiveExpire(isOn),
  ),
  'SET-DISABLE-DENY-SCRIPTS': toggle(
    'SET-DISABLE-DENY-SCRIPTS',
    'Lets scripts call commands that are not for scripts.',
    (ctx, isOn) => ctx.server.debug.allowAllInScripts(isOn),
  ),
  'SET-SKIP-CHECKSUM-VALIDATION': toggle(
    'SET-SKIP-CHECKSUM-VALIDATION',
    'Lets RESTORE take payloads with a wrong checksum.',
    (ctx, isOn) => {
      PayloadCodec.of(ctx.keyspace).checksChecksum = !isOn;
    },
  ),
  SLEEP: {
    arity: [3, 3],
    help: ['SLEEP <seconds>', '    Stops the whole server for a while.'],
    run(ctx, args, reply) {
      // As Redis: what is no number counts as zero.
      const seconds = Number.parseFloat(args.latin1(2));
      if (seconds > 0) ctx.server.debug.sleep(seconds * 1000);
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
  system: true,

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
