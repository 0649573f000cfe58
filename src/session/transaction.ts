/**
 * A client's transaction: the commands that MULTI queues, and what WATCH watches.
 */
import type { Command } from '../commands/command-table.ts';
import type { TransactionPort } from '../commands/ports/session.ts';
import type { Args } from '../util/args.ts';
import { CommandQueue } from './command-queue.ts';

const ALL_FLAGS = -1;

export class Transaction implements TransactionPort {
  isOpen = false;
  isRefused = false;
  broken = false;
  watches: TransactionPort['watches'] = [];
  watchBytes = 0;
  /** Flags that one of the queued commands has, and those that all have. */
  flagBits = 0;
  commonFlagBits = ALL_FLAGS;
  running = 0;
  private queue: CommandQueue | undefined;
  /** The queue of the transaction before, empty. */
  private spare: CommandQueue | undefined;

  get length(): number {
    return this.queue?.length ?? 0;
  }

  /** Bytes of what is queued. */
  get bytes(): number {
    return this.queue?.memoryBytes ?? 0;
  }

  /** Bytes of the arguments that are queued. */
  get argumentBytes(): number {
    return this.queue?.argumentBytes ?? 0;
  }

  /** CLIENT LIST's `multi`: the commands queued or being run, -1 without a transaction. */
  get shownLength(): number {
    if (this.running > 0) return this.running;
    return this.isOpen ? this.length : -1;
  }

  /** Bytes of queue and watches. */
  get memoryBytes(): number {
    return this.bytes + this.watchBytes;
  }

  begin(): void {
    this.isOpen = true;
  }

  /** A command could not be queued. */
  refuse(): void {
    if (this.isOpen) this.isRefused = true;
  }

  /**
   * Queues a command with these flags; its arguments are copied. Nothing is kept when EXEC
   * will refuse anyway.
   */
  add(command: Command, args: Args, flags: number): void {
    if (this.isRefused || this.broken) return;
    this.queue ??= this.takeSpare() ?? new CommandQueue();
    this.queue.add(command, args);
    this.flagBits |= flags;
    this.commonFlagBits &= flags;
  }

  end(): CommandQueue | undefined {
    const { queue } = this;
    this.isOpen = false;
    this.isRefused = false;
    this.broken = false;
    this.flagBits = 0;
    this.commonFlagBits = ALL_FLAGS;
    this.queue = undefined;
    return queue;
  }

  release(queue: CommandQueue): void {
    if (!queue.isSmall) return;
    queue.clear();
    this.spare = queue;
  }

  private takeSpare(): CommandQueue | undefined {
    const { spare } = this;
    this.spare = undefined;
    return spare;
  }
}
