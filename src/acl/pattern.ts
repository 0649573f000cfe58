/**
 * A glob of a rule, prepared for many matches: most are a plain name or a plain beginning.
 */
import { globMatch } from '../util/glob.ts';

/** What may be done to a key, as bits. */
export const Access = { read: 1, write: 2, both: 3 } as const;

export class Pattern {
  /** As it was given, latin1. */
  readonly text: string;
  /** What it allows of keys (`Access`); `both` for channels, where it means nothing. */
  readonly access: number;
  private readonly bytes: Uint8Array;
  /** Bytes that a match begins with where nothing but a last `*` follows, else -1. */
  private readonly prefix: number;
  private readonly isExact: boolean;

  constructor(text: string, access: number) {
    this.text = text;
    this.access = access;
    this.bytes = new Uint8Array(Buffer.from(text, 'latin1'));
    const first = text.search(/[*?[\\]/);
    this.isExact = first < 0;
    const onlyStar = first >= 0 && first === text.length - 1 && text[first] === '*';
    this.prefix = first < 0 ? text.length : onlyStar ? first : -1;
  }

  /** The byte that every match begins with, -1 when there is none. */
  get firstByte(): number {
    const byte = this.bytes[0];
    return byte === undefined || '*?[\\'.includes(this.text[0]!) ? -1 : byte;
  }

  /** Whether it matches bytes. O(length) but for globs with several stars. */
  matches(buf: Uint8Array, off: number, len: number): boolean {
    const { bytes, prefix } = this;
    if (prefix < 0) return globMatch(bytes, 0, bytes.length, buf, off, len, false);
    // As in `globMatch`, nothing but the empty pattern matches an empty text.
    if (this.isExact ? len !== prefix : len < prefix || len === 0) return false;
    for (let i = 0; i < prefix; i++) if (bytes[i] !== buf[off + i]) return false;
    return true;
  }
}
