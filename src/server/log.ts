/**
 * The log: lines in one of the forms of `log-format.ts`, to standard output or a file, and to the
 * system's log as well. The file is opened for each line, so that log rotation needs no signal.
 */
import { appendFileSync } from 'node:fs';
import type { LogPort } from '../commands/ports/log.ts';
import { type Level, type LogForm, legacyLine, logForms } from './log-format.ts';
import type { Syslog } from './syslog.ts';

export type LogLevel = Level;

/** A destination for those who want no log: lines are not even made. */
export const silence = (): void => {};

const rank: Readonly<Record<string, number>> = { debug: 0, verbose: 1, notice: 2, warning: 3 };

export class Log implements LogPort {
  /** Lines below this level are dropped; `nothing` drops all. */
  level = 'notice';
  /** M for a master, S for a replica. */
  role: 'M' | 'S' = 'M';
  /** Empty: standard output. */
  file = '';
  /** Gets every line, too. */
  syslog: Syslog | undefined = undefined;
  /** Replaces the destination (programmatic use, tests). */
  sink: ((line: string) => void) | undefined;
  private form: LogForm = legacyLine;
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** A value of `log-format`. */
  set format(name: string) {
    this.form = logForms[name] ?? legacyLine;
  }

  /** Whether nobody gets the lines. The first one costs half a millisecond: the time zone. */
  get isSilent(): boolean {
    return this.sink === silence && this.syslog === undefined;
  }

  write(level: LogLevel, message: string): void {
    if (this.isSilent || rank[level]! < (rank[this.level] ?? 4)) return;
    const { pid } = process;
    const line = this.form({ pid, role: this.role, atMs: this.now(), level, message });
    this.syslog?.write(level, message);
    this.put(line);
  }

  /** Writes text as it is, without what a line begins with: for people who look at the start. */
  raw(text: string): void {
    if (rank.notice! >= (rank[this.level] ?? 4)) this.put(text);
  }

  private put(text: string): void {
    if (this.sink !== undefined) this.sink(text);
    else {
      try {
        if (this.file === '') process.stdout.write(text);
        else appendFileSync(this.file, text);
      } catch {
        // As redis-server: a log that cannot be written must not stop the store. (What a pipe that
        // nobody reads answers comes later, as an event: see `main.ts`.)
      }
    }
  }
}
