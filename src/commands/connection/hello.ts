/**
 * HELLO: the handshake.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { clientName } from './client-arguments.ts';
import { authenticate } from './login.ts';

const badVersion = new CommandError('ERR Protocol version is not an integer or out of range');
const noProto = new CommandError('NOPROTO unsupported protocol version');
const helloNeedsAuth = new CommandError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH ' +
    '<user> <pass> option can be used to authenticate the client and select the RESP protocol ' +
    'version at the same time',
);

function wrongOption(args: Args, i: number): CommandError {
  return new CommandError(`ERR Syntax error in HELLO option '${args.cString(i)}'`);
}

const options = grammar('[AUTH username password] [SETNAME clientname]', {
  unknown: wrongOption,
  missing: wrongOption,
});
const AUTH = options.word('AUTH');
const SETNAME = options.word('SETNAME');

/** HELLO [protover [AUTH username password] [SETNAME clientname]] */
export const hello = command({
  name: 'hello',
  arity: -1,
  group: 'connection',
  since: '6.0.0',
  summary: 'Agrees on the protocol version; logs in and names the connection if asked.',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  syntax: `[protover:integer ${options.line}]`,
  secrets: logins,

  run(ctx, args, reply) {
    const { session } = ctx;
    let version = session.respVersion;
    if (args.argc > 1) {
      const asked = intArgument(args, 1, badVersion);
      if (asked !== 2 && asked !== 3) throw noProto;
      version = asked;
    }
    let name: string | undefined;
    options.begin();
    for (let i = 2; i < args.argc; ) {
      i = options.next(args, i);
      if (options.last === SETNAME) name = clientName(args, options.at(SETNAME));
    }
    // As Redis 7.2, unlike 7.0: nothing happens before all options are known to be right.
    if (options.has(AUTH)) {
      const at = options.at(AUTH);
      authenticate(ctx, args.latin1(at), args, at + 1);
    }
    if (!session.authenticated) throw helloNeedsAuth;
    if (name !== undefined) session.name = name;
    session.respVersion = version;
    reply.version = version;
    describeServer(ctx, reply);
  },
});

/** The user names and passwords in HELLO's arguments, be they complete or not. */
function logins(args: Args): number[] {
  const found: number[] = [];
  for (let i = 2; i < args.argc; i++) {
    if (args.is(i, 'SETNAME')) i++;
    else if (args.is(i, 'AUTH')) found.push(++i, ++i);
  }
  return found;
}

function describeServer(ctx: Context, reply: Reply): void {
  reply.map(7);
  reply.bulkLatin1('server');
  reply.bulkLatin1('redis');
  reply.bulkLatin1('version');
  reply.bulkLatin1(ctx.server.lifecycle.version);
  reply.bulkLatin1('proto');
  reply.int(ctx.session.respVersion);
  reply.bulkLatin1('id');
  reply.int(ctx.session.id);
  reply.bulkLatin1('mode');
  reply.bulkLatin1('standalone');
  reply.bulkLatin1('role');
  reply.bulkLatin1(ctx.server.replica.master === undefined ? 'master' : 'replica');
  reply.bulkLatin1('modules');
  reply.array(0);
}
