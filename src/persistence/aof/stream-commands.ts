/**
 * A stream as commands that build it:
 *
 *     XADD key id field value ...                              for each entry
 *     XSETID key last-id ENTRIESADDED n MAXDELETEDID id
 *     XGROUP CREATE key group last-id ENTRIESREAD n            for each group
 *     XGROUP CREATECONSUMER key group consumer                 one to whom nothing is pending
 *     XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE
 *     XNACK key group SILENT IDS 1 id RETRYCOUNT n FORCE       released ones, as they were released
 *     XCFGSET key IDMP-DURATION s IDMP-MAXSIZE n, XIDMPRECORD key producer given id
 *
 * An empty stream begins with XADD key MAXLEN 0 0-1 x y. Pending entries may be of entries that are
 * deleted, which XCLAIM passes over: while there are such, these entries are added with the others
 * and deleted when all is pending, XSETID coming last. redis-server loses them; it loads this, too.
 *
 * Not kept: when consumers were last active, when producers' ids were noted (they count from the
 * load), how many duplicates there were.
 */
import type { StreamValue } from '../../datatypes/stream.ts';
import { READ_UNKNOWN } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Ref } from '../../memory/arena.ts';
import type { CommandOutput } from './command-output.ts';

const LOWEST = new StreamId();
const HIGHEST = new StreamId();
HIGHEST.setMax();
/** What stands for the content of an entry that is deleted again. */
const ANY_FIELD = 'x';
const ANY_VALUE = 'y';

/** Appends the key to a command. */
type Key = (out: CommandOutput) => CommandOutput;

export class StreamCommands {
  private readonly out: CommandOutput;
  private readonly id = new StreamId();

  constructor(out: CommandOutput) {
    this.out = out;
  }

  /** Writes the stream that is open. O(bytes + pending entries * log n). */
  write(stream: StreamValue, key: Key): void {
    const { out, id } = this;
    const deleted = this.deletedButPending(stream);
    this.entries(stream, key, deleted);
    if (deleted.length === 0) this.facts(stream, key);
    for (const group of stream.groups.list()) this.group(stream, group, key);
    for (const gone of deleted) key(out.command(3).text('XDEL')).text(gone.toString());
    if (deleted.length > 0) this.facts(stream, key);
    if (!stream.producers.inUse) return;
    const { producers } = stream;
    key(out.command(6).text('XCFGSET')).text('IDMP-DURATION').integer(producers.durationSeconds);
    out.text('IDMP-MAXSIZE').integer(producers.sizeMax);
    for (const producer of producers.list()) {
      const { buf, off, len } = producers.name(producer);
      const name = { buf, off, len };
      producers.forEachOf(producer, (given, entry) => {
        id.set(entry);
        key(out.command(5).text('XIDMPRECORD')).of(name).of(given).text(id.toString());
      });
    }
  }

  /** Ids that are pending somewhere and not in the stream, in their order. */
  private deletedButPending(stream: StreamValue): StreamId[] {
    const { groups } = stream;
    const { pending } = groups;
    const found = new Map<string, StreamId>();
    for (const group of groups.list()) {
      for (let at = groups.seekPendingEdge(group, false); at; at = pending.next()) {
        pending.readId(pending.at, this.id);
        if (stream.has(this.id)) continue;
        const id = new StreamId();
        id.set(this.id);
        found.set(id.toString(), id);
      }
    }
    return [...found.values()].sort((a, b) => a.compare(b));
  }

  private entries(stream: StreamValue, key: Key, deleted: readonly StreamId[]): void {
    const { out } = this;
    if (stream.size === 0 && deleted.length === 0) {
      key(out.command(7).text('XADD')).text('MAXLEN').text('0').text('0-1');
      out.text(ANY_FIELD).text(ANY_VALUE);
      return;
    }
    let next = 0;
    const addDeleted = (before: StreamId | undefined): void => {
      for (; next < deleted.length; next++) {
        const id = deleted[next]!;
        if (before !== undefined && id.compare(before) > 0) return;
        key(out.command(5).text('XADD')).text(id.toString()).text(ANY_FIELD).text(ANY_VALUE);
      }
    };
    stream.seek(LOWEST, HIGHEST);
    const { cursor } = stream;
    while (cursor.next()) {
      const { id, node } = cursor;
      if (deleted.length > 0) addDeleted(id);
      key(out.command(3 + node.fields * 2).text('XADD')).text(id.toString());
      for (let i = node.fields; i > 0; i--) {
        node.nextField();
        out.of(node.field).of(node.value);
      }
    }
    addDeleted(undefined);
  }

  private facts(stream: StreamValue, key: Key): void {
    const { out, id } = this;
    stream.readLastId(id);
    key(out.command(7).text('XSETID')).text(id.toString());
    out.text('ENTRIESADDED').integer(stream.entriesAdded);
    stream.readMaxDeletedId(id);
    out.text('MAXDELETEDID').text(id.toString());
  }

  private group(stream: StreamValue, group: Ref, key: Key): void {
    const { out, id } = this;
    const { groups } = stream;
    const name = { ...groups.name(group) };
    groups.readLastId(group, id);
    key(out.command(7).text('XGROUP').text('CREATE')).of(name).text(id.toString());
    const read = groups.entriesRead(group);
    out.text('ENTRIESREAD').integer(read < 0 ? READ_UNKNOWN : read);
    for (const consumer of groups.listConsumers(group)) {
      if (groups.ownPendingCount(consumer) === 0) {
        key(out.command(5).text('XGROUP').text('CREATECONSUMER')).of(name);
        out.of(groups.consumerName(consumer));
      } else this.claims(stream, name, consumer, key);
    }
    if (groups.hadReleased(group)) this.released(stream, name, group, key);
  }

  private claims(
    stream: StreamValue,
    group: Parameters<CommandOutput['of']>[0],
    consumer: Ref,
    key: Key,
  ): void {
    const { out, id } = this;
    const { groups } = stream;
    const { pending } = groups;
    const name = { ...groups.consumerName(consumer) };
    id.setMin();
    for (let found = groups.seekOwnPending(consumer, id); found; found = pending.next()) {
      const { at } = pending;
      pending.readId(at, id);
      key(out.command(12).text('XCLAIM')).of(group).of(name).text('0').text(id.toString());
      out.text('TIME').integer(pending.deliveredAt(at));
      out.text('RETRYCOUNT').integer(pending.deliveries(at)).text('JUSTID').text('FORCE');
    }
  }

  private released(
    stream: StreamValue,
    group: Parameters<CommandOutput['of']>[0],
    ref: Ref,
    key: Key,
  ): void {
    const { out, id } = this;
    const { groups } = stream;
    const { pending } = groups;
    const entries: Ref[] = [];
    for (let found = groups.seekPendingEdge(ref, false); found; found = pending.next()) {
      if (pending.consumer(pending.at) === 0) entries.push(pending.at);
    }
    entries.sort((a, b) => pending.stamp(a) - pending.stamp(b));
    for (const entry of entries) {
      pending.readId(entry, id);
      key(out.command(10).text('XNACK')).of(group).text('SILENT').text('IDS').text('1');
      out.text(id.toString()).text('RETRYCOUNT').integer(pending.deliveries(entry)).text('FORCE');
    }
  }
}
