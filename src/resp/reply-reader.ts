/**
 * Reads whole replies of this server, RESP2 and RESP3, into JavaScript values: for clients in the
 * same process. It trusts its input: what it reads was written by `Reply`.
 *
 *     simple and bulk strings   string (UTF-8), or Buffer     map   object
 *     integers, doubles         number; bigint past 2^53      set   array
 *     booleans, nulls           boolean, null                 error what `onError` makes of it
 */
const LF = 10;
const MINUS = 45;

export type ReadValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | Error
  | ReadValue[]
  | { [key: string]: ReadValue };

/** Methods of Node's that its types leave out: half the cost of `toString`. */
interface SliceBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

export class ReplyReader {
  /** Where the next value begins. */
  pos = 0;
  /** Whether the value read last is a push message (`>`). */
  isPush = false;
  /** Whether texts are Buffers. */
  buffers = false;
  private buf: SliceBuffer = EMPTY;
  private readonly onError: (line: string) => Error;

  constructor(onError: (line: string) => Error) {
    this.onError = onError;
  }

  /** Begins with a buffer at a position. */
  begin(buf: Buffer, pos: number): void {
    this.buf = buf as SliceBuffer;
    this.pos = pos;
  }

  /** Lets go of the buffer. */
  end(): void {
    this.buf = EMPTY;
  }

  /** The value at `pos`, which then is behind it. Errors are values, too. */
  next(): ReadValue {
    this.isPush = false;
    const value = this.value();
    return value;
  }

  private value(): ReadValue {
    const { buf } = this;
    const type = buf[this.pos++];
    switch (type) {
      case 36: // $
        return this.bulk();
      case 58: // :
        return this.integer();
      case 43: // +
        return this.simple();
      case 95: // _
        this.pos += 2;
        return null;
      case 42: // *
      case 126: // ~
        return this.array(this.count());
      case 37: // %
        return this.map(this.count());
      case 45: // -
        return this.onError(this.line());
      case 44: // ,
        return double(this.line());
      case 35: // #
        return this.line() === 't';
      case 40: // (
        return BigInt(this.line());
      case 61: // =
        return this.verbatim();
      case 62: {
        // >
        const push = this.array(this.count());
        this.isPush = true;
        return push;
      }
      case 124: // | attributes come before the value they are about
        this.map(this.count());
        return this.value();
      default:
        throw new Error(`no reply begins with byte ${type}`);
    }
  }

  private bulk(): ReadValue {
    const length = this.count();
    if (length < 0) return null;
    const from = this.pos;
    this.pos = from + length + 2;
    return this.text(from, from + length);
  }

  private simple(): ReadValue {
    const from = this.pos;
    const { buf } = this;
    // The two that are most of them.
    if (buf[from] === 79 && buf[from + 1] === 75 && buf[from + 2] === 13) {
      this.pos = from + 4;
      return this.buffers ? Buffer.from('OK') : 'OK';
    }
    const end = buf.indexOf(LF, from);
    this.pos = end + 1;
    return this.text(from, end - 1);
  }

  private text(from: number, end: number): string | Buffer {
    const { buf } = this;
    if (this.buffers) return Buffer.from(buf.subarray(from, end));
    return buf.utf8Slice(from, end);
  }

  private verbatim(): ReadValue {
    const length = this.count();
    const from = this.pos;
    this.pos = from + length + 2;
    return this.text(from + 4, from + length);
  }

  private array(count: number): ReadValue[] | null {
    if (count < 0) return null;
    const items = new Array<ReadValue>(count);
    for (let i = 0; i < count; i++) items[i] = this.value();
    return items;
  }

  private map(count: number): { [key: string]: ReadValue } {
    const map: { [key: string]: ReadValue } = {};
    for (let i = 0; i < count; i++) {
      const key = String(this.value());
      const value = this.value();
      if (key !== '__proto__') map[key] = value;
      else Object.defineProperty(map, key, { value, enumerable: true, configurable: true });
    }
    return map;
  }

  /** A length: digits, a sign for "none". */
  private count(): number {
    const { buf } = this;
    let p = this.pos;
    const negative = buf[p] === MINUS;
    if (negative) p++;
    let n = 0;
    for (let c = buf[p]!; c !== 13; c = buf[++p]!) n = n * 10 + (c - 48);
    this.pos = p + 2;
    return negative ? -n : n;
  }

  private integer(): number | bigint {
    const { buf, pos } = this;
    const n = this.count();
    if (Number.isSafeInteger(n)) return n;
    return BigInt(buf.latin1Slice(pos, this.pos - 2));
  }

  private line(): string {
    const from = this.pos;
    const end = this.buf.indexOf(LF, from);
    this.pos = end + 1;
    return this.buf.utf8Slice(from, end - 1);
  }
}

const EMPTY = Buffer.alloc(0) as SliceBuffer;

function double(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
