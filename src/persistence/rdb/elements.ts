/**
 * Elements packed into one string, one after the other: listpacks, and what older versions wrote in
 * their place, ziplists and zipmaps. Opening checks the whole string; what is unsound throws
 * `unsoundPack`, so that `next` may trust the bytes.
 *
 *     ziplist   u32 bytes | u32 offset of the last entry | u16 entries (65535: more) | entries | ff
 *     entry     size of the entry before (u8, or fe and u32) | encoding | data
 *     zipmap    u8 pairs (254: more) | pairs | ff
 *     pair      length | field | length | u8 unused bytes | value | the unused bytes
 *     length    u8 below 254, or fe and u32
 *
 * All numbers are little endian but the lengths of ziplist strings.
 * Source: files of redis 2.2 to 7.0, as redis-server 7.0.15 reads them.
 */
import { Intset } from '../../memory/intset.ts';
import { Listpack } from '../../memory/listpack.ts';
import { ListpackEntry } from '../../memory/listpack-entry.ts';
import { EMPTY_BYTES } from '../../util/bytes.ts';
import { writeInt } from '../../util/numbers.ts';
import { unsoundPack } from './bad-data.ts';

/** A walk over packed elements; `text`, `off` and `len` are the present one's. */
export interface Elements {
  readonly text: Uint8Array;
  readonly off: number;
  readonly len: number;
  /** How many there are. */
  readonly count: number;
  /** Goes to the next element; false behind the last one. The first call goes to the first. */
  next(): boolean;
}

const LISTPACK_HEADER = 6;
const END = 0xff;
const MANY = 0xffff;

export class ListpackElements implements Elements {
  text: Uint8Array = EMPTY_BYTES;
  off = 0;
  len = 0;
  count = 0;
  private readonly entry = new ListpackEntry();
  private bytes: Uint8Array = EMPTY_BYTES;
  /** Where it begins and where its end mark is; the next element. */
  private start = 0;
  private end = 0;
  private at = 0;

  open(bytes: Uint8Array): this {
    return this.openAt(bytes, 0, bytes.length);
  }

  /** Opens `buf[off .. off + len)`. */
  openAt(buf: Uint8Array, off: number, len: number): this {
    const count = Listpack.elementsOf(buf, off, len);
    if (count < 0) throw unsoundPack;
    this.bytes = buf;
    this.start = off + LISTPACK_HEADER;
    this.end = off + len - 1;
    this.count = count;
    this.rewind();
    return this;
  }

  /** Goes before the first element. */
  rewind(): void {
    this.at = this.start;
  }

  next(): boolean {
    const { bytes, entry, at } = this;
    if (at === this.end) return false;
    entry.locate(bytes, at);
    this.text = entry.buf;
    this.off = entry.off;
    this.len = entry.len;
    this.at = at + entry.sizeAt(bytes, at);
    return true;
  }

  /** Whether there is a next element. */
  get hasMore(): boolean {
    return this.at !== this.end;
  }

  /** Whether the next element is an integer below 128 kept in one byte. */
  get nextIsTiny(): boolean {
    return this.bytes[this.at]! < 0x80;
  }

  /** Goes to the next element, which must be an integer. */
  integer(): number | bigint {
    const { bytes, entry, at } = this;
    if (at === this.end || !entry.isInteger(bytes, at)) throw unsoundPack;
    this.at = at + entry.sizeAt(bytes, at);
    return entry.integer(bytes, at);
  }
}

/** What ziplists and zipmaps share: the elements were found when the string was opened. */
class FoundElements implements Elements {
  text: Uint8Array = EMPTY_BYTES;
  off = 0;
  len = 0;
  protected bytes: Uint8Array = EMPTY_BYTES;
  protected view: DataView = new DataView(EMPTY_BYTES.buffer);
  /** Offset and length of each element; of an integer its place in `integers` and -1. */
  protected readonly places: number[] = [];
  protected readonly integers: (number | bigint)[] = [];
  private at = 0;
  private readonly digits = new Uint8Array(24);

  get count(): number {
    return this.places.length >> 1;
  }

  next(): boolean {
    const { places, at } = this;
    if (at === places.length) return false;
    this.at = at + 2;
    this.off = places[at]!;
    this.len = places[at + 1]!;
    this.text = this.bytes;
    if (this.len < 0) this.digitsOf(this.integers[this.off]!);
    return true;
  }

  protected begin(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.places.length = 0;
    this.integers.length = 0;
    this.at = 0;
  }

  /** Notes an integer; returns the position behind it, which is the caller's to know. */
  protected noteInteger(n: number | bigint, behind: number): number {
    this.places.push(this.integers.length, -1);
    this.integers.push(n);
    return behind;
  }

  private digitsOf(n: number | bigint): void {
    this.text = this.digits;
    this.off = 0;
    if (typeof n === 'number') this.len = writeInt(this.digits, 0, n);
    else this.len = Buffer.from(n.toString()).copy(this.digits);
  }
}

const ZIPLIST_HEADER = 10;
const LONG = 0xfe;

