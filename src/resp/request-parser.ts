/**
 * The request parser: RESP arrays of bulk strings, and inline commands, from chunks of a receive
 * buffer that is reused. Complete commands are parsed in place; only the tail of an unfinished one
 * is copied into a buffer of the connection's own, and parsing goes on where it stopped, so a
 * command costs O(its bytes) however it is cut. What a client announces allocates nothing; what
 * has arrived does.
 *
 * Limits and texts as redis-server 7.0.15 (networking.c, behaviour).
 *
 *     parser.push(chunk, 0, n);
 *     while ((r = parser.next(args)) === ParseResult.request) use(args);      // views!
 *     parser.detach();        // before the next chunk
 */
import { Args } from '../util/args.ts';
import { EMPTY_BYTES } from '../util/bytes.ts';
import { latin1 } from '../util/latin1.ts';
import { readWordsOf } from '../util/word-view.ts';
import { SplitError, splitInto } from './inline.ts';

export const ParseResult = { more: 0, request: 1, error: 2 } as const;
export type ParseResult = (typeof ParseResult)[keyof typeof ParseResult];

/** Limits shared by all parsers of a server; the server changes them while running. */
export interface ParserLimits {
  /** proto-max-bulk-len. */
  maxBulkBytes: number;
}

export const defaultParserLimits: Readonly<ParserLimits> = { maxBulkBytes: 512 * 1024 * 1024 };

const LF = 10;
const CR = 13;
const STAR = 42;
const DOLLAR = 36;
/** Longest inline command, and longest header line. */
const LINE_MAX = 64 * 1024;
const INT32_MAX = 2147483647;
/** Room for a bulk is made for so many times what has arrived of it. */
const AHEAD = 16;
const UNAUTHENTICATED_ARGS = 10;
const UNAUTHENTICATED_BULK = 16384;
const noArgs = new Args(EMPTY_BYTES, 1);

export class RequestParser {
  /** The arguments of the request that `next` found last. */
  args: Args;
  /** Why `next` said error, without the leading `ERR `. */
  error = '';
  /** Lines so far that were no RESP array with arguments: inline requests, empty ones. */
  linesOutsideArrays = 0;
  /** Requests so far that were inline. */
  inlineRequests = 0;
  /** Stricter limits apply until the client has authenticated. */
  authenticated = true;
  private readonly limits: ParserLimits;
  private buf: Uint8Array = EMPTY_BYTES;
  private pos = 0;
  private end = 0;
  /** Whether `buf` is this parser's own. */
  private owned = false;
  /** Where the unfinished command begins in `buf`. */
  private start = 0;
  /** Arguments still to come of the unfinished command; -1 outside a command. */
  private missing = -1;
  /** Length of the bulk whose bytes are awaited; -1: its header is awaited. */
  private bulk = -1;
  /** Offsets, relative to `start`, and lengths of the arguments that earlier chunks brought. */
  private saved: Int32Array | undefined;
  private savedCount = 0;
  /** How far a line end was searched in vain. */
  private scanned = 0;

  constructor(limits: ParserLimits = defaultParserLimits) {
    this.args = noArgs;
    this.limits = limits;
  }

  /** Bytes received that are not part of a finished request. */
  get bufferedBytes(): number {
    return this.end - this.start;
  }

  /** Bytes of the buffers that this parser has of its own, for what is unfinished. */
  get ownBytes(): number {
    return (this.owned ? this.buf.length : 0) + (this.saved?.byteLength ?? 0);
  }

  /** Bytes of its buffer that are not used. */
  get freeBytes(): number {
    return this.owned ? this.buf.length - (this.end - this.start) : 0;
  }

  /** The beginning of what is unfinished, as latin1 text of at most `max` characters. */
  beginning(max: number): string {
    return latin1(this.buf, this.start, Math.min(max, this.end - this.start));
  }

  /** A chunk arrived: `chunk[from .. to)`, valid until `detach`. */
  push(chunk: Uint8Array, from: number, to: number): void {
    if (this.end === this.start) {
      this.buf = chunk;
      this.owned = false;
      this.pos = from + (this.pos - this.start);
      this.scanned = from;
      this.start = from;
      this.end = to;
      readWordsOf(chunk);
      return;
    }
    this.append(chunk, from, to);
  }

