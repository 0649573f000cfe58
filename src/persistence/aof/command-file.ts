/**
 * The data as commands that build it: the base of append-only files with aof-use-rdb-preamble no.
 * It walks databases of any arena, the live one or a frozen one in another thread, and only reads.
 *
 *     [#TS:<unix seconds>]
 *     FUNCTION LOAD <source>                                   for each library
 *     SELECT <index>                                           for each database with keys
 *     SET | RPUSH | SADD | ZADD | HMSET | XADD ...             for each key, see below
 *     [HPEXPIREAT key ms FIELDS 1 field] ... [PEXPIREAT key ms]
 *
 * Collections are split at 64 elements a command. Access data is not kept. What 7.0.15 has no form
 * for are commands of later versions (times of fields; what streams have since, `stream-commands`).
 * Source: files of redis-server 7.0.15.
 */
import { HashValue } from '../../datatypes/hash.ts';
import { ListValue } from '../../datatypes/list.ts';
import { SetValue } from '../../datatypes/set.ts';
import { SortedSetValue } from '../../datatypes/sorted-set.ts';
import { StreamValue } from '../../datatypes/stream.ts';
import { ValueType } from '../../datatypes/value-types.ts';
import { EntryReader } from '../../keyspace/entry.ts';
import type { Ref } from '../../memory/arena.ts';
import { formatDouble17g } from '../../util/numbers.ts';
import type { FileSystem } from '../files.ts';
import type { RdbSource } from '../rdb/file-writer.ts';
import type { Sink } from '../rdb/output.ts';
import { type FileForm, type FileOptions, type SaveProgress, saveFile } from '../rdb/save-file.ts';
import { CommandOutput } from './command-output.ts';
import { StreamCommands } from './stream-commands.ts';

/** Elements of one command at most (redis-server's AOF_REWRITE_ITEMS_PER_CMD). */
const ELEMENTS_MAX = 64;
/** Buckets between two looks at whether to go on. */
const SLICE_BUCKETS = 1024;

export interface CommandFileOptions {
  /** aof-timestamp-enabled: the file begins with a note of its time. */
  readonly stamp: boolean;
}

/** Writes such a file and puts it in its place. Throws SystemError or SaveCancelled. O(data). */
export function saveCommandFile(
  files: FileSystem,
  source: RdbSource,
  options: FileOptions & CommandFileOptions,
): SaveProgress {
  return saveFile(files, options, (sink) => new CommandFileWriter(source, options, sink));
}

export class CommandFileWriter implements FileForm {
  /** Keys written. */
  keys = 0;
  /** Commands have none. */
  readonly version = 0;
  private readonly source: RdbSource;
  private readonly options: CommandFileOptions;
  private readonly out: CommandOutput;
  private readonly reader: EntryReader;
  private readonly hash: HashValue;
  private readonly list: ListValue;
  private readonly set: SetValue;
  private readonly zset: SortedSetValue;
  private readonly stream: StreamValue;
  private readonly streams: StreamCommands;
  private readonly writeEntry = (entry: Ref): void => this.entry(entry);
  /** Which of the databases is being written, and the position in its dict. */
  private database = 0;
  private position = 0;

  constructor(source: RdbSource, options: CommandFileOptions, sink: Sink) {
    const { tools } = source;
    this.source = source;
    this.options = options;
    this.out = new CommandOutput(sink);
    this.reader = new EntryReader(tools.arena);
    this.hash = new HashValue(tools);
    this.list = new ListValue(tools);
    this.set = new SetValue(tools);
    this.zset = new SortedSetValue(tools);
    this.stream = new StreamValue(tools);
    this.streams = new StreamCommands(this.out);
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.out.total;
  }

  begin(): void {
    const { out, options, source } = this;
    if (options.stamp) out.note(`#TS:${Math.floor(source.nowMs / 1000)}`);
    for (const code of source.functions) {
      out.command(3).text('FUNCTION').text('LOAD').bytes(code, 0, code.length);
    }
  }

