/**
 * How many files the process may have open, and what that leaves for clients.
 */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';

/** Files that the server needs besides its clients; as many as redis-server keeps back. */
const RESERVED = 32;

/** The limit of open files, undefined where the system does not tell (other than Linux). */
export function openFilesMax(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/**
 * Lowers `maxclients` to what the limit allows, and has CONFIG SET refuse more. Returns false when
 * there is no room for any client. Node has raised the soft limit to the hard one when it began.
 */
export function fitMaxClients(
  config: Config,
  log: (level: LogLevel, message: string) => void,
  limit: number | undefined = openFilesMax(),
): boolean {
  if (limit === undefined) return true;
  const wanted = config.number('maxclients');
  const most = limit - RESERVED;
  if (most <= 0) {
    log(
      'warning',
      `Your current 'ulimit -n' of ${limit} is not enough for the server to start. Please ` +
        `increase your open file limit to at least ${wanted + RESERVED}. Exiting.`,
    );
    return false;
  }
  if (wanted > most) {
    const needed = wanted + RESERVED;
    log(
      'warning',
      `You requested maxclients of ${wanted} requiring at least ${needed} max file descriptors.`,
    );
    log(
      'warning',
      `Current maximum open files is ${limit}. maxclients has been reduced to ${most} to ` +
        "compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.",
    );
    config.assign('maxclients', String(most));
  }
  config.onChange('maxclients', () => {
    if (config.number('maxclients') <= most) return;
    throw new CommandError(
      'ERR The operating system is not able to handle the specified number of clients, try with ' +
        String(most),
    );
  });
  return true;
}
