/**
 * Messages that wait to be sent, as a chain that sessions share: those with the same messages in
 * the same order have the same outbox, so that a message to a thousand subscribers costs each of
 * them one assignment, and what they are all sent is joined once.
 *
 *     empty <- "m1" <- "m2"            a session that was sent m1 and m2 has the last link
 *
 * A link never changes; `next` is only the latest link that was made after it.
 */

export class Outbox {
  /** Bytes of all messages up to this one. */
  readonly bytes: number;
  private readonly before: Outbox | undefined;
  private readonly message: Buffer;
  /** Whether the messages lie one after the other in memory as they are. */
  private readonly seamless: boolean;
  private next: Outbox | undefined = undefined;
  private joined: Buffer | undefined = undefined;

  constructor(before: Outbox | undefined, message: Buffer) {
    this.before = before;
    this.message = message;
    this.bytes = (before?.bytes ?? 0) + message.length;
    this.seamless = before === undefined || before.bytes === 0 || before.isFollowedBy(message);
  }

  /** What it is once this message is added. O(1). */
  add(message: Buffer): Outbox {
    const { next } = this;
    if (next !== undefined && next.message === message) return next;
    this.next = new Outbox(this, message);
    return this.next;
  }

  private isFollowedBy(next: Buffer): boolean {
    const { message } = this;
    const end = message.byteOffset + message.length;
    return this.seamless && next.byteOffset === end && next.buffer === message.buffer;
  }

  /** All messages in one buffer, which is shared. O(bytes), O(1) when they lie together. */
  join(): Buffer {
    const { bytes, message } = this;
    if (bytes === message.length) return message;
    this.joined ??= this.seamless
      ? Buffer.from(message.buffer, message.byteOffset + message.length - bytes, bytes)
      : this.copy();
    return this.joined;
  }

  private copy(): Buffer {
    const all = Buffer.allocUnsafe(this.bytes);
    let end = this.bytes;
    for (let link: Outbox | undefined = this; link !== undefined; link = link.before) {
      end -= link.message.length;
      all.set(link.message, end);
    }
    return all;
  }
}

/** The beginning of every chain. */
export function emptyOutbox(): Outbox {
  return new Outbox(undefined, Buffer.alloc(0));
}
