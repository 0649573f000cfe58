/**
 * Reads an RDB file of any version up to 14 into databases, fed piece by piece: no file and no
 * value is ever in memory as a whole beside what becomes of it, except for strings that are packed
 * or compressed. Values are written straight into the arena.
 *
 * The file may be damaged or hostile: whatever is wrong throws an `RdbFileError` that says what and
 * at which byte. What was loaded until then is in the databases: it is the caller's to clear them,
 * who knows whether they were empty. See `file-writer.ts` for the layout.
 * Source: redis-server 7.0.15 loading its own files and those of older versions (behaviour).
 */
import { stringEncoding } from '../../datatypes/string-encoding.ts';
import type { Value } from '../../datatypes/value.ts';
import { Encoding } from '../../datatypes/value-types.ts';
import { type Db, NO_TTL } from '../../keyspace/db.ts';
import type { Entry, UnixMs } from '../../keyspace/entry.ts';
import type { Values } from '../../keyspace/values.ts';
import type { Ref } from '../../memory/arena.ts';
import { Crc64 } from '../../util/crc64.ts';
import { setAccess } from './access.ts';
import { BadDataError, emptyValue, reasonOf } from './bad-data.ts';
import { RdbFileError } from './file-error.ts';
import { NeedMore, type RdbInput } from './input.ts';
import { ModuleData, moduleName } from './module-data.ts';
import { RdbReader } from './reader.ts';
import {
  Opcode,
  RDB_MAGIC,
  RDB_VERSION_CHECKSUM,
  RDB_VERSION_MAX,
  RdbType,
  rdbTypeName,
} from './types.ts';

const HEADER_BYTES = 9;
const FOOTER_BYTES = 8;
const WINDOW_BYTES = 256 * 1024;
/** A string that is not all there yet goes to the arena as it comes, from this length on. */
const LONG_STRING = 64 * 1024;
/** Bytes of the smallest key: type, name and value. */
const KEY_MIN = 3;
const SLOTS = 16384;

/** What is read next. */
const State = {
  header: 0,
  next: 1,
  value: 2,
  longString: 3,
  module: 4,
  footer: 5,
  end: 6,
} as const;

export interface RdbReadOptions {
  /** Bytes of the file; Infinity when nobody knows, as of a socket. */
  readonly bytes: number;
  /** The database of an index, or undefined when there are not so many. */
  readonly database: (index: number) => Db | undefined;
  /** Whether keys that have expired are kept: by a replica, and where an AOF follows. */
  readonly keepExpired: boolean;
  /** Whether a key takes the place of one that is there; else that is an error. */
  readonly replace: boolean;
  /** Whether the checksum is looked at (rdbchecksum). */
  readonly checksum: boolean;
  /** Nothing is kept: values are freed as soon as they were read, modules' data passed over. */
  readonly checkOnly: boolean;
  /** Told of aux fields; views, valid during the call. */
  readonly onAux?: (name: Uint8Array, value: Uint8Array) => void;
  /** Told of each key that is left out because it has expired; a view. */
  readonly onExpired?: (dbIndex: number, key: Uint8Array) => void;
  /** Told of each key that is left out because its collection has no elements; a view. */
  readonly onEmpty?: (key: Uint8Array) => void;
  /** Told of function libraries, by source text; a view. May throw an Error with what is wrong. */
  readonly onFunction?: (code: Uint8Array) => void;
  /** Told of each key that was read, with its RDB type; expired ones too. */
  readonly onKey?: (rdbType: number, expireAt: UnixMs) => void;
}

export class RdbFileReader {
  /** Keys that were added. */
  keys = 0;
  /** Keys that were left out because they had expired, and collections without elements. */
  expired = 0;
  empty = 0;
  /** The version of the file, once known. */
  version = 0;
  private readonly space: Values;
  private readonly options: RdbReadOptions;
  private readonly reader: RdbReader;
  private readonly input: RdbInput;
  private readonly module: ModuleData;
  private readonly crc = new Crc64();
  private state: number = State.header;
  /**
   * Bytes not dealt with yet: `window[0 .. filled)`, of which the first is byte `base` of the file.
   */
  private window: Buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  private filled = 0;
  private base = 0;
  /** Nothing can be read before so many are in the window. */
  private wanted = 0;
  private db: Db | undefined;
  private dbIndex = 0;
  /** Of the key that comes next. */
  private expireAt: UnixMs = -1;
  private idleSeconds = -1;
  private frequency = -1;
  /** The key being read: its type, and its name once that was read. */
  private type = 0;
  private key: Buffer = Buffer.allocUnsafe(256);
  private keyLen = -1;
  /** A long string: its block, its length, and how much of it is there. */
  private block: Ref = 0;
  private blockLen = 0;
  private blockDone = 0;

