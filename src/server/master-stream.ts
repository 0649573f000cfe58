/**
 * The stream of a master, applied: its commands run through the executor, for a session that passes
 * every gate and whose replies nobody gets, and the bytes of what has been applied go on unchanged
 * to the own stream.
 *
 *     received ── applied ─────────────► (MULTI, SET, ...  or half a command)
 *                         ▲ the offset stands before what is not complete
 *
 * The offset moves at ends of commands, and over a transaction as a whole: what was open when the
 * link broke is asked for again. Source: redis-server 7.0.15 (docs/replication.md).
 */
import { type Command, type CommandTable, Flag } from '../commands/command-table.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { ParseResult, RequestParser } from '../resp/request-parser.ts';
import type { Session } from '../session/session.ts';
import { Args } from '../util/args.ts';
import { setTimeout } from '../util/timers.ts';
import type { Executor } from './executor.ts';
import { Lookahead } from './lookahead.ts';

/** Requests read ahead at most. */
const BATCH_MAX = 64;
/** Fewer than this are not worth a look ahead. */
const PREFETCH_MIN = 4;
/** A bulk of the stream may be longer than a client's, which proto-max-bulk-len bounds. */
const BULK_BYTES_MAX = 512 * 1024 * 1024;
/** One command may not pile up more than this before it is complete. */
const COMMAND_BYTES_MAX = 1024 * 1024 * 1024;
/** How often it looks whether what holds it up is over: a script, or a pause. */
const RETRY_MS = 2;
const RETRY_PAUSED_MS = 20;
/** What a master may send during a pause before nothing more is received. */
const PAUSED_BYTES_MAX = 64 * 1024 * 1024;
/** What is kept of bytes that were not applied yet, as long as it is small. */
const HELD_BYTES = 16 * 1024;

export interface MasterStreamParts {
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  readonly executor: Executor;
  readonly session: Session;
  /** Bytes of the stream that have been applied: `buf[from..to)`, valid during the call. */
  readonly forward: (buf: Uint8Array, from: number, to: number) => void;
  /** A command was answered with an error, or is not known here. */
  readonly failed: (command: string, error: string) => void;
  /** A command that writes is about to run. */
  readonly beforeWrite: () => void;
  /** What came is no stream of commands: the link ends, and nothing is continued. */
  readonly desync: (reason: string) => void;
  /** Nothing may be received for now, or again. */
  readonly hold: (isHeld: boolean) => void;
}

export class MasterStream {
  /** Bytes that have come, as the master counts them; -1 + 1 where it does not tell. */
  readOffset: number;
  /** Bytes that have been applied. */
  appliedOffset: number;
  readonly session: Session;
  private readonly parts: MasterStreamParts;
  private readonly parser = new RequestParser({ maxBulkBytes: BULK_BYTES_MAX });
  private readonly lookahead: Lookahead;
  private readonly batch: Args[] = [];
  private readonly commands: (Command | undefined)[] = [];
  /** For each request of the batch: the offset after it. */
  private readonly ends = new Float64Array(BATCH_MAX);
  /** Requests of the batch that could not run yet, copied: from `next` on. */
  private waiting: Args[] = [];
  private waitingEnds: number[] = [];
  /** What came and was not forwarded yet, without the present chunk. */
  private held = Buffer.alloc(0);
  private heldLength = 0;
  private forwardedOffset: number;
  private chunk: Uint8Array = this.held;
  private chunkFrom = 0;
  private chunkTo = 0;
  private isOver = false;
  private isRetrying = false;

  /** `offset`: bytes of the stream before its first one here. */
  constructor(parts: MasterStreamParts, offset: number) {
    this.parts = parts;
    this.session = parts.session;
    this.lookahead = new Lookahead(parts.keyspace);
    this.readOffset = offset;
    this.appliedOffset = offset;
    this.forwardedOffset = offset;
    for (let i = 0; i < BATCH_MAX; i++) {
      this.batch.push(new Args());
      this.commands.push(undefined);
    }
  }

  /** Bytes that it holds: of commands that are not complete. */
  get heldBytes(): number {
    return this.held.length + this.parser.bufferedBytes;
  }

  /** `chunk[from..to)` arrived; valid during the call. */
  receive(chunk: Uint8Array, from: number, to: number): void {
    this.readOffset += to - from;
    this.session.netInputBytes += to - from;
    this.session.lastSeenMs = this.parts.keyspace.nowMs;
    this.chunk = chunk;
    this.chunkFrom = from;
    this.chunkTo = to;
    this.parser.push(chunk, from, to);
    this.process();
    this.parser.detach();
    this.keepRest();
  }

  /** The link is over: an open transaction and what is not complete are forgotten. */
  end(): void {
    this.isOver = true;
    this.waiting = [];
    this.held = Buffer.alloc(0);
    this.heldLength = 0;
  }

  /** Applies what is complete. */
  private process(): void {
    const { executor, keyspace } = this.parts;
    if (this.isHeldUp) {
      this.waitForTurn();
      return;
    }
    executor.updateClock();
    // What the master says holds, whatever the clock here says: it knows when a key has expired.
    keyspace.expiryEnabled = false;
    try {
      this.runWaiting();
      while (this.waiting.length === 0 && !this.isOver && this.runBatch());
    } finally {
      keyspace.expiryEnabled = true;
      executor.stopTiming();
      if (!this.isOver) this.forward(this.appliedOffset);
    }
    if (this.waiting.length > 0) this.waitForTurn();
  }

  /** Whether a script that takes several turns is half done, a client's or the stream's own. */
  private get isHeldUp(): boolean {
    return this.session.blocked || this.parts.executor.isBusy;
  }

