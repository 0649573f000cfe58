/**
 * A stream as JSON and back: live entries, groups, pending entries, producers. What is left of
 * deleted entries, and how entries lie in nodes, is not kept.
 */
import type { StreamValue } from '../datatypes/stream.ts';
import { READ_UNKNOWN } from '../datatypes/stream-groups.ts';
import { highOf, lowOf, StreamId, unsigned } from '../datatypes/stream-id.ts';
import type { Ref } from '../memory/arena.ts';
import { Args } from '../util/args.ts';
import {
  fromJsonInt,
  fromJsonList,
  fromJsonText,
  isObject,
  toJsonInt,
  toJsonText,
} from './json-text.ts';

const LOWEST = new StreamId();
const HIGHEST = new StreamId();
HIGHEST.setMax();

/** Calls `emit` for each live entry: its id and its fields and values. O(n). */
export function forEachEntry(stream: StreamValue, emit: (entry: unknown) => void): void {
  stream.seek(LOWEST, HIGHEST);
  const { cursor } = stream;
  while (cursor.next()) {
    const pairs: unknown[] = [];
    const { node } = cursor;
    for (let i = node.fields; i > 0; i--) {
      node.nextField();
      for (const { buf, off, len } of [node.field, node.value])
        pairs.push(toJsonText(buf, off, len));
    }
    emit([idText(cursor.id), ...pairs]);
  }
}

/** All of a stream but its entries. */
export function streamFacts(stream: StreamValue): Record<string, unknown> {
  const id = new StreamId();
  const read = (reader: (id: StreamId) => void) => {
    reader(id);
    return idText(id);
  };
  const { producers } = stream;
  return {
    lastId: read((to) => stream.readLastId(to)),
    maxDeletedId: read((to) => stream.readMaxDeletedId(to)),
    entriesAdded: toJsonInt(stream.entriesAdded),
    groups: stream.groups.list().map((group) => groupOf(stream, group)),
    ...(producers.inUse && {
      producers: {
        durationSeconds: producers.durationSeconds,
        maxSize: producers.sizeMax,
        added: producers.added,
        duplicates: producers.duplicates,
        ids: producers.list().flatMap((producer) => {
          const name = textOf(producers.name(producer));
          const ids: unknown[] = [];
          producers.forEachOf(producer, (given, entry) => {
            ids.push([name, textOf(given), idText(entry)]);
          });
          return ids;
        }),
      },
    }),
  };
}

function groupOf(stream: StreamValue, group: Ref): Record<string, unknown> {
  const { groups } = stream;
  const { pending } = groups;
  const id = new StreamId();
  groups.readLastId(group, id);
  const lastId = idText(id);
  const names = new Map<Ref, unknown>();
  const consumers = groups.listConsumers(group).map((consumer) => {
    const name = textOf(groups.consumerName(consumer));
    names.set(consumer, name);
    return { name, seenAt: groups.seenAt(consumer), activeAt: groups.activeAt(consumer) };
  });
  const found: { stamp: number; row: unknown }[] = [];
  for (let at = groups.seekPendingEdge(group, false); at; at = pending.next()) {
    pending.readId(pending.at, id);
    const consumer = pending.consumer(pending.at);
    // Released entries come in the order of their release, which is part of what they are.
    const stamp = consumer === 0 ? pending.stamp(pending.at) : 0;
    const deliveries = toJsonInt(pending.deliveries(pending.at));
    const deliveredAt = pending.deliveredAt(pending.at);
    const owner = consumer === 0 ? null : names.get(consumer);
    found.push({ stamp, row: [idText(id), owner, deliveredAt, deliveries] });
  }
  found.sort((a, b) => a.stamp - b.stamp);
  const read = groups.entriesRead(group);
  return {
    name: textOf(groups.name(group)),
    lastId,
    entriesRead: read === READ_UNKNOWN ? null : toJsonInt(read),
    consumers,
    pending: found.map(({ row }) => row),
  };
}

/** Adds an entry of `forEachEntry` to a stream. */
export function addEntry(stream: StreamValue, entry: unknown): void {
  const [name, ...pairs] = fromJsonList(entry);
  if (pairs.length === 0 || pairs.length % 2 !== 0) throw new Error('an entry has no pairs');
  const id = idOf(name);
  const last = new StreamId();
  stream.readLastId(last);
  if (id.compare(last) <= 0) throw new Error(`entry ${String(name)} is not above the one before`);
  const args = Args.of(...pairs.map(fromJsonText));
  stream.append(id, args, 0, pairs.length);
}

