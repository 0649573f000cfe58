/**
 * The journal of effects: whatever changes data leaves here as a command line with the same effect
 * on a copy of the data, exactly once and in order. The append-only file, replicas and change
 * streams are its readers; handlers know none of them.
 *
 * What one top-level command causes is one unit: the removals it met (expired keys), then its own
 * effect or the lines its handler put in its place; for EXEC and scripts those of all that ran in
 * it. A unit reaches the readers as a whole when it ends. Lines are deterministic: absolute times,
 * chosen members, final numbers. Nothing is encoded while nobody reads.
 *
 * Lines lie in one buffer, each a run of RESP bulk strings (`$<length>\r\n<bytes>\r\n`) without the
 * array header in front, which the reader writes: it must add SELECT, MULTI and EXEC anyway.
 * Source of the forms: replication stream and append-only file of redis-server 7.0.15.
 */
import type { Args } from '../util/args.ts';
import { copyBytes } from '../util/bytes.ts';

/** Who gets a line. */
export const Target = { file: 1, replicas: 2, all: 3 } as const;

/** The lines of one unit; valid during `JournalReader.unit` only. */
export interface EffectUnit {
  /** Number of lines, at least 1. */
  readonly count: number;
  /** The arguments of all lines as RESP bulk strings. */
  readonly buf: Uint8Array;
  /** Whether the lines must take effect together: several lines that are not mere removals. */
  readonly isAtomic: boolean;
  /** Where line i begins in `buf`; it ends where line i + 1 begins (`start(count)` is the end). */
  start(i: number): number;
  /** Number of arguments of line i. */
  argc(i: number): number;
  /** Database that line i is about. */
  dbIndex(i: number): number;
  /** Who gets line i, bits of `Target`. */
  targets(i: number): number;
}

/** Somebody who follows all effects. */
export interface JournalReader {
  /** One unit, in the order of effects. Must not change data, must not throw. */
  unit(unit: EffectUnit): void;
}

/** A line being built: append its arguments one after the other. */
export interface EffectLine {
  /** Argument i of a request. */
  argument(args: Args, i: number): EffectLine;
  /** Arguments from i up to but not including `end`. */
  argumentsFrom(args: Args, i: number, end: number): EffectLine;
  /** ASCII (latin1) text. */
  text(text: string): EffectLine;
  integer(value: number | bigint): EffectLine;
  bytes(buf: Uint8Array, off: number, len: number): EffectLine;
}

const FIRST_BYTES = 16 * 1024;
/** A buffer that grew beyond this is given up when its unit has ended. */
const KEPT_BYTES = 1024 * 1024;
const FIRST_LINES = 64;
/** Words of a line in `lines`: where it begins, its number of arguments, database, targets. */
const START = 0;
const ARGC = 1;
const DB = 2;
const TARGETS = 3;
const LINE_WORDS = 4;
/** `$`, at most 10 digits and two line ends. */
const BULK_OVERHEAD = 16;
/** Fewer bytes than this are copied faster by a loop than by a call (measured on Node 20). */
const BULKS_LOOP_MAX = 96;
/** Longest argument whose header `bulksStart` reads. */
const SHORT_MAX = 99;
const DOLLAR = 36;
const ZERO = 48;
const CR = 13;
const LF = 10;

/**
 * Where the arguments begin if they lie one behind the other as RESP bulk strings, as a client has
 * sent them; -1 when they do not, or one is long. O(argc).
 */
function bulksStart({ argc, buf, len, off }: Args): number {
  let next = -1;
  let start = -1;
  for (let i = 0; i < argc; i++) {
    const length = len[i]!;
    if (length > SHORT_MAX) return -1;
    const at = off[i]! - (length < 10 ? 4 : 5);
    if (at < 0 || (i > 0 && at !== next) || buf[at] !== DOLLAR) return -1;
    const digits = off[i]! - 3;
    if (length > 9 && buf[at + 1] !== ZERO + ((length / 10) | 0)) return -1;
    if (buf[digits] !== ZERO + (length % 10)) return -1;
    if (buf[digits + 1] !== CR || buf[digits + 2] !== LF) return -1;
    const end = off[i]! + length;
    if (buf[end] !== CR || buf[end + 1] !== LF) return -1;
    if (i === 0) start = at;
    next = end + 2;
  }
  return start;
}

export class Journal implements EffectUnit, EffectLine {
  /** Whether anybody reads; while false nothing is noted. */
  isRead = false;
  /** Who gets the lines that are written now; scripts may leave some out (redis.set_repl). */
  audience: number = Target.all;
  /** The command that removes an expired key: DEL, or UNLINK (lazyfree-lazy-expire). */
  removalOfExpired: 'DEL' | 'UNLINK' = 'DEL';
  /** The command that removes an evicted key: DEL, or UNLINK (lazyfree-lazy-eviction). */
  removalOfEvicted: 'DEL' | 'UNLINK' = 'DEL';
  count = 0;
  buf: Uint8Array;
  isAtomic = false;
  /** Where lines are built; `buf` is another one while the only line is where its client put it. */
  private own = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private pos = 0;
  private lines = new Float64Array(FIRST_LINES * LINE_WORDS);
  private readers: readonly JournalReader[] = [];

  constructor() {
    this.buf = this.own;
  }

  /** Adds a reader; it gets the units that end from now on. */
  add(reader: JournalReader): void {
    this.readers = [...this.readers, reader];
    this.isRead = true;
  }

  remove(reader: JournalReader): void {
    this.readers = this.readers.filter((other) => other !== reader);
    this.isRead = this.readers.length > 0;
  }

  // ---- writing -----------------------------------------------------------------------------

