/**
 * Forms of a log line (`log-format`): redis-server's, `logfmt` as Valkey 8.1 has it, and JSON for
 * programs that collect logs. Whatever a message holds, a line stays one line.
 */

/** How much a line matters. */
export type Level = 'debug' | 'verbose' | 'notice' | 'warning';

export interface LogEntry {
  readonly pid: number;
  /** M for a master, S for a replica. */
  readonly role: 'M' | 'S';
  /** ms since the epoch. */
  readonly atMs: number;
  readonly level: Level;
  readonly message: string;
}

/** Makes a line, its end included. */
export type LogForm = (entry: LogEntry) => string;

const mark: Readonly<Record<Level, string>> = {
  debug: '.',
  verbose: '-',
  notice: '*',
  warning: '#',
};
const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const roles = { M: 'master', S: 'replica' } as const;

/** `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message`. */
export const legacyLine: LogForm = ({ pid, role, atMs, level, message }) =>
  `${pid}:${role} ${timestamp(atMs)} ${mark[level]} ${message}\n`;

const jsonLine: LogForm = ({ pid, role, atMs, level, message }) => {
  const timestamp = new Date(atMs).toISOString();
  return `${JSON.stringify({ timestamp, level, pid, role: roles[role], message })}\n`;
};

const logfmtLine: LogForm = ({ pid, role, atMs, level, message }) => {
  const timestamp = new Date(atMs).toISOString();
  const text = JSON.stringify(message);
  return `pid=${pid} role=${roles[role]} timestamp="${timestamp}" level=${level} message=${text}\n`;
};

/** By the values of the directive. */
export const logForms: Readonly<Record<string, LogForm>> = {
  legacy: legacyLine,
  logfmt: logfmtLine,
  json: jsonLine,
};

function timestamp(ms: number): string {
  const d = new Date(ms);
  const month = months.slice(d.getMonth() * 3, d.getMonth() * 3 + 3);
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  const millis = String(d.getMilliseconds()).padStart(3, '0');
  return `${two(d.getDate())} ${month} ${d.getFullYear()} ${time}.${millis}`;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}
