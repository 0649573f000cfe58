/**
 * The collection types as the test of Db sees them: how each is written through the keyspace's
 * cursor, and plain data that is written in the same way beside it.
 */
import { expect } from 'vitest';
import type { HashValue } from '../../src/datatypes/hash.ts';
import type { ListValue } from '../../src/datatypes/list.ts';
import type { SetValue } from '../../src/datatypes/set.ts';
import type { SortedSetValue } from '../../src/datatypes/sorted-set.ts';
import type { StreamValue } from '../../src/datatypes/stream.ts';
import { StreamId } from '../../src/datatypes/stream-id.ts';
import type { Value } from '../../src/datatypes/value.ts';
import type { Keyspace } from '../../src/keyspace/keyspace.ts';
import { Args } from '../../src/util/args.ts';
import { bytesOf, textOf } from '../datatypes/collections.ts';

/** What a write does; `n`, from 0 to 59, chooses among places and numbers. */
export interface Write {
  readonly verb: 'add' | 'remove' | 'other';
  readonly text: string;
  readonly n: number;
}

/** `M` is the model's data: a Map, a Set, an array, whatever structuredClone copies. */
export interface Kind<M> {
  readonly cursor: Value;
  empty(): M;
  /** Makes a value that belongs to no key. */
  create(write: Write): void;
  /** Writes to the value that is open and to the model. */
  write(write: Write, model: M): void;
  /** What the open value holds. */
  found(): string[];
  /** What the model holds, as the same texts. */
  expected(model: M): string[];
}

export function kindsOf(space: Keyspace): Kind<unknown>[] {
  return [
    new HashKind(space),
    new SetKind(space),
    new ListKind(space),
    new SortedSetKind(space),
    new StreamKind(space),
  ];
}

class HashKind implements Kind<Map<string, string>> {
  readonly cursor: HashValue;

  constructor(space: Keyspace) {
    this.cursor = space.hashes;
  }

  empty(): Map<string, string> {
    return new Map();
  }

  create(): void {
    this.cursor.create();
  }

  write({ verb, text, n }: Write, model: Map<string, string>): void {
    const field = bytesOf(text);
    if (verb === 'remove') {
      expect(this.cursor.delete(field, 0, field.length)).toBe(model.delete(text));
      return;
    }
    const value = verb === 'other' ? String(n).repeat(n * 3) : text.slice(0, n);
    const bytes = bytesOf(value);
    const added = this.cursor.set(field, 0, field.length, bytes, 0, bytes.length);
    expect(added).toBe(!model.has(text));
    model.set(text, value);
  }

  found(): string[] {
    const { cursor } = this;
    const out: string[] = [];
    cursor.forEach(() => {
      out.push(`${textOf(cursor.field)}=${textOf(cursor.value)}`);
    });
    return out.sort();
  }

  expected(model: Map<string, string>): string[] {
    return [...model].map(([field, value]) => `${field}=${value}`).sort();
  }
}

class SetKind implements Kind<Set<string>> {
  readonly cursor: SetValue;

  constructor(space: Keyspace) {
    this.cursor = space.sets;
  }

  empty(): Set<string> {
    return new Set();
  }

  create({ text }: Write): void {
    const bytes = bytesOf(text);
    this.cursor.createFor(bytes, 0, bytes.length);
  }

  write({ verb, text, n }: Write, model: Set<string>): void {
    const isInteger = verb === 'other' || (verb === 'remove' && n % 2 === 0);
    const member = isInteger ? String(n % 8) : text;
    const bytes = bytesOf(member);
    if (verb === 'remove') {
      expect(this.cursor.delete(bytes, 0, bytes.length)).toBe(model.delete(member));
      return;
    }
    expect(this.cursor.add(bytes, 0, bytes.length)).toBe(!model.has(member));
    model.add(member);
  }

  found(): string[] {
    const out: string[] = [];
    this.cursor.forEach(() => {
      out.push(textOf(this.cursor.member));
    });
    return out.sort();
  }

  expected(model: Set<string>): string[] {
    return [...model].sort();
  }
}

class ListKind implements Kind<string[]> {
  readonly cursor: ListValue;

