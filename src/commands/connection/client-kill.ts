/**
 * CLIENT KILL: the old form with an address, which may end the caller, and the one with filters.
 * They are read by hand: pairs of a filter and its value, each checked where it stands.
 */
import type { User } from '../../acl/user.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import type { SessionPort } from '../ports/session.ts';
import { command } from '../spec.ts';
import { typeArgument } from './client-arguments.ts';

const invalidKillId = new CommandError('ERR client-id should be greater than 0');
const noSuchClient = new CommandError('ERR No such client');
const ageNotInteger = new CommandError('ERR maxage is not an integer or out of range');
const ageNotPositive = new CommandError('ERR maxage should be greater than 0');

/** CLIENT KILL's filters; a client must pass all that are given. */
interface KillFilter {
  id?: number;
  type?: SessionPort['type'];
  user?: User | undefined;
  address?: string;
  localAddress?: string;
  /** In seconds, counted as Redis does: from second to second, fractions dropped. */
  minAge?: number;
  skipMe: boolean;
}

function killFilter(ctx: Context, args: Args): KillFilter {
  const filter: KillFilter = { skipMe: true };
  for (let i = 2; i < args.argc; i += 2) {
    const value = i + 1;
    if (value === args.argc) throw errors.syntax;
    if (args.is(i, 'ID')) {
      filter.id = intArgument(args, value, invalidKillId);
      if (filter.id < 1) throw invalidKillId;
    } else if (args.is(i, 'TYPE')) filter.type = typeArgument(args, value);
    else if (args.is(i, 'ADDR')) filter.address = args.cString(value);
    else if (args.is(i, 'LADDR')) filter.localAddress = args.cString(value);
    else if (args.is(i, 'USER')) {
      filter.user = ctx.server.acl.users.get(args.latin1(value));
      if (filter.user === undefined) {
        throw new CommandError(`ERR No such user '${args.cString(value)}'`);
      }
    } else if (args.is(i, 'MAXAGE')) {
      filter.minAge = intArgument(args, value, ageNotInteger);
      if (filter.minAge < 1) throw ageNotPositive;
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
    (filter.minAge === undefined || age(session, nowMs) >= filter.minAge)
  );
}

function age(session: SessionPort, nowMs: number): number {
  return Math.floor(nowMs / 1000) - Math.floor(session.createdAtMs / 1000);
}

/** Ends the sessions that pass; the caller's own only once it has its reply. */
function kill(ctx: Context, filter: KillFilter): number {
  let killed = 0;
  for (const session of [...ctx.server.clients.all()]) {
    const mine = session === ctx.session;
    if ((mine && filter.skipMe) || !passes(filter, session, ctx.nowMs)) continue;
    if (mine) session.closeAfterReply();
    else session.kill();
    killed++;
  }
  return killed;
}

/** CLIENT KILL ip:port | filter value [filter value ...] */
export const clientKill = command({
  name: 'kill',
  group: 'connection',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  arity: -3,
  since: '2.4.0',
  summary: 'Ends connections.',
  complexity: 'O(N) where N is the number of client connections',
  syntax:
    '[ip-port] [ID client-id:integer] [TYPE client-type] [USER username] [ADDR ip-port] [LADDR ip-port] [SKIPME yes/no] [MAXAGE maxage:integer]',

  run(ctx, args, reply) {
    if (args.argc > 3) {
      reply.int(kill(ctx, killFilter(ctx, args)));
      return;
    }
    if (kill(ctx, { address: args.cString(2), skipMe: false }) === 0) throw noSuchClient;
    reply.ok();
  },
});
