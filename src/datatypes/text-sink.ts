/**
 * Sends the texts of many elements of a value: in one loop that keeps in the processor's registers
 * what a call for each text would store, half of the time of a LRANGE.
 */
import { type Arena, NO_BYTES } from '../memory/arena.ts';
import { ENTRY_KEY, EXTENDED_HEADER, HEADER, KEY_LENGTH } from '../memory/dict.ts';
import type { ListpackEntry } from '../memory/listpack-entry.ts';
import {
  DOLLAR,
  putAlignedBulk,
  putHeader,
  putLineEnd,
  SHORT_BULK_EXTRA,
  SHORT_TEXT,
} from '../util/bulk-text.ts';

/** Takes texts one after the other; a reply does. */
export interface TextSink {
  /** The text is `buf[off .. off + len)`, valid during the call. */
  bulk(buf: Uint8Array, off: number, len: number): void;
  /** Short texts may be put straight into `buf[pos .. room)` as bulk strings; `pos` goes on. */
  readonly buf: Uint8Array;
  readonly view: DataView;
  pos: number;
  readonly room: number;
}

/** What a short text takes at most. */
const BULK_MAX = SHORT_TEXT + SHORT_BULK_EXTRA;
const NO_VIEW = new DataView(new ArrayBuffer(0));

/** A sink that takes every text by a call. */
export function textByText(bulk: TextSink['bulk']): TextSink {
  return { bulk, buf: NO_BYTES, view: NO_VIEW, pos: 0, room: 0 };
}

/**
 * Sends the texts of a listpack's elements from `u8[from]` on: at most `count`, none past `end`.
 * `text` is where they are read. Those of a packed run (src/datatypes/list-packing.ts) all begin
 * with the first `prefix` bytes of `joined`, which has room for each of them. Returns how many
 * there were. O(their bytes).
 */
export function sendElements(
  u8: Uint8Array,
  from: number,
  end: number,
  count: number,
  text: ListpackEntry,
  sink: TextSink,
  joined: Uint8Array = NO_BYTES,
  prefix = 0,
): number {
  let { buf, pos } = sink;
  let most = sink.room - BULK_MAX;
  let p = from;
  let left = count;
  for (; left > 0 && p < end; left--) {
    // 10xxxxxx: a text with its length, as src/memory/listpack-entry.ts has it.
    const rest = u8[p]! ^ 0x80;
    if (prefix + rest < SHORT_TEXT && pos <= most) {
      pos = putHeader(buf, pos, DOLLAR, prefix + rest);
      for (let i = 0; i < prefix; i++) buf[pos + i] = joined[i]!;
      pos += prefix;
      for (let i = 0; i < rest; i++) buf[pos + i] = u8[p + 1 + i]!;
      pos = putLineEnd(buf, pos + rest);
      p += rest + 2;
      continue;
    }
    sink.pos = pos;
    text.locate(u8, p);
    if (prefix > 0) text.behind(joined, prefix);
    sink.bulk(text.buf, text.off, text.len);
    p += text.sizeAt(u8, p);
    ({ buf, pos } = sink);
    most = sink.room - BULK_MAX;
  }
  sink.pos = pos;
  return count - left;
}

/** Sends the keys of the first `count` entries of a dict. O(their bytes). */
export function sendKeys(arena: Arena, entries: Int32Array, count: number, sink: TextSink): void {
  const { i32, u8 } = arena;
  let { buf, pos, view } = sink;
  let most = sink.room - BULK_MAX;
  for (let i = 0; i < count; i++) {
    const entry = entries[i]!;
    const at = entry & 0x7fff;
    const keyWord = i32[entry >>> 15]![(at << 1) + ENTRY_KEY]!;
    const header = keyWord < 0 ? EXTENDED_HEADER : HEADER;
    const len = keyWord & KEY_LENGTH;
    if (len < SHORT_TEXT && pos <= most) {
      pos = putAlignedBulk(buf, view, pos, i32[entry >>> 15]!, (at << 1) + (header >> 2), len);
      continue;
    }
    sink.pos = pos;
    sink.bulk(u8[entry >>> 15]!, (at << 3) + header, len);
    ({ buf, pos, view } = sink);
    most = sink.room - BULK_MAX;
  }
  sink.pos = pos;
}
