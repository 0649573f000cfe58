/**
 * All commands by name, found by the bytes of a request without building a string: open addressing
 * over a case-folding hash of the name.
 */
import type { Args } from '../util/args.ts';
import { LatencyHistogram } from '../util/latency-histogram.ts';
import { type ChannelSpec, type CommandFlag, commandFlags, type Spec } from './facts.ts';
import { KeyFinder } from './key-specs.ts';

/** A registered command with what the hot path needs, worked out once. */
export class Command {
  readonly spec: Spec;
  /** Its number among all commands and subcommands of its table, in their order. */
  id = 0;
  /** `config|get` for a subcommand, else the name. */
  readonly fullName: string;
  /** What clients call it: `spec.name` unless `rename-command` says otherwise. Lower case. */
  name: string;
  readonly parent: Command | undefined;
  readonly subcommands: CommandTable | undefined;
  readonly arity: number;
  readonly flagBits: number;
  readonly run: Spec['run'];
  /**
   * Whether a call with few arguments takes next to no time: the clock need not be read after it.
   */
  readonly isBrief: boolean;
  /** Position of the first key, 0 for none, and the distance of the next one, 0 for one only. */
  readonly firstKey: number;
  readonly keyStep: number;
  /** As in its spec, which this is quicker to look at. */
  readonly channels: ChannelSpec | undefined;
  /** As in its spec. */
  readonly flagsOf: Spec['flagsOf'];
  /** Finds its keys; undefined when it has none. */
  readonly keys: KeyFinder | undefined;
  /** As `Spec.member`; undefined where nothing of a value is fetched ahead. */
  readonly member: number | undefined;
  /** Statistics for INFO commandstats; time in microseconds. */
  calls = 0;
  microseconds = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  readonly latency = new LatencyHistogram();
  /** What a call of a script takes on average, ms; 0 before the first one that was timed alone. */
  nestedMs = 0;
  /** Calls timed in groups, which the next one timed alone stands for in the histogram. */
  unsampledCalls = 0;

  constructor(spec: Spec, parent: Command | undefined) {
    this.spec = spec;
    this.name = spec.name;
    this.parent = parent;
    this.fullName = parent === undefined ? spec.name : `${parent.fullName}|${spec.name}`;
    this.arity = spec.arity;
    this.flagBits = flagBits(spec);
    this.run = spec.run;
    this.isBrief = spec.flags.includes('fast') || spec.complexity === 'O(1)';
    const keys = spec.keys?.[0];
    this.firstKey = keys?.begin.type === 'index' ? keys.begin.index : 0;
    this.keyStep = keys?.find.type === 'range' && keys.find.last < 0 ? keys.find.step : 0;
    this.channels = spec.channels;
    this.flagsOf = spec.flagsOf;
    this.keys = KeyFinder.of(spec);
    this.member = spec.member;
    this.subcommands =
      spec.subcommands === undefined ? undefined : new CommandTable(spec.subcommands, this);
  }

  resetStats(): void {
    this.calls = 0;
    this.microseconds = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    this.latency.reset();
    this.unsampledCalls = 0;
  }
}

/** The bits of the flags, by their names. */
export const Flag = Object.fromEntries(
  Object.entries(commandFlags).map(([name, { bit }]) => [name, bit]),
) as { readonly [F in CommandFlag]: number };

function flagBits(spec: Spec): number {
  const { flags } = spec;
  let bits = 0;
  for (let i = 0; i < flags.length; i++) bits |= Flag[flags[i]!];
  return bits;
}

export class CommandTable implements Iterable<Command> {
  private slots: (Command | undefined)[] = [];
  private mask = 0;
  private longestName = 0;
  private list: Command[];

  /** What it was made of. */
  readonly specs: readonly Spec[];

  constructor(specs: readonly Spec[], parent?: Command) {
    this.specs = specs;
    this.list = specs.map((spec) => new Command(spec, parent));
    if (parent === undefined) this.number();
    this.fillSlots();
  }