  /**
   * Reads the next request into `args`, if a whole one is there. Several may be read ahead into
   * vectors of their own: all stay valid until `detach`. After `error` close the connection.
   */
  next(args: Args): ParseResult {
    this.args = args;
    for (;;) {
      if (this.missing < 0) {
        if (this.pos >= this.end) {
          this.dropConsumed();
          return ParseResult.more;
        }
        this.start = this.pos;
        if (this.scanned < this.pos) this.scanned = this.pos;
        this.args.clear();
        this.savedCount = 0;
        const begun = this.buf[this.pos] === STAR ? this.beginArray() : this.inline();
        if (begun === AGAIN) continue;
        if (begun !== BEGUN) return begun as ParseResult;
      } else this.args.clear();
      const result = this.readArguments();
      if (result === ParseResult.more) this.saveArgs();
      else if (result === ParseResult.request) {
        if (this.savedCount > 0) this.joinArgs();
        this.start = this.pos;
      }
      return result;
    }
  }

  /** Ends the use of the pushed chunk: what is unfinished is copied. */
  detach(): void {
    if (this.owned || this.end === this.start) {
      if (this.end === this.start) this.dropConsumed();
      return;
    }
    const length = this.end - this.start;
    const own = new Uint8Array(Math.max(length, 1024));
    own.set(this.buf.subarray(this.start, this.end));
    this.rebase(own, length);
  }

  // ---- inside ------------------------------------------------------------------------------

  private rebase(buf: Uint8Array, length: number): void {
    this.pos -= this.start;
    this.scanned = this.scanned > this.start ? this.scanned - this.start : 0;
    this.start = 0;
    this.end = length;
    this.buf = buf;
    this.owned = true;
  }

  private append(chunk: Uint8Array, from: number, to: number): void {
    const held = this.end - this.start;
    const need = held + (to - from);
    if (!this.owned || this.end + (to - from) > this.buf.length) {
      // Grows by what has arrived. A bulk that much of is there gets its room at once: of memory
      // that is not written to the system gives nothing away, while a copy touches all of it.
      let size = need * 2;
      const wanted = this.bulk >= 0 ? this.pos - this.start + this.bulk + 2 : 0;
      if (wanted >= need && wanted < need * AHEAD) size = wanted;
      const fits = this.owned && this.start > 0 && size <= this.buf.length;
      const target = fits ? this.buf : new Uint8Array(size);
      if (fits) target.copyWithin(0, this.start, this.end);
      else target.set(this.buf.subarray(this.start, this.end));
      this.rebase(target, held);
    }
    this.buf.set(chunk.subarray(from, to), this.end);
    this.end += to - from;
  }

  private dropConsumed(): void {
    this.pos = 0;
    this.start = 0;
    this.end = 0;
    this.scanned = 0;
    this.buf = EMPTY_BYTES;
    this.owned = false;
    if (this.saved !== undefined && this.saved.length > 64) this.saved = undefined;
  }

  /** `*<n>\r\n`. */
  private beginArray(): number {
    const eol = this.findLineEnd();
    if (eol < 0) {
      if (this.end - this.pos > LINE_MAX) return this.fail('too big mbulk count string');
      return ParseResult.more;
    }
    const count = this.lineNumber(this.pos + 1, eol);
    if (!(count <= INT32_MAX)) return this.fail('invalid multibulk length');
    if (count > UNAUTHENTICATED_ARGS && !this.authenticated) {
      return this.fail('unauthenticated multibulk length');
    }
    this.pos = eol + 2;
    if (count <= 0) {
      this.linesOutsideArrays++;
      return AGAIN;
    }
    this.missing = count;
    this.bulk = -1;
    return BEGUN;
  }

  /** `$<n>\r\n<bytes>\r\n`, as many as are missing. Long for being one loop: the hot path. */
  private readArguments(): ParseResult {
    const { buf, end, args } = this;
    let { pos, missing } = this;
    while (missing > 0) {
      let length = this.bulk;
      if (length < 0) {
        // The short header `$d\r\n` or `$dd\r\n` first; everything else the careful way.
        if (pos + 5 <= end && buf[pos] === DOLLAR) {
          const d = buf[pos + 1]! - 48;
          if (d >= 0 && d <= 9) {
            if (buf[pos + 2] === CR) {
              length = d;
              pos += 4;
            } else {
              const d2 = buf[pos + 2]! - 48;
              if (d !== 0 && d2 >= 0 && d2 <= 9 && buf[pos + 3] === CR) {
                length = d * 10 + d2;
                pos += 5;
              }
            }
          }
        }
        if (length < 0) {
          this.pos = pos;
          length = this.bulkHeader();
          if (length < 0) {
            this.missing = missing;
            return length === MORE ? ParseResult.more : ParseResult.error;
          }
          pos = this.pos;
        }
      }
      if (pos + length + 2 > end) {
        this.bulk = length;
        this.pos = pos;
        this.missing = missing;
        return ParseResult.more;
      }
      args.push(pos, length);
      pos += length + 2;
      this.bulk = -1;
      missing--;
    }
    this.pos = pos;
    this.missing = -1;
    args.buf = buf;
    return ParseResult.request;
  }

