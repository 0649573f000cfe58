/**
 * A log of SLOWLOG and COMMANDLOG: the latest commands that took longer, or were larger, than a
 * threshold says.
 * Source of what is kept and how it is shortened: redis-server 7.0.15.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { SlowEntry, SlowLogPort } from '../commands/ports/observation.ts';
import type { Args } from '../util/args.ts';

/** Arguments shown at most, the last one of which tells how many more there are. */
const ARGUMENTS_MAX = 32;
/** Bytes shown of an argument. */
const ARGUMENT_BYTES = 128;
const REDACTED = Buffer.from('(redacted)');

/** Who sent a command. */
export interface SlowClient {
  readonly address: string;
  readonly name: string;
}

export class SlowLog implements SlowLogPort {
  /** Microseconds or bytes from which on a command is kept; negative: none is. */
  threshold = -1;
  /** Entries kept; what is more goes when the next one comes. */
  maxLength = 0;
  private entries: SlowEntry[] = [];
  private nextId = 0;

  get length(): number {
    return this.entries.length;
  }

  latest(count: number): readonly SlowEntry[] {
    return count === 0 ? [] : this.entries.slice(-count).reverse();
  }

  reset(): void {
    this.entries = [];
  }

  /** Keeps a command if its amount is enough. O(bytes shown + entries that go). */
  note(client: SlowClient, command: Command, args: Args, amount: number, nowMs: number): void {
    const { threshold, entries, maxLength } = this;
    if (threshold < 0 || amount < threshold) return;
    if ((command.flagBits & Flag.skip_slowlog) !== 0) return;
    entries.push({
      id: this.nextId++,
      seconds: Math.floor(nowMs / 1000),
      amount,
      args: shownArguments(args, command.spec.secrets?.(args) ?? []),
      address: client.address,
      name: client.name,
    });
    if (entries.length > maxLength) entries.splice(0, entries.length - maxLength);
  }
}

function shownArguments(args: Args, secrets: readonly number[]): Uint8Array[] {
  const { argc } = args;
  const whole = argc > ARGUMENTS_MAX ? ARGUMENTS_MAX - 1 : argc;
  const shown: Uint8Array[] = [];
  for (let i = 0; i < whole; i++) shown.push(secrets.includes(i) ? REDACTED : shortened(args, i));
  if (whole < argc) shown.push(Buffer.from(`... (${argc - whole} more arguments)`));
  return shown;
}

function shortened(args: Args, i: number): Uint8Array {
  const length = args.len[i]!;
  if (length <= ARGUMENT_BYTES) return args.bytes(i);
  const at = args.off[i]!;
  const head = Buffer.from(args.buf.subarray(at, at + ARGUMENT_BYTES));
  return Buffer.concat([head, Buffer.from(`... (${length - ARGUMENT_BYTES} more bytes)`)]);
}
