/**
 * Who a client is and how it speaks: HELLO, AUTH, RESET, QUIT, SELECT.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int32Argument, intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { clientName } from './client-name.ts';

const wrongPassword = new CommandError(
  'WRONGPASS invalid username-password pair or user is disabled.',
);
const noPasswordSet = new CommandError(
  'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
);
const badVersion = new CommandError('ERR Protocol version is not an integer or out of range');
const noProto = new CommandError('NOPROTO unsupported protocol version');
const helloNeedsAuth = new CommandError(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH ' +
    '<user> <pass> option can be used to authenticate the client and select the RESP protocol ' +
    'version at the same time',
);

const anyTime = ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'] as const;

/** Logs the session in with arguments `user` and `user + 1`. Throws WRONGPASS. */
function authenticate(ctx: Context, args: Args, user: number): void {
  if (!ctx.server.authenticate(ctx.session, args.latin1(user), args.view(user + 1))) {
    throw wrongPassword;
  }
}

/** HELLO [protover [AUTH username password] [SETNAME clientname]] */
export const hello = command({
  name: 'hello',
  arity: -1,
  group: 'connection',
  since: '6.0.0',
  summary: 'Agrees on the protocol version; logs in and names the connection if asked.',
  complexity: 'O(1)',
  flags: anyTime,
  syntax: '[protover:integer [AUTH username password] [SETNAME clientname]]',

  run(ctx, args, reply) {
    const { session } = ctx;
    let version = session.respVersion;
    if (args.argc > 1) {
      const asked = intArgument(args, 1, badVersion);
      if (asked !== 2 && asked !== 3) throw noProto;
      version = asked;
    }
    let name: string | undefined;
    let userAt = 0;
    for (let i = 2; i < args.argc; i++) {
      if (args.is(i, 'AUTH') && i + 2 < args.argc) {
        userAt = i + 1;
        i += 2;
      } else if (args.is(i, 'SETNAME') && i + 1 < args.argc) name = clientName(args, ++i);
      else throw new CommandError(`ERR Syntax error in HELLO option '${args.latin1(i)}'`);
    }
    if (userAt > 0) authenticate(ctx, args, userAt);
    if (!session.authenticated) throw helloNeedsAuth;
    if (name !== undefined) session.name = name;
    session.respVersion = version;
    reply.version = version;
    describeServer(ctx, reply);
  },
});

function describeServer(ctx: Context, reply: Reply): void {
  reply.map(7);
  reply.bulkLatin1('server');
  reply.bulkLatin1('redis');
  reply.bulkLatin1('version');
  reply.bulkLatin1(ctx.server.version);
  reply.bulkLatin1('proto');
  reply.int(ctx.session.respVersion);
  reply.bulkLatin1('id');
  reply.int(ctx.session.id);
  reply.bulkLatin1('mode');
  reply.bulkLatin1('standalone');
  reply.bulkLatin1('role');
  reply.bulkLatin1('master');
  reply.bulkLatin1('modules');
  reply.array(0);
}

/** AUTH [username] password */
export const auth = command({
  name: 'auth',
  arity: -2,
  group: 'connection',
  since: '1.0.0',
  summary: 'Logs the connection in.',
  complexity: 'O(N) where N is the number of passwords of the user.',
  flags: anyTime,
  syntax: '[username] password',

  run(ctx, args, reply) {
    if (args.argc > 3) throw errors.syntax;
    if (args.argc === 3) authenticate(ctx, args, 1);
    else {
      if (ctx.server.config.string('requirepass') === '') throw noPasswordSet;
      if (!ctx.server.authenticate(ctx.session, 'default', args.view(1))) throw wrongPassword;
    }
    reply.ok();
  },
});

/** RESET */
export const reset = command({
  name: 'reset',
  arity: 1,
  group: 'connection',
  since: '6.2.0',
  summary: 'Brings the connection back to the state it had when it was opened.',
  complexity: 'O(1)',
  flags: anyTime,

  run(ctx, _args, reply) {
    ctx.session.reset();
    ctx.session.authenticated = ctx.server.config.string('requirepass') === '';
    reply.version = 2;
    reply.simple('RESET');
  },
});

/** QUIT */
export const quit = command({
  name: 'quit',
  arity: -1,
  group: 'connection',
  since: '1.0.0',
  summary: 'Ends the connection once its replies are sent.',
  complexity: 'O(1)',
  flags: anyTime,
  deprecated: { since: '7.2.0', replacedBy: 'just closing the connection' },

  run(ctx, _args, reply) {
    reply.ok();
    ctx.session.closeAfterReply();
  },
});

/** SELECT index */
export const select = command({
  name: 'select',
  arity: 2,
  group: 'connection',
  since: '1.0.0',
  summary: 'Chooses the database that the commands to come work on.',
  complexity: 'O(1)',
  flags: ['loading', 'stale', 'fast'],
  syntax: 'index:integer',

  run(ctx, args, reply) {
    const index = int32Argument(args, 1);
    if (ctx.keyspace.dbs[index] === undefined) throw errors.dbIndexOutOfRange;
    ctx.session.dbIndex = index;
    reply.ok();
  },
});
