/**
 * A stream in RDB encoding, type 19 (redis 7.0) and what later types add:
 *
 *     nodes, each the string of its master id (ms and sequence, 8 bytes big endian) and a listpack
 *     entries | last id | first id | largest deleted id | entries ever added
 *     groups, each a name | last delivered id | entries read (2^64 - 1: not known)
 *         pending entries, each an id of 16 bytes | int64 time of delivery | deliveries
 *         consumers, each a name | int64 last seen | [21: int64 last active]
 *             pending entries, each an id of 16 bytes
 *         [27: released pending entries in their order, each an id of 16 bytes]
 *     [26: seconds and number of ids kept of a producer
 *         producers, each a name | records, each the id given and the entry's id
 *         records ever made | duplicates ever found]
 *
 * Ids without a size are two lengths; all counts are lengths. A released entry is also among the
 * pending ones of its group, with 0 as its time, and no consumer's.
 */
import type { StreamValue } from '../../datatypes/stream.ts';
import type { StreamGroups } from '../../datatypes/stream-groups.ts';
import { StreamId, unsigned } from '../../datatypes/stream-id.ts';
import type { StreamProducers } from '../../datatypes/stream-producers.ts';
import type { Ref } from '../../memory/arena.ts';
import type { RdbOutput } from './output.ts';
import { RdbType } from './types.ts';

const ID_BYTES = 16;

export class StreamWriter {
  private readonly out: RdbOutput;
  private readonly id = new StreamId();
  private readonly idBytes = Buffer.alloc(ID_BYTES);

  constructor(out: RdbOutput) {
    this.out = out;
  }

  /** Writes the stream that is open in the form of a type, 19 or later. O(bytes). */
  write(stream: StreamValue, type: number): void {
    const { out, id } = this;
    out.length(stream.nodes);
    stream.forEachNode((master, bytes) => {
      this.encodeId(master);
      out.string(this.idBytes, 0, ID_BYTES);
      out.string(bytes, 0, bytes.length);
    });
    out.length(stream.size);
    stream.readLastId(id);
    this.writeId(id);
    stream.readFirstId(id);
    this.writeId(id);
    stream.readMaxDeletedId(id);
    this.writeId(id);
    out.length(stream.entriesAdded);
    const { groups } = stream;
    out.length(groups.size);
    for (const group of groups.list()) this.writeGroup(groups, group, type);
    if (type >= RdbType.stream4) this.writeProducers(stream.producers);
  }

  private writeGroup(groups: StreamGroups, group: Ref, type: number): void {
    const { out, id } = this;
    const name = groups.name(group);
    out.string(name.buf, name.off, name.len);
    groups.readLastId(group, id);
    this.writeId(id);
    const read = groups.entriesRead(group);
    out.length(read < 0 ? BigInt.asUintN(64, BigInt(read)) : read);
    const { pending } = groups;
    const released: Ref[] = [];
    out.length(groups.pendingCount(group));
    for (let found = groups.seekPendingEdge(group, false); found; found = pending.next()) {
      const { at } = pending;
      pending.readId(at, id);
      this.writeRawId(id);
      if (pending.consumer(at) === 0) released.push(at);
      out.int64(pending.consumer(at) === 0 ? 0 : pending.deliveredAt(at));
      out.length(pending.deliveries(at));
    }
    const consumers = groups.listConsumers(group);
    out.length(consumers.length);
    for (const consumer of consumers) this.writeConsumer(groups, consumer, type);
    if (type < RdbType.stream5) return;
    released.sort((a, b) => pending.stamp(a) - pending.stamp(b));
    out.length(released.length);
    for (const entry of released) {
      pending.readId(entry, id);
      this.writeRawId(id);
    }
  }

  private writeConsumer(groups: StreamGroups, consumer: Ref, type: number): void {
    const { out, id } = this;
    const { pending } = groups;
    const name = groups.consumerName(consumer);
    out.string(name.buf, name.off, name.len);
    out.int64(groups.seenAt(consumer));
    if (type >= RdbType.stream3) out.int64(groups.activeAt(consumer));
    out.length(groups.ownPendingCount(consumer));
    id.setMin();
    for (let found = groups.seekOwnPending(consumer, id); found; found = pending.next()) {
      pending.readId(pending.at, id);
      this.writeRawId(id);
    }
  }

  private writeProducers(producers: StreamProducers): void {
    const { out } = this;
    out.length(producers.durationSeconds);
    out.length(producers.sizeMax);
    const list = producers.list();
    out.length(list.length);
    for (const producer of list) {
      const name = producers.name(producer);
      out.string(name.buf, name.off, name.len);
      out.length(producers.recordsOf(producer));
      producers.forEachOf(producer, (given, id) => {
        out.string(given.buf, given.off, given.len);
        this.writeId(id);
      });
    }
    out.length(producers.added);
    out.length(producers.duplicates);
  }

  private writeId(id: StreamId): void {
    this.out.length(unsigned(id.msHigh, id.msLow));
    this.out.length(unsigned(id.seqHigh, id.seqLow));
  }

  private writeRawId(id: StreamId): void {
    this.encodeId(id);
    this.out.raw(this.idBytes, 0, ID_BYTES);
  }

  private encodeId(id: StreamId): void {
    const { idBytes } = this;
    idBytes.writeInt32BE(id.msHigh, 0);
    idBytes.writeInt32BE(id.msLow, 4);
    idBytes.writeInt32BE(id.seqHigh, 8);
    idBytes.writeInt32BE(id.seqLow, 12);
  }
}
