/**
 * The log, in redis-server's line format: `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message`.
 * The file is opened for each line, so that log rotation needs no signal.
 */
import { appendFileSync } from 'node:fs';
import type { LogPort } from '../commands/ports/log.ts';

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

const rank: Readonly<Record<string, number>> = { debug: 0, verbose: 1, notice: 2, warning: 3 };
const mark: Readonly<Record<LogLevel, string>> = {
  debug: '.',
  verbose: '-',
  notice: '*',
  warning: '#',
};
const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';

export class Log implements LogPort {
  /** Lines below this level are dropped; `nothing` drops all. */
  level = 'notice';
  /** M for a master, S for a replica. */
  role: 'M' | 'S' = 'M';
  /** Empty: standard output. */
  file = '';
  /** Replaces the destination (programmatic use, tests). */
  sink: ((line: string) => void) | undefined;
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  write(level: LogLevel, message: string): void {
    if (rank[level]! < (rank[this.level] ?? 4)) return;
    const line = `${process.pid}:${this.role} ${timestamp(this.now())} ${mark[level]} ${message}\n`;
    if (this.sink !== undefined) this.sink(line);
    else {
      try {
        if (this.file === '') process.stdout.write(line);
        else appendFileSync(this.file, line);
      } catch {
        // As redis-server: a log that cannot be written must not stop the store. (What a pipe that
        // nobody reads answers comes later, as an event: see `main.ts`.)
      }
    }
  }
}

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
