/** All data as a program reads it: the form that `seed` takes, keys and members in order. */
import type { Keyspace } from '../keyspace/keyspace.ts';
import { writeJsonLines } from '../tools/json-writer.ts';
import type { Json, TypedValue } from './state-types.ts';

interface Line {
  readonly db: number;
  readonly key: unknown;
  readonly type?: string;
  readonly value?: unknown;
  readonly more?: unknown;
  readonly expireAt?: number;
  /** Comes with the last line of a stream. */
  readonly stream?: { readonly groups: readonly Readonly<Record<string, unknown>>[] };
}

interface Key {
  readonly type: string;
  readonly elements: unknown[];
  readonly line: Line;
  groups: readonly Readonly<Record<string, unknown>>[];
}

/** O(data). Bytes that are no UTF-8 are shown as latin1. */
export function toJson(keyspace: Keyspace, nowMs: number): Json {
  const dbs: Record<string, Record<string, TypedValue>> = {};
  let last: Key | undefined;
  const finish = (): void => {
    if (last === undefined) return;
    const { expireAt, db, key } = last.line;
    if (expireAt !== undefined && expireAt <= nowMs) return;
    dbs[db] ??= {};
    dbs[db][text(key)] = typedValue(last);
  };
  writeJsonLines(keyspace, { aux: [], functions: [] }, (json) => {
    const line = JSON.parse(json) as Line;
    if (line.key === undefined) return;
    const value = line.value ?? line.more;
    const elements = Array.isArray(value) ? (value as unknown[]) : [value];
    if (line.more !== undefined) {
      last?.elements.push(...elements);
      if (last !== undefined && line.stream !== undefined) last.groups = line.stream.groups;
      return;
    }
    finish();
    last = { type: line.type!, elements, line, groups: line.stream?.groups ?? [] };
  });
  finish();
  return { db: dbs };
}

function typedValue({ type, elements, groups, line }: Key): TypedValue {
  const timed = line.expireAt === undefined ? {} : { expiresAt: line.expireAt };
  const rows = elements as unknown[][];
  switch (type) {
    case 'string':
      return { string: elements.map(text).join(''), ...timed };
    case 'list':
      return { list: elements.map(text), ...timed };
    case 'set':
      return { set: elements.map(text), ...timed };
    case 'zset':
      return { zset: pairs(rows, ([, score]) => Number(score)), ...timed };
    case 'hash': {
      const timedFields = rows.filter(([, , expiresAt]) => expiresAt !== undefined);
      const fieldExpiresAt = pairs(timedFields, ([, , at]) => Number(at));
      return {
        hash: pairs(rows, ([, value]) => text(value)),
        ...(timedFields.length > 0 && { fieldExpiresAt }),
        ...timed,
      };
    }
    default:
      return {
        stream: rows.map(([id, ...fields]) => ({ id: text(id), fields: fieldsOf(fields) })),
        ...(groups.length > 0 && { groups: groupsOf(groups) }),
        ...timed,
      };
  }
}

function pairs<Value>(
  rows: readonly unknown[][],
  value: (row: unknown[]) => Value,
): Record<string, Value> {
  return Object.fromEntries(rows.map((row) => [text(row[0]), value(row)]));
}

function fieldsOf(flat: readonly unknown[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) fields[text(flat[i])] = text(flat[i + 1]);
  return fields;
}

function groupsOf(groups: readonly Readonly<Record<string, unknown>>[]): Record<string, string> {
  return Object.fromEntries(groups.map(({ name, lastId }) => [text(name), text(lastId)]));
}

function text(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'base64' in value) {
    return Buffer.from(String(value.base64), 'base64').toString('latin1');
  }
  return String(value);
}
