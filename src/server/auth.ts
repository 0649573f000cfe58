/**
 * Users and passwords: the default user and `requirepass`.
 */
import type { AuthPort } from '../commands/ports/auth.ts';
import type { ConfigPort } from '../commands/ports/config.ts';
import type { SessionPort } from '../commands/ports/session.ts';
import { sameSecret } from './passwords.ts';

export class Auth implements AuthPort {
  private readonly config: ConfigPort;

  constructor(config: ConfigPort) {
    this.config = config;
  }

  authenticate(session: SessionPort, user: string, password: Uint8Array): boolean {
    const expected = this.config.string('requirepass');
    if (user !== 'default') return false;
    if (expected !== '' && !sameSecret(expected, password)) return false;
    session.authenticated = true;
    session.user = user;
    return true;
  }
}
