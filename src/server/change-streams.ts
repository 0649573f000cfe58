/**
 * Change streams: what the journal carries, for programs that embed the server. One reader of the
 * journal serves all open streams; while there is none, nothing is read and nothing costs.
 *
 * A change is handed out when it is as safe as a reply that reveals it would be: with the
 * append-only file, and `appendfsync always`, after its sync. A stream keeps what its consumer has
 * not taken in a buffer of bounded size; one that fills it is ended by an error after what it holds
 * (changes are never left out silently, and a slow consumer never holds the server up).
 */
import Denque from 'denque';
import type { EffectUnit, Journal, JournalReader } from '../keyspace/journal.ts';
import { Target } from '../keyspace/journal.ts';
import { type Change, ChangesLostError, type ChangesOptions } from './change.ts';
import type { Output } from './output.ts';

/** Bytes that a stream holds for its consumer unless it is told otherwise. */
const BUFFER_BYTES = 16 * 1024 * 1024;
/** About what a change takes, its arguments not counted. */
const CHANGE_OVERHEAD = 96;
const CR = 13;

/** All streams of a server. */
export class ChangeStreams implements JournalReader {
  private readonly journal: Journal;
  private readonly output: Output;
  private streams: readonly ChangeStream[] = [];
  private offset = 0;

  constructor(journal: Journal, output: Output) {
    this.journal = journal;
    this.output = output;
  }

  /** Opens a stream of the changes from now on. */
  open({ bufferBytes = BUFFER_BYTES }: ChangesOptions = {}): ChangeStream {
    if (!(bufferBytes > 0)) throw new RangeError('bufferBytes must be above 0');
    const stream = new ChangeStream(bufferBytes, () => this.remove(stream));
    if (this.streams.length === 0) this.journal.add(this);
    this.streams = [...this.streams, stream];
    return stream;
  }

  /** The server ends: so do the streams, when what they hold is taken. */
  close(): void {
    for (const stream of this.streams) stream.end(undefined);
  }

  unit(unit: EffectUnit): void {
    const changes = this.read(unit);
    if (changes.length === 0) return;
    const { streams } = this;
    this.output.whenSafe(() => {
      for (const stream of streams) stream.take(changes);
    });
  }

  private read(unit: EffectUnit): Change[] {
    const changes: Change[] = [];
    // One copy for all: lines are short, and a consumer rarely keeps one of many.
    const origin = unit.start(0);
    const bytes = Buffer.from(unit.buf.subarray(origin, unit.start(unit.count)));
    let last = -1;
    for (let i = 0; i < unit.count; i++) if ((unit.targets(i) & Target.replicas) !== 0) last = i;
    for (let i = 0; i <= last; i++) {
      if ((unit.targets(i) & Target.replicas) === 0) continue;
      const argv = argumentsOf(bytes, unit.start(i) - origin, unit.argc(i));
      const more = unit.isAtomic && i < last;
      changes.push({ db: unit.dbIndex(i), argv, offset: ++this.offset, more });
    }
    return changes;
  }

  private remove(stream: ChangeStream): void {
    this.streams = this.streams.filter((other) => other !== stream);
    if (this.streams.length === 0) this.journal.remove(this);
  }
}

/** The bulk strings of a line. */
function argumentsOf(bytes: Buffer, start: number, argc: number): Buffer[] {
  const argv: Buffer[] = [];
  let at = start;
  for (let i = 0; i < argc; i++) {
    let length = 0;
    for (at++; bytes[at] !== CR; at++) length = length * 10 + (bytes[at]! - 48);
    at += 2;
    argv.push(bytes.subarray(at, at + length));
    at += length + 2;
  }
  return argv;
}

type Resolve = (result: IteratorResult<Change, undefined>) => void;

/** The changes of a server since it was opened, one after the other. */
export class ChangeStream implements AsyncIterableIterator<Change, undefined>, AsyncDisposable {
  private readonly bufferBytes: number;
  private readonly onClosed: () => void;
  private readonly held = new Denque<Change>();
  private heldBytes = 0;
  private readonly waiting = new Denque<Resolve>();
  /** No more changes come; `error` says why if there is a reason. */
  private isEnded = false;
  private error: Error | undefined = undefined;

  constructor(bufferBytes: number, onClosed: () => void) {
    this.bufferBytes = bufferBytes;
    this.onClosed = onClosed;
  }

  /** The next change; rejects with ChangesLostError once, when some were lost. */
  next(): Promise<IteratorResult<Change, undefined>> {
    const change = this.held.shift();
    if (change !== undefined) {
      this.heldBytes -= bytesOf(change);
      return Promise.resolve({ value: change, done: false });
    }
    const { error } = this;
    if (error !== undefined) {
      this.error = undefined;
      return Promise.reject(error);
    }
    if (this.isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  /** Ends the stream; what it holds is dropped. Leaving a `for await` loop does so. */
  return(): Promise<IteratorResult<Change, undefined>> {
    this.held.clear();
    this.heldBytes = 0;
    this.error = undefined;
    this.end(undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Changes of one unit. A unit that does not fit is lost as a whole. */
  take(changes: readonly Change[]): void {
    if (this.isEnded) return;
    let bytes = 0;
    for (const change of changes) bytes += bytesOf(change);
    // One unit always fits an empty buffer: the consumer has kept up.
    if (this.held.length > 0 && this.heldBytes + bytes > this.bufferBytes) {
      this.end(new ChangesLostError(changes[0]!.offset));
      return;
    }
    for (const change of changes) {
      const resolve = this.waiting.shift();
      if (resolve !== undefined) resolve({ value: change, done: false });
      else {
        this.held.push(change);
        this.heldBytes += bytesOf(change);
      }
    }
  }

  /** No more changes come. */
  end(error: Error | undefined): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.error = error;
    this.onClosed();
    for (;;) {
      const resolve = this.waiting.shift();
      if (resolve === undefined) return;
      resolve({ value: undefined, done: true });
    }
  }
}

function bytesOf(change: Change): number {
  let bytes = CHANGE_OVERHEAD;
  for (const argument of change.argv) bytes += argument.length + CHANGE_OVERHEAD;
  return bytes;
}
