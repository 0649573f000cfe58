/**
 * An argument vector: byte ranges over one buffer. It is what the request parser fills and what
 * every handler reads. The ranges are views into a receive buffer that is reused, so nothing here
 * may be kept after the call; whoever must keep arguments calls `copy()`.
 *
 * Invariants: 0 <= argc <= off.length; off[i] + len[i] <= buf.length for every i < argc.
 */
import { EMPTY_BYTES } from './bytes.ts';
import { latin1 } from './latin1.ts';

export class Args {
  buf: Uint8Array;
  argc = 0;
  off: Int32Array;
  len: Int32Array;
  /** Argument whose keyed hash is in `hash`, worked out ahead of the command; -1 for none. */
  hashAt = -1;
  hash = 0;
  /**
   * Hashes of `hashCount` more keys, from `hashes[hashBase]` on; the keys are every `hashStep`-th
   * argument after `hashAt`.
   */
  hashes = NO_HASHES;
  hashBase = 0;
  hashStep = 1;
  hashCount = 0;
  /** As `hashAt` and `hash`, of an argument that names a field or member. */
  memberAt = -1;
  memberHash = 0;

  constructor(buf: Uint8Array = EMPTY_BYTES, capacity = 16) {
    this.buf = buf;
    this.off = new Int32Array(capacity);
    this.len = new Int32Array(capacity);
  }

  /** Builds a vector of its own from byte strings (tests, replay, the programmatic API). */
  static of(...parts: (Uint8Array | string)[]): Args {
    const chunks = parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'utf8') : p));
    const args = new Args(Buffer.concat(chunks), Math.max(1, chunks.length));
    let at = 0;
    for (const chunk of chunks) {
      args.push(at, chunk.length);
      at += chunk.length;
    }
    return args;
  }

  /** Empties the vector; gives up arrays that one huge command has left behind. */
  clear(): void {
    this.argc = 0;
    this.hashAt = -1;
    this.hashCount = 0;
    this.memberAt = -1;
    if (this.off.length > KEEP_CAPACITY) {
      this.off = new Int32Array(16);
      this.len = new Int32Array(16);
    }
  }

  /** Lets go of the buffer. */
  release(): void {
    this.clear();
    this.buf = EMPTY_BYTES;
  }

  /** Appends the range [off, off + len) of `buf`. Amortised O(1). */
  push(off: number, len: number): void {
    const i = this.argc;
    if (i === this.off.length) this.grow();
    this.off[i] = off;
    this.len[i] = len;
    this.argc = i + 1;
  }

  /** Makes room for `count` arguments in all. */
  reserve(count: number): void {
    if (count > this.off.length) this.resize(count);
  }

  private grow(): void {
    this.resize(this.off.length * 2);
  }

  private resize(capacity: number): void {
    const off = new Int32Array(capacity);
    const len = new Int32Array(capacity);
    off.set(this.off);
    len.set(this.len);
    this.off = off;
    this.len = len;
  }

  /**
   * Argument i as a view, valid during the call only. Allocates a view object: not for hot paths.
   */
  view(i: number): Uint8Array {
    const at = this.off[i]!;
    return this.buf.subarray(at, at + this.len[i]!);
  }

  /** Argument i as a Buffer that owns its bytes. */
  bytes(i: number): Buffer {
    const at = this.off[i]!;
    return Buffer.from(this.buf.subarray(at, at + this.len[i]!));
  }

  /** Argument i with each byte as one character (latin1); lossless. */
  latin1(i: number): string {
    return latin1(this.buf, this.off[i]!, this.len[i]!);
  }

  /** Argument i up to its first NUL, as C code would see it. */
  cString(i: number): string {
    const text = this.latin1(i);
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  /**
   * Whether argument i is `word`, ASCII letters in any case. `word` must be upper case ASCII.
   * No allocation.
   */
  is(i: number, word: string): boolean {
    const n = this.len[i]!;
    if (n !== word.length) return false;
    const buf = this.buf;
    const at = this.off[i]!;
    for (let k = 0; k < n; k++) {
      let c = buf[at + k]!;
      if (c >= 97 && c <= 122) c -= 32;
      if (c !== word.charCodeAt(k)) return false;
    }
    return true;
  }

  /** Bytes of all arguments together. */
  get byteLength(): number {
    let total = 0;
    for (let i = 0; i < this.argc; i++) total += this.len[i]!;
    return total;
  }

  /** A vector that owns its bytes: only the ranges used are copied. O(total bytes). */
  copy(): Args {
    const out = new Args(new Uint8Array(this.byteLength), Math.max(1, this.argc));
    let at = 0;
    for (let i = 0; i < this.argc; i++) {
      const from = this.off[i]!;
      const n = this.len[i]!;
      out.buf.set(this.buf.subarray(from, from + n), at);
      out.push(at, n);
      at += n;
    }
    return out;
  }
}

/** Whether two arguments have the same bytes. O(length). */
export function sameArgument(args: Args, i: number, k: number): boolean {
  const length = args.len[i]!;
  if (args.len[k] !== length) return false;
  const { buf } = args;
  const a = args.off[i]!;
  const b = args.off[k]!;
  for (let n = 0; n < length; n++) if (buf[a + n] !== buf[b + n]) return false;
  return true;
}

/** The bytes of a request as RESP frames it. O(arguments). */
export function requestBytes(args: Args): number {
  const { argc, len } = args;
  let bytes = headerBytes(argc);
  for (let i = 0; i < argc; i++) bytes += headerBytes(len[i]!) + len[i]! + 2;
  return bytes;
}

/** `*count\r\n`, `$length\r\n`. */
function headerBytes(n: number): number {
  return 3 + String(n).length;
}

const NO_HASHES = new Int32Array(0);
const KEEP_CAPACITY = 1024;