  constructor(space: Keyspace) {
    this.cursor = space.lists;
  }

  empty(): string[] {
    return [];
  }

  create(): void {
    this.cursor.create();
  }

  write({ verb, text, n }: Write, model: string[]): void {
    const { cursor } = this;
    const bytes = bytesOf(text);
    const atTail = n % 2 === 0;
    const at = n % Math.max(1, model.length);
    if (verb === 'add' || model.length === 0) {
      cursor.push(atTail, bytes, 0, bytes.length);
      if (atTail) model.push(text);
      else model.unshift(text);
    } else if (verb === 'remove' && n < 30) {
      cursor.removeEnd(atTail);
      if (atTail) model.pop();
      else model.shift();
    } else if (verb === 'remove' && n < 50) {
      expect(cursor.seek(at)).toBe(true);
      cursor.remove();
      model.splice(at, 1);
    } else if (verb === 'remove') {
      cursor.removeRange(atTail, at);
      model.splice(atTail ? model.length - at : 0, at);
    } else {
      expect(cursor.seek(at)).toBe(true);
      if (n < 30) cursor.replace(bytes, 0, bytes.length);
      else cursor.insert(atTail, bytes, 0, bytes.length);
      if (n < 30) model[at] = text;
      else model.splice(atTail ? at + 1 : at, 0, text);
    }
  }

  found(): string[] {
    const { cursor } = this;
    const out: string[] = [];
    cursor.forRange(0, cursor.size, () => {
      out.push(textOf(cursor.element));
    });
    return out;
  }

  expected(model: string[]): string[] {
    return model;
  }
}

class SortedSetKind implements Kind<Map<string, number>> {
  readonly cursor: SortedSetValue;

  constructor(space: Keyspace) {
    this.cursor = space.zsets;
  }

  empty(): Map<string, number> {
    return new Map();
  }

  create(): void {
    this.cursor.create();
  }

  write({ verb, text, n }: Write, model: Map<string, number>): void {
    const { cursor } = this;
    const bytes = bytesOf(text);
    if (verb === 'remove' && n < 30) {
      expect(cursor.delete(bytes, 0, bytes.length)).toBe(model.delete(text));
    } else if (verb === 'remove') {
      const from = n % (model.size + 1);
      const count = Math.min(2, model.size - from);
      for (const member of this.sorted(model).slice(from, from + count)) model.delete(member);
      cursor.removeRange(from, count);
    } else {
      const score = verb === 'add' ? n / 4 : -(2 ** n);
      expect(cursor.set(bytes, 0, bytes.length, score)).toBe(!model.has(text));
      model.set(text, score);
    }
  }

  found(): string[] {
    const { cursor } = this;
    const out: string[] = [];
    cursor.forEach(() => {
      out.push(`${textOf(cursor.member)} ${cursor.score}`);
    });
    return out;
  }

  expected(model: Map<string, number>): string[] {
    return this.sorted(model).map((member) => `${member} ${model.get(member)}`);
  }

  private sorted(model: Map<string, number>): string[] {
    return [...model]
      .sort(([a, x], [b, y]) => x - y || Buffer.compare(bytesOf(a), bytesOf(b)))
      .map(([member]) => member);
  }
}

/** Entries are n-0; each group has two consumers at most. */
interface StreamModel {
  next: number;
  entries: Map<number, string>;
  /** Pending entries by consumer, by group. */
  groups: Map<string, Map<string, Set<number>>>;
}

class StreamKind implements Kind<StreamModel> {
  readonly cursor: StreamValue;
  private readonly id = new StreamId();

  constructor(space: Keyspace) {
    this.cursor = space.streams;
  }

  empty(): StreamModel {
    return { next: 1, entries: new Map(), groups: new Map() };
  }

  create(): void {
    this.cursor.create();
  }

