/**
 * The login that AUTH and HELLO share.
 */
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';

const wrongPassword = new CommandError(
  'WRONGPASS invalid username-password pair or user is disabled.',
);

/** Logs the session in as a user. Throws WRONGPASS. */
export function authenticate(ctx: Context, user: string, password: Uint8Array): void {
  if (!ctx.server.auth.authenticate(ctx.session, user, password)) throw wrongPassword;
}
