/**
 * The data of a full sync as it comes from a master, told apart from what follows it. It comes in
 * one of two forms, announced by a line:
 *
 *     $<length>\r\n   <length bytes>                           the stream follows at once
 *     $EOF:<mark>\r\n <any number of bytes> <the mark again>   nothing follows before the first ACK
 *
 * The mark, 40 random bytes, may arrive cut in any way; it counts where what has arrived ends with
 * it. Source: redis-server 7.0.15.
 */
const MARK_BYTES = 40;
const EOF_PREFIX = '$EOF:';

/** Takes bytes of the data: `buf[from..to)`, valid during the call. */
export type TakeBytes = (buf: Uint8Array, from: number, to: number) => void;

export class RdbTransfer {
  /** Bytes of the data, -1 when only its end will tell. */
  readonly total: number;
  /** Bytes of the data that were handed on. */
  received = 0;
  isDone: boolean;
  private readonly mark: Buffer | undefined;
  /** What may be the mark, or a part of it: the last bytes that came. */
  private readonly tail = Buffer.alloc(MARK_BYTES);
  private tailLength = 0;

  private constructor(total: number, mark: Buffer | undefined) {
    this.total = total;
    this.mark = mark;
    this.isDone = total === 0;
  }

  /** A transfer that a line announces, or undefined when it announces none. */
  static announcedBy(line: string): RdbTransfer | undefined {
    if (line.startsWith(EOF_PREFIX)) {
      const mark = Buffer.from(line.slice(EOF_PREFIX.length), 'latin1');
      return mark.length === MARK_BYTES ? new RdbTransfer(-1, mark) : undefined;
    }
    if (!/^\$\d{1,15}$/.test(line)) return undefined;
    return new RdbTransfer(Number(line.slice(1)), undefined);
  }

  /**
   * `chunk[from..to)` arrived: hands on what belongs to the data. Returns where what follows it
   * begins. O(bytes).
   */
  push(chunk: Uint8Array, from: number, to: number, take: TakeBytes): number {
    if (this.mark !== undefined) {
      this.pushMarked(this.mark, chunk, from, to, take);
      return to;
    }
    const end = Math.min(to, from + this.total - this.received);
    this.received += end - from;
    this.isDone = this.received === this.total;
    if (end > from) take(chunk, from, end);
    return end;
  }

  private pushMarked(
    mark: Buffer,
    chunk: Uint8Array,
    from: number,
    to: number,
    take: TakeBytes,
  ): void {
    const { tail } = this;
    const passed = Math.max(0, this.tailLength + (to - from) - MARK_BYTES);
    const ofTail = Math.min(this.tailLength, passed);
    const ofChunk = passed - ofTail;
    if (ofTail > 0) {
      take(tail, 0, ofTail);
      tail.copyWithin(0, ofTail, this.tailLength);
      this.tailLength -= ofTail;
    }
    if (ofChunk > 0) take(chunk, from, from + ofChunk);
    tail.set(chunk.subarray(from + ofChunk, to), this.tailLength);
    this.tailLength += to - from - ofChunk;
    this.received += passed;
    this.isDone = this.tailLength === MARK_BYTES && tail.equals(mark);
  }
}
