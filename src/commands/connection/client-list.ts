/**
 * CLIENT LIST.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import type { SessionPort } from '../ports/session.ts';
import { command } from '../spec.ts';
import { typeArgument } from './client-arguments.ts';

const invalidId = new CommandError('ERR Invalid client ID');

/** The sessions that CLIENT LIST's arguments select. */
function selected(ctx: Context, args: Args): Iterable<SessionPort> {
  if (args.argc === 2) return ctx.server.clients.all();
  if (args.argc === 4 && args.is(2, 'TYPE')) {
    const type = typeArgument(args, 3);
    return [...ctx.server.clients.all()].filter((session) => session.type === type);
  }
  if (args.argc < 4 || !args.is(2, 'ID')) throw errors.syntax;
  const found: SessionPort[] = [];
  for (let i = 3; i < args.argc; i++) {
    const session = ctx.server.clients.byId(intArgument(args, i, invalidId));
    if (session !== undefined) found.push(session);
  }
  return found;
}

/** CLIENT LIST [TYPE type] [ID id [id ...]] */
export const clientList = command({
  name: 'list',
  group: 'connection',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  arity: -2,
  since: '2.4.0',
  summary: 'Returns a line about each connection.',
  complexity: 'O(N) where N is the number of client connections',
  tips: ['nondeterministic_output'],
  syntax: '[TYPE client-type] [ID client-id:integer [client-id:integer ...]]',

  run(ctx, args, reply) {
    // One line at a time: all of them may be more than a string can hold.
    const mark = reply.pos;
    for (const session of selected(ctx, args)) {
      const request = session === ctx.session ? args : undefined;
      reply.appendLatin1(session.describe(ctx.nowMs, request));
      reply.appendLatin1('\n');
    }
    reply.endVerbatim(mark, 'txt');
  },
});
