/**
 * The stream of replication: its last bytes in blocks, which those share who read it. A replica is
 * a position in it (`BacklogCursor`), so what ten replicas have not taken yet is there once. What
 * has been written to a block never changes; a block is given up, not used again, so that bytes
 * handed to a socket stay what they are.
 *
 *     first ──────────────────────────────► last
 *     | block | block | block | block | ... |          `offset` of each: of its first byte
 *               ▲ cursor          ▲ cursor
 *
 * The oldest block goes when more than `size` bytes would be left without it, unless a cursor is
 * in it: a replica that lags makes the backlog longer, and more requests to continue succeed.
 * Offsets count from 1: the byte at offset n is the n-th of the history.
 */
import { copyBytes } from '../util/bytes.ts';
import type { ReplicationIdentity } from './identity.ts';

const BLOCK_BYTES_MIN = 16 * 1024;
const BLOCK_BYTES_MAX = 256 * 1024;
/** At least so many blocks make up the backlog, so that it is cut in small steps. */
const BLOCKS_MIN = 16;
/** `*`, a digit and a line end. */
const HEADER_BYTES = 4;
/** Fewer bytes than this are copied faster by a loop than by a call (measured on Node 20). */
const LOOP_MAX = 96;

class Block {
  readonly offset: number;
  readonly buf: Buffer;
  length = 0;
  next: Block | undefined = undefined;
  /** Cursors that have not passed it. */
  holders = 0;

  constructor(offset: number, capacity: number) {
    this.offset = offset;
    this.buf = Buffer.allocUnsafeSlow(capacity);
  }

  get end(): number {
    return this.offset + this.length;
  }
}

export class Backlog {
  private readonly identity: ReplicationIdentity;
  private sizeBytes: number;
  private first: Block;
  private last: Block;
  private capacityBytes = 0;

  /** Begins where the history is: the first byte it will hold is the next one. */
  constructor(identity: ReplicationIdentity, size: number) {
    this.identity = identity;
    this.sizeBytes = size;
    this.first = this.last = this.newBlock(identity.offset + 1);
  }

  /** repl-backlog-size: bytes that are kept, unless a reader needs more. */
  get size(): number {
    return this.sizeBytes;
  }

  set size(bytes: number) {
    this.sizeBytes = bytes;
    this.trim();
  }

  /** Offset of the first byte that it has. */
  get firstOffset(): number {
    return this.first.offset;
  }

  /** Number of bytes that it has. */
  get length(): number {
    return this.last.end - this.first.offset;
  }

  /** Bytes of memory that it takes. */
  get memoryBytes(): number {
    return this.capacityBytes;
  }

  /** Whether a reader can begin at `offset`: it has that byte, or it will be the next. */
  has(offset: number): boolean {
    return offset >= this.first.offset && offset <= this.last.end;
  }

  /** Appends `buf[from..end)` to the history, whose offset moves with it. O(bytes). */
  feed(buf: Uint8Array, from: number, end: number): void {
    let at = from;
    while (at < end) {
      let { last } = this;
      if (last.length === last.buf.length) last = this.grow();
      const length = Math.min(end - at, last.buf.length - last.length);
      copyBytes(buf, at, last.buf, last.length, length);
      last.length += length;
      at += length;
    }
    this.identity.offset += end - from;
  }

  /**
   * Appends a line of `argc` arguments, given as RESP bulk strings, with its header. Returns false
   * and does nothing when it does not fit the last block: a shorter way for most lines. O(bytes).
   */
  feedLine(argc: number, buf: Uint8Array, from: number, end: number): boolean {
    const { last } = this;
    const to = last.buf;
    const start = last.length;
    if (argc > 9 || start + HEADER_BYTES + end - from > to.length) return false;
    to[start] = 42; // *
    to[start + 1] = 48 + argc;
    to[start + 2] = 13;
    to[start + 3] = 10;
    const at = start + HEADER_BYTES;
    const length = end - from;
    if (length < LOOP_MAX) for (let i = 0; i < length; i++) to[at + i] = buf[from + i]!;
    else to.set(buf.subarray(from, end), at);
    last.length = at + length;
    this.identity.offset += HEADER_BYTES + length;
    return true;
  }

  /** A reader that begins at `offset`, which `has`. O(blocks). Release it. */
  cursor(offset: number): BacklogCursor {
    let block = this.first;
    while (block.next !== undefined && offset >= block.next.offset) block = block.next;
    return new BacklogCursor(this, block, offset);
  }

  /** A reader of what comes next. O(1). Release it. */
  cursorAtEnd(): BacklogCursor {
    return new BacklogCursor(this, this.last, this.last.end);
  }

  /** Gives up blocks that nobody needs. A cursor has moved. */
  trim(): void {
    for (;;) {
      const { first } = this;
      const { next } = first;
      if (next === undefined || first.holders > 0) return;
      if (this.length - first.length < this.sizeBytes) return;
      this.capacityBytes -= first.buf.length;
      this.first = next;
    }
  }

  private grow(): Block {
    const block = this.newBlock(this.last.end);
    this.last.next = block;
    this.last = block;
    this.trim();
    return block;
  }

  private newBlock(offset: number): Block {
    const share = Math.floor(this.sizeBytes / BLOCKS_MIN);
    const block = new Block(offset, clamp(share, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX));
    this.capacityBytes += block.buf.length;
    return block;
  }
}

/** A reader's place in the stream. */
export class BacklogCursor {
  /** Offset of the byte it reads next. */
  offset: number;
  private readonly backlog: Backlog;
  private block: Block | undefined;

  constructor(backlog: Backlog, block: Block, offset: number) {
    this.backlog = backlog;
    this.block = block;
    this.offset = offset;
    block.holders++;
  }

  /** Another reader at the same place. */
  clone(): BacklogCursor {
    return new BacklogCursor(this.backlog, this.block!, this.offset);
  }

  /** Bytes that lie before the end of the stream. */
  get lag(): number {
    const { backlog, offset } = this;
    return backlog.firstOffset + backlog.length - offset;
  }

  /**
   * Hands bytes that lie in one piece to `take`, which says how many it has used: all, some, none.
   * They stay what they are after the call. Returns false when there are none, or none was used.
   */
  read(take: (buf: Buffer, from: number, end: number) => number): boolean {
    const block = this.current();
    if (block === undefined || this.offset >= block.end) return false;
    const from = this.offset - block.offset;
    const used = take(block.buf, from, block.length);
    if (used === 0) return false;
    this.offset += used;
    this.current();
    return true;
  }

  /** The reader is gone. */
  release(): void {
    if (this.block === undefined) return;
    this.block.holders--;
    this.block = undefined;
    this.backlog.trim();
  }

  /** The block to read from: what is read to its end is left for the next one. */
  private current(): Block | undefined {
    let { block } = this;
    while (block?.next !== undefined && this.offset >= block.end) {
      block.holders--;
      block = block.next;
      block.holders++;
      this.block = block;
      this.backlog.trim();
    }
    return block;
  }
}

function clamp(n: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, n));
}