  constructor(space: Values, options: RdbReadOptions) {
    this.space = space;
    this.options = options;
    this.reader = new RdbReader(space);
    this.input = this.reader.input;
    this.module = new ModuleData(this.input);
    this.db = options.database(0);
  }

  /** Whether the file's last byte was read. */
  get isDone(): boolean {
    return this.state === State.end;
  }

  /** Bytes of the file dealt with. After the end: where what follows begins. */
  get offset(): number {
    return this.base;
  }

  /**
   * Takes the next bytes of the file. Returns how many of them belong to it: fewer than all only at
   * its end. Throws RdbFileError, ArenaFullError. O(bytes).
   */
  feed(bytes: Uint8Array, from = 0, to = bytes.length): number {
    if (this.isDone) return 0;
    this.append(bytes, from, to);
    if (this.filled >= this.wanted) this.parse();
    return to - from - (this.isDone ? this.filled : 0);
  }

  /** There are no more bytes. Throws RdbFileError when the file is not complete. */
  end(): void {
    if (this.isDone) return;
    throw this.failed('the file ends too early', this.base + this.filled);
  }

  /** Frees a value that was left half read: the file is given up. */
  close(): void {
    this.reader.discard();
    this.input.close();
    if (this.block !== 0) this.space.arena.free(this.block);
    this.block = 0;
    this.state = State.end;
  }

