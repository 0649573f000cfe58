/**
 * Commands that wait for EXEC, one after the other in blocks of bytes outside of the heap: what is
 * queued costs its bytes and a few more, and eight million PINGs are 72 MB, not objects.
 *
 *     a command:  its number among `distinct` | argc | argument hashed ahead + 1, then its hash
 *                 | length of each argument | the bytes of all arguments
 *
 * Numbers are written seven bits at a time, lowest first. A command lies in one block as a whole.
 */
import type { Command } from '../commands/command-table.ts';
import type { QueuePort } from '../commands/ports/session.ts';
import { Args } from '../util/args.ts';
import { copyBytes, EMPTY_BYTES, mappedBuffer } from '../util/bytes.ts';

const FIRST_BYTES = 256;
/** Blocks double up to this size. */
const BLOCK_BYTES = 1024 * 1024;
/** Blocks from this size on leave nothing behind: they lie in pages of their own. */
const MAPPED_BYTES = 256 * 1024;
/** Most bytes of one number. */
const NUMBER_BYTES = 5;
/** What grew past this is given up with its transaction. */
const KEEP_BYTES = 16 * 1024;

export class CommandQueue implements QueuePort {
  length = 0;
  /** Bytes of all arguments queued. */
  argumentBytes = 0;
  /** Bytes that the queue takes. */
  memoryBytes = 0;
  private readonly distinct: Command[] = [];
  private readonly blocks: Uint8Array[] = [];
  /** How far each block is filled. */
  private readonly ends: number[] = [];
  /** The last block, and how far it is filled. */
  private block: Uint8Array = EMPTY_BYTES;
  private filled = 0;
  /** Where command `next` begins: commands are read in order. */
  private next = 0;
  private readBlock = 0;
  private readAt = 0;
  private readonly args = new Args();

  /** Whether it is worth keeping for the next transaction. */
  get isSmall(): boolean {
    return this.memoryBytes <= KEEP_BYTES;
  }

  /** Adds a command; its arguments are copied. O(their bytes). */
  add(command: Command, args: Args): void {
    const { argc, buf, off, len } = args;
    const bytes = args.byteLength;
    this.makeRoom(NUMBER_BYTES * (4 + argc) + bytes);
    this.put(this.numberOf(command));
    this.put(argc);
    this.put(args.hashAt + 1);
    if (args.hashAt >= 0) this.put(args.hash >>> 0);
    for (let i = 0; i < argc; i++) this.put(len[i]!);
    for (let i = 0; i < argc; i++) {
      copyBytes(buf, off[i]!, this.block, this.filled, len[i]!);
      this.filled += len[i]!;
    }
    this.argumentBytes += bytes;
    this.length++;
  }

  /** The arguments of command i, and what it is; valid until the next call. In order: O(bytes). */
  read(i: number): Args {
    if (i < this.next) this.rewind();
    while (this.next < i) this.readNext();
    return this.readNext();
  }

  /** The command that `read` has read last. */
  command!: Command;

  clear(): void {
    this.length = 0;
    this.argumentBytes = 0;
    this.filled = 0;
    this.distinct.length = 0;
    // Small: there is one block at least, and the last one is as large as all before it.
    this.blocks.splice(0, this.blocks.length - 1);
    this.ends.length = this.blocks.length;
    this.memoryBytes = this.block.length;
    this.rewind();
    this.args.release();
  }

  private rewind(): void {
    this.next = 0;
    this.readBlock = 0;
    this.readAt = 0;
  }

  private readNext(): Args {
    const { args } = this;
    let block = this.blocks[this.readBlock]!;
    const isLast = this.readBlock === this.blocks.length - 1;
    if (this.readAt === (isLast ? this.filled : this.ends[this.readBlock]!)) {
      block = this.blocks[++this.readBlock]!;
      this.readAt = 0;
    }
    args.clear();
    args.buf = block;
    this.command = this.distinct[this.take(block)]!;
    const argc = this.take(block);
    args.hashAt = this.take(block) - 1;
    if (args.hashAt >= 0) args.hash = this.take(block) | 0;
    for (let i = 0; i < argc; i++) args.push(0, this.take(block));
    for (let i = 0; i < argc; i++) {
      args.off[i] = this.readAt;
      this.readAt += args.len[i]!;
    }
    this.next++;
    return args;
  }

  private numberOf(command: Command): number {
    const { distinct } = this;
    const found = distinct.lastIndexOf(command);
    return found >= 0 ? found : distinct.push(command) - 1;
  }

  private put(number: number): void {
    const { block } = this;
    let n = number;
    while (n > 127) {
      block[this.filled++] = (n & 127) | 128;
      n >>>= 7;
    }
    block[this.filled++] = n;
  }

  private take(block: Uint8Array): number {
    let byte = block[this.readAt++]!;
    let n = byte & 127;
    for (let shift = 7; byte > 127; shift += 7) {
      byte = block[this.readAt++]!;
      n |= (byte & 127) << shift;
    }
    return n >>> 0;
  }

  private makeRoom(bytes: number): void {
    if (this.filled + bytes <= this.block.length) return;
    if (this.blocks.length > 0) this.ends[this.blocks.length - 1] = this.filled;
    const size = Math.min(BLOCK_BYTES, Math.max(FIRST_BYTES, this.block.length * 2));
    this.block = newBlock(Math.max(size, bytes));
    this.blocks.push(this.block);
    this.filled = 0;
    this.memoryBytes += this.block.length;
  }
}

function newBlock(bytes: number): Buffer {
  return bytes < MAPPED_BYTES ? Buffer.allocUnsafeSlow(bytes) : Buffer.from(mappedBuffer(bytes));
}
