/**
 * The ordered checks between lookup and handler. Each looks at flags and state only; none knows a
 * command by name. Order as redis-server 7.0.15, processCommand.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { PauseMode } from '../commands/ports.ts';
import type { Session } from '../session/session.ts';
import { type CommandError, errors } from '../util/errors.ts';

export class Gates {
  /** Whether a client must authenticate first. */
  passwordRequired = false;
  /** Bytes of used memory past which commands that may grow data are refused; 0 for none. */
  maxMemory = 0;
  /** Until when commands wait, ms since the epoch; 0 when not paused. */
  pausedUntilMs = 0;
  pauseMode: PauseMode = 'all';
  private readonly usedMemory: () => number;
  private readonly protectedCommands: (
    session: Session,
    command: Command,
  ) => CommandError | undefined;

  constructor(
    usedMemory: () => number,
    protectedCommands: (session: Session, command: Command) => CommandError | undefined,
  ) {
    this.usedMemory = usedMemory;
    this.protectedCommands = protectedCommands;
  }

  /** Why the command may not run now, or undefined. */
  check(session: Session, command: Command): CommandError | undefined {
    const flags = command.flagBits;
    if ((flags & Flag.protected) !== 0) {
      const refused = this.protectedCommands(session, command);
      if (refused !== undefined) return refused;
    }
    if (this.passwordRequired && !session.authenticated && (flags & Flag.noAuth) === 0) {
      return errors.noAuth;
    }
    if (this.maxMemory > 0 && (flags & Flag.denyoom) !== 0) {
      if (this.usedMemory() > this.maxMemory) return errors.oom;
    }
    return undefined;
  }

  /** Whether CLIENT PAUSE makes the command wait. */
  holdsBack(command: Command): boolean {
    if (this.pausedUntilMs === 0) return false;
    if (this.pauseMode === 'all') return true;
    return (command.flagBits & (Flag.write | Flag.mayReplicate)) !== 0;
  }
}
