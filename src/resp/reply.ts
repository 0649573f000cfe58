/**
 * The reply writer: RESP3 vocabulary into one growing buffer, in RESP2 form where the client
 * speaks that. Handlers never ask for the version. One Reply serves a whole server; the transport
 * sends `buf[0 .. pos)`.
 *
 * It allocates nothing per reply but when the buffer must grow. What a handler wrote before it
 * failed is taken back with `rollback`. A reply past `limit` throws `errors.replyTooLarge`.
 * Source: the RESP2 and RESP3 specifications.
 */
import { DOLLAR, putHeader, putShortBulk, SHORT_TEXT } from '../util/bulk-text.ts';
import { errors } from '../util/errors.ts';
import { formatDouble17g, intLength, writeInt } from '../util/numbers.ts';

const INITIAL_BYTES = 64 * 1024;
/**
 * A buffer that grew past this is given up after its reply. It is more than the replies of one turn
 * may take together (`Output`): a buffer that is given up every turn grows, and is copied, anew.
 */
const KEEP_BYTES = 1024 * 1024;
/** Calls of `settle` that a larger buffer outlives its reply by, where buffers are held. */
const HELD_TICKS = 2;
/** What one write to the kernel takes at most; the longest string fits. */
const LIMIT_BYTES = 0x7fffffff;
const CR = 13;
const LF = 10;

const OK = Buffer.from('+OK\r\n');
const PONG = Buffer.from('+PONG\r\n');
const QUEUED = Buffer.from('+QUEUED\r\n');
const NULL2 = Buffer.from('$-1\r\n');
const NULL3 = Buffer.from('_\r\n');
const NULL_ARRAY2 = Buffer.from('*-1\r\n');

const STAR = 42;
const COLON = 58;
const COMMA = 44;
const PERCENT = 37;
const TILDE = 126;
const GREATER = 62;
const PIPE = 124;
const EQUALS = 61;

/** The header of an array that is on its way to the front. */
const header = new Uint8Array(16);
/** Fewer bytes are moved by a loop. */
const MOVE_LOOP_MAX = 64;

export class Reply {
  /** Allocated outside Node's buffer pool: the transport may hand it to the kernel. */
  buf: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** Bytes written so far. */
  pos = 0;
  /** The protocol version that the present client speaks. */
  version: 2 | 3 = 2;
  /** The buffer, to write four bytes at a time. */
  view = viewOf(this.buf);
  /** Where the buffer ends, or `limit` before that; whoever writes into it stops there. */
  room = INITIAL_BYTES;
  /** Told of large buffers that are given up. */
  onDropped: ((buffer: ArrayBufferLike) => void) | undefined = undefined;
  /**
   * Buffers up to this outlive their reply until `settle` has been called some times since: one
   * large reply seldom comes alone, and pages of a new buffer cost more than what is written there.
   */
  holdBytes = KEEP_BYTES;
  private ticksSinceLarge = 0;
  private most = LIMIT_BYTES;

  /** Bytes that it holds at most; only errors, constants and messages go past it. */
  get limit(): number {
    return this.most;
  }

  set limit(bytes: number) {
    this.most = bytes;
    this.room = Math.min(bytes, this.buf.length);
  }

  // ---- simple values -----------------------------------------------------------------------

  ok(): void {
    this.raw(OK);
  }

  pong(): void {
    this.raw(PONG);
  }

  queued(): void {
    this.raw(QUEUED);
  }

  /** A simple string; `text` is ASCII without line ends. */
  simple(text: string): void {
    this.line('+', text);
  }

  /**
   * An error: `line` is its code, a space and its text. Line ends at its end are left out, others
   * become spaces.
   */
  error(line: string): void {
    let end = line.length;
    while (end > 0 && isLineEnd(line.charCodeAt(end - 1))) end--;
    this.line('-', end === line.length ? line : line.slice(0, end));
  }

