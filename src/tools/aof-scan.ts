/**
 * Reads the commands of an append-only file without running them: whether each is whole and the
 * transactions are closed. As redis-check-aof 7.0.15 it does not ask whether commands exist.
 *
 *     *<arguments>\r\n  then each  $<length>\r\n<bytes>\r\n
 *     #<note>\n
 */
import { type OpenFile, uninterrupted } from '../persistence/files.ts';

const PIECE_BYTES = 256 * 1024;
/** A header or note that is longer is none. */
const LINE_MAX = 128;
/** Longest name that matters. */
const NAME_MAX = 5;
const HASH = 35;
const ASTERISK = 42;
const DOLLAR = 36;
const LF = 10;
const CR = 13;

/** What is wrong, and where it was found. */
class Fault extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

export class AofScan {
  /** Commands that are whole. */
  commands = 0;
  /** End of the last whole command outside a transaction: up to here the file is sound. */
  soundTo: number;
  /** What is wrong after that, and at which byte it was found; undefined at a sound end. */
  fault: { readonly message: string; readonly at: number } | undefined = undefined;
  private readonly file: OpenFile;
  private readonly size: number;
  private readonly window = Buffer.allocUnsafe(PIECE_BYTES);
  /** Bytes of the file that the window holds. */
  private windowFrom = 0;
  private windowTo = 0;
  private position: number;
  private inTransaction = false;

  /** Begins at a byte of a file of so many. */
  constructor(file: OpenFile, from: number, size: number) {
    this.file = file;
    this.size = size;
    this.position = from;
    this.soundTo = from;
  }

  /** Reads some thousand commands; false at the end or at a fault. Throws SystemError. */
  step(): boolean {
    try {
      for (let left = 4096; left > 0; left--) {
        if (!this.inTransaction) this.soundTo = this.position;
        if (this.position >= this.size) {
          if (this.inTransaction) throw new Fault('the transaction has no EXEC', this.position);
          return false;
        }
        this.line();
      }
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.fault = { message: error.message, at: error.at };
      return false;
    }
  }

  private line(): void {
    const first = this.byte(this.position);
    if (first === HASH) {
      this.position = this.noteEnd();
      return;
    }
    if (first !== ASTERISK) throw new Fault('a command is expected', this.position);
    const argc = this.header(ASTERISK);
    for (let i = 0; i < argc; i++) {
      const length = this.header(DOLLAR);
      const start = this.position;
      if (start + length + 2 > this.size)
        throw new Fault('the file ends in an argument', this.size);
      if (i === 0) this.name(start, length);
      this.position = start + length;
      this.expectLineEnd();
    }
    this.commands++;
  }

  /** MULTI and EXEC take turns. */
  private name(start: number, length: number): void {
    if (length > NAME_MAX) return;
    let name = '';
    for (let i = 0; i < length; i++) name += String.fromCharCode(this.byte(start + i));
    name = name.toUpperCase();
    if (name === 'MULTI') {
      if (this.inTransaction) throw new Fault('MULTI within a transaction', start);
      this.inTransaction = true;
    } else if (name === 'EXEC') {
      if (!this.inTransaction) throw new Fault('EXEC without MULTI', start);
      this.inTransaction = false;
    }
  }

  /** The number of a line that begins with a sign. */
  private header(sign: number): number {
    const start = this.position;
    if (this.byte(start) !== sign) {
      throw new Fault(`'${String.fromCharCode(sign)}' is expected`, start);
    }
    let at = start + 1;
    let n = 0;
    for (; at - start < LINE_MAX; at++) {
      const digit = this.byte(at) - 48;
      if (digit < 0 || digit > 9) break;
      n = n * 10 + digit;
    }
    if (at === start + 1) throw new Fault('a number is expected', at);
    this.position = at;
    this.expectLineEnd();
    return n;
  }

  private expectLineEnd(): void {
    const { position } = this;
    if (this.byte(position) !== CR || this.byte(position + 1) !== LF) {
      throw new Fault('a line end is expected', position);
    }
    this.position = position + 2;
  }

  /** Behind a note, whose line end may be missing at the end of the file. */
  private noteEnd(): number {
    let at = this.position;
    while (at < this.size && this.byte(at) !== LF) at++;
    return Math.min(at + 1, this.size);
  }

  private byte(at: number): number {
    if (at < this.windowFrom || at >= this.windowTo) {
      if (at >= this.size) throw new Fault('the file ends too early', this.size);
      const { file, window } = this;
      const count = uninterrupted(() => file.read(window, 0, window.length, at));
      if (count === 0) throw new Fault('the file ends too early', at);
      this.windowFrom = at;
      this.windowTo = at + count;
    }
    return this.window[at - this.windowFrom]!;
  }
}
