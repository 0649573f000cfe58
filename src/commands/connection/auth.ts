/**
 * AUTH: logging in.
 */
import { DEFAULT_USER } from '../../acl/users.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { command } from '../spec.ts';
import { authenticate } from './login.ts';

const noPasswordSet = new CommandError(
  'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
);

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
    if (args.argc === 3) authenticate(ctx, args.latin1(1), args, 2);
    else {
      if (ctx.server.acl.users.default.nopass) throw noPasswordSet;
      authenticate(ctx, DEFAULT_USER, args, 1);
    }
    reply.ok();
  },
});
