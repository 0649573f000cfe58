/**
 * Log lines to the system's log (`syslog-enabled`). Its socket takes datagrams, which Node cannot
 * send; `logger`, which every Linux and macOS has, can. One such program runs as long as the
 * server; a line that it does not take at once is dropped, as a full socket would drop it.
 */
import type { ChildProcess } from 'node:child_process';
import type { Level } from './log-format.ts';

/** Numbers of facilities and severities of RFC 5424; levels as redis-server 7.0.15 maps them. */
const severities: Readonly<Record<Level, number>> = {
  debug: 7,
  verbose: 6,
  notice: 5,
  warning: 4,
};
const USER = 1;
const LOCAL0 = 16;

/** Lines beyond so many bytes that wait for the program are dropped. */
const WAITING_BYTES = 64 * 1024;

export class Syslog {
  private readonly facility: number;
  private readonly ident: string;
  private child: ChildProcess | undefined = undefined;
  private failed = false;

  /** `facility` is a value of `syslog-facility`. */
  constructor(ident: string, facility: string) {
    this.ident = ident;
    this.facility = facility === 'user' ? USER : LOCAL0 + Number(facility.slice('local'.length));
  }

  write(level: Level, message: string): void {
    if (this.failed) return;
    this.child ??= this.start();
    const { stdin } = this.child;
    if (stdin === null || stdin.writableLength > WAITING_BYTES) return;
    const priority = this.facility * 8 + severities[level];
    stdin.write(`<${priority}>${message.replaceAll('\n', ' ')}\n`);
  }

  private start(): ChildProcess {
    const words = ['--prio-prefix', `--id=${process.pid}`, '-t', this.ident];
    const { spawn } = process.getBuiltinModule('node:child_process');
    const child = spawn('logger', words, { stdio: ['pipe', 'ignore', 'ignore'] });
    const fail = () => {
      this.failed = true; // no log must stop the store; what stands in the other log is enough
    };
    child.on('error', fail);
    child.on('exit', fail);
    child.stdin.on('error', fail);
    child.unref();
    // The pipe must not keep the process, nor the end of the process be waited for.
    (child.stdin as unknown as { unref?(): void }).unref?.();
    return child;
  }
}