  /** Reads a bulk's header the general way; MORE, FAILED, or its length with `pos` after it. */
  private bulkHeader(): number {
    const { buf, pos } = this;
    const eol = this.findLineEnd();
    if (eol < 0) {
      if (this.end - pos > LINE_MAX) {
        this.fail('too big bulk count string');
        return FAILED;
      }
      return MORE;
    }
    if (buf[pos] !== DOLLAR) {
      this.fail(`expected '$', got '${String.fromCharCode(buf[pos]!)}'`);
      return FAILED;
    }
    const length = this.lineNumber(pos + 1, eol);
    if (!(length >= 0 && length <= this.limits.maxBulkBytes)) {
      this.fail('invalid bulk length');
      return FAILED;
    }
    if (length > UNAUTHENTICATED_BULK && !this.authenticated) {
      this.fail('unauthenticated bulk length');
      return FAILED;
    }
    this.pos = eol + 2;
    return length;
  }

  private inline(): number {
    const { buf } = this;
    let eol = this.scanned;
    while (eol < this.end && buf[eol] !== LF) eol++;
    if (eol >= this.end) {
      this.scanned = eol;
      if (this.end - this.pos > LINE_MAX) return this.fail('too big inline request');
      return ParseResult.more;
    }
    this.linesOutsideArrays++;
    const last = eol > this.pos && buf[eol - 1] === CR ? eol - 1 : eol;
    const from = this.pos;
    this.pos = eol + 1;
    this.start = this.pos;
    try {
      splitInto(this.args, buf, from, last);
    } catch (error) {
      if (!(error instanceof SplitError)) throw error;
      return this.fail('unbalanced quotes in request');
    }
    if (this.args.argc === 0) return AGAIN;
    this.inlineRequests++;
    return ParseResult.request;
  }

  /** Position of the CR that ends the line at `pos`, when its LF has arrived too; else -1. */
  private findLineEnd(): number {
    const { buf, end } = this;
    let i = Math.max(this.scanned, this.pos);
    while (i < end && buf[i] !== CR) i++;
    this.scanned = i;
    return i + 1 < end ? i : -1;
  }

  /** The integer in `buf[from .. to)`, strictly written; NaN when it is none. */
  private lineNumber(from: number, to: number): number {
    const { buf } = this;
    const negative = buf[from] === 45;
    let i = negative ? from + 1 : from;
    if (i >= to || to - i > 15) return Number.NaN;
    if (buf[i] === 48 && (to - i > 1 || negative)) return Number.NaN;
    let n = 0;
    for (; i < to; i++) {
      const d = buf[i]! - 48;
      if (d < 0 || d > 9) return Number.NaN;
      n = n * 10 + d;
    }
    return negative ? -n : n;
  }

  private fail(reason: string): ParseResult {
    this.error = `Protocol error: ${reason}`;
    return ParseResult.error;
  }

  /** Appends what `args` holds to `saved`: `args` serves other parsers until more arrives. */
  private saveArgs(): void {
    const { args, start } = this;
    if (args.argc === 0) return;
    let at = this.savedCount * 2;
    const need = at + args.argc * 2;
    if (this.saved === undefined || this.saved.length < need) {
      const bigger = new Int32Array(need < 32 ? 32 : need * 2);
      if (this.saved !== undefined) bigger.set(this.saved.subarray(0, at));
      this.saved = bigger;
    }
    for (let i = 0; i < args.argc; i++) {
      this.saved[at++] = args.off[i]! - start;
      this.saved[at++] = args.len[i]!;
    }
    this.savedCount += args.argc;
    args.clear();
  }

  /** The command is complete: `args` becomes what was saved and what it holds itself. */
  private joinArgs(): void {
    this.saveArgs();
    const { args, saved, start } = this;
    args.reserve(this.savedCount);
    for (let i = 0; i < this.savedCount; i++) {
      args.push(saved![i * 2]! + start, saved![i * 2 + 1]!);
    }
  }
}

/** Results of the inner steps, in addition to those of `next`. */
const BEGUN = -1;
const AGAIN = -2;
const MORE = -1;
const FAILED = -2;
