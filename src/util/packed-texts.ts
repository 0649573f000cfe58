/**
 * Many byte strings in one buffer: no object for each, so a million of them cost the collector
 * nothing.
 *
 * Text i is bytes[begins[i] .. begins[i + 1]). A text may be missing, which is not the same as
 * empty.
 */
import { copyBytes } from './bytes.ts';
import { errors } from './errors.ts';

const FIRST_TEXTS = 16;
const FIRST_BYTES = 256;
/** The most that a typed array can hold, and a word can count. */
const BYTES_MAX = 2 ** 32 - 1;

export class PackedTexts {
  /** Number of texts. */
  size = 0;
  bytes: Uint8Array;
  /** One more than texts. */
  begins: Uint32Array;
  /** 1 for each text that is missing; undefined while none is. */
  private absent: Uint8Array | undefined;

  /** `capacity` is how many texts are expected, `byteCapacity` how many bytes all together. */
  constructor(capacity = FIRST_TEXTS, byteCapacity = FIRST_BYTES) {
    this.bytes = new Uint8Array(byteCapacity);
    this.begins = new Uint32Array(Math.max(1, capacity) + 1);
  }

  /** Appends a copy of a text. Amortised O(len). Throws "reply is too large" past 4 GiB. */
  add(buf: Uint8Array, off: number, len: number): void {
    if (this.size + 1 === this.begins.length) this.growTexts();
    const begin = this.begins[this.size]!;
    const end = begin + len;
    if (end > this.bytes.length) this.growBytes(end);
    copyBytes(buf, off, this.bytes, begin, len);
    this.begins[++this.size] = end;
  }

  /** Appends "there is no such text". Amortised O(1). */
  addMissing(): void {
    const i = this.size;
    this.add(this.bytes, 0, 0);
    this.absent ??= new Uint8Array(this.begins.length);
    this.absent[i] = 1;
  }

  isMissing(i: number): boolean {
    return this.absent !== undefined && this.absent[i] === 1;
  }

  /** Its length, 0 when it is missing. */
  lengthOf(i: number): number {
    return this.begins[i + 1]! - this.begins[i]!;
  }

  private growTexts(): void {
    const { begins, absent } = this;
    this.begins = new Uint32Array(begins.length * 2);
    this.begins.set(begins);
    if (absent === undefined) return;
    this.absent = new Uint8Array(this.begins.length);
    this.absent.set(absent);
  }

  private growBytes(need: number): void {
    if (need > BYTES_MAX) throw errors.replyTooLarge;
    const bytes = new Uint8Array(Math.min(BYTES_MAX, Math.max(need, this.bytes.length * 2)));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}
