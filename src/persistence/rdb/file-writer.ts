/**
 * Writes a whole RDB file from databases in an arena, be it the live one or a frozen one in another
 * thread: it reads only. The bytes go to a sink in pieces of about 64 KiB as they come to be, so
 * neither a file nor a value is ever in memory as a whole.
 *
 *     REDIS0010 | aux fields | functions | databases | ff | checksum
 *     aux field    fa | name | value                function   f5 | source text
 *     database     fe | number | fb | keys | keys with a time to live | keys
 *     key          [fc | int64 ms] [f8 | idle seconds, or f9 | u8 frequency] | type | key | value
 *
 * The version in front says which forms there are. A value that no lower version has a form for
 * raises it: `version` tells at the end, and the caller puts `fixedHeader` and `fixedFooter` in
 * place of what was written when that is more than was written. A sink that cannot go back is
 * handed a file that says less than it holds.
 * Source: files of redis-server 7.0.15.
 */
import { HashValue } from '../../datatypes/hash.ts';
import { ListValue } from '../../datatypes/list.ts';
import { SetValue } from '../../datatypes/set.ts';
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { StreamValue } from '../../datatypes/stream.ts';
import type { Tools, Value } from '../../datatypes/value.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import { LfuClock, lruClock } from '../../keyspace/access-time.ts';
import { EntryReader } from '../../keyspace/entry.ts';
import type { Ref } from '../../memory/arena.ts';
import { Crc64, crcOfShifted } from '../../util/crc64.ts';
import { RdbOutput, type Sink } from './output.ts';
import { Opcode, RDB_MAGIC, RDB_VERSION, RdbType } from './types.ts';
import { RdbWriter, rdbTypeOf, rdbVersionOf } from './writer.ts';

const FOOTER_BYTES = 8;
/** Buckets between two looks at whether to go on. */
const SLICE_BUCKETS = 1024;

/** A database to be saved: what is in the arena, and what is not. */
export interface SavedDatabase {
  readonly index: number;
  /** Its dict of keys. */
  readonly root: Ref;
  /** Number of keys with a time to live. */
  readonly volatileKeys: number;
}

/** What is saved. */
export interface RdbSource {
  /** Over the arena that is read; its limits, random numbers and hash key are not used. */
  readonly tools: Tools;
  readonly databases: readonly SavedDatabase[];
  /** Source texts of function libraries. */
  readonly functions: readonly Uint8Array[];
  /** The moment of the snapshot, ms since the epoch. */
  readonly nowMs: number;
}

/** How it is written. */
export interface RdbWriteOptions {
  /** rdbcompression: LZF for long strings. */
  readonly compress: boolean;
  /** rdbchecksum; without it the checksum is 0, which readers do not check. */
  readonly checksum: boolean;
  /** The version to write; what it has no form for raises it. 10 unless there is a reason. */
  readonly version: number;
  /** Which access data goes along: of which maxmemory-policy there is use. */
  readonly access: 'none' | 'lru' | 'lfu';
  /** lfu-decay-time. */
  readonly lfuDecayMinutes: number;
  /** Aux fields in their order; integers are written as such. */
  readonly aux: readonly (readonly [name: string, value: string])[];
}

export class RdbFileWriter {
  /** Keys written. */
  keys = 0;
  /** The highest version of what was written. */
  version: number;
  private readonly source: RdbSource;
  private readonly options: RdbWriteOptions;
  private readonly out: RdbOutput;
  private readonly writer: RdbWriter;
  private readonly reader: EntryReader;
  private readonly crc = new Crc64();
  private readonly lfu = new LfuClock();
  private readonly cursors: (Value | undefined)[] = [];
  private readonly writeEntry = (entry: Ref): void => this.entry(entry);
  /** Which of the databases is being written, and the position in its dict. */
  private database = 0;
  private position = 0;
  /** All but the checksum was written. */
  private ended = false;

  constructor(source: RdbSource, options: RdbWriteOptions, sink: Sink) {
    this.source = source;
    this.options = options;
    this.version = options.version;
    this.lfu.decayMinutes = options.lfuDecayMinutes;
    this.out = new RdbOutput((bytes) => {
      if (options.checksum && !this.ended) this.crc.update(bytes, 0, bytes.length);
      sink(bytes);
    });
    this.out.compress = options.compress;
    this.writer = new RdbWriter(source.tools, this.out);
    this.reader = new EntryReader(source.tools.arena);
    for (const Type of [HashValue, ListValue, SetValue, SortedSetValue, StreamValue]) {
      const cursor = new Type(source.tools);
      this.cursors[cursor.type] = cursor;
    }
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.out.total;
  }

  /** Writes the whole file. */
  writeAll(): void {
    this.begin();
    while (this.step());
    this.end();
  }