  /** Whether a request has to wait: for a script, or for the end of a pause. */
  private mustWait(command: Command | undefined): boolean {
    if (this.session.blocked) return true;
    return command !== undefined && this.parts.executor.holdsEffect(this.session, command);
  }

  /** Reads a batch of requests and runs them. False when there is nothing left to do. */
  private runBatch(): boolean {
    const { batch, commands, ends, parser } = this;
    const { table } = this.parts;
    const linesBefore = parser.inlineRequests;
    let count = 0;
    let result: ParseResult = ParseResult.request;
    while (count < BATCH_MAX) {
      const args = batch[count]!;
      result = parser.next(args);
      if (result !== ParseResult.request || parser.inlineRequests !== linesBefore) break;
      commands[count] = table.resolve(args);
      ends[count] = this.readOffset - parser.bufferedBytes;
      count++;
    }
    if (count >= PREFETCH_MIN) this.lookahead.fetch(batch, commands, count, this.session);
    for (let i = 0; i < count && !this.isOver; i++) {
      if (this.waiting.length > 0 || this.mustWait(commands[i])) {
        this.waiting.push(batch[i]!.copy());
        this.waitingEnds.push(ends[i]!);
      } else this.run(batch[i]!, commands[i], ends[i]!);
    }
    this.parts.executor.stopTiming();
    for (let i = 0; i < count; i++) batch[i]!.release();
    if (this.isOver) return false;
    if (parser.inlineRequests !== linesBefore) this.lost('it sent an inline command');
    else if (result === ParseResult.error) this.lost(parser.error);
    else if (parser.bufferedBytes > COMMAND_BYTES_MAX) this.lost('a command without end');
    return result === ParseResult.request && !this.isOver;
  }

  private lost(reason: string): void {
    // What was complete before it counts.
    this.forward(this.appliedOffset);
    this.parts.desync(`Protocol error from master: ${reason}`);
  }

  private run(args: Args, command: Command | undefined, end: number): void {
    const { executor, failed, beforeWrite } = this.parts;
    const { session } = this;
    if (command === undefined) {
      failed(args.latin1(0).slice(0, 64), 'ERR unknown command');
    } else {
      // It may ask how far the stream has been applied: up to here, itself not included.
      if ((command.flagBits & Flag.admin) !== 0) this.forward(this.appliedOffset);
      if ((command.flagBits & Flag.write) !== 0) beforeWrite();
      const error = executor.apply(session, args, command);
      if (error !== '') failed(command.fullName, error);
    }
    if (this.isOver) return;
    if (!session.transaction.isOpen) this.appliedOffset = end;
    else if (session.closing) this.lost('a command that failed');
  }

  // ---- what has to wait ----------------------------------------------------------------------

  private waitForTurn(): void {
    // During a pause the master is listened to: it must not take the link for dead, nor we.
    this.parts.hold(this.isHeldUp || this.heldBytes > PAUSED_BYTES_MAX);
    if (this.isRetrying) return;
    this.isRetrying = true;
    this.retryLater();
  }

  private retryLater(): void {
    setTimeout(() => this.retry(), this.isHeldUp ? RETRY_MS : RETRY_PAUSED_MS).unref();
  }

  private retry(): void {
    if (this.isOver) return;
    const [first] = this.waiting;
    if (this.isHeldUp || (first !== undefined && this.mustWait(this.parts.table.resolve(first)))) {
      if (!this.isHeldUp) this.parts.hold(this.heldBytes > PAUSED_BYTES_MAX);
      this.retryLater();
      return;
    }
    this.isRetrying = false;
    this.process();
    this.parser.detach();
    this.keepRest();
    if (!this.isOver && this.waiting.length === 0) this.parts.hold(false);
  }

  private runWaiting(): void {
    const { waiting, waitingEnds } = this;
    let done = 0;
    while (done < waiting.length && !this.isOver) {
      const args = waiting[done]!;
      const command = this.parts.table.resolve(args);
      if (this.mustWait(command)) break;
      this.run(args, command, waitingEnds[done]!);
      done++;
    }
    if (done > 0) {
      this.waiting = waiting.slice(done);
      this.waitingEnds = waitingEnds.slice(done);
    }
  }

  // ---- what goes on --------------------------------------------------------------------------

  /** Forwards what came before this offset and was not forwarded yet. O(bytes). */
  private forward(upTo: number): void {
    const { forward } = this.parts;
    let count = upTo - this.forwardedOffset;
    if (count <= 0) return;
    this.forwardedOffset = upTo;
    const ofHeld = Math.min(count, this.heldLength);
    if (ofHeld > 0) {
      forward(this.held, 0, ofHeld);
      this.held.copyWithin(0, ofHeld, this.heldLength);
      this.heldLength -= ofHeld;
      count -= ofHeld;
    }
    if (count === 0) return;
    forward(this.chunk, this.chunkFrom, this.chunkFrom + count);
    this.chunkFrom += count;
  }

  /** The chunk goes: what was not forwarded of it is kept. */
  private keepRest(): void {
    const { chunk, chunkFrom, chunkTo } = this;
    const count = chunkTo - chunkFrom;
    this.chunkFrom = 0;
    this.chunkTo = 0;
    if (this.isOver) return;
    if (count > 0) {
      const need = this.heldLength + count;
      if (need > this.held.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(need * 2, HELD_BYTES));
        larger.set(this.held.subarray(0, this.heldLength));
        this.held = larger;
      }
      this.held.set(chunk.subarray(chunkFrom, chunkTo), this.heldLength);
      this.heldLength = need;
    } else if (this.heldLength === 0 && this.held.length > HELD_BYTES) this.held = Buffer.alloc(0);
  }
}
