/**
 * Command lines in the making, as an append-only file holds them: RESP arrays of bulk strings that
 * pass through one buffer into a sink, so that a value of any size goes in pieces.
 */
import { writeInt } from '../../util/numbers.ts';
import { RdbOutput, type Sink } from '../rdb/output.ts';

/** A sign, at most 17 digits, two line ends. */
const NUMBER_BYTES = 24;
const ASTERISK = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;

/** Bytes of a buffer. */
export interface Bytes {
  readonly buf: Uint8Array;
  readonly off: number;
  readonly len: number;
}

export class CommandOutput {
  private readonly out: RdbOutput;

  constructor(sink: Sink) {
    this.out = new RdbOutput(sink);
  }

  /** Bytes written so far. */
  get total(): number {
    return this.out.total;
  }

  /** Begins a command of so many arguments, its name included. */
  command(argc: number): this {
    return this.number(ASTERISK, argc);
  }

  /** The next argument. O(len). */
  bytes(buf: Uint8Array, off: number, len: number): this {
    const { out } = this;
    this.number(DOLLAR, len);
    out.raw(buf, off, len);
    out.reserve(2);
    out.buf[out.pos++] = CR;
    out.buf[out.pos++] = LF;
    return this;
  }

  of({ buf, off, len }: Bytes): this {
    return this.bytes(buf, off, len);
  }

  /** The next argument: ASCII. */
  text(text: string): this {
    const { out } = this;
    const { length } = text;
    this.number(DOLLAR, length);
    out.reserve(length + 2);
    const { buf } = out;
    let at = out.pos;
    for (let i = 0; i < length; i++) buf[at++] = text.charCodeAt(i);
    buf[at++] = CR;
    buf[at++] = LF;
    out.pos = at;
    return this;
  }

  integer(value: number | bigint): this {
    return this.text(String(value));
  }

  /** A line that is no command. */
  note(line: string): void {
    const bytes = Buffer.from(`${line}\r\n`, 'latin1');
    this.out.raw(bytes, 0, bytes.length);
  }

  flush(): void {
    this.out.flush();
  }

  private number(sign: number, n: number): this {
    const { out } = this;
    out.reserve(NUMBER_BYTES);
    const { buf } = out;
    let at = out.pos;
    buf[at++] = sign;
    if (n < 10) buf[at++] = 48 + n;
    else at = writeInt(buf, at, n);
    buf[at++] = CR;
    buf[at++] = LF;
    out.pos = at;
    return this;
  }
}
