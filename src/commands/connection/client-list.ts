/**
 * Other clients: CLIENT LIST, KILL, UNBLOCK, PAUSE, UNPAUSE.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { addInt64, int64Argument, intArgument } from '../integers.ts';
import type { SessionPort } from '../ports.ts';
import { command } from '../spec.ts';

const admin = {
  group: 'connection',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const;

const types = new Map<string, SessionPort['type']>([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
  ['master', 'master'],
]);

/** Argument i as a client type. */
function typeArgument(args: Args, i: number): SessionPort['type'] {
  const type = types.get(args.latin1(i).toLowerCase());
  if (type === undefined) throw new CommandError(`ERR Unknown client type '${args.latin1(i)}'`);
  return type;
}

const invalidId = new CommandError('ERR Invalid client ID');

/** The sessions that CLIENT LIST's arguments select. */
function selected(ctx: Context, args: Args): Iterable<SessionPort> {
  if (args.argc === 2) return ctx.server.sessions();
  if (args.argc === 4 && args.is(2, 'TYPE')) {
    const type = typeArgument(args, 3);
    return [...ctx.server.sessions()].filter((session) => session.type === type);
  }
  if (args.argc < 4 || !args.is(2, 'ID')) throw errors.syntax;
  const found: SessionPort[] = [];
  for (let i = 3; i < args.argc; i++) {
    const session = ctx.server.sessionById(intArgument(args, i, invalidId));
    if (session !== undefined) found.push(session);
  }
  return found;
}

export const clientList = command({
  ...admin,
  name: 'list',
  arity: -2,
  since: '2.4.0',
  summary: 'Answers a line about each connection.',
  complexity: 'O(N) where N is the number of client connections',
  tips: ['nondeterministic_output'],
  syntax: '[TYPE client-type] [ID client-id:integer [client-id:integer ...]]',

  run(ctx, args, reply) {
    let text = '';
    for (const session of selected(ctx, args)) text += `${session.describe(ctx.nowMs)}\n`;
    reply.verbatim('txt', text);
  },
});

const invalidKillId = new CommandError('ERR client-id should be greater than 0');
const noSuchClient = new CommandError('ERR No such client');
const invalidAge = new CommandError('ERR maxage is not an integer or out of range');

/** CLIENT KILL's filters; a client must pass all that are given. */
interface KillFilter {
  id?: number;
  type?: SessionPort['type'];
  user?: string;
  address?: string;
  localAddress?: string;
  minAgeMs?: number;
  skipMe: boolean;
}

function killFilter(args: Args): KillFilter {
  const filter: KillFilter = { skipMe: true };
  for (let i = 2; i < args.argc; i += 2) {
    const value = i + 1;
    if (value === args.argc) throw errors.syntax;
    if (args.is(i, 'ID')) {
      filter.id = intArgument(args, value, invalidKillId);
      if (filter.id < 1) throw invalidKillId;
    } else if (args.is(i, 'TYPE')) filter.type = typeArgument(args, value);
    else if (args.is(i, 'ADDR')) filter.address = args.latin1(value);
    else if (args.is(i, 'LADDR')) filter.localAddress = args.latin1(value);
    else if (args.is(i, 'USER')) {
      filter.user = args.latin1(value);
      if (filter.user !== 'default') {
        throw new CommandError(`ERR No such user '${filter.user}'`);
      }
    } else if (args.is(i, 'MAXAGE')) {
      filter.minAgeMs = intArgument(args, value, invalidAge) * 1000;
      if (filter.minAgeMs < 1) throw invalidAge;
    } else if (args.is(i, 'SKIPME') && args.is(value, 'YES')) filter.skipMe = true;
    else if (args.is(i, 'SKIPME') && args.is(value, 'NO')) filter.skipMe = false;
    else throw errors.syntax;
  }
  return filter;
}

