/**
 * All databases as lines of JSON, in the order of their keys, so that two dumps can be compared and
 * one can be read:
 *
 *     {"format":"respite-dump","version":1}
 *     {"aux":{"redis-ver":"7.0.15"}}
 *     {"function":"#!lua name=lib ..."}
 *     {"db":0,"key":"k","type":"hash","value":[["field","value"],["field","value",expires at]]}
 *     {"db":0,"key":"k","type":"hash","more":[["field","value"]]}
 *
 * Large values go on in lines with "more". Sets and hashes are in the order of their members'
 * bytes. Times are in ms since the epoch.
 */
import type { HashValue } from '../datatypes/hash.ts';
import type { ListValue } from '../datatypes/list.ts';
import type { SetValue } from '../datatypes/set.ts';
import type { SortedSetValue } from '../datatypes/sorted-set.ts';
import type { StreamValue } from '../datatypes/stream.ts';
import { typeName, ValueType } from '../datatypes/value-types.ts';
import type { Db } from '../keyspace/db.ts';
import type { Entry } from '../keyspace/entry.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { forEachEntry, streamFacts } from './json-stream.ts';
import { toJsonInt, toJsonScore, toJsonText } from './json-text.ts';

export const FORMAT = { format: 'respite-dump', version: 1 } as const;
/** Elements of a line. */
const ELEMENTS = 1000;
/** Bytes of a string's line. */
const STRING_BYTES = 4 * 1024 * 1024;

export interface DumpExtras {
  readonly aux: readonly (readonly [name: string, value: string])[];
  readonly functions: readonly Uint8Array[];
}

type Emit = (line: string) => void;

/** Emits the lines of a keyspace, without line ends. O(bytes + n log n). */
export function writeJsonLines(space: Keyspace, extras: DumpExtras, emit: Emit): void {
  emit(JSON.stringify(FORMAT));
  if (extras.aux.length > 0) emit(JSON.stringify({ aux: Object.fromEntries(extras.aux) }));
  for (const code of extras.functions) {
    emit(JSON.stringify({ function: toJsonText(code, 0, code.length) }));
  }
  for (const db of space.dbs) {
    for (const { entry, key } of sortedKeys(db)) new KeyLines(space, db, entry, key, emit).write();
  }
}

function sortedKeys(db: Db): { readonly entry: Entry; readonly key: Buffer }[] {
  const keys: { readonly entry: Entry; readonly key: Buffer }[] = [];
  db.forEach((entry) => {
    keys.push({ entry, key: db.keyOf(entry) });
  });
  return keys.sort((a, b) => Buffer.compare(a.key, b.key));
}

class KeyLines {
  private readonly space: Keyspace;
  private readonly db: Db;
  private readonly entry: Entry;
  private readonly emit: Emit;
  private readonly head: Record<string, unknown>;
  private elements: unknown[] = [];
  /** What goes into the first line beside the value. */
  private facts: Record<string, unknown> = {};
  private isFirst = true;

  constructor(space: Keyspace, db: Db, entry: Entry, key: Buffer, emit: Emit) {
    this.space = space;
    this.db = db;
    this.entry = entry;
    this.emit = emit;
    this.head = {
      db: db.index,
      key: toJsonText(key, 0, key.length),
      type: typeName(db.typeOf(entry)),
    };
    if (db.isVolatile(entry)) this.facts['expireAt'] = toJsonInt(db.expireAt(entry));
  }

  write(): void {
    const { db, entry, space } = this;
    const type = db.typeOf(entry);
    if (type === ValueType.string) {
      this.string();
      return;
    }
    const value = space.cursor(type);
    db.open(entry, value);
    if (type === ValueType.list) this.list(value as ListValue);
    else if (type === ValueType.set) this.set(value as SetValue);
    else if (type === ValueType.zset) this.sortedSet(value as SortedSetValue);
    else if (type === ValueType.hash) this.hash(value as HashValue);
    else this.stream(value as StreamValue);
    if (this.isFirst || this.elements.length > 0) this.line(this.elements);
  }

  private string(): void {
    const { db } = this;
    db.locateString(this.entry);
    const { valueBuf: buf, valueOff: off, valueLen: len } = db;
    if (len <= STRING_BYTES) {
      this.line(toJsonText(buf, off, len));
      return;
    }
    // A piece may end within a character.
    for (let at = 0; at < len; at += STRING_BYTES) {
      const piece = buf.subarray(off + at, off + Math.min(len, at + STRING_BYTES));
      this.line({ base64: Buffer.from(piece).toString('base64') });
    }
  }

  private list(list: ListValue): void {
    list.forRange(0, list.size, () => {
      this.add(toJsonText(list.element.buf, list.element.off, list.element.len));
    });
  }

  private set(set: SetValue): void {
    const members: Buffer[] = [];
    set.forEach(() => {
      const { buf, off, len } = set.member;
      members.push(Buffer.from(buf.subarray(off, off + len)));
    });
    members.sort(Buffer.compare);
    for (const member of members) this.add(toJsonText(member, 0, member.length));
  }

  private sortedSet(zset: SortedSetValue): void {
    zset.forEach(() => {
      const { buf, off, len } = zset.member;
      this.add([toJsonText(buf, off, len), toJsonScore(zset.score)]);
    });
  }

  private hash(hash: HashValue): void {
    const rows: { readonly field: Buffer; readonly row: unknown }[] = [];
    hash.forEach(() => {
      const { buf, off, len } = hash.field;
      const { value } = hash;
      const field = Buffer.from(buf.subarray(off, off + len));
      const row = [toJsonText(field, 0, len), toJsonText(value.buf, value.off, value.len)];
      const expiry = hash.fieldExpiry;
      rows.push({ field, row: expiry === 0 ? row : [...row, expiry] });
    });
    rows.sort((a, b) => Buffer.compare(a.field, b.field));
    for (const { row } of rows) this.add(row);
  }

  /** A stream's facts come with its last line: entries must be there before. */
  private stream(stream: StreamValue): void {
    const facts = streamFacts(stream);
    forEachEntry(stream, (entry) => this.add(entry));
    if (this.isFirst || this.elements.length > 0) this.facts = { ...this.facts, stream: facts };
    else this.facts = { stream: facts };
    this.line(this.elements);
    this.elements = [];
  }

  private add(element: unknown): void {
    if (this.elements.length === ELEMENTS) {
      this.line(this.elements);
      this.elements = [];
    }
    this.elements.push(element);
  }

  private line(value: unknown): void {
    const content = this.isFirst ? { value } : { more: value };
    this.emit(JSON.stringify({ ...this.head, ...this.facts, ...content }));
    this.isFirst = false;
    this.facts = {};
  }
}
