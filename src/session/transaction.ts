/**
 * A client's transaction: the commands that MULTI queues, and what WATCH watches.
 */
import type { Command } from '../commands/command-table.ts';
import type { QueuedCommand, TransactionPort } from '../commands/ports.ts';
import type { Args } from '../util/args.ts';

/** What a queued command costs beside its arguments: measured roughly, shown by CLIENT LIST. */
const COMMAND_BYTES = 96;
/** What a watched key costs, very roughly. */
const WATCH_BYTES = 256;

export class Transaction implements TransactionPort {
  isOpen = false;
  isRefused = false;
  touched = false;
  watches: TransactionPort['watches'] = [];
  flagBits = 0;
  running = 0;
  /** Bytes of what is queued. */
  bytes = 0;
  private queue: QueuedCommand[] = [];

  get length(): number {
    return this.queue.length;
  }

  /** CLIENT LIST's `multi`: the commands queued or being run, -1 without a transaction. */
  get shownLength(): number {
    if (this.running > 0) return this.running;
    return this.isOpen ? this.queue.length : -1;
  }

  /** Bytes of queue and watches. */
  get memoryBytes(): number {
    return this.bytes + this.watches.length * WATCH_BYTES;
  }

  begin(): void {
    this.isOpen = true;
  }

  /** A command could not be queued. */
  refuse(): void {
    if (this.isOpen) this.isRefused = true;
  }

  /** Queues a command; its arguments are copied. Nothing is kept when EXEC will refuse anyway. */
  add(command: Command, args: Args): void {
    if (this.isRefused || this.touched) return;
    this.queue.push({ command, args: args.copy() });
    this.flagBits |= command.flagBits;
    this.bytes += COMMAND_BYTES + args.byteLength;
  }

  end(): readonly QueuedCommand[] {
    const { queue } = this;
    this.isOpen = false;
    this.isRefused = false;
    this.touched = false;
    this.flagBits = 0;
    this.bytes = 0;
    this.queue = [];
    return queue;
  }
}