  /** An integer within +-2^53. */
  int(value: number): void {
    this.header(COLON, value);
  }

  /** An integer of 64 bits. */
  bigint(value: bigint): void {
    this.line(':', value.toString());
  }

  /** A bulk string: the bytes `buf[off .. off + len)`. O(len). */
  bulk(buf: Uint8Array, off: number, len: number): void {
    if (this.pos + len + 32 > this.room) this.reserve(len + 32);
    if (len < SHORT_TEXT) {
      this.pos = putShortBulk(this.buf, this.pos, buf, off, len);
      return;
    }
    const out = this.buf;
    let p = this.putHeader(DOLLAR, len);
    out.set(buf.subarray(off, off + len), p);
    p += len;
    out[p] = CR;
    out[p + 1] = LF;
    this.pos = p + 2;
  }

  /** A bulk string of a whole buffer. */
  bytes(value: Uint8Array): void {
    this.bulk(value, 0, value.length);
  }

  /** A bulk string in UTF-8. */
  bulkString(text: string): void {
    this.text(text, 'utf8');
  }

  /** A bulk string with one byte for each character. */
  bulkLatin1(text: string): void {
    this.text(text, 'latin1');
  }

  null(): void {
    this.raw(this.version === 3 ? NULL3 : NULL2);
  }

  nullArray(): void {
    this.raw(this.version === 3 ? NULL3 : NULL_ARRAY2);
  }

