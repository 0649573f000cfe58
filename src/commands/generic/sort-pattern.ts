/**
 * BY and GET patterns of SORT: `weight_*` names a string key, `hash_*->field` a field of a hash,
 * `#` the element itself. The first `*` stands for the element.
 */
import { ValueType } from '../../datatypes/value-types.ts';
import { Args } from '../../util/args.ts';
import { copyBytes, EMPTY_BYTES } from '../../util/bytes.ts';
import type { Context } from '../context.ts';

const STAR = 42;
const ARROW = Buffer.from('->');

export class SortPattern {
  /** Whether it is `#`. */
  readonly isElement: boolean;
  /** Where the element belongs, -1 for nowhere: then there is nothing to be found. */
  readonly star: number;
  /** What the latest `find` found. */
  buf: Uint8Array = EMPTY_BYTES;
  off = 0;
  len = 0;
  private readonly prefix: Buffer;
  private readonly suffix: Buffer;
  /** The hash's field; undefined when a string is meant. */
  private readonly field: Buffer | undefined;
  /** The key, one argument, put together anew for every element. */
  private readonly key = new Args(EMPTY_BYTES, 1);

  constructor(pattern: Buffer) {
    this.isElement = pattern.length === 1 && pattern[0] === 35;
    this.star = pattern.indexOf(STAR);
    const arrow = pattern.indexOf(ARROW, this.star + 1);
    // An arrow with nothing after it belongs to the key's name.
    const hasField = this.star >= 0 && arrow >= 0 && arrow + ARROW.length < pattern.length;
    this.prefix = pattern.subarray(0, Math.max(0, this.star));
    this.suffix = pattern.subarray(this.star + 1, hasField ? arrow : pattern.length);
    this.field = hasField ? pattern.subarray(arrow + ARROW.length) : undefined;
  }

  /**
   * Finds what the pattern names for an element: `buf`, `off` and `len` are at it, a view until the
   * next lookup or change. False when there is no such thing.
   */
  find(ctx: Context, element: Uint8Array, off: number, len: number): boolean {
    if (this.isElement) {
      this.setFound(element, off, len);
      return true;
    }
    if (this.star < 0) return false;
    this.setKey(element, off, len);
    const { db, keyspace } = ctx;
    const { key } = this;
    const entry = db.read(key, 0);
    if (entry === 0) return false;
    const type = db.typeOf(entry);
    if (this.field === undefined) {
      if (type !== ValueType.string) return false;
      db.locateString(entry);
      this.setFound(db.valueBuf, db.valueOff, db.valueLen);
      return true;
    }
    const { hashes } = keyspace;
    // Through `findValue`, which removes fields that are due.
    if (type !== ValueType.hash) return false;
    if (db.findValue(key.buf, 0, key.len[0]!, hashes) === 0) return false;
    if (!hashes.find(this.field, 0, this.field.length)) return false;
    this.setFound(hashes.value.buf, hashes.value.off, hashes.value.len);
    return true;
  }

  private setFound(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
  }

  private setKey(element: Uint8Array, off: number, len: number): void {
    const { prefix, suffix, key } = this;
    const length = prefix.length + len + suffix.length;
    if (key.buf.length < length) {
      key.buf = new Uint8Array(length * 2);
      key.buf.set(prefix);
    }
    copyBytes(element, off, key.buf, prefix.length, len);
    copyBytes(suffix, 0, key.buf, prefix.length + len, suffix.length);
    key.clear();
    key.push(0, length);
  }
}
