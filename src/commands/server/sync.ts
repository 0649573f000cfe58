/**
 * How a replica asks for its data: PSYNC, SYNC, and REPLCONF by which it tells of itself. They
 * answer on the connection itself (`src/server/replication-master.ts`), not in the ordinary way.
 *
 * REPLCONF's pairs are read by hand: each takes effect where it stands, and some end the command.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { parseInt64 } from '../../util/numbers.ts';
import { splitWords } from '../../util/words.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import type { ReplicaSettings } from '../ports/replication.ts';
import { command } from '../spec.ts';

const HOST_BYTES_MAX = 255;
const notFlag = new CommandError('ERR value is out of range, value must between 0 and 1');
const noFilter = new CommandError('ERR Missing rdb-filter-only values');

/** PSYNC replicationid offset */
export const psync = command({
  name: 'psync',
  arity: -3,
  group: 'server',
  since: '2.8.0',
  summary: 'Makes this connection that of a replica, which continues where it was if it can.',
  complexity: 'O(1), and O(N) in the background where N is the size of the data if all is sent',
  flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
  syntax: 'replicationid offset:integer',

  run(ctx, args) {
    const offset = parseInt64(args.buf, args.off[2]!, args.len[2]!);
    ctx.server.replication.replicas.sync(ctx.session, {
      replid: args.latin1(1),
      offset: offset === undefined ? undefined : Number(offset),
      isFailover: args.argc > 3 && args.is(3, 'FAILOVER'),
    });
  },
});

/** SYNC */
export const sync = command({
  name: 'sync',
  arity: 1,
  group: 'server',
  since: '1.0.0',
  summary: 'Makes this connection that of a replica, which gets all data.',
  complexity: 'O(N) in the background, where N is the size of the data',
  flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],

  run(ctx) {
    ctx.server.replication.replicas.sync(ctx.session, undefined);
  },
});

/** REPLCONF option value [option value ...] */
export const replconf = command({
  name: 'replconf',
  arity: -1,
  group: 'server',
  since: '3.0.0',
  summary: 'Tells the other end of a link of replication about this one.',
  complexity: 'O(1)',
  flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
  system: true,

  run(ctx, args, reply) {
    if (args.argc % 2 === 0) throw errors.syntax;
    for (let i = 1; i < args.argc; i += 2) {
      if (args.is(i, 'ACK')) {
        acknowledge(ctx, args, i);
        return;
      }
      if (args.is(i, 'GETACK')) {
        ctx.server.replica.acknowledge();
        return;
      }
      setting(ctx.server.replication.replicas.settings(ctx.session), args, i);
    }
    reply.ok();
  },
});

/** One pair of REPLCONF. */
function setting(settings: ReplicaSettings, args: Args, i: number): void {
  const value = i + 1;
  if (args.is(i, 'LISTENING-PORT')) settings.listeningPort = intArgument(args, value);
  else if (args.is(i, 'IP-ADDRESS')) settings.ipAddress = hostArgument(args, value);
  else if (args.is(i, 'CAPA')) {
    // What later versions can do and this one does not know of is no error.
    if (args.is(value, 'EOF')) settings.takesMarkedData = true;
    else if (args.is(value, 'PSYNC2')) settings.takesNewIds = true;
  } else if (args.is(i, 'RDB-ONLY')) {
    const n = intArgument(args, value);
    if (n !== 0 && n !== 1) throw notFlag;
    settings.rdbOnly = n === 1;
  } else if (args.is(i, 'RDB-FILTER-ONLY')) filter(settings, args, value);
  else throw new CommandError(`ERR Unrecognized REPLCONF option: ${args.cString(i)}`);
}

function hostArgument(args: Args, i: number): string {
  const bytes = args.len[i]!;
  if (bytes <= HOST_BYTES_MAX) return args.latin1(i);
  throw new CommandError(
    `ERR REPLCONF ip-address provided by replica instance is too long: ${bytes} bytes`,
  );
}

/** Which parts of the data are wanted; none are that are not named. */
function filter(settings: ReplicaSettings, args: Args, i: number): void {
  const words = splitWords(args.latin1(i));
  if (words === undefined) throw noFilter;
  settings.withData = false;
  settings.withFunctions = false;
  for (const word of words) {
    if (word.toLowerCase() !== 'functions') {
      throw new CommandError(`ERR Unsupported rdb-filter-only option: ${word}`);
    }
    settings.withFunctions = true;
  }
}

/** ACK offset [FACK offset]: nobody is answered, whoever it is. */
function acknowledge(ctx: Context, args: Args, i: number): void {
  const offset = offsetAt(args, i + 1);
  if (offset === undefined) return;
  const hasFsynced = i + 3 < args.argc && args.is(i + 2, 'FACK');
  const fsynced = hasFsynced ? offsetAt(args, i + 3) : undefined;
  ctx.server.replication.replicas.acknowledge(ctx.session, offset, fsynced);
}

function offsetAt(args: Args, i: number): number | undefined {
  const value = parseInt64(args.buf, args.off[i]!, args.len[i]!);
  return value === undefined ? undefined : Number(value);
}
