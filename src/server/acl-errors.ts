/**
 * What clients are told by the ACL, in redis-server 7.0.15's words.
 */
import { CommandError } from '../util/errors.ts';

export const noFile = new CommandError(
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users ' +
    'via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis ' +
    'configuration file set) in order to store users in the Redis configuration.',
);
export const notSaved = new CommandError(
  'ERR There was an error trying to save the ACLs. Please check the server logs for more ' +
    'information',
);
export const spacesInName = new CommandError(
  "ERR Usernames can't contain spaces or null characters",
);
export const noKey = new CommandError(
  'NOPERM this user has no permissions to access one of the keys used as arguments',
);
export const noChannel = new CommandError(
  'NOPERM this user has no permissions to access one of the channels used as arguments',
);
export const bothSources =
  'Configuring users in the configuration file and in an ACL file at the same time is invalid: ' +
  'have either an aclfile or user lines';

/** What scripts are told of a refusal. */
export const scriptErrors = {
  command: new CommandError(
    "ERR The user executing the script can't run this command or subcommand",
  ),
  key: new CommandError(
    "ERR The user executing the script can't access at least one of the keys mentioned in the " +
      'command arguments',
  ),
  channel: new CommandError(
    "ERR The user executing the script can't publish to the channel mentioned in the command",
  ),
} as const;

/** What EXEC answers for a queued command that may not run any more. */
export const execErrors = {
  command: rulesChanged('no permission to execute the command or subcommand'),
  key: rulesChanged('no permission to touch the specified keys'),
  channel: rulesChanged(
    'no permission to access one of the channels used as arguments to the command',
  ),
} as const;

function rulesChanged(reason: string): CommandError {
  return new CommandError(
    'NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC ' +
      `call. This command is no longer allowed for the following reason: ${reason}`,
  );
}
