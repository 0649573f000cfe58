/**
 * The login that AUTH and HELLO share.
 */
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';

const wrongPassword = new CommandError(
  'WRONGPASS invalid username-password pair or user is disabled.',
);

/** Logs the session in as a user with the password at argument i. Throws WRONGPASS. */
export function authenticate(ctx: Context, user: string, args: Args, i: number): void {
  const known = ctx.server.acl.authenticate(ctx.session, user, args.view(i), args);
  if (!known) throw wrongPassword;
}