  step(): boolean {
    const { databases, tools } = this.source;
    const database = databases[this.database];
    if (database === undefined) return false;
    const { root, index } = database;
    if (this.position === 0 && tools.dict.size(root) > 0) {
      this.out.command(2).text('SELECT').integer(index);
    }
    this.position = tools.dict.walk(root, this.position, SLICE_BUCKETS, this.writeEntry);
    if (this.position < 0) {
      this.position = 0;
      this.database++;
    }
    return this.database < databases.length;
  }

  end(): void {
    this.out.flush();
  }

  corrections(): readonly (readonly [Uint8Array, number])[] {
    return [];
  }

  private entry(entry: Ref): void {
    const { out, reader } = this;
    this.keys++;
    switch (reader.typeOf(entry)) {
      case ValueType.string:
        this.key(out.command(3).text('SET'), entry);
        reader.locateString(entry);
        out.bytes(reader.valueBuf, reader.valueOff, reader.valueLen);
        break;
      case ValueType.list:
        this.listOf(entry);
        break;
      case ValueType.set:
        this.setOf(entry);
        break;
      case ValueType.zset:
        this.sortedSetOf(entry);
        break;
      case ValueType.hash:
        this.hashOf(entry);
        break;
      default:
        this.stream.open(entry, reader.valueSlot(entry));
        this.streams.write(this.stream, (to) => this.key(to, entry));
    }
    if (!reader.isVolatile(entry)) return;
    this.key(out.command(3).text('PEXPIREAT'), entry).integer(reader.expireAt(entry));
  }

  private key(out: CommandOutput, entry: Ref): CommandOutput {
    const { reader } = this;
    reader.locateKey(entry);
    return out.bytes(reader.valueBuf, reader.valueOff, reader.valueLen);
  }

  /**
   * Begins a command before element i of a collection where one is due; each element takes `words`
   * arguments.
   */
  private begun(name: string, entry: Ref, i: number, size: number, words: number): CommandOutput {
    const { out } = this;
    if (i % ELEMENTS_MAX !== 0) return out;
    const count = Math.min(size - i, ELEMENTS_MAX);
    return this.key(out.command(2 + count * words).text(name), entry);
  }

  private listOf(entry: Ref): void {
    const { list, reader } = this;
    list.open(entry, reader.valueSlot(entry));
    const { size, element } = list;
    let i = 0;
    list.forRange(0, size, () => {
      this.begun('RPUSH', entry, i++, size, 1).of(element);
    });
  }

  private setOf(entry: Ref): void {
    const { set, reader } = this;
    set.open(entry, reader.valueSlot(entry));
    const { size, member } = set;
    let i = 0;
    set.forEach(() => {
      this.begun('SADD', entry, i++, size, 1).of(member);
    });
  }

  private sortedSetOf(entry: Ref): void {
    const { zset, reader } = this;
    zset.open(entry, reader.valueSlot(entry));
    const { size, member } = zset;
    let i = 0;
    zset.forEach(() => {
      const out = this.begun('ZADD', entry, i++, size, 2);
      out.text(formatDouble17g(zset.score)).of(member);
    });
  }

  private hashOf(entry: Ref): void {
    const { hash, out, reader } = this;
    hash.open(entry, reader.valueSlot(entry));
    const { size, field, value } = hash;
    let i = 0;
    hash.forEach(() => {
      this.begun('HMSET', entry, i++, size, 2).of(field).of(value);
    });
    if (hash.nextExpiry === Number.POSITIVE_INFINITY) return;
    hash.forEach(() => {
      const expiry = hash.fieldExpiry;
      if (expiry === 0) return;
      this.key(out.command(6).text('HPEXPIREAT'), entry);
      out.integer(expiry).text('FIELDS').text('1').of(field);
    });
  }
}