  /** A double: the text that redis-server 7.0.15 prints for it. */
  double(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.doubleText(formatDouble17g(value));
      return;
    }
    if (this.version === 3) {
      this.header(COMMA, value);
      return;
    }
    this.reserve(64);
    const p = this.putHeader(DOLLAR, intLength(value));
    const end = writeInt(this.buf, p, value);
    this.buf[end] = CR;
    this.buf[end + 1] = LF;
    this.pos = end + 2;
  }

  /** A double whose text is known. */
  doubleText(text: string): void {
    if (this.version === 3) this.line(',', text);
    else this.bulkLatin1(text);
  }

  bool(value: boolean): void {
    if (this.version === 3) this.line('#', value ? 't' : 'f');
    else this.int(value ? 1 : 0);
  }

  /** Text with a three-letter format: `txt`, `mkd`. */
  verbatim(format: string, text: string): void {
    if (this.version === 2) {
      this.bulkString(text);
      return;
    }
    const length = Buffer.byteLength(text, 'utf8') + 4;
    this.reserve(length + 32);
    this.pos = this.putHeader(EQUALS, length);
    this.pos += this.buf.write(`${format}:${text}\r\n`, this.pos, 'utf8');
  }

  /** Bytes of a text with one byte for each character, as they are: part of a longer text. */
  appendLatin1(text: string): void {
    this.reserve(text.length);
    this.pos += this.buf.write(text, this.pos, 'latin1');
  }

  /** Makes what was written since `mark` a text, as `verbatim` does. O(bytes since `mark`). */
  endVerbatim(mark: number, format: string): void {
    const end = this.pos;
    this.reserve(48);
    if (this.version === 2) this.pos = this.putHeader(DOLLAR, end - mark);
    else {
      this.pos = this.putHeader(EQUALS, end - mark + 4);
      this.pos += this.buf.write(`${format}:`, this.pos, 'latin1');
    }
    this.moveBefore(mark, end);
    this.buf[this.pos++] = CR;
    this.buf[this.pos++] = LF;
  }

  bigNumber(digits: string): void {
    if (this.version === 3) this.line('(', digits);
    else this.bulkLatin1(digits);
  }

  // ---- aggregates: the header; as many elements must follow ----------------------------------

  array(length: number): void {
    this.header(STAR, length);
  }

  /** `pairs` keys, each followed by its value. */
  map(pairs: number): void {
    if (this.version === 3) this.header(PERCENT, pairs);
    else this.header(STAR, pairs * 2);
  }

  /**
   * `count` pairs that are no map (a member and its score), each begun by `pair`: arrays of two in
   * RESP3, one flat array in RESP2.
   */
  pairs(count: number): void {
    this.header(STAR, this.version === 3 ? count : count * 2);
  }

  /** Begins a pair of `pairs`: its two elements must follow. */
  pair(): void {
    if (this.version === 3) this.header(STAR, 2);
  }

  set(length: number): void {
    this.header(this.version === 3 ? TILDE : STAR, length);
  }

  push(length: number): void {
    this.header(this.version === 3 ? GREATER : STAR, length);
  }

  /** RESP3 only: `pairs` of attributes before the reply proper. */
  attribute(pairs: number): void {
    this.header(PIPE, pairs);
  }

  /**
   * Begins an array whose length is not known yet; `endArray` with the result writes its header
   * in front of what was written since. They may be nested.
   */
  beginDeferred(): number {
    return this.pos;
  }

  /** Ends a deferred array; may be called again for one around it. O(bytes since `mark`). */
  endArray(mark: number, length: number): void {
    this.insertHeader(mark, STAR, length);
  }

  endSet(mark: number, length: number): void {
    this.insertHeader(mark, this.version === 3 ? TILDE : STAR, length);
  }

  /** Puts a bulk string of ASCII text before what was written since `mark`. O(bytes since). */
  insertBulk(mark: number, text: string): void {
    const end = this.pos;
    this.bulkLatin1(text);
    this.moveBefore(mark, end);
  }

  endMap(mark: number, pairs: number): void {
    if (this.version === 3) this.insertHeader(mark, PERCENT, pairs);
    else this.insertHeader(mark, STAR, pairs * 2);
  }

  /**
   * Ends a map whose pairs, each begun by `nestedPair`, are arrays of two in RESP2, not flat: the
   * form of XREAD. O(bytes since `mark`).
   */
  endNestedMap(mark: number, pairs: number): void {
    this.insertHeader(mark, this.version === 3 ? PERCENT : STAR, pairs);
  }

  /** Begins a pair that `endNestedMap` will count: its key and value must follow. */
  nestedPair(): void {
    if (this.version === 2) this.header(STAR, 2);
  }

  // ---- the buffer --------------------------------------------------------------------------

  /** Bytes that are a reply already. */
  raw(bytes: Uint8Array): void {
    const n = bytes.length;
    this.ensure(this.pos + n);
    const out = this.buf;
    const p = this.pos;
    if (n < SHORT_TEXT) for (let i = 0; i < n; i++) out[p + i] = bytes[i]!;
    else out.set(bytes, p);
    this.pos = p + n;
  }

  /** As `raw`, of the range [off, off + len) of a buffer. */
  append(from: Uint8Array, off: number, len: number): void {
    this.ensure(this.pos + len);
    const out = this.buf;
    const p = this.pos;
    if (len < SHORT_TEXT) for (let i = 0; i < len; i++) out[p + i] = from[off + i]!;
    else out.set(from.subarray(off, off + len), p);
    this.pos = p + len;
  }

  /** Puts replies or messages, complete as they are, before what was written since `mark`. */
  insertRaw(mark: number, pieces: readonly Uint8Array[]): void {
    const after = this.pos > mark ? Buffer.from(this.buf.subarray(mark, this.pos)) : undefined;
    this.pos = mark;
    for (const piece of pieces) this.raw(piece);
    if (after !== undefined) this.raw(after);
  }

  /** Takes back what was written since `pos` was `mark`. */
  rollback(mark: number): void {
    this.pos = mark;
  }

  /** The content was sent and the buffer may be used again. */
  clear(): void {
    if (this.buf.length > KEEP_BYTES) {
      if (this.buf.length > this.holdBytes) this.use(INITIAL_BYTES);
      else if (this.pos > KEEP_BYTES) this.ticksSinceLarge = 0;
    }
    this.pos = 0;
  }

  /** To be called now and then where `holdBytes` was raised: gives up what is held. */
  settle(): void {
    if (this.buf.length <= KEEP_BYTES || this.pos > 0) return;
    if (++this.ticksSinceLarge > HELD_TICKS) this.use(INITIAL_BYTES);
  }

  /**
   * The buffer now belongs to the transport: goes on with a fresh one, as large as far as such a
   * one would be kept, for the next reply is likely to need as much.
   */
  renew(): void {
    this.pos = 0;
    this.use(this.buf.length > KEEP_BYTES ? INITIAL_BYTES : this.buf.length);
  }

  /** Goes on with a fresh buffer of so many bytes. */
  private use(bytes: number): void {
    if (this.buf.length > KEEP_BYTES) this.onDropped?.(this.buf.buffer);
    this.buf = Buffer.allocUnsafeSlow(bytes);
    this.view = viewOf(this.buf);
    this.room = Math.min(bytes, this.most);
  }

  /** Throws when `n` more bytes are past the limit. */
  checkFits(n: number): void {
    if (this.pos + n > this.most) throw errors.replyTooLarge;
  }

  /** Makes room for `n` more bytes; throws when they are past the limit. Amortised O(1) a byte. */
  reserve(n: number): void {
    this.checkFits(n);
    this.ensure(this.pos + n);
  }

  /** Makes the buffer hold `need` bytes: no more than the limit, unless they are needed. */
  private ensure(need: number): void {
    if (need <= this.buf.length) return;
    let size = this.buf.length * 2;
    while (size < need) size *= 2;
    const written = this.buf.subarray(0, this.pos);
    this.use(Math.max(need, Math.min(size, this.most)));
    this.buf.set(written);
  }

  private header(type: number, n: number): void {
    this.reserve(32);
    this.pos = this.putHeader(type, n);
  }

  private putHeader(type: number, n: number): number {
    return putHeader(this.buf, this.pos, type, n);
  }

  private insertHeader(mark: number, type: number, n: number): void {
    const end = this.pos;
    this.reserve(32);
    this.pos = this.putHeader(type, n);
    this.moveBefore(mark, end);
  }

  /** What was written since `end` changes places with what was written from `mark` to there. */
  private moveBefore(mark: number, end: number): void {
    const { buf } = this;
    const length = this.pos - end;
    if (mark === end) return;
    if (length <= header.length) {
      // Without an object: a reply of one entry or element would cost a third more.
      for (let i = 0; i < length; i++) header[i] = buf[end + i]!;
      if (end - mark > MOVE_LOOP_MAX) buf.copyWithin(mark + length, mark, end);
      else for (let i = end - 1; i >= mark; i--) buf[i + length] = buf[i]!;
      for (let i = 0; i < length; i++) buf[mark + i] = header[i]!;
      return;
    }
    const moved = Buffer.from(buf.subarray(end, this.pos));
    buf.copyWithin(mark + length, mark, end);
    buf.set(moved, mark);
  }

  private text(text: string, encoding: 'utf8' | 'latin1'): void {
    const length = Buffer.byteLength(text, encoding);
    this.reserve(length + 32);
    const p = this.putHeader(DOLLAR, length);
    this.buf.write(text, p, encoding);
    this.buf[p + length] = CR;
    this.buf[p + length + 1] = LF;
    this.pos = p + length + 2;
  }

  private line(type: string, text: string): void {
    const length = text.length;
    this.ensure(this.pos + length + 3);
    const out = this.buf;
    let p = this.pos;
    out[p++] = type.charCodeAt(0);
    for (let i = 0; i < length; i++) {
      const c = text.charCodeAt(i);
      out[p++] = isLineEnd(c) ? 32 : c;
    }
    out[p++] = CR;
    out[p++] = LF;
    this.pos = p;
  }
}

function isLineEnd(c: number): boolean {
  return c === CR || c === LF;
}

function viewOf(buf: Buffer): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.length);
}
