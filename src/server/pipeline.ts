/**
 * From a session's bytes to its commands: reads the requests ahead, fetches what they will need
 * from memory, and has them run one after the other. What a session has sent while it waits, for a
 * key or for the end of a pause, is kept and run afterwards.
 */
import type { Command, CommandTable } from '../commands/command-table.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Reply } from '../resp/reply.ts';
import { ParseResult } from '../resp/request-parser.ts';
import type { Session } from '../session/session.ts';
import { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { setImmediate } from '../util/timers.ts';
import type { Executor } from './executor.ts';
import type { LogLevel } from './log.ts';
import { Lookahead } from './lookahead.ts';
import type { Output } from './output.ts';
import type { Stats } from './stats.ts';

/** Output of one batch is sent early past this size, so that limits on it apply. */
const FLUSH_BYTES = 1024 * 1024;
/** Requests read ahead at most. */
const BATCH_MAX = 64;
/** Fewer requests than this are not worth a look ahead. */
const PREFETCH_MIN = 4;
/** Arguments of a command of several keys that are worth it by themselves (MSET, MGET, DEL). */
const MANY_ARGUMENTS = 8;

/** Takes requests one by one; the executor, or what stands before it. */
export interface Requests {
  request(session: Session, args: Args, command: Command | undefined): void;
}

export interface PipelineParts {
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  readonly reply: Reply;
  readonly output: Output;
  readonly executor: Executor;
  readonly stats: Stats;
  /** A session has gone on with what was held back. */
  readonly onResumed: (session: Session) => void;
  readonly log: (level: LogLevel, message: string) => void;
}

export class Pipeline {
  /** Who gets the requests: replaced while somebody wants to see or to spoil them. */
  requests: Requests;
  private readonly table: CommandTable;
  private readonly keyspace: Keyspace;
  private readonly reply: Reply;
  private readonly output: Output;
  private readonly executor: Executor;
  private readonly stats: Stats;
  private readonly onResumed: (session: Session) => void;
  private readonly log: PipelineParts['log'];
  private readonly lookahead: Lookahead;
  /** Requests read ahead, and the commands they name. */
  private readonly batch: Args[] = [];
  private readonly commands: (Command | undefined)[] = [];
  private batchSize = 0;

  constructor(parts: PipelineParts) {
    this.table = parts.table;
    this.keyspace = parts.keyspace;
    this.reply = parts.reply;
    this.output = parts.output;
    this.executor = parts.executor;
    this.requests = parts.executor;
    this.stats = parts.stats;
    this.onResumed = parts.onResumed;
    this.log = parts.log;
    this.lookahead = new Lookahead(parts.keyspace);
    for (let i = 0; i < BATCH_MAX; i++) {
      this.batch.push(new Args());
      this.commands.push(undefined);
    }
  }

  /** Whether one of the commands read ahead names many keys. */
  private hasManyKeys(count: number): boolean {
    for (let i = 0; i < count; i++) {
      const command = this.commands[i];
      if (command === undefined || command.keyStep === 0) continue;
      if (this.batch[i]!.argc >= MANY_ARGUMENTS) return true;
    }
    return false;
  }

  /**
   * Runs every complete request that the session's parser holds, then sends the replies. Requests
   * are read ahead, some dozens at a time, so that what their keys will need can be fetched from
   * memory together rather than one after the other.
   */
  process(session: Session): void {
    const { executor, output, reply, requests } = this;
    this.stats.readsProcessed++;
    executor.updateClock();
    output.serve(session);
    session.lastSeenMs = this.keyspace.nowMs;
    reply.version = session.respVersion;
    const { limit } = reply;
    session.replyMax = output.replyMax(session);
    if (session.replyMax > 0) reply.limit = Math.min(limit, reply.pos + session.replyMax);
    let result: ParseResult = ParseResult.request;
    while (result === ParseResult.request && !session.closing && !session.isWaiting) {
      result = this.readAhead(session);
      const count = this.batchSize;
      if (count >= PREFETCH_MIN || this.hasManyKeys(count)) {
        this.lookahead.fetch(this.batch, this.commands, count, session);
      }
      for (let i = 0; i < count; i++) {
        const args = this.batch[i]!;
        if (session.isWaiting) session.postponed.push(args.copy());
        else if (!session.closing) requests.request(session, args, this.commands[i]);
        if (reply.pos > FLUSH_BYTES && session.type !== 'replica') output.flush(session);
      }
      // What is slow is shown with its arguments: they go when all have been timed.
      executor.stopTiming();
      for (let i = 0; i < count; i++) this.batch[i]!.release();
    }
    if (result === ParseResult.error && !session.closing) {
      executor.refuseRequest(session, new CommandError(`ERR ${session.parser.error}`));
      session.closeAfterReply();
    }
    reply.limit = limit;
    executor.stopTiming();
    output.serve(undefined);
    if (session.replica?.isAttached === true && output.isReplying) this.hangUp(session);
    if (session.overflowed) output.endOverflowed(session);
    output.flush(session);
  }

  /** A replica is sent the stream: it cannot be sent replies. */
  private hangUp(session: Session): void {
    this.log(
      'warning',
      `Replica generated a reply to command '${session.lastCommand}', disconnecting it: ` +
        session.describe(this.keyspace.nowMs),
    );
    session.kill();
  }

  /**
   * Runs a request that no parser has read. What is written of its reply stays at the end of the
   * shared buffer: the caller takes it, or has it flushed.
   */
  direct(session: Session, args: Args): void {
    const { executor, output } = this;
    executor.updateClock();
    output.serve(session);
    session.lastSeenMs = this.keyspace.nowMs;
    this.reply.version = session.respVersion;
    this.requests.request(session, args, this.table.resolve(args));
    executor.stopTiming();
    output.serve(undefined);
  }

  /** Runs the requests that were held back, then what else the session has sent. */
  resume(session: Session): void {
    const held = session.postponed;
    session.postponed = [];
    this.executor.updateClock();
    this.output.serve(session);
    this.reply.version = session.respVersion;
    for (const args of held) {
      if (session.isWaiting) session.postponed.push(args);
      else if (!session.closing) this.requests.request(session, args, this.table.resolve(args));
    }
    this.process(session);
    session.parser.detach();
    this.onResumed(session);
  }

  /** As `resume`, after the present command. */
  resumeLater(session: Session): void {
    session.isResuming = true;
    setImmediate(() => {
      session.isResuming = false;
      if (!session.closed) this.resume(session);
    });
  }

  /** Reads up to a batch of requests; says why it stopped. */
  private readAhead(session: Session): ParseResult {
    const { parser } = session;
    // Authentication changes the parser's limits, so nothing is read past it.
    const max = parser.authenticated ? BATCH_MAX : 1;
    let n = 0;
    let result: ParseResult = ParseResult.request;
    while (n < max) {
      const args = this.batch[n]!;
      result = parser.next(args);
      if (result !== ParseResult.request) break;
      this.commands[n] = this.table.resolve(args);
      n++;
    }
    this.batchSize = n;
    return result;
  }
}