  /** Begins a line of the present unit. Call only while `isRead`. */
  line(dbIndex: number, name: string, targets: number = Target.all): EffectLine {
    this.beginLine(dbIndex, targets);
    return this.text(name);
  }

  /**
   * A whole command line as a client sent it. Call only while `isRead`. O(bytes); less when the
   * arguments `stay` where they are until the unit ends or gets another line: readers read them
   * there.
   */
  command(dbIndex: number, args: Args, targets: number = Target.all, stay = false): void {
    this.beginLine(dbIndex, targets);
    const start = bulksStart(args);
    if (start < 0) this.argumentsFrom(args, 0, args.argc);
    else if (stay && this.count === 1) {
      const last = args.argc - 1;
      this.buf = args.buf;
      this.lines[START] = start;
      this.lines[ARGC] = args.argc;
      this.pos = args.off[last]! + args.len[last]! + 2;
    } else {
      const last = args.argc - 1;
      this.bulks(args.buf, start, args.off[last]! + args.len[last]! + 2 - start, args.argc);
    }
  }

  argument(args: Args, i: number): EffectLine {
    return this.bytes(args.buf, args.off[i]!, args.len[i]!);
  }

  argumentsFrom(args: Args, i: number, end: number): EffectLine {
    for (let k = i; k < end; k++) this.bytes(args.buf, args.off[k]!, args.len[k]!);
    return this;
  }

  text(text: string): EffectLine {
    this.beginBulk(text.length);
    this.pos += this.own.write(text, this.pos, 'latin1');
    return this.endBulk();
  }

  integer(value: number | bigint): EffectLine {
    return this.text(String(value));
  }

  bytes(from: Uint8Array, off: number, len: number): EffectLine {
    this.beginBulk(len);
    const { own, pos } = this;
    copyBytes(from, off, own, pos, len);
    this.pos = pos + len;
    return this.endBulk();
  }

  /**
   * Ends the present unit: the readers get it. `loose` lines need not take effect together (what a
   * command met that touches arbitrary keys). Nothing happens when the unit is empty. O(readers).
   */
  endUnit(loose = false): void {
    if (this.count === 0) return;
    this.isAtomic = this.count > 1 && !loose;
    // The end of the last line, where `start` looks for it.
    this.lineRoom();
    this.lines[this.count * LINE_WORDS + START] = this.pos;
    for (const reader of this.readers) reader.unit(this);
    this.count = 0;
    this.pos = 0;
    if (this.own.length > KEPT_BYTES) this.own = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.buf = this.own;
    if (this.lines.length > KEPT_BYTES) this.lines = new Float64Array(FIRST_LINES * LINE_WORDS);
  }

  // ---- reading (EffectUnit) ----------------------------------------------------------------

  start(i: number): number {
    return this.lines[i * LINE_WORDS + START]!;
  }

  argc(i: number): number {
    return this.lines[i * LINE_WORDS + ARGC]!;
  }

  dbIndex(i: number): number {
    return this.lines[i * LINE_WORDS + DB]!;
  }

  targets(i: number): number {
    return this.lines[i * LINE_WORDS + TARGETS]!;
  }

  // ---- inside ------------------------------------------------------------------------------

  private beginLine(dbIndex: number, targets: number): void {
    this.lineRoom();
    if (this.buf !== this.own) this.takeIn();
    const at = this.count * LINE_WORDS;
    const { lines } = this;
    lines[at + START] = this.pos;
    lines[at + ARGC] = 0;
    lines[at + DB] = dbIndex;
    lines[at + TARGETS] = targets & this.audience;
    this.count++;
  }

  /** The only line was left where its client put it: it is needed here. */
  private takeIn(): void {
    const { buf, pos } = this;
    const start = this.lines[START]!;
    this.buf = this.own;
    this.pos = 0;
    this.lines[START] = 0;
    this.makeRoom(pos - start);
    this.own.set(buf.subarray(start, pos));
    this.pos = pos - start;
  }

  /** Makes room for one more line. */
  private lineRoom(): void {
    if ((this.count + 1) * LINE_WORDS <= this.lines.length) return;
    const lines = new Float64Array(this.lines.length * 2);
    lines.set(this.lines);
    this.lines = lines;
  }

  /** Appends `argc` arguments that lie there as RESP bulk strings already. */
  private bulks(from: Uint8Array, off: number, length: number, argc: number): void {
    this.lines[(this.count - 1) * LINE_WORDS + ARGC] = argc;
    this.makeRoom(length);
    const { own, pos } = this;
    if (length < BULKS_LOOP_MAX) for (let i = 0; i < length; i++) own[pos + i] = from[off + i]!;
    else own.set(from.subarray(off, off + length), pos);
    this.pos = pos + length;
  }

  private beginBulk(length: number): void {
    this.lines[(this.count - 1) * LINE_WORDS + ARGC]!++;
    this.makeRoom(length + BULK_OVERHEAD);
    const buf = this.own;
    let at = this.pos;
    buf[at++] = 36; // $
    if (length < 10) buf[at++] = 48 + length;
    else at += buf.write(String(length), at, 'latin1');
    buf[at] = 13;
    buf[at + 1] = 10;
    this.pos = at + 2;
  }

  private makeRoom(bytes: number): void {
    const need = this.pos + bytes;
    if (need <= this.own.length) return;
    const own = Buffer.allocUnsafeSlow(Math.max(need, this.own.length * 2));
    own.set(this.own.subarray(0, this.pos));
    this.own = own;
    this.buf = own;
  }

  private endBulk(): EffectLine {
    const { own, pos } = this;
    own[pos] = 13;
    own[pos + 1] = 10;
    this.pos = pos + 2;
    return this;
  }
}
