/**
 * The server's log as commands see it. `src/server/log.ts` implements it.
 */

/** Where log lines go. */
export interface LogPort {
  write(level: 'debug' | 'verbose' | 'notice' | 'warning', message: string): void;
}
