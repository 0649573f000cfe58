/** One line on a terminal that tells how far a long work has come; nothing elsewhere. */
import { monotonicMs } from '../util/timers.ts';

const INTERVAL_MS = 100;
const WIDTH = 30;

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  private readonly terminal: Terminal;
  private readonly title: string;
  private readonly startedAt = monotonicMs();
  private nextAt: number;
  private isShown = false;

  /** Nothing is shown in the first `quietMs`, so that short works show nothing. */
  constructor(terminal: Terminal, title: string, quietMs = 500) {
    this.terminal = terminal;
    this.title = title;
    this.nextAt = this.startedAt + quietMs;
  }

  /** So much of so much is done. Cheap: most calls only look at the clock. */
  update(done: number, total: number): void {
    if (this.terminal.isTTY !== true) return;
    const now = monotonicMs();
    if (now < this.nextAt) return;
    this.nextAt = now + INTERVAL_MS;
    this.isShown = true;
    const part = total > 0 ? Math.min(1, done / total) : 1;
    const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '.');
    const left = part > 0 ? ((now - this.startedAt) / part) * (1 - part) : 0;
    const percent = String(Math.floor(part * 100)).padStart(3);
    this.terminal.write(
      `\r${this.title} [${bar}] ${percent} %, ${Math.ceil(left / 1000)} s left \x1b[K`,
    );
  }

  /** Takes the line away. */
  end(): void {
    if (this.isShown) this.terminal.write('\r\x1b[K');
    this.isShown = false;
  }
}
