/**
 * What the log says of a bug of ours: the version, the command's name, where it failed, INFO. Never
 * keys, values or arguments.
 */
import { RESPITE_VERSION } from './version.ts';

/** Lines of a stack that are shown. */
const STACK_LINES = 30;
/** Characters of an error's own text that are shown: it is ours, but who knows. */
const MESSAGE_LENGTH = 200;

/** The report, line by line. `command` is empty where none was running. */
export function crashReport(command: string, error: unknown, info: string): string[] {
  return [
    '=== RESPITE BUG REPORT START: cut here and add it to an issue ===',
    `respite ${RESPITE_VERSION}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
    command === '' ? 'No command was running.' : `The command was '${command}'.`,
    ...placeOf(error),
    ...info.split('\r\n').filter((line) => line !== '' && !PRIVATE.test(line)),
    '=== RESPITE BUG REPORT END ===',
  ];
}

/** Lines of INFO that name files and machines. */
const PRIVATE = /^(executable|config_file|master_host|slave\d+):/;

/** Kind, text and place of an error. */
export function placeOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [`Thrown: a ${typeof error}`];
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const message = error.message.slice(0, MESSAGE_LENGTH).replaceAll(/\s+/g, ' ');
  return [`${error.name}: ${message}`, ...frames.slice(0, STACK_LINES)];
}