export class ZiplistElements extends FoundElements {
  open(bytes: Uint8Array): this {
    this.begin(bytes);
    const { view } = this;
    const last = bytes.length - 1;
    if (bytes.length <= ZIPLIST_HEADER || bytes[last] !== END) throw unsoundPack;
    if (view.getUint32(0, true) !== bytes.length) throw unsoundPack;
    let p = ZIPLIST_HEADER;
    let before = p;
    let size = 0;
    while (p < last) {
      const start = p;
      p = this.sizeBefore(p, last, size);
      p = this.element(p, last);
      before = start;
      size = p - start;
    }
    if (p !== last || view.getUint32(4, true) !== before) throw unsoundPack;
    const said = view.getUint16(8, true);
    if (said !== MANY && said !== this.count) throw unsoundPack;
    return this;
  }

  /** Checks the size of the entry before, at p; the position behind. */
  private sizeBefore(p: number, end: number, size: number): number {
    const first = this.bytes[p]!;
    if (first !== LONG) {
      if (first !== size) throw unsoundPack;
      return p + 1;
    }
    if (p + 5 > end || this.view.getUint32(p + 1, true) !== size) throw unsoundPack;
    return p + 5;
  }

  /** Notes the element whose encoding is at p; the position behind. */
  private element(p: number, end: number): number {
    if (p >= end) throw unsoundPack;
    const first = this.bytes[p]!;
    if (first >= 0xc0) return this.integer(first, p + 1, end);
    let from = p + 1;
    let length = first & 0x3f;
    if (first >= 0x80) {
      if (p + 5 > end) throw unsoundPack;
      length = this.view.getUint32(p + 1);
      from = p + 5;
    } else if (first >= 0x40) {
      if (p + 2 > end) throw unsoundPack;
      length = (length << 8) | this.bytes[p + 1]!;
      from = p + 2;
    }
    if (length > end - from) throw unsoundPack;
    this.places.push(from, length);
    return from + length;
  }

  private integer(kind: number, p: number, end: number): number {
    const { view } = this;
    if (kind >= 0xf1 && kind <= 0xfd) return this.noteInteger((kind & 0xf) - 1, p);
    const size = integerBytes(kind);
    if (size === 0 || p + size > end) throw unsoundPack;
    if (size === 1) return this.noteInteger(view.getInt8(p), p + 1);
    if (size === 2) return this.noteInteger(view.getInt16(p, true), p + 2);
    if (size === 3) {
      const n = view.getUint16(p, true) | (view.getInt8(p + 2) << 16);
      return this.noteInteger(n, p + 3);
    }
    if (size === 4) return this.noteInteger(view.getInt32(p, true), p + 4);
    return this.noteInteger(safe(view.getBigInt64(p, true)), p + 8);
  }
}

/** Bytes of a ziplist's integer by its encoding; 0 when there is no such encoding. */
function integerBytes(kind: number): number {
  if (kind === 0xc0) return 2;
  if (kind === 0xd0) return 4;
  if (kind === 0xe0) return 8;
  if (kind === 0xf0) return 3;
  return kind === 0xfe ? 1 : 0;
}

function safe(n: bigint): number | bigint {
  return Number.isSafeInteger(Number(n)) ? Number(n) : n;
}

const INTSET_HEADER = 8;

/** The integers of an intset, which are not packed but are asked for in the same way. */
export class IntsetElements extends FoundElements {
  open(bytes: Uint8Array): this {
    if (!Intset.isValid(bytes)) throw unsoundPack;
    this.begin(bytes);
    const { view } = this;
    const width = view.getUint32(0, true);
    for (let p = INTSET_HEADER; p < bytes.length; p += width) {
      if (width === 2) this.noteInteger(view.getInt16(p, true), p);
      else if (width === 4) this.noteInteger(view.getInt32(p, true), p);
      else this.noteInteger(safe(view.getBigInt64(p, true)), p);
    }
    return this;
  }
}

const ZIPMAP_MANY = 254;

export class ZipmapElements extends FoundElements {
  open(bytes: Uint8Array): this {
    this.begin(bytes);
    const last = bytes.length - 1;
    if (bytes.length < 2 || bytes[last] !== END) throw unsoundPack;
    let p = 1;
    while (p < last) {
      p = this.element(p, last, false);
      p = this.element(p, last, true);
    }
    if (p !== last) throw unsoundPack;
    // Nobody has ever written an empty one.
    if (this.count === 0) throw unsoundPack;
    const said = bytes[0]!;
    if (said < ZIPMAP_MANY && said !== this.count >> 1) throw unsoundPack;
    return this;
  }

  private element(at: number, end: number, isValue: boolean): number {
    if (at >= end) throw unsoundPack;
    let length = this.bytes[at]!;
    let p = at + 1;
    if (length === END) throw unsoundPack;
    if (length === LONG) {
      if (p + 4 > end) throw unsoundPack;
      length = this.view.getUint32(p, true);
      p += 4;
    }
    let unused = 0;
    if (isValue) {
      if (p >= end) throw unsoundPack;
      unused = this.bytes[p++]!;
    }
    if (length + unused > end - p) throw unsoundPack;
    this.places.push(p, length);
    return p + length + unused;
  }
}
