/**
 * A master's effects on their way into the stream: a reader of the journal that encodes what
 * replicas are to get, and appends it to the backlog. Besides effects the stream carries lines of
 * the master's own (PING, REPLCONF GETACK), which belong to no database.
 *
 * It reads only while it is open: a server without replicas encodes nothing.
 */
import type { EffectUnit, Journal, JournalReader } from '../keyspace/journal.ts';
import { Target } from '../keyspace/journal.ts';
import { EffectEncoder } from '../persistence/aof/effect-encoder.ts';
import type { Backlog } from './backlog.ts';

export class Propagation implements JournalReader {
  private readonly journal: Journal;
  private readonly onFed: () => void;
  private readonly encoder = new EffectEncoder(Target.replicas);
  private backlog: Backlog | undefined = undefined;

  /** `onFed` is told that there are more bytes. */
  constructor(journal: Journal, onFed: () => void) {
    this.journal = journal;
    this.onFed = onFed;
  }

  /** Database selected in the stream, -1 when none is. */
  get selectedDb(): number {
    return this.encoder.selectedDb;
  }

  /** Effects go to this backlog from now on. */
  open(backlog: Backlog): void {
    if (this.backlog === undefined) this.journal.add(this);
    this.backlog = backlog;
  }

  /** Effects go nowhere any more. */
  close(): void {
    if (this.backlog === undefined) return;
    this.journal.remove(this);
    this.backlog = undefined;
    this.forgetDb();
  }

  /** Somebody joins who does not know which database is selected: it is told again. */
  forgetDb(): void {
    this.encoder.restart();
  }

  unit(unit: EffectUnit): void {
    const { encoder } = this;
    if (unit.count === 1 && this.takesLine(unit)) {
      this.onFed();
      return;
    }
    encoder.append(unit);
    if (encoder.length === 0) return;
    this.backlog!.feed(encoder.buf, 0, encoder.length);
    encoder.clear();
    this.onFed();
  }

  /** The shorter way for a single line in the database that is selected. */
  private takesLine(unit: EffectUnit): boolean {
    if (unit.dbIndex(0) !== this.encoder.selectedDb) return false;
    if ((unit.targets(0) & Target.replicas) === 0) return false;
    return this.backlog!.feedLine(unit.argc(0), unit.buf, unit.start(0), unit.start(1));
  }

  /** A line of the stream's own, whole as RESP. */
  put(line: Buffer): void {
    this.backlog?.feed(line, 0, line.length);
    this.onFed();
  }
}
