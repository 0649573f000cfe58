/**
 * Commands that wait for EXEC, their arguments one after the other in two growing arrays: a queued
 * command costs its bytes and a few numbers, nothing to allocate or collect.
 *
 *     numbers of a command:  argc | argument hashed ahead, its hash | off, len of each argument
 */
import type { Command } from '../commands/command-table.ts';
import type { QueuePort } from '../commands/ports/session.ts';
import { Args } from '../util/args.ts';
import { copyBytes } from '../util/bytes.ts';

/** A reference to a command and where its numbers begin. */
const COMMAND_BYTES = 16;
/** Arrays that grew past this are given up with their transaction. */
const KEEP_BYTES = 16 * 1024;

export class CommandQueue implements QueuePort {
  private readonly commands: Command[] = [];
  private readonly starts: number[] = [];
  private numbers = new Int32Array(64);
  private used = 0;
  private bytes = Buffer.allocUnsafeSlow(256);
  private filled = 0;
  private readonly args = new Args();

  get length(): number {
    return this.commands.length;
  }

  /** Bytes that the queue takes. */
  get memoryBytes(): number {
    const { commands, numbers, bytes } = this;
    return bytes.length + numbers.byteLength + commands.length * COMMAND_BYTES;
  }

  /** Whether it is worth keeping for the next transaction. */
  get isSmall(): boolean {
    return this.memoryBytes <= KEEP_BYTES;
  }

  /** Adds a command; its arguments are copied. Amortised O(their bytes). */
  add(command: Command, args: Args): void {
    const { argc } = args;
    this.makeRoom(3 + argc * 2, args.byteLength);
    const { numbers, bytes } = this;
    let n = this.used;
    this.commands.push(command);
    this.starts.push(n);
    numbers[n++] = argc;
    numbers[n++] = args.hashAt;
    numbers[n++] = args.hash;
    for (let i = 0; i < argc; i++) {
      const from = args.off[i]!;
      const length = args.len[i]!;
      const at = this.filled;
      copyBytes(args.buf, from, bytes, at, length);
      numbers[n++] = at;
      numbers[n++] = length;
      this.filled += length;
    }
    this.used = n;
  }

  command(i: number): Command {
    return this.commands[i]!;
  }

  read(i: number): Args {
    const { args, numbers } = this;
    let n = this.starts[i]!;
    args.clear();
    args.buf = this.bytes;
    const argc = numbers[n++]!;
    args.hashAt = numbers[n++]!;
    args.hash = numbers[n++]!;
    for (let k = 0; k < argc; k++, n += 2) args.push(numbers[n]!, numbers[n + 1]!);
    return args;
  }

  clear(): void {
    this.commands.length = 0;
    this.starts.length = 0;
    this.used = 0;
    this.filled = 0;
    this.args.release();
  }

  private makeRoom(numbers: number, bytes: number): void {
    if (this.used + numbers > this.numbers.length) {
      const grown = new Int32Array(Math.max(this.numbers.length * 2, this.used + numbers));
      grown.set(this.numbers);
      this.numbers = grown;
    }
    if (this.filled + bytes > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.filled + bytes));
      grown.set(this.bytes.subarray(0, this.filled));
      this.bytes = grown;
    }
  }
}
