/**
 * Reads streams in RDB encoding: type 19 and later ones (see `stream-writer.ts`), and 15 without
 * what redis 7.0 added (first and largest deleted id, entries added and read). What is missing is
 * reckoned as redis 7.0 does. Pending entries that are no consumer's were released (XNACK).
 *
 * A stream may come in pieces: each step of `read` is done whole or, when the input's window ends,
 * not at all, and `read` is called again.
 */
import { TextRegister } from '../../datatypes/members.ts';
import type { StreamValue } from '../../datatypes/stream.ts';
import { READ_UNKNOWN, type StreamGroups } from '../../datatypes/stream-groups.ts';
import { highOf, lowOf, StreamId } from '../../datatypes/stream-id.ts';
import {
  DURATION_DEFAULT,
  SIZE_DEFAULT,
  type StreamProducers,
} from '../../datatypes/stream-producers.ts';
import type { Ref } from '../../memory/arena.ts';
import {
  badData,
  repeatedConsumer,
  repeatedGroup,
  repeatedPending,
  strangePending,
  streamCounts,
} from './bad-data.ts';
import type { RdbInput } from './input.ts';
import { StreamNodeCheck } from './stream-check.ts';
import { RdbType } from './types.ts';

const ID_BYTES = 16;
/** Bytes of the smallest node, group, pending entry, consumer. */
const NODE_MIN = 2;
const GROUP_MIN = 5;
const PENDING_MIN = ID_BYTES + 9;
const CONSUMER_MIN = 10;
const PRODUCER_MIN = 2;
const RECORD_MIN = 3;
/** What XCFGSET allows. */
const DURATION_MAX = 86400;
const SIZE_MAX = 10000;
const INT64_MAX = 2n ** 63n - 1n;

/** What is read of a stream, in this order but for what comes once for each group. */
const Step = {
  nodes: 0,
  facts: 1,
  groups: 2,
  group: 3,
  pending: 4,
  consumers: 5,
  consumer: 6,
  ownPending: 7,
  released: 8,
  limits: 9,
  producers: 10,
  producer: 11,
  records: 12,
  end: 13,
} as const;

export class StreamReader {
  private readonly input: RdbInput;
  private readonly check = new StreamNodeCheck();
  private readonly id = new StreamId();
  private readonly last = new StreamId();
  /** What is read next. */
  private step: number = Step.nodes;
  private type = 0;
  private nowMs = 0;
  /** How many of these are still to be read; -1 before their number was. */
  private nodes = -1;
  private groups = 0;
  private pending = 0;
  private consumers = 0;
  private ownPending = 0;
  private released = -1;
  private producers = 0;
  private records = 0;
  /** The group and the consumer being read, and the name of the producer. */
  private group: Ref = 0;
  private consumer: Ref = 0;
  private readonly producer = new TextRegister();

  /** By step; each changes nothing before everything that it needs was read. */
  private readonly steps: readonly ((stream: StreamValue) => void)[] = [
    (stream) => this.readNodes(stream),
    (stream) => this.readFacts(stream),
    () => this.readGroupCount(),
    (stream) => this.readGroup(stream),
    (stream) => this.readAllPending(stream.groups),
    (stream) => this.readConsumerCount(stream),
    (stream) => this.readConsumer(stream.groups),
    (stream) => this.readAllOwnPending(stream),
    (stream) => this.readReleased(stream),
    (stream) => this.readLimits(stream.producers),
    (stream) => this.nextProducer(stream.producers),
    () => this.readProducer(),
    (stream) => this.readRecords(stream.producers),
  ];

  constructor(input: RdbInput) {
    this.input = input;
  }

  /** Gets ready for another stream. */
  reset(): void {
    this.check.reset();
    this.step = Step.nodes;
    this.nodes = -1;
    this.released = -1;
  }

  /**
   * Fills a stream that was empty when `reset` was called; throws `badData`, `needMore`. O(bytes).
   */
  read(stream: StreamValue, type: number, nowMs: number): void {
    this.type = type;
    this.nowMs = nowMs;
    while (this.step !== Step.end) {
      this.steps[this.step]!(stream);
      this.input.mark();
    }
  }

  private readGroupCount(): void {
    this.groups = this.input.count(GROUP_MIN);
    this.nextGroup();
  }

  private readConsumerCount(stream: StreamValue): void {
    this.consumers = this.input.count(CONSUMER_MIN);
    this.nextConsumer(stream);
  }

