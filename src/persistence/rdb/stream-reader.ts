/**
 * Reads streams in RDB encoding: type 19 (see `stream-writer.ts`), 15 without what redis 7.0 added
 * (first and largest deleted id, entries added and read), and 21 with the time a consumer was
 * active behind the time it was seen. What is missing is reckoned as redis 7.0 does. Pending entries
 * that are no consumer's were released (XNACK).
 */
import type { StreamValue } from '../../datatypes/stream.ts';
import { READ_UNKNOWN, type StreamGroups } from '../../datatypes/stream-groups.ts';
import { highOf, lowOf, StreamId } from '../../datatypes/stream-id.ts';
import type { Ref } from '../../memory/arena.ts';
import { badData, type RdbInput } from './input.ts';
import { StreamNodeCheck } from './stream-check.ts';
import { RdbType } from './types.ts';

const ID_BYTES = 16;
/** Bytes of the smallest node, group, pending entry, consumer. */
const NODE_MIN = 2;
const GROUP_MIN = 5;
const PENDING_MIN = ID_BYTES + 9;
const CONSUMER_MIN = 10;
const INT64_MAX = 2n ** 63n - 1n;

export class StreamReader {
  private readonly input: RdbInput;
  private readonly check = new StreamNodeCheck();
  private readonly id = new StreamId();
  private readonly last = new StreamId();

  constructor(input: RdbInput) {
    this.input = input;
  }

  /** Fills an empty stream; throws `badData`. O(bytes). */
  read(stream: StreamValue, type: number): void {
    const { input, check, last } = this;
    check.reset();
    for (let nodes = input.count(NODE_MIN); nodes > 0; nodes--) this.readNode(stream);
    if (input.number() !== check.live) throw badData;
    this.readId(last);
    if (last.compare(check.last) < 0) throw badData;
    stream.setLastId(last);
    stream.restoreFacts(check.live, check.first);
    if (type === RdbType.stream) stream.entriesAdded = check.live;
    else {
      this.readId(this.id); // The first id is known already.
      this.readId(this.id);
      stream.setMaxDeletedId(this.id);
      const added = input.number();
      if (added < check.live || added > INT64_MAX) throw badData;
      stream.entriesAdded = added;
    }
    for (let groups = input.count(GROUP_MIN); groups > 0; groups--) this.readGroup(stream, type);
  }

  private readNode(stream: StreamValue): void {
    const { input, id } = this;
    const name = input.bytes();
    if (name.length !== ID_BYTES) throw badData;
    const view = new DataView(name.buffer, name.byteOffset, ID_BYTES);
    id.setHalves(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12));
    const bytes = input.bytes();
    this.check.node(id, bytes);
    stream.appendNode(id, bytes);
  }

  private readGroup(stream: StreamValue, type: number): void {
    const { input, id } = this;
    const { groups } = stream;
    input.string();
    const { text, off, len } = input;
    if (groups.find(text, off, len) !== 0) throw badData;
    // An integer's digits are overwritten by the next string, but ids are no strings.
    this.readId(id);
    let read: number | bigint;
    if (type === RdbType.stream) read = this.entriesBefore(stream, id);
    else {
      read = input.number();
      if (read > INT64_MAX) read = READ_UNKNOWN;
    }
    const group = groups.create(text, off, len, id, read);
    for (let n = input.count(PENDING_MIN); n > 0; n--) this.readPending(groups, group);
    for (let n = input.count(CONSUMER_MIN); n > 0; n--) this.readConsumer(groups, group, type);
    groups.releaseUnowned(group);
  }

  private readPending(groups: StreamGroups, group: Ref): void {
    const { input, id } = this;
    this.readRawId(id);
    if (groups.findPending(group, id) !== 0) throw badData;
    const deliveredAt = this.readTime();
    groups.addPending(group, id, 0, deliveredAt, input.number());
  }

  private readConsumer(groups: StreamGroups, group: Ref, type: number): void {
    const { input, id } = this;
    input.string();
    const { text, off, len } = input;
    if (groups.findConsumer(group, text, off, len) !== 0) throw badData;
    const seenAt = this.readTime();
    const activeAt = type === RdbType.stream3 ? this.readTime() : seenAt;
    const consumer = groups.createConsumer(group, text, off, len, seenAt);
    groups.setActive(consumer, activeAt);
    for (let n = input.count(ID_BYTES); n > 0; n--) {
      this.readRawId(id);
      const entry = groups.findPending(group, id);
      if (entry === 0 || groups.pending.consumer(entry) !== 0) throw badData;
      const { pending } = groups;
      groups.deliver(group, entry, consumer, pending.deliveredAt(entry), pending.deliveries(entry));
    }
  }

  /** How many entries were added up to an id; READ_UNKNOWN where deletions hide that. */
  private entriesBefore(stream: StreamValue, id: StreamId): number {
    const { check, last } = this;
    const size = check.live;
    if (size === 0) return id.compare(last) <= 0 ? 0 : READ_UNKNOWN;
    const toLast = id.compare(last);
    if (toLast === 0) return size;
    if (toLast > 0) return READ_UNKNOWN;
    const toFirst = id.compare(check.first);
    if (toFirst > 0) return READ_UNKNOWN;
    return toFirst === 0 ? 1 : Number(stream.entriesAdded) - size;
  }

  /** A time in ms since the epoch, or -1 for never. */
  private readTime(): number {
    const ms = Number(this.input.int64());
    if (ms < -1 || ms > Number.MAX_SAFE_INTEGER) throw badData;
    return ms;
  }

  private readId(id: StreamId): void {
    const ms = this.input.number();
    const seq = this.input.number();
    id.setHalves(highOf(ms), lowOf(ms), highOf(seq), lowOf(seq));
  }

  private readRawId(id: StreamId): void {
    const ms = this.input.bigEndian64();
    const seq = this.input.bigEndian64();
    id.setHalves(highOf(ms), lowOf(ms), highOf(seq), lowOf(seq));
  }
}
