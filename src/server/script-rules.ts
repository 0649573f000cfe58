/**
 * Which commands a script may call, and its error replies. Source of order and texts: redis-server
 * 7.0.15 (scriptCall).
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import type { Acl } from './acl.ts';

/** An error reply that a script ends with. */
export class ScriptError extends CommandError {
  /** A command that the script called made it, and it was counted then. */
  readonly counted: boolean;

  constructor(line: string, counted: boolean) {
    super(line);
    this.counted = counted;
  }
}

/** The rules of one run of a script. */
export interface ScriptRules {
  /** Nothing is refused because it is no command for scripts (DEBUG SET-DISABLE-DENY-SCRIPTS). */
  readonly allowsAll: boolean;
  /** Commands that write are refused. */
  readonly readOnly: boolean;
  /** Why commands are refused that do not run on old data. */
  readonly isStale: boolean;
  /** Why commands that write are refused until the script has written: a replica. */
  readonly replicaRefusal: CommandError | undefined;
  /** As `replicaRefusal`: the disk. */
  readonly diskRefusal: CommandError | undefined;
  /** As `replicaRefusal`: too few replicas keep up. */
  readonly lacksReplicas: boolean;
  /** Commands that take memory are refused until the script has written. */
  readonly outOfMemory: boolean;
  /** It has called a command that writes. */
  wrote: boolean;
}

const unknown = new CommandError('ERR Unknown Redis command called from script');
const wrongArity = new CommandError('ERR Wrong number of args calling Redis command from script');
const notAllowed = new CommandError('ERR This Redis command is not allowed from script');
const staleData = new CommandError('ERR Can not execute the command on a stale replica');
const noWrites = new CommandError('ERR Write commands are not allowed from read-only scripts.');

/** Why a script may not call a command with these arguments, or undefined. */
export function refusalInScript(
  command: Command | undefined,
  args: Args,
  rules: ScriptRules,
  session: Session,
  acl: Acl,
): CommandError | undefined {
  if (command === undefined) return unknown;
  const { arity, flagBits } = command;
  if (arity > 0 ? args.argc !== arity : args.argc < -arity) return wrongArity;
  if (command.run === undefined) return unknown;
  if ((flagBits & Flag.noscript) !== 0 && !rules.allowsAll) return notAllowed;
  if (!session.user.unrestricted) {
    const refused = acl.refuseInScript(session, command, args);
    if (refused !== undefined) return refused;
  }
  if (rules.readOnly && (flagBits & (Flag.write | Flag.may_replicate)) !== 0) return noWrites;
  if (rules.isStale && (flagBits & Flag.stale) === 0) return staleData;
  if (rules.replicaRefusal !== undefined && !rules.wrote && (flagBits & Flag.write) !== 0) {
    return rules.replicaRefusal;
  }
  if (rules.diskRefusal !== undefined && !rules.wrote && (flagBits & Flag.write) !== 0) {
    return rules.diskRefusal;
  }
  if (rules.lacksReplicas && !rules.wrote && (flagBits & Flag.write) !== 0) {
    return errors.noReplicas;
  }
  if (rules.outOfMemory && !rules.wrote && (flagBits & Flag.denyoom) !== 0) return errors.oom;
  return undefined;
}
