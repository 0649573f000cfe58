/**
 * DUMP payloads: one value with its type in front and a footer behind.
 *
 *     u8 type | the value | u16 RDB version, little endian | u64 CRC-64 of all that, little endian
 *
 * One codec serves a keyspace; its buffers are reused from call to call.
 */
import type { Value } from '../../datatypes/value.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import type { Db } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Keyspace } from '../../keyspace/keyspace.ts';
import { Crc64 } from '../../util/crc64.ts';
import { type BadDataError, reasonOf } from './bad-data.ts';
import type { RdbInput } from './input.ts';
import { RdbOutput } from './output.ts';
import { RdbReader } from './reader.ts';
import { RDB_VERSION, RDB_VERSION_MAX, RdbType } from './types.ts';
import { RdbWriter, rdbTypeOf, rdbVersionOf } from './writer.ts';

const FOOTER = 10;
const codecs = new WeakMap<Keyspace, PayloadCodec>();

export class PayloadCodec {
  private readonly space: Keyspace;
  private readonly out = new RdbOutput();
  private readonly writer: RdbWriter;
  private readonly reader: RdbReader;
  private readonly crc = new Crc64();
  private loadedType = 0;
  /** Whether payloads with a wrong checksum are refused (DEBUG SET-SKIP-CHECKSUM-VALIDATION). */
  checksChecksum = true;

  private constructor(space: Keyspace) {
    this.space = space;
    this.writer = new RdbWriter(space.tools, this.out);
    this.reader = new RdbReader(space);
  }

  /** The codec of a keyspace. */
  static of(space: Keyspace): PayloadCodec {
    let codec = codecs.get(space);
    if (codec === undefined) {
      codec = new PayloadCodec(space);
      codecs.set(space, codec);
    }
    return codec;
  }

  /** Where `load` leaves a string: in its text, off and len. */
  get input(): RdbInput {
    return this.reader.input;
  }

  /** The payload of an entry's value; a view valid until `release`, which must follow. O(size). */
  dump(db: Db, entry: Entry, compress: boolean): Uint8Array {
    const { out, crc } = this;
    out.clear();
    out.compress = compress;
    const type = this.writeTyped(db, entry);
    const version = rdbVersionOf(type);
    out.byte(version & 0xff);
    out.byte(version >> 8);
    crc.reset();
    crc.update(out.buf, 0, out.pos);
    out.reserve(8);
    crc.write(out.buf, out.pos);
    out.pos += 8;
    return out.view();
  }

  /** Bytes that an entry's value takes in an RDB file, without its type. O(size). */
  savedLength(db: Db, entry: Entry, compress: boolean): number {
    this.out.clear();
    this.out.compress = compress;
    this.writeTyped(db, entry);
    const length = this.out.pos - 1;
    this.release();
    return length;
  }

  /** Gives up the last payload: one of 512 MiB would stay resident until the next one. O(1). */
  release(): void {
    const { buf } = this.out;
    this.out.clear();
    if (this.out.buf !== buf) this.space.arena.dropped(buf.buffer);
  }

  /** Whether bytes are a payload of a version that we know, unharmed. O(len). */
  isSound(buf: Uint8Array, off: number, len: number): boolean {
    if (len < FOOTER) return false;
    const footer = off + len - FOOTER;
    if ((buf[footer]! | (buf[footer + 1]! << 8)) > RDB_VERSION_MAX) return false;
    if (!this.checksChecksum) return true;
    this.crc.reset();
    this.crc.update(buf, off, footer + 2);
    return this.crc.isAt(buf, footer + 2);
  }

  /**
   * Reads the value of a sound payload: a cursor on a value that belongs to no key yet, or
   * undefined for a string, which is left in `input`. Throws BadDataError. O(size).
   */
  load(buf: Uint8Array, off: number, len: number): Value | undefined {
    const { input } = this.reader;
    input.open(buf, off, off + len - FOOTER);
    try {
      this.loadedType = input.byte();
      return this.reader.read(this.loadedType);
    } catch (error) {
      input.close();
      throw error;
    }
  }

  /** What was wrong with the payload that `load` threw this for, in words. */
  reasonOf(error: BadDataError): string {
    return reasonOf(error, this.loadedType);
  }

  /** Writes the RDB type of an entry's value and the value; the type. */
  private writeTyped(db: Db, entry: Entry): number {
    const { out } = this;
    if (db.typeOf(entry) === ValueType.string) {
      db.locateString(entry);
      out.byte(RdbType.string);
      out.string(db.valueBuf, db.valueOff, db.valueLen);
      return RdbType.string;
    }
    const value = this.space.cursor(db.typeOf(entry));
    db.open(entry, value);
    const type = rdbTypeOf(value, RDB_VERSION);
    out.byte(type);
    this.writer.write(value, type);
    return type;
  }
}
