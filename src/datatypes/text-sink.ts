/** Where the texts of a value's elements are sent, many at a time. */
import type { ListpackEntry } from '../memory/listpack-entry.ts';

/**
 * Takes texts one after the other, such as a reply does. Methods that hand it a whole range do
 * without a register and a function for each element, which is half of their time.
 */
export interface TextSink {
  /** The text is `buf[off .. off + len)`, valid during the call. */
  bulk(buf: Uint8Array, off: number, len: number): void;
  /**
   * The texts of elements of a listpack from `u8[from]` on, at most `count` and none past `end`, as
   * far as they are short texts. Returns how many it took; `readTo` is where the next one begins.
   */
  shortTexts(u8: Uint8Array, from: number, end: number, count: number): number;
  readonly readTo: number;
}

/** Of a sink that takes the texts one by one. */
export const NO_SHORT_TEXTS = { shortTexts: () => 0, readTo: 0 } as const;

/**
 * Gives `sink` the texts of a listpack's elements from `u8[from]` on: at most `count`, none past
 * `end`. `text` is where they are read. Returns how many there were. O(their bytes).
 */
export function sendElements(
  u8: Uint8Array,
  from: number,
  end: number,
  count: number,
  text: ListpackEntry,
  sink: TextSink,
): number {
  let p = from;
  let left = count;
  while (left > 0 && p < end) {
    const taken = sink.shortTexts(u8, p, end, left);
    if (taken > 0) {
      left -= taken;
      p = sink.readTo;
      if (left === 0 || p >= end) break;
    }
    text.locate(u8, p);
    sink.bulk(text.buf, text.off, text.len);
    p += text.sizeAt(u8, p);
    left--;
  }
  return count - left;
}
