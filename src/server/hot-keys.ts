/**
 * HOTKEYS: which keys take the most time and the most bytes, while somebody has asked for it.
 * `slow-calls.ts` and `call-sizes.ts` tell of every call then, and of none otherwise.
 *
 * What a call took is shared out equally among its keys. A table of keys is bounded: when it is
 * full the lesser half goes, so a key whose share is small may be shown with less than it had.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import { KeyList } from '../commands/key-list.ts';
import type { HotKeysOptions, HotKeysPort, HotKeysReport } from '../commands/ports/observation.ts';
import type { Args } from '../util/args.ts';
import { latin1 } from '../util/latin1.ts';

/** Keys in a table at most, and the bytes of their names. */
const TABLE_KEYS = 4096;
const TABLE_BYTES = 4 << 20;
/** Keys with longer names are left out. */
const NAME_BYTES = 64 << 10;

type Amount = readonly [key: string, amount: number];

/** The amounts of the keys that have the most. */
class TopKeys {
  private amounts = new Map<string, number>();
  private bytes = 0;

  /** Amortised O(log keys). */
  add(key: string, amount: number): void {
    const { amounts } = this;
    const before = amounts.get(key);
    amounts.set(key, (before ?? 0) + amount);
    if (before !== undefined) return;
    this.bytes += key.length;
    if (amounts.size > TABLE_KEYS || this.bytes > TABLE_BYTES) this.halve();
  }

  private halve(): void {
    const sorted = this.sorted();
    this.amounts = new Map();
    this.bytes = 0;
    for (const [key, amount] of sorted) {
      if (this.amounts.size >= TABLE_KEYS / 2) return;
      if (this.bytes + key.length > TABLE_BYTES / 2) return;
      this.amounts.set(key, amount);
      this.bytes += key.length;
    }
  }

  private sorted(): Amount[] {
    return [...this.amounts].sort((a, b) => b[1] - a[1]);
  }

  /** The `count` largest, in whole units; what is less than one is left out. */
  largest(count: number): Amount[] {
    const whole = this.sorted().map(([key, amount]) => [key, Math.round(amount)] as const);
    return whole.slice(0, count).filter(([, amount]) => amount > 0);
  }
}

/** One time of collecting, from START on. */
interface Collection {
  readonly options: HotKeysOptions;
  readonly byCpu: TopKeys | undefined;
  readonly byNet: TopKeys | undefined;
  readonly startMs: number;
  readonly cpuBefore: NodeJS.CpuUsage;
  readonly netBefore: number;
  micros: number;
  bytes: number;
  /** What it came to, once it is over. */
  end: End | undefined;
}

interface End {
  readonly ms: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly net: number;
}

export interface HotKeysParts {
  /** Wall clock in ms. */
  now(): number;
  /** Bytes that came and went over the network so far. */
  netBytes(): number;
  /** Collecting has begun or ended. */
  switched(): void;
}

export class HotKeys implements HotKeysPort {
  /** Whether calls are to be told of. */
  isActive = false;
  private readonly parts: HotKeysParts;
  private readonly keys = new KeyList();
  private collection: Collection | undefined = undefined;

  constructor(parts: HotKeysParts) {
    this.parts = parts;
  }

  start(options: HotKeysOptions): void {
    this.collection = {
      options,
      byCpu: options.cpu ? new TopKeys() : undefined,
      byNet: options.net ? new TopKeys() : undefined,
      startMs: this.parts.now(),
      cpuBefore: process.cpuUsage(),
      netBefore: this.parts.netBytes(),
      micros: 0,
      bytes: 0,
      end: undefined,
    };
    this.isActive = true;
    this.parts.switched();
  }

  stop(): boolean {
    const { collection } = this;
    if (collection === undefined) return false;
    if (this.isActive) this.end(collection, this.parts.now());
    return true;
  }

  reset(): void {
    this.stop();
    this.collection = undefined;
  }

  private end(collection: Collection, ms: number): void {
    collection.end = this.soFar(collection, ms);
    this.isActive = false;
    this.parts.switched();
  }

  private soFar({ cpuBefore, netBefore }: Collection, ms: number): End {
    return { ms, cpu: process.cpuUsage(cpuBefore), net: this.parts.netBytes() - netBefore };
  }

  /** Ends what has gone on for as long as it was to. */
  checkDuration(): void {
    const { collection } = this;
    if (!this.isActive || collection === undefined) return;
    const { durationMs } = collection.options;
    const untilMs = collection.startMs + durationMs;
    if (durationMs > 0 && this.parts.now() >= untilMs) this.end(collection, untilMs);
  }

  /** A call took so long, ms. Only while `isActive`. */
  timed(command: Command, args: Args, ms: number): void {
    const collection = this.collectionFor(command);
    if (collection === undefined) return;
    collection.micros += ms * 1000;
    this.share(collection, collection.byCpu, command, args, ms * 1000);
  }

  /** A call came and was answered in so many bytes. Only while `isActive`. */
  measured(command: Command, args: Args, bytes: number): void {
    const collection = this.collectionFor(command);
    if (collection === undefined) return;
    collection.bytes += bytes;
    this.share(collection, collection.byNet, command, args, bytes);
  }

  private collectionFor(command: Command): Collection | undefined {
    this.checkDuration();
    // What EXEC ran is told of by itself.
    if (!this.isActive || (command.flagBits & Flag.commits) !== 0) return undefined;
    return this.collection;
  }

  private share(
    { options }: Collection,
    table: TopKeys | undefined,
    command: Command,
    args: Args,
    amount: number,
  ): void {
    if (table === undefined || command.keys === undefined) return;
    if (options.sample > 1 && Math.random() * options.sample >= 1) return;
    const { keys } = this;
    keys.clear();
    command.keys.find(args, keys);
    for (let i = 0; i < keys.count; i++) {
      const at = keys.at[i]!;
      const length = args.len[at]!;
      if (length > NAME_BYTES) continue;
      table.add(latin1(args.buf, args.off[at]!, length), amount / keys.count);
    }
  }

  report(): HotKeysReport | undefined {
    this.checkDuration();
    const { collection } = this;
    if (collection === undefined) return undefined;
    const { options, startMs } = collection;
    const { ms, cpu, net } = collection.end ?? this.soFar(collection, this.parts.now());
    return {
      isActive: this.isActive,
      sample: options.sample,
      allMicros: Math.round(collection.micros),
      allBytes: collection.bytes,
      startMs,
      durationMs: Math.max(0, ms - startMs),
      userMs: Math.round(cpu.user / 1000),
      systemMs: Math.round(cpu.system / 1000),
      netBytes: net,
      byCpu: collection.byCpu?.largest(options.count),
      byNet: collection.byNet?.largest(options.count),
    };
  }
}