  private readNodes(stream: StreamValue): void {
    const { input } = this;
    if (this.nodes < 0) {
      this.nodes = input.count(NODE_MIN);
      input.mark();
    }
    for (; this.nodes > 0; this.nodes--) {
      this.readNode(stream);
      input.mark();
    }
    this.step = Step.facts;
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

  private readFacts(stream: StreamValue): void {
    const { input, check, id, last } = this;
    if (input.number() !== check.live) throw streamCounts;
    this.readId(last);
    if (last.compare(check.last) < 0) throw streamCounts;
    let added: number | bigint = check.live;
    id.setMin();
    if (this.type !== RdbType.stream) {
      this.readId(id); // The first id is known already.
      this.readId(id);
      added = input.number();
      if (added < check.live || added > INT64_MAX) throw streamCounts;
    }
    stream.setLastId(last);
    stream.restoreFacts(check.live, check.first);
    if (this.type !== RdbType.stream) stream.setMaxDeletedId(id);
    stream.entriesAdded = added;
    this.step = Step.groups;
  }

  private nextGroup(): void {
    if (this.groups > 0) this.step = Step.group;
    else if (this.type >= RdbType.stream4) this.step = Step.limits;
    else this.step = Step.end;
  }

  private readGroup(stream: StreamValue): void {
    const { input, id } = this;
    const { groups } = stream;
    input.string();
    const { text, off, len } = input;
    if (groups.find(text, off, len) !== 0) throw repeatedGroup;
    // An integer's digits are overwritten by the next string, but ids are no strings.
    this.readId(id);
    let read: number | bigint;
    if (this.type === RdbType.stream) read = this.entriesBefore(stream, id);
    else {
      read = input.number();
      if (read > INT64_MAX) read = READ_UNKNOWN;
    }
    this.pending = input.count(PENDING_MIN);
    this.group = groups.create(text, off, len, id, read);
    this.groups--;
    this.step = Step.pending;
  }

  private readAllPending(groups: StreamGroups): void {
    const { input, id } = this;
    for (; this.pending > 0; this.pending--) {
      this.readRawId(id);
      if (groups.findPending(this.group, id) !== 0) throw repeatedPending;
      const deliveredAt = this.readTime();
      groups.addPending(this.group, id, 0, deliveredAt, input.number());
      input.mark();
    }
    this.step = Step.consumers;
  }

  private nextConsumer(stream: StreamValue): void {
    if (this.consumers > 0) this.step = Step.consumer;
    else if (this.type >= RdbType.stream5) this.step = Step.released;
    else {
      stream.groups.releaseUnowned(this.group);
      this.nextGroup();
    }
  }

  private readConsumer(groups: StreamGroups): void {
    const { input, group } = this;
    input.string();
    const { text, off, len } = input;
    if (groups.findConsumer(group, text, off, len) !== 0) throw repeatedConsumer;
    const seenAt = this.readTime();
    const activeAt = this.type >= RdbType.stream3 ? this.readTime() : seenAt;
    this.ownPending = input.count(ID_BYTES);
    this.consumer = groups.createConsumer(group, text, off, len, seenAt);
    groups.setActive(this.consumer, activeAt);
    this.consumers--;
    this.step = Step.ownPending;
  }

  private readAllOwnPending(stream: StreamValue): void {
    const { groups } = stream;
    const { pending } = groups;
    const { group, consumer, id, input } = this;
    for (; this.ownPending > 0; this.ownPending--) {
      this.readRawId(id);
      const entry = groups.findPending(group, id);
      if (entry === 0 || pending.consumer(entry) !== 0) throw strangePending;
      groups.deliver(group, entry, consumer, pending.deliveredAt(entry), pending.deliveries(entry));
      input.mark();
    }
    this.nextConsumer(stream);
  }

  /** The released entries in their order; they are all that are no consumer's. */
  private readReleased(stream: StreamValue): void {
    const { group, id, input } = this;
    const { groups } = stream;
    const { pending } = groups;
    if (this.released < 0) {
      this.released = input.count(ID_BYTES);
      if (this.released !== groups.releasedCount(group)) throw streamCounts;
      input.mark();
    }
    for (; this.released > 0; this.released--) {
      this.readRawId(id);
      const entry = groups.findPending(group, id);
      if (entry === 0 || pending.consumer(entry) !== 0) throw strangePending;
      // A released one has a negative stamp, which no file gives: it came twice.
      if (pending.isReleased(entry)) throw repeatedPending;
      groups.release(group, entry, pending.deliveries(entry));
      input.mark();
    }
    this.released = -1;
    this.nextGroup();
  }

  private readLimits(producers: StreamProducers): void {
    const { input } = this;
    const duration = input.number();
    const sizeMax = input.number();
    if (duration < 1 || duration > DURATION_MAX || sizeMax < 1 || sizeMax > SIZE_MAX) throw badData;
    this.producers = input.count(PRODUCER_MIN);
    // The defaults without a producer are those of a stream that never had any.
    const unused = duration === DURATION_DEFAULT && sizeMax === SIZE_DEFAULT;
    if (!unused || this.producers > 0) producers.configure(Number(duration), Number(sizeMax));
    this.step = Step.producers;
  }

  private nextProducer(producers: StreamProducers): void {
    if (this.producers > 0) {
      this.step = Step.producer;
      return;
    }
    const added = Number(this.input.number());
    const duplicates = Number(this.input.number());
    if (producers.inUse) producers.restoreCounts(added, duplicates);
    this.step = Step.end;
  }

  private readProducer(): void {
    const { input, producer } = this;
    input.string();
    producer.buf = Buffer.from(input.text.subarray(input.off, input.off + input.len));
    producer.len = input.len;
    this.records = input.count(RECORD_MIN);
    this.producers--;
    this.step = Step.records;
  }

  /** As a record's time its entry's id is taken, which is the time it was added at, as a rule. */
  private readRecords(producers: StreamProducers): void {
    const { id, input, producer } = this;
    for (; this.records > 0; this.records--) {
      input.string();
      const { text, off, len } = input;
      this.readId(id);
      const notedMs = Math.min(id.score, this.nowMs);
      if (!producers.restore(producer, { buf: text, off, len }, id, notedMs)) throw badData;
      input.mark();
    }
    this.step = Step.producers;
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
