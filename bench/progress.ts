/** One line on the terminal that changes in place; now and then a line where there is none. */
const LINE_EVERY_MS = 500;

export class Progress {
  private readonly began = performance.now();
  private lastLineAt = Number.NEGATIVE_INFINITY;

  show(text: string): void {
    const line = `[${this.elapsed}] ${text}`;
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[2K${line}`);
    } else if (performance.now() - this.lastLineAt > LINE_EVERY_MS) {
      this.lastLineAt = performance.now();
      process.stderr.write(`${line}\n`);
    }
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  }

  get elapsed(): string {
    const seconds = Math.round((performance.now() - this.began) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}