  write({ verb, text, n }: Write, model: StreamModel): void {
    const { cursor, id } = this;
    if (verb === 'add') {
      id.setTime(model.next);
      cursor.append(id, Args.of(n < 30 ? 'field' : text, bytesOf(text)), 0, 2);
      model.entries.set(model.next++, text);
    } else if (verb === 'remove' && n < 40) {
      const ms = this.pick(model, n);
      id.setTime(ms);
      expect(cursor.delete(id)).toBe(model.entries.delete(ms));
    } else if (verb === 'remove') {
      const minId = new StreamId();
      const keep = n % 7;
      const removed = Math.max(0, model.entries.size - keep);
      const trim = { maxLength: keep, minId, approximate: false, limit: 0 };
      expect(cursor.trim(trim)).toBe(removed);
      for (const ms of [...model.entries.keys()].slice(0, removed)) model.entries.delete(ms);
    } else this.writeGroups(text, n, model);
  }

  private pick(model: StreamModel, n: number): number {
    const ids = [...model.entries.keys()];
    return ids[n % Math.max(1, ids.length)] ?? 0;
  }

  private writeGroups(text: string, n: number, model: StreamModel): void {
    const { groups } = this.cursor;
    const { id } = this;
    const name = `g${n & 1}`;
    const consumerName = `c${(n >> 1) & 1}${text.length > 99 ? text : ''}`;
    const bytes = Buffer.from(name);
    const consumerBytes = bytesOf(consumerName);
    const known = model.groups.get(name);
    const group = groups.find(bytes, 0, bytes.length);
    expect(group !== 0).toBe(known !== undefined);
    id.setTime(this.pick(model, n >> 2));
    if (known === undefined) {
      groups.create(bytes, 0, bytes.length, id, n);
      model.groups.set(name, new Map());
      return;
    }
    if (n > 57) {
      groups.destroy(group);
      model.groups.delete(name);
      return;
    }
    let consumer = groups.findConsumer(group, consumerBytes, 0, consumerBytes.length);
    expect(consumer !== 0).toBe(known.has(consumerName));
    if (consumer === 0) {
      consumer = groups.createConsumer(group, consumerBytes, 0, consumerBytes.length, n);
      known.set(consumerName, new Set());
    }
    if (n > 53) {
      expect(groups.deleteConsumer(group, consumer)).toBe(known.get(consumerName)!.size);
      known.delete(consumerName);
      return;
    }
    const pending = groups.findPending(group, id);
    if (pending === 0) groups.addPending(group, id, consumer, n, 1);
    else if (n % 3 === 0) groups.removePending(group, pending);
    else groups.deliverAgain(group, pending, consumer, n);
    for (const ids of known.values()) ids.delete(id.score);
    if (pending === 0 || n % 3 !== 0) known.get(consumerName)!.add(id.score);
    groups.setLastId(group, id);
    if (n % 5 === 0) groups.seekOldest(group);
  }

  found(): string[] {
    const { cursor, id } = this;
    const out: string[] = [];
    const highest = new StreamId();
    highest.setMax();
    id.setMin();
    cursor.seek(id, highest);
    while (cursor.cursor.next()) {
      const { node } = cursor.cursor;
      node.nextField();
      out.push(`${node.id.score} ${textOf(node.value)}`);
    }
    return [...out, ...this.foundInGroups()];
  }

  private foundInGroups(): string[] {
    const { groups } = this.cursor;
    const { pending } = groups;
    const out: string[] = [];
    const lowest = new StreamId();
    for (const group of groups.list()) {
      const name = textOf(groups.name(group));
      out.push(name);
      for (const consumer of groups.listConsumers(group)) {
        const place = `${name} ${textOf(groups.consumerName(consumer))}`;
        out.push(place);
        let found = groups.seekOwnPending(consumer, lowest);
        for (; found; found = pending.next()) {
          pending.readId(pending.at, this.id);
          out.push(`${place} ${this.id.score}`);
        }
      }
    }
    return out.sort();
  }

  expected({ entries, groups }: StreamModel): string[] {
    const out: string[] = [];
    for (const [name, consumers] of groups) {
      out.push(name);
      for (const [consumer, ids] of consumers) {
        const place = `${name} ${consumer}`;
        out.push(place, ...[...ids].map((ms) => `${place} ${ms}`));
      }
    }
    return [...[...entries].map(([ms, text]) => `${ms} ${text}`), ...out.sort()];
  }
}