  /** As `everyCommand` goes, which makes an object for each step: this is part of every start. */
  private number(): void {
    let id = 0;
    for (const command of this.list) {
      command.id = id++;
      if (command.subcommands === undefined) continue;
      for (const sub of command.subcommands.list) sub.id = id++;
    }
  }

  private fillSlots(): void {
    let size = 8;
    while (size < this.list.length * 4) size *= 2;
    this.slots = new Array<Command | undefined>(size).fill(undefined);
    this.mask = size - 1;
    this.longestName = 0;
    for (const command of this.list) {
      const { name } = command;
      this.longestName = Math.max(this.longestName, name.length);
      // As `foldedHash`, written out: the loop of a small function would bring V8's optimising
      // compiler into memory, 3 MB of it, before there is anything to serve.
      let h = name.length;
      for (let at = 0; at < name.length; at++) {
        h = (Math.imul(h, 31) + (name.charCodeAt(at) | 0x20)) | 0;
      }
      let i = (h ^ (h >>> 7)) & this.mask;
      for (let other = this.slots[i]; other !== undefined; other = this.slots[i]) {
        if (other.name === command.name) {
          throw new Error(`command ${command.fullName} is registered twice`);
        }
        i = (i + 1) & this.mask;
      }
      this.slots[i] = command;
    }
  }

  /**
   * Gives a command another name, or removes it with the name `''` (rename-command). Both names in
   * any case, as latin1 text. Returns why that cannot be, undefined when it is done. O(commands).
   */
  rename(from: string, to: string): string | undefined {
    const command = from.includes('|') ? undefined : this.byName(from);
    if (command === undefined) return 'No such command in rename-command';
    if (to === '') this.list = this.list.filter((each) => each !== command);
    else {
      const name = to.toLowerCase();
      const taken = this.list.some((each) => each !== command && each.name === name);
      if (taken) return 'Target command name already exists';
      command.name = name;
    }
    this.fillSlots();
    return undefined;
  }

  get size(): number {
    return this.list.length;
  }

  /** All commands, each followed by its subcommands. */
  *everyCommand(): Iterable<Command> {
    for (const command of this.list) {
      yield command;
      yield* command.subcommands?.list ?? [];
    }
  }

  [Symbol.iterator](): Iterator<Command> {
    return this.list[Symbol.iterator]();
  }

  /** The command named by a byte range, in any case; subcommands are not resolved. O(length). */
  lookup(buf: Uint8Array, off: number, len: number): Command | undefined {
    if (len > this.longestName) return undefined;
    let i = foldedHash(buf, off, len) & this.mask;
    for (;;) {
      const command = this.slots[i];
      if (command === undefined) return undefined;
      if (sameName(command.name, buf, off, len)) return command;
      i = (i + 1) & this.mask;
    }
  }

  /** The command that an argument vector runs: of a container the subcommand when it has it. */
  resolve(args: Args): Command | undefined {
    const command = this.lookup(args.buf, args.off[0]!, args.len[0]!);
    if (command === undefined || command.subcommands === undefined || args.argc < 2) return command;
    return command.subcommands.lookup(args.buf, args.off[1]!, args.len[1]!);
  }

  /** By name as text: `get`, `config|get`; any case. */
  byName(name: string): Command | undefined {
    const [first, second, ...rest] = name.split('|');
    if (rest.length > 0) return undefined;
    const bytes = Buffer.from(first ?? '', 'latin1');
    const command = this.lookup(bytes, 0, bytes.length);
    if (second === undefined || command === undefined) return command;
    const sub = Buffer.from(second, 'latin1');
    return command.subcommands?.lookup(sub, 0, sub.length);
  }
}

function foldedHash(buf: Uint8Array, off: number, len: number): number {
  let h = len;
  for (let i = 0; i < len; i++) h = (Math.imul(h, 31) + (buf[off + i]! | 0x20)) | 0;
  return h ^ (h >>> 7);
}

function sameName(name: string, buf: Uint8Array, off: number, len: number): boolean {
  if (name.length !== len) return false;
  for (let i = 0; i < len; i++) {
    let c = buf[off + i]!;
    if (c >= 65 && c <= 90) c += 32;
    if (c !== name.charCodeAt(i)) return false;
  }
  return true;
}