  /** Writes what comes before the databases. */
  begin(): void {
    const { out, options, source } = this;
    const header = headerOf(options.version);
    out.raw(header, 0, header.length);
    for (const [name, value] of options.aux) {
      out.byte(Opcode.aux);
      this.text(name);
      this.text(value);
    }
    for (const code of source.functions) {
      out.byte(Opcode.function2);
      out.string(code, 0, code.length);
    }
  }

  /** Writes some keys, about a thousand. Returns whether there are more. */
  step(): boolean {
    const { databases, tools } = this.source;
    const database = databases[this.database];
    if (database === undefined) return false;
    const { root } = database;
    if (this.position === 0 && tools.dict.size(root) > 0) this.beginDatabase(database);
    this.position = tools.dict.walk(root, this.position, SLICE_BUCKETS, this.writeEntry);
    if (this.position < 0) {
      this.position = 0;
      this.database++;
    }
    return this.database < databases.length;
  }

  /** Writes the end. */
  end(): void {
    const { crc, out } = this;
    out.byte(Opcode.end);
    out.flush();
    this.ended = true;
    out.reserve(FOOTER_BYTES);
    if (this.options.checksum) crc.write(out.buf, out.pos);
    else out.buf.fill(0, out.pos, out.pos + FOOTER_BYTES);
    out.pos += FOOTER_BYTES;
    out.flush();
  }

  /** After the end: the header with the version that the file turned out to have. */
  fixedHeader(): Uint8Array {
    return headerOf(this.version);
  }

  /** After the end: the checksum with that header, for the last eight bytes. */
  fixedFooter(): Uint8Array {
    const footer = new Uint8Array(FOOTER_BYTES);
    if (!this.options.checksum) return footer;
    const written = headerOf(this.options.version);
    const change = this.fixedHeader().map((byte, i) => byte ^ written[i]!);
    const behind = this.bytes - FOOTER_BYTES - change.length;
    const delta = crcOfShifted(change, behind);
    const fixed = new Crc64();
    fixed.high = this.crc.high ^ delta.high;
    fixed.low = this.crc.low ^ delta.low;
    fixed.write(footer, 0);
    return footer;
  }

  /** After the end: what is to be put in the place of written bytes, each at a position. */
  corrections(): readonly (readonly [bytes: Uint8Array, position: number])[] {
    if (this.version === this.options.version) return [];
    const footer = this.fixedFooter();
    return [
      [this.fixedHeader(), 0],
      [footer, this.bytes - footer.length],
    ];
  }

  private beginDatabase(database: SavedDatabase): void {
    const { out, source } = this;
    out.byte(Opcode.selectDb);
    out.length(database.index);
    out.byte(Opcode.resizeDb);
    out.length(source.tools.dict.size(database.root));
    out.length(database.volatileKeys);
  }

  private entry(entry: Ref): void {
    const { out, reader } = this;
    this.keys++;
    if (reader.isVolatile(entry)) {
      out.byte(Opcode.expireMs);
      out.int64(reader.expireAt(entry));
    }
    if (this.options.access !== 'none') this.accessOf(entry);
    const type = reader.typeOf(entry);
    if (type === ValueType.string) {
      out.byte(RdbType.string);
      this.key(entry);
      reader.locateString(entry);
      out.string(reader.valueBuf, reader.valueOff, reader.valueLen);
      return;
    }
    const value = this.cursors[type]!;
    value.open(entry, reader.valueSlot(entry));
    const rdbType = rdbTypeOf(value, this.options.version);
    const needed = rdbVersionOf(rdbType);
    if (needed > this.version) this.version = needed;
    out.byte(rdbType);
    this.key(entry);
    this.writer.write(value, rdbType);
  }

  private key(entry: Ref): void {
    const { reader } = this;
    reader.locateKey(entry);
    this.out.string(reader.valueBuf, reader.valueOff, reader.valueLen);
  }

  private accessOf(entry: Ref): void {
    const { out, source } = this;
    const access = this.reader.accessOf(entry);
    if (this.options.access === 'lfu') {
      out.byte(Opcode.frequency);
      out.byte(this.lfu.counter(access, source.nowMs));
    } else {
      out.byte(Opcode.idle);
      out.length((lruClock(source.nowMs) - access) & 0xffffff);
    }
  }

  private text(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.out.string(bytes, 0, bytes.length);
  }
}

/** The nine bytes that a file of a version begins with. */
function headerOf(version: number): Uint8Array {
  return Buffer.from(RDB_MAGIC + String(version).padStart(4, '0'), 'latin1');
}

/** What `RdbWriteOptions` are for files that redis-server 7.0 shall read, without aux fields. */
export const defaultWriteOptions: RdbWriteOptions = {
  compress: true,
  checksum: true,
  version: RDB_VERSION,
  access: 'none',
  lfuDecayMinutes: 1,
  aux: [],
};
