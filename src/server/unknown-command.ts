/**
 * The error for a command that does not exist.
 */
import type { CommandTable } from '../commands/command-table.ts';
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { missingSubject } from './missing-commands.ts';
import { RESPITE_VERSION } from './version.ts';

/** Longest stretch of arguments quoted back at a client. */
const QUOTED_MAX = 128;

/** The error for a command line; text as redis-server 7.0.15. */
export function unknownCommand(table: CommandTable, args: Args): CommandError {
  const name = beginning(args, 0, QUOTED_MAX);
  if (table.lookup(args.buf, args.off[0]!, args.len[0]!) !== undefined && args.argc > 1) {
    const sub = beginning(args, 1, QUOTED_MAX);
    return new CommandError(`ERR unknown subcommand '${sub}'. Try ${name.toUpperCase()} HELP.`);
  }
  const subject = missingSubject(name);
  if (subject !== undefined) {
    const where = `respite ${RESPITE_VERSION} (${subject})`;
    return new CommandError(`ERR unknown command '${name}': it is not there in ${where}`);
  }
  let quoted = '';
  for (let i = 1; i < args.argc && quoted.length < QUOTED_MAX; i++) {
    quoted += `'${beginning(args, i, QUOTED_MAX - quoted.length)}' `;
  }
  return new CommandError(`ERR unknown command '${name}', with args beginning with: ${quoted}`);
}

/** Argument i up to its first NUL, `max` bytes of it at most. */
function beginning(args: Args, i: number, max: number): string {
  const text = Buffer.from(args.view(i).subarray(0, max)).toString('latin1');
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}