function passes(filter: KillFilter, session: SessionPort, nowMs: number): boolean {
  return (
    (filter.id === undefined || session.id === filter.id) &&
    (filter.type === undefined || session.type === filter.type) &&
    (filter.user === undefined || session.user === filter.user) &&
    (filter.address === undefined || session.address === filter.address) &&
    (filter.localAddress === undefined || session.localAddress === filter.localAddress) &&
    (filter.minAgeMs === undefined || nowMs - session.createdAtMs >= filter.minAgeMs)
  );
}

/** Ends the sessions that pass; the caller's own only once it has its reply. */
function kill(ctx: Context, filter: KillFilter): number {
  let killed = 0;
  for (const session of [...ctx.server.sessions()]) {
    const mine = session === ctx.session;
    if ((mine && filter.skipMe) || !passes(filter, session, ctx.nowMs)) continue;
    if (mine) session.closeAfterReply();
    else session.kill();
    killed++;
  }
  return killed;
}

export const clientKill = command({
  ...admin,
  name: 'kill',
  arity: -3,
  since: '2.4.0',
  summary: 'Ends connections.',
  complexity: 'O(N) where N is the number of client connections',
  syntax:
    '[ip-port] [ID client-id:integer] [TYPE client-type] [USER username] [ADDR ip-port] [LADDR ip-port] [SKIPME yes/no] [MAXAGE maxage:integer]',

  run(ctx, args, reply) {
    if (args.argc > 3) {
      reply.int(kill(ctx, killFilter(args)));
      return;
    }
    if (kill(ctx, { address: args.latin1(2), skipMe: false }) === 0) throw noSuchClient;
    reply.ok();
  },
});

function wrongSubcommand(name: string): CommandError {
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try CLIENT HELP.`,
  );
}

const unblockReason = new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');

export const clientUnblock = command({
  ...admin,
  name: 'unblock',
  arity: -3,
  since: '5.0.0',
  summary: 'Ends the wait of a client that a blocking command holds.',
  complexity: 'O(log N) where N is the number of client connections',
  syntax: 'client-id:integer [TIMEOUT | ERROR]',

  run(ctx, args, reply) {
    let withError = false;
    if (args.argc > 4) throw wrongSubcommand(args.latin1(1));
    if (args.argc === 4) {
      withError = args.is(3, 'ERROR');
      if (!withError && !args.is(3, 'TIMEOUT')) throw unblockReason;
    }
    reply.int(ctx.server.unblock(intArgument(args, 2), withError) ? 1 : 0);
  },
});

const timeoutNotInteger = new CommandError('ERR timeout is not an integer or out of range');
const timeoutNegative = new CommandError('ERR timeout is negative');
const pauseMode = new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');

export const clientPause = command({
  ...admin,
  name: 'pause',
  arity: -3,
  since: '3.0.0',
  summary: 'Makes all commands, or all that write, wait for some time.',
  complexity: 'O(1)',
  syntax: 'timeout:integer [WRITE | ALL]',

  run(ctx, args, reply) {
    if (args.argc > 4) throw wrongSubcommand(args.latin1(1));
    const writesOnly = args.argc === 4 && args.is(3, 'WRITE');
    if (args.argc === 4 && !writesOnly && !args.is(3, 'ALL')) throw pauseMode;
    const timeoutMs = int64Argument(args, 2, timeoutNotInteger);
    if (timeoutMs < 0) throw timeoutNegative;
    // As Redis: an end past 64 bits wraps around to the past, and nothing is paused.
    const untilMs = addInt64(timeoutMs, ctx.nowMs);
    if (untilMs !== undefined) {
      ctx.server.pauseClients(Number(untilMs), writesOnly ? 'write' : 'all');
    }
    reply.ok();
  },
});

export const clientUnpause = command({
  ...admin,
  name: 'unpause',
  arity: 2,
  since: '6.2.0',
  summary: 'Ends CLIENT PAUSE.',
  complexity: 'O(N) where N is the number of paused clients',

  run(ctx, _args, reply) {
    ctx.server.unpauseClients();
    reply.ok();
  },
});