/** Sets what `streamFacts` tells. */
export function restoreFacts(stream: StreamValue, facts: Readonly<Record<string, unknown>>): void {
  const last = new StreamId();
  stream.readLastId(last);
  const lastId = idOf(facts['lastId']);
  if (lastId.compare(last) < 0) throw new Error('lastId is below an entry');
  stream.setLastId(lastId);
  stream.setMaxDeletedId(idOf(facts['maxDeletedId']));
  stream.entriesAdded = fromJsonInt(facts['entriesAdded']);
  for (const group of fromJsonList(facts['groups'])) restoreGroup(stream, objectOf(group));
  if (facts['producers'] !== undefined) restoreProducers(stream, objectOf(facts['producers']));
}

function restoreGroup(stream: StreamValue, facts: Readonly<Record<string, unknown>>): void {
  const { groups } = stream;
  const name = fromJsonText(facts['name']);
  if (groups.find(name, 0, name.length) !== 0) throw new Error('a group is there twice');
  const read = facts['entriesRead'] === null ? READ_UNKNOWN : fromJsonInt(facts['entriesRead']);
  const group = groups.create(name, 0, name.length, idOf(facts['lastId']), read);
  for (const one of fromJsonList(facts['consumers'])) {
    const consumer = objectOf(one);
    const who = fromJsonText(consumer['name']);
    if (groups.findConsumer(group, who, 0, who.length) !== 0) {
      throw new Error('a consumer is there twice');
    }
    const seenAt = Number(fromJsonInt(consumer['seenAt']));
    const made = groups.createConsumer(group, who, 0, who.length, seenAt);
    groups.setActive(made, Number(fromJsonInt(consumer['activeAt'])));
  }
  for (const row of fromJsonList(facts['pending'])) restorePending(stream, group, row);
}

function restorePending(stream: StreamValue, group: Ref, row: unknown): void {
  const { groups } = stream;
  const [name, owner, deliveredAt, deliveries] = fromJsonList(row);
  const id = idOf(name);
  if (groups.findPending(group, id) !== 0) throw new Error('a pending entry is there twice');
  if (owner === null) {
    groups.addReleased(group, id, fromJsonInt(deliveries));
    return;
  }
  const who = fromJsonText(owner);
  const consumer = groups.findConsumer(group, who, 0, who.length);
  if (consumer === 0) throw new Error('a pending entry is of a consumer that is not there');
  const time = Number(fromJsonInt(deliveredAt));
  groups.addPending(group, id, consumer, time, fromJsonInt(deliveries));
}

function restoreProducers(stream: StreamValue, facts: Readonly<Record<string, unknown>>): void {
  const { producers } = stream;
  const number = (name: string) => Number(fromJsonInt(facts[name]));
  producers.configure(number('durationSeconds'), number('maxSize'));
  for (const row of fromJsonList(facts['ids'])) {
    const [producer, given, entry] = fromJsonList(row);
    const id = idOf(entry);
    const [name, of] = [fromJsonText(producer), fromJsonText(given)];
    const text = (buf: Buffer) => ({ buf, off: 0, len: buf.length });
    if (!producers.restore(text(name), text(of), id, id.score)) {
      throw new Error('an id of a producer is there twice');
    }
  }
  producers.restoreCounts(number('added'), number('duplicates'));
}

function textOf({ buf, off, len }: { buf: Uint8Array; off: number; len: number }): unknown {
  return toJsonText(buf, off, len);
}

function idText(id: StreamId): string {
  return `${unsigned(id.msHigh, id.msLow)}-${unsigned(id.seqHigh, id.seqLow)}`;
}

const UINT64_MAX = 2n ** 64n - 1n;

function idOf(value: unknown): StreamId {
  const match = typeof value === 'string' ? /^(\d{1,20})-(\d{1,20})$/.exec(value) : null;
  const [ms, seq] = [BigInt(match?.[1] ?? -1), BigInt(match?.[2] ?? -1)];
  if (ms < 0n || ms > UINT64_MAX || seq < 0n || seq > UINT64_MAX) {
    throw new Error(`${JSON.stringify(value)} is no id of a stream`);
  }
  const id = new StreamId();
  id.setHalves(highOf(ms), lowOf(ms), highOf(seq), lowOf(seq));
  return id;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw new Error('an object is expected');
}
