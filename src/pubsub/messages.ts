/**
 * The bytes that subscribers are sent: RESP3 has a push where RESP2 has an array, nothing else is
 * different but the null. Names are latin1 text, one character a byte.
 */
import { copyBytes } from '../util/bytes.ts';
import { intLength, writeInt } from '../util/numbers.ts';

/** Small messages are cut from blocks of this size, one after the other. */
const BLOCK_BYTES = 32 * 1024;
/** A message over this size has a block of its own. */
const SMALL_BYTES = BLOCK_BYTES / 8;

const ARRAY = 42;
const PUSH = 62;
const CR = 13;
const LF = 10;

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** The beginning of a message in RESP2: all that comes before its payload's length. */
export function messageHead(...words: readonly string[]): Buffer {
  return Buffer.from(`*${words.length + 1}\r\n${words.map(bulk).join('')}$`, 'latin1');
}

/** The answer to a subscription or its end: `name` is undefined when there was nothing to end. */
export function encodeConfirmation(
  version: 2 | 3,
  verb: string,
  name: string | undefined,
  count: number,
): Buffer {
  const none = version === 3 ? '_\r\n' : '$-1\r\n';
  const named = name === undefined ? none : bulk(name);
  const mark = version === 3 ? '>' : '*';
  return Buffer.from(`${mark}3\r\n${bulk(verb)}${named}:${count}\r\n`, 'latin1');
}

/**
 * Makes messages. Those that are made one after the other lie next to each other in memory, so
 * that whoever is sent all of them needs no copy (`Outbox.join`).
 */
export class MessageEncoder {
  private block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  private used = 0;

  /** A message that begins with `head` and has this payload. O(bytes). */
  encode(version: 2 | 3, head: Buffer, payload: Uint8Array, off: number, len: number): Buffer {
    const message = this.take(head.length + intLength(len) + len + 4);
    let at = copy(head, 0, head.length, message, 0);
    at = writeInt(message, at, len);
    message[at] = CR;
    message[at + 1] = LF;
    at = copy(payload, off, len, message, at + 2);
    message[at] = CR;
    message[at + 1] = LF;
    message[0] = version === 3 ? PUSH : ARRAY;
    return message;
  }

  private take(bytes: number): Buffer {
    if (bytes > SMALL_BYTES) return Buffer.allocUnsafeSlow(bytes);
    if (this.used + bytes > BLOCK_BYTES) {
      this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.used = 0;
    }
    const { used } = this;
    this.used += bytes;
    return this.block.subarray(used, this.used);
  }
}

/** Copies to another buffer; returns where the copy ends. */
function copy(from: Uint8Array, off: number, len: number, to: Buffer, at: number): number {
  copyBytes(from, off, to, at, len);
  return at + len;
}
