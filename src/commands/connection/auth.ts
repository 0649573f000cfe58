/**
 * AUTH, and the login that it shares with HELLO.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command } from '../spec.ts';

const wrongPassword = new CommandError(
  'WRONGPASS invalid username-password pair or user is disabled.',
);
const noPasswordSet = new CommandError(
  'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
);

/** Logs the session in with arguments `user` and `user + 1`. Throws WRONGPASS. */
export function authenticate(ctx: Context, args: Args, user: number): void {
  if (!ctx.server.auth.authenticate(ctx.session, args.latin1(user), args.view(user + 1))) {
    throw wrongPassword;
  }
}

/** AUTH [username] password */
export const auth = command({
  name: 'auth',
  arity: -2,
  group: 'connection',
  since: '1.0.0',
  summary: 'Logs the connection in.',
  complexity: 'O(N) where N is the number of passwords of the user.',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  syntax: '[username] password',
  secrets: (args) => Array.from({ length: args.argc }, (_, i) => i).slice(1),

  run(ctx, args, reply) {
    if (args.argc > 3) throw errors.syntax;
    if (args.argc === 3) authenticate(ctx, args, 1);
    else {
      if (ctx.server.config.string('requirepass') === '') throw noPasswordSet;
      if (!ctx.server.auth.authenticate(ctx.session, 'default', args.view(1))) throw wrongPassword;
    }
    reply.ok();
  },
});
