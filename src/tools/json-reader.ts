/** Reads the lines that `json-writer.ts` writes into databases. */
import { stringEncoding } from '../datatypes/string-encoding.ts';
import type { Value } from '../datatypes/value.ts';
import { Encoding, typeName, ValueType } from '../datatypes/value-types.ts';
import { type Db, NO_TTL } from '../keyspace/db.ts';
import type { Entry, UnixMs } from '../keyspace/entry.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { addEntry, restoreFacts } from './json-stream.ts';
import { fromJsonInt, fromJsonList, fromJsonScore, fromJsonText, isObject } from './json-text.ts';
import { FORMAT } from './json-writer.ts';

type Line = Readonly<Record<string, unknown>>;

export class JsonReader {
  keys = 0;
  readonly aux: [name: string, value: string][] = [];
  readonly functions: Buffer[] = [];
  private readonly space: Keyspace;
  private hasFormat = false;

  constructor(space: Keyspace) {
    this.space = space;
  }

  /** Takes one line. Throws an Error that says what is wrong with it. */
  line(text: string): void {
    if (text.trim() === '') return;
    const line: unknown = JSON.parse(text);
    if (!isObject(line)) throw new Error('an object is expected');
    if (!this.hasFormat) {
      if (line['format'] !== FORMAT.format || line['version'] !== FORMAT.version) {
        throw new Error(`the first line must be ${JSON.stringify(FORMAT)}`);
      }
      this.hasFormat = true;
    } else if (line['key'] !== undefined) this.key(line);
    else if (line['function'] !== undefined) this.functions.push(fromJsonText(line['function']));
    else if (isObject(line['aux'])) {
      for (const [name, value] of Object.entries(line['aux'])) this.aux.push([name, String(value)]);
    } else throw new Error('a line with neither key, function nor aux');
  }

  private key(line: Line): void {
    const db = this.space.dbs[Number(fromJsonInt(line['db']))];
    if (db === undefined) throw new Error(`there is no database ${String(line['db'])}`);
    const key = fromJsonText(line['key']);
    const present = db.find(key, 0, key.length);
    if (line['more'] !== undefined) {
      if (present === 0) throw new Error('"more" of a key that is not there');
      this.more(db, present, key, line);
      return;
    }
    if (present !== 0) throw new Error('the key is there twice');
    this.keys++;
    const expireAt: UnixMs =
      line['expireAt'] === undefined ? NO_TTL : fromJsonInt(line['expireAt']);
    if (line['type'] === 'string') {
      const bytes = fromJsonText(line['value']);
      const encoding = stringEncoding(bytes, 0, bytes.length);
      db.setString(0, key, 0, key.length, bytes, 0, bytes.length, encoding, expireAt);
      return;
    }
    const value = this.newValue(line);
    this.fill(value, fromJsonList(line['value']));
    if (isObject(line['stream'])) restoreFacts(this.space.streams, line['stream']);
    db.find(key, 0, key.length);
    let entry = db.addValueAt(key, 0, key.length, value);
    db.fieldsChanged(entry, value);
    if (expireAt !== NO_TTL) entry = db.setExpiry(entry, expireAt);
  }

  private more(db: Db, entry: Entry, key: Buffer, line: Line): void {
    const type = db.typeOf(entry);
    if (line['type'] !== typeName(type)) throw new Error('"more" of another type');
    if (type === ValueType.string) {
      const bytes = fromJsonText(line['more']);
      db.locateString(entry);
      const before = db.valueLen;
      db.growString(db.find(key, 0, key.length), before + bytes.length, Encoding.raw);
      db.valueBuf.set(bytes, db.valueOff + before);
      return;
    }
    const value = this.cursorOf(type);
    db.open(entry, value);
    this.fill(value, fromJsonList(line['more']));
    if (isObject(line['stream'])) restoreFacts(this.space.streams, line['stream']);
    db.fieldsChanged(entry, value);
  }

  private newValue(line: Line): Value {
    const { hashes, lists, sets, streams, zsets } = this.space;
    const first = fromJsonList(line['value'])[0];
    if (first === undefined && line['type'] !== 'stream')
      throw new Error('a value without elements');
    switch (line['type']) {
      case 'list':
        lists.create();
        return lists;
      case 'set': {
        const bytes = fromJsonText(first);
        sets.createFor(bytes, 0, bytes.length, fromJsonList(line['value']).length);
        return sets;
      }
      case 'zset':
        zsets.create();
        return zsets;
      case 'hash':
        hashes.create();
        return hashes;
      case 'stream':
        streams.create();
        return streams;
      default:
        throw new Error(`there is no type ${JSON.stringify(line['type'])}`);
    }
  }

  private cursorOf(type: number): Value {
    const { hashes, lists, sets, streams, zsets } = this.space;
    return [hashes, lists, sets, streams, zsets].find((cursor) => cursor.type === type)!;
  }

  private fill(value: Value, elements: readonly unknown[]): void {
    for (const element of elements) this.add(value, element);
  }

  private add(value: Value, element: unknown): void {
    const { hashes, lists, sets, streams, zsets } = this.space;
    if (value === streams) {
      addEntry(streams, element);
      return;
    }
    if (value === lists || value === sets) {
      const bytes = fromJsonText(element);
      if (value === lists) lists.push(true, bytes, 0, bytes.length);
      else if (!sets.add(bytes, 0, bytes.length)) throw new Error('a member is there twice');
      return;
    }
    const [first, second, third] = fromJsonList(element);
    const name = fromJsonText(first);
    if (value === zsets) {
      if (!zsets.set(name, 0, name.length, fromJsonScore(second))) {
        throw new Error('a member is there twice');
      }
      return;
    }
    const bytes = fromJsonText(second);
    if (!hashes.set(name, 0, name.length, bytes, 0, bytes.length)) {
      throw new Error('a field is there twice');
    }
    if (third === undefined) return;
    hashes.find(name, 0, name.length);
    hashes.setExpiry(Number(fromJsonInt(third)));
  }
}
