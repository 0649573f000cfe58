/**
 * All that readers of a snapshot can see, as one text for each key. It stands on nothing outside
 * itself: its text is also run in a worker thread over the built server's classes.
 */
import type { HashValue } from '../../src/datatypes/hash.ts';
import type { ListValue } from '../../src/datatypes/list.ts';
import type { SetValue } from '../../src/datatypes/set.ts';
import type { SortedSetValue } from '../../src/datatypes/sorted-set.ts';
import type { StreamValue } from '../../src/datatypes/stream.ts';
import type { Text } from '../../src/datatypes/value.ts';
import type { FrozenDb, FrozenKeyspace } from '../../src/keyspace/frozen-keyspace.ts';

export function dumpKeyspace(space: FrozenKeyspace, newId: () => unknown): string[] {
  const lines: string[] = [];
  const text = ({ buf, off, len }: Text) =>
    Buffer.from(buf.subarray(off, off + len)).toString('latin1');
  const idText = (read: (id: never) => void) => {
    const id = newId();
    read(id as never);
    return JSON.stringify(id);
  };
  const streamParts = (stream: StreamValue) => {
    const parts: unknown[] = [stream.size, stream.entriesAdded];
    stream.forEachNode((master, bytes) => {
      parts.push(JSON.stringify(master), Buffer.from(bytes).toString('latin1'));
    });
    parts.push(idText((id) => stream.readLastId(id)));
    parts.push(idText((id) => stream.readMaxDeletedId(id)));
    const { groups } = stream;
    for (const group of groups.list()) {
      parts.push(text(groups.name(group)), groups.entriesRead(group), groups.pendingCount(group));
      const { pending } = groups;
      for (let found = groups.seekPendingEdge(group, false); found; found = pending.next()) {
        const { at } = pending;
        parts.push(idText((id) => pending.readId(at, id)));
        parts.push(pending.deliveredAt(at), pending.deliveries(at));
      }
      for (const consumer of groups.listConsumers(group)) {
        parts.push(text(groups.consumerName(consumer)), groups.seenAt(consumer));
        parts.push(groups.ownPendingCount(consumer));
      }
    }
    return parts;
  };
  const valueParts = (db: FrozenDb, entry: number): unknown[] => {
    const type = db.typeOf(entry);
    if (type === 0) {
      db.locateString(entry);
      return [text({ buf: db.valueBuf, off: db.valueOff, len: db.valueLen })];
    }
    const value = space.cursor(type);
    db.open(entry, value);
    value.checkInvariants();
    const parts: unknown[] = [value.size, value.memory()];
    if (type === 1) {
      const list = value as ListValue;
      list.forRange(0, list.size, () => {
        parts.push(text(list.element));
      });
    } else if (type === 2) {
      const set = value as SetValue;
      set.forEach(() => {
        parts.push(text(set.member));
      });
    } else if (type === 3) {
      const zset = value as SortedSetValue;
      zset.forEach(() => {
        parts.push(text(zset.member), zset.score);
      });
    } else if (type === 4) {
      const hash = value as HashValue;
      hash.forEach(() => {
        parts.push(text(hash.field), text(hash.value), hash.fieldExpiry);
      });
      parts.push(String(hash.nextExpiry));
    } else parts.push(...streamParts(value as StreamValue));
    return parts;
  };
  for (const db of space.dbs) {
    db.forEach((entry) => {
      const head = [db.index, db.keyOf(entry).toString('latin1'), String(db.expireAt(entry))];
      const encoding = db.encodingOf(entry);
      lines.push(JSON.stringify([...head, encoding, ...valueParts(db, entry)]));
    });
  }
  return lines.sort();
}