  private append(bytes: Uint8Array, from: number, to: number): void {
    const need = this.filled + to - from;
    if (need > this.window.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, this.window.length * 2));
      larger.set(this.window.subarray(0, this.filled));
      this.window = larger;
    }
    this.window.set(bytes.subarray(from, to), this.filled);
    this.filled = need;
  }

  /** Reads as much as there is. */
  private parse(): void {
    const { input, window } = this;
    const beyond = Math.max(0, this.options.bytes - this.base - this.filled);
    input.open(window, 0, this.filled, beyond);
    this.wanted = 0;
    try {
      while (!this.isDone) {
        this.readState();
        input.mark();
      }
    } catch (error) {
      if (!(error instanceof NeedMore)) throw this.explained(error);
      this.wanted = input.wanted;
    }
    this.dropRead();
  }

  /** Forgets what was read: it goes into the checksum. */
  private dropRead(): void {
    const { input } = this;
    const read = input.marked;
    if (!this.isDone) this.crc.update(this.window, 0, read);
    this.window.copyWithin(0, read, this.filled);
    this.filled -= read;
    this.base += read;
    input.marked = 0;
    input.pos = 0;
    if (this.window.length > LARGE_WINDOW && this.wanted < WINDOW_BYTES) {
      const smaller = Buffer.allocUnsafe(Math.max(WINDOW_BYTES, this.filled));
      smaller.set(this.window.subarray(0, this.filled));
      this.window = smaller;
    }
  }

  private readState(): void {
    switch (this.state) {
      case State.header:
        this.readHeader();
        break;
      case State.next:
        this.readNext();
        break;
      case State.value:
        this.readValue(true);
        break;
      case State.longString:
        this.readLongString();
        break;
      case State.module:
        if (this.module.readPart()) this.state = State.next;
        break;
      default:
        this.readFooter();
    }
  }

  private readHeader(): void {
    const { input } = this;
    const text = input.characters(HEADER_BYTES);
    if (!text.startsWith(RDB_MAGIC)) throw this.failed('this is no RDB file', 0);
    const digits = text.slice(RDB_MAGIC.length);
    const version = /^\d{4}$/.test(digits) ? Number(digits) : 0;
    if (version < 1 || version > RDB_VERSION_MAX) {
      throw this.failed(`RDB version ${digits} is not one of 1 to ${RDB_VERSION_MAX}`, 5);
    }
    this.version = version;
    this.state = State.next;
  }

  private readFooter(): void {
    const { crc, input, window } = this;
    const at = input.take(FOOTER_BYTES);
    crc.update(window, 0, at);
    const given = window.subarray(at, at + FOOTER_BYTES);
    if (this.options.checksum && given.some((byte) => byte !== 0) && !crc.isAt(window, at)) {
      throw this.failed('the checksum is wrong (RDB CRC error)', this.base + at);
    }
    this.state = State.end;
  }

  // ---- what stands between the keys ----------------------------------------------------------

  private readNext(): void {
    const { input } = this;
    const type = input.byte();
    if (type < Opcode.keyMeta) {
      this.readKey(type);
      return;
    }
    switch (type) {
      case Opcode.expireMs:
        this.expireAt = toUnixMs(input.int64());
        break;
      case Opcode.expireSeconds:
        this.expireAt = input.int32() * 1000;
        break;
      case Opcode.idle:
        this.idleSeconds = Number(input.number());
        break;
      case Opcode.frequency:
        this.frequency = input.byte();
        break;
      case Opcode.selectDb:
        this.selectDb();
        break;
      case Opcode.resizeDb:
        this.resizeDb();
        break;
      case Opcode.aux:
        this.readAux();
        break;
      case Opcode.end:
        this.endOfKeys();
        break;
      default:
        this.readRareOpcode(type);
    }
  }

  private endOfKeys(): void {
    if (this.version >= RDB_VERSION_CHECKSUM) {
      this.state = State.footer;
      return;
    }
    // Nothing follows such a file: it is a newer one whose version is damaged, and with it the
    // only way to know that there is a checksum.
    const { available, left } = this.input;
    if (available > 0 || (left > 0 && left !== Number.POSITIVE_INFINITY)) {
      throw this.failed(`bytes follow the end, but version ${this.version} has no checksum`);
    }
    this.state = State.end;
  }

  private readRareOpcode(opcode: number): void {
    const { input } = this;
    if (opcode === Opcode.function2) this.readFunction();
    else if (opcode === Opcode.moduleAux) this.readModuleAux();
    else if (opcode === Opcode.slotInfo) {
      const slot = input.number();
      input.number();
      input.number();
      if (slot >= SLOTS) throw this.failed(`slot ${slot} does not exist`);
    } else if (opcode === Opcode.functionOld) {
      throw this.failed('functions of a release candidate of redis 7.0 (opcode 246)');
    } else if (opcode === Opcode.keyMeta) {
      throw this.failed('data of modules about a key (opcode 243)');
    } else throw this.failed(`unknown opcode ${opcode}`);
  }

  private selectDb(): void {
    const index = this.input.number();
    const db = index < 2 ** 31 ? this.options.database(Number(index)) : undefined;
    if (db === undefined) throw this.failed(`there is no database ${index} here`);
    this.db = db;
    this.dbIndex = Number(index);
  }

  /** A hint: how many keys come, and how many of them with a time to live. */
  private resizeDb(): void {
    const { input, space } = this;
    const keys = Number(input.number());
    input.number();
    if (this.options.checkOnly) return;
    space.dict.reserve(this.db!.root, input.plausible(keys, KEY_MIN));
  }

  private readAux(): void {
    const { input } = this;
    const name = Buffer.from(input.bytes());
    const value = input.bytes();
    this.options.onAux?.(name, value);
  }

  private readFunction(): void {
    const code = this.input.bytes();
    try {
      this.options.onFunction?.(code);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw this.failed(`a function library cannot be loaded: ${message}`);
    }
  }

  private readModuleAux(): void {
    const name = this.module.readAuxHeader();
    if (!this.options.checkOnly) throw this.failed(`data of the module "${name}"`);
    this.state = State.module;
  }

  // ---- keys --------------------------------------------------------------------------------

  private readKey(type: number): void {
    const { input } = this;
    this.type = type;
    if (!isKnown(type)) throw this.failed(`unknown value type ${type}`);
    this.keyLen = -1;
    input.string();
    this.keepKey(input.text, input.off, input.len);
    if (type === RdbType.string) {
      const long = input.longString(LONG_STRING);
      if (long > 0) this.beginLongString(long);
      else {
        input.string();
        this.addString(input.text, input.off, input.len);
      }
    } else if (type === RdbType.module || type === RdbType.moduleOld) this.readModule();
    else {
      // From here on the key is not read again.
      input.mark();
      this.state = State.value;
      this.readValue(false);
    }
  }

  private readModule(): void {
    if (this.type === RdbType.moduleOld) throw this.failed('a module of before redis 4.0 (type 6)');
    const id = this.input.number();
    if (!this.options.checkOnly) throw this.failed(`a value of the module "${moduleName(id)}"`);
    this.options.onKey?.(this.type, this.expireAt);
    this.forgetKey();
    this.state = State.module;
  }

  private readValue(goesOn: boolean): void {
    let value: Value | undefined;
    try {
      value = goesOn ? this.reader.proceed() : this.reader.read(this.type);
    } catch (error) {
      if (error !== emptyValue) throw error;
      this.empty++;
      this.options.onEmpty?.(this.key.subarray(0, this.keyLen));
    }
    this.state = State.next;
    if (value !== undefined) this.addValue(value);
    this.forgetKey();
  }

  private keepKey(text: Uint8Array, off: number, len: number): void {
    if (this.key.length < len) this.key = Buffer.allocUnsafe(len * 2);
    const { key } = this;
    if (len < 48) for (let i = 0; i < len; i++) key[i] = text[off + i]!;
    else key.set(text.subarray(off, off + len));
    this.keyLen = len;
  }

  private forgetKey(): void {
    this.expireAt = -1;
    this.idleSeconds = -1;
    this.frequency = -1;
    this.keyLen = -1;
  }

  /** Whether the key that was read is to be kept; one that is there in its place goes. */
  private isWanted(): boolean {
    const { expireAt, options } = this;
    options.onKey?.(this.type, expireAt);
    if (!options.keepExpired && expireAt !== -1 && expireAt < this.space.nowMs) {
      this.expired++;
      options.onExpired?.(this.dbIndex, this.key.subarray(0, this.keyLen));
      return false;
    }
    this.keys++;
    if (options.checkOnly) return false;
    const db = this.db!;
    const present = db.find(this.key, 0, this.keyLen);
    if (present === 0) return true;
    if (!options.replace) throw this.failed('the key is there twice');
    db.remove(present);
    db.find(this.key, 0, this.keyLen);
    return true;
  }

  /** The time to live in the form that a database takes. */
  private get lifetime(): UnixMs {
    if (this.expireAt === -1) return NO_TTL;
    return this.expireAt > 0 ? this.expireAt : 1;
  }

  private addString(text: Uint8Array, off: number, len: number): void {
    if (this.isWanted()) {
      const encoding = stringEncoding(text, off, len);
      const { key, keyLen } = this;
      const db = this.db!;
      this.added(db.setString(0, key, 0, keyLen, text, off, len, encoding, this.lifetime));
    }
    this.forgetKey();
  }

  private addValue(value: Value): void {
    const { space } = this;
    let wanted: boolean;
    try {
      wanted = this.isWanted();
    } catch (error) {
      space.freeValue(value.type, value.ref, value.encoding);
      throw error;
    }
    if (!wanted) {
      space.freeValue(value.type, value.ref, value.encoding);
      while (this.options.checkOnly && space.freeGarbage(GARBAGE_SLICE));
      return;
    }
    const db = this.db!;
    let entry = db.addValueAt(this.key, 0, this.keyLen, value);
    db.fieldsChanged(entry, value);
    const { lifetime } = this;
    if (lifetime !== NO_TTL) entry = db.setExpiry(entry, lifetime);
    this.added(entry);
  }

  private added(entry: Entry): void {
    if (this.idleSeconds < 0 && this.frequency < 0) return;
    setAccess(this.space, this.db!, entry, this.idleSeconds, this.frequency);
  }

  // ---- long strings --------------------------------------------------------------------------

  private beginLongString(length: number): void {
    this.block = this.options.checkOnly ? 0 : this.space.arena.alloc(length);
    this.blockLen = length;
    this.blockDone = 0;
    this.input.mark();
    this.state = State.longString;
  }

  private readLongString(): void {
    const { block, input, window } = this;
    const count = Math.min(input.available, this.blockLen - this.blockDone);
    const from = input.take(count);
    if (block !== 0) {
      const u8 = this.space.arena.u8[block >>> 15]!;
      const at = ((block & 0x7fff) << 3) + this.blockDone;
      this.space.arena.touch(block);
      u8.set(window.subarray(from, from + count), at);
    }
    this.blockDone += count;
    input.mark();
    if (this.blockDone < this.blockLen) input.take(1);
    this.block = 0;
    this.state = State.next;
    if (this.isWanted()) {
      const { key, keyLen, blockLen } = this;
      const db = this.db!;
      this.added(db.addBlock(key, 0, keyLen, block, blockLen, Encoding.raw, this.lifetime));
    } else if (block !== 0) this.space.arena.free(block);
    this.forgetKey();
  }

  // ---- errors --------------------------------------------------------------------------------

  private explained(error: unknown): unknown {
    if (!(error instanceof BadDataError)) return error;
    if (this.input.isCutOff) return this.failed('a length reaches past the end of the file');
    return this.failed(reasonOf(error, this.type));
  }

  private failed(reason: string, offset = this.base + this.input.pos): RdbFileError {
    const inKey = this.keyLen >= 0 && this.state !== State.end;
    return new RdbFileError(reason, {
      offset,
      database: this.dbIndex,
      ...(inKey && { key: Buffer.from(this.key.subarray(0, this.keyLen)) }),
      ...(inKey && { type: rdbTypeName(this.type) }),
    });
  }
}

/** A window that had to be larger for one long element is given up. */
const LARGE_WINDOW = 4 * 1024 * 1024;
/** Elements freed at a time. */
const GARBAGE_SLICE = 10_000;

const known = new Set<number>(Object.values(RdbType));

function isKnown(type: number): boolean {
  return known.has(type);
}

function toUnixMs(ms: bigint): UnixMs {
  const n = Number(ms);
  return Number.isSafeInteger(n) ? n : ms;
}
