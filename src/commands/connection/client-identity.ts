/**
 * A client's name, library, id and description: CLIENT SETNAME, GETNAME, SETINFO, ID, INFO.
 */
import { CommandError } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import { command } from '../spec.ts';
import { clientName, isPrintable } from './client-arguments.ts';

const common = {
  group: 'connection',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale'],
} as const;

/** CLIENT SETNAME name */
export const clientSetname = command({
  ...common,
  name: 'setname',
  arity: 3,
  since: '2.6.9',
  summary: 'Gives the connection a name.',
  syntax: 'connection-name',

  run(ctx, args, reply) {
    ctx.session.name = clientName(args, 2);
    reply.ok();
  },
});

/** CLIENT GETNAME */
export const clientGetname = command({
  ...common,
  name: 'getname',
  arity: 2,
  since: '2.6.9',
  summary: 'Returns the name of the connection.',

  run(ctx, _args, reply) {
    const { name } = ctx.session;
    if (name === '') reply.null();
    else reply.bulkLatin1(name);
  },
});

/** CLIENT SETINFO LIB-NAME name | LIB-VER version */
export const clientSetinfo = command({
  ...common,
  name: 'setinfo',
  arity: 4,
  since: '7.2.0',
  summary: 'Notes which library, in which version, the client uses.',
  syntax: '[LIB-NAME libname | LIB-VER libver]',

  run(ctx, args, reply) {
    heapGuard.require(args.len[3]!);
    const attribute = args.cString(2);
    const value = args.latin1(3);
    if (!args.is(2, 'LIB-NAME') && !args.is(2, 'LIB-VER')) {
      throw new CommandError(`ERR Unrecognized option '${attribute}'`);
    }
    if (!isPrintable(value)) {
      throw new CommandError(
        `ERR ${attribute} cannot contain spaces, newlines or special characters.`,
      );
    }
    if (args.is(2, 'LIB-NAME')) ctx.session.libName = value;
    else ctx.session.libVersion = value;
    reply.ok();
  },
});

/** CLIENT ID */
export const clientId = command({
  ...common,
  name: 'id',
  arity: 2,
  since: '5.0.0',
  summary: 'Returns the number of the connection; numbers only ever grow.',

  run(ctx, _args, reply) {
    reply.int(ctx.session.id);
  },
});

/** CLIENT INFO */
export const clientInfo = command({
  ...common,
  name: 'info',
  arity: 2,
  since: '6.2.0',
  summary: 'Returns what CLIENT LIST has about this connection.',
  tips: ['nondeterministic_output'],

  run(ctx, args, reply) {
    reply.verbatim('txt', `${ctx.session.describe(ctx.nowMs, args)}\n`);
  },
});
