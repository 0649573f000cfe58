/**
 * BY and GET patterns of SORT: `weight_*` names a string key, `hash_*->field` a field of a hash, `#`
 * the element itself. The first `*` stands for the element.
 */
import { ValueType } from '../../datatypes/value-types.ts';
import { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

const STAR = 42;
const ARROW = Buffer.from('->');

export class SortPattern {
  /** Whether it is `#`. */
  readonly isElement: boolean;
  /** Where the element belongs, -1 for nowhere: then there is nothing to be found. */
  readonly star: number;
  private readonly prefix: Buffer;
  private readonly suffix: Buffer;
  /** The hash's field; undefined when a string is meant. */
  private readonly field: Buffer | undefined;
  /** The key, one argument, put together anew for every element. */
  private readonly key = new Args(new Uint8Array(64), 1);

  constructor(pattern: Buffer) {
    this.isElement = pattern.length === 1 && pattern[0] === 35;
    this.star = pattern.indexOf(STAR);
    const arrow = pattern.indexOf(ARROW, this.star + 1);
    // An arrow with nothing behind belongs to the key's name.
    const hasField = this.star >= 0 && arrow >= 0 && arrow + ARROW.length < pattern.length;
    this.prefix = pattern.subarray(0, Math.max(0, this.star));
    this.suffix = pattern.subarray(this.star + 1, hasField ? arrow : pattern.length);
    this.field = hasField ? pattern.subarray(arrow + ARROW.length) : undefined;
  }

  /** What the pattern names for an element, copied; undefined when there is no such thing. */
  lookUp(ctx: Context, element: Buffer): Buffer | undefined {
    if (this.isElement) return element;
    if (this.star < 0) return undefined;
    this.setKey(element);
    const { db, keyspace } = ctx;
    const { key } = this;
    const entry = db.read(key, 0);
    if (entry === 0) return undefined;
    const type = db.typeOf(entry);
    if (this.field === undefined) {
      if (type !== ValueType.string) return undefined;
      db.locateString(entry);
      return Buffer.from(db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen));
    }
    const { hashes } = keyspace;
    // Through `findValue`, which removes fields that are due.
    if (type !== ValueType.hash) return undefined;
    if (db.findValue(key.buf, 0, key.len[0]!, hashes) === 0) return undefined;
    if (!hashes.find(this.field, 0, this.field.length)) return undefined;
    const { buf, off, len } = hashes.value;
    return Buffer.from(buf.subarray(off, off + len));
  }

  private setKey(element: Buffer): void {
    const { prefix, suffix, key } = this;
    const length = prefix.length + element.length + suffix.length;
    if (key.buf.length < length) key.buf = new Uint8Array(length * 2);
    key.buf.set(prefix);
    key.buf.set(element, prefix.length);
    key.buf.set(suffix, prefix.length + element.length);
    key.clear();
    key.push(0, length);
  }
}
