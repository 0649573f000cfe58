/**
 * The one way out: every byte that a client gets leaves here, and nothing else writes to a
 * connection. Replies stay in the shared reply buffer until the turn of the event loop ends, then
 * each client gets its own in one write; messages that are no replies wait in outboxes.
 *
 * Invariant: no byte leaves before the effects it may reveal are where they must be. While a
 * `Barrier` is set, output that it does not let through yet is kept, in order, until `release`.
 */
import Denque from 'denque';
import { Reply } from '../resp/reply.ts';
import type { Client } from '../session/client.ts';
import { emptyOutbox } from '../session/outbox.ts';
import { clearImmediate, setImmediate } from '../util/timers.ts';
import type { LogLevel } from './log.ts';
import { OutputLimits } from './output-limits.ts';
import type { Stats } from './stats.ts';

/** Replies longer than this do not wait for the end of the turn. */
const LATER_BYTES = 64 * 1024;
/** Nor do any, past so many bytes: what the processor's cache still holds is sent faster. */
const DUE_BYTES = 256 * 1024;
/** What redis-server does not count: the buffer that each client has there. */
const FREE_BYTES = 16 * 1024;
/** An outbox is sent early past this size, so that limits on it apply. */
const OUTBOX_BYTES = 64 * 1024;

/**
 * What must have happened before bytes leave; the append-only file is one. Positions count bytes of
 * effects and only grow.
 */
export interface Barrier {
  /** Brings the effects so far on their way. Called before bytes leave. */
  prepare(): void;
  /** How far effects have come: what leaves now may reveal all of them. */
  readonly written: number;
  /** How far they are where they must be. Whoever raises it calls `Output.release`. */
  readonly safe: number;
}

export interface OutputOptions {
  readonly reply: Reply;
  readonly stats: Stats;
  readonly now: () => number;
  readonly log: (level: LogLevel, message: string) => void;
  /** Whether clients that have not authenticated are kept short. */
  readonly mustAuthenticate: () => boolean;
  /** Called when a turn ends, before outboxes are sent. */
  readonly beforeOutboxes: () => void;
  /** A client has not taken all that it was sent. */
  readonly onUnsent: (client: Client) => void;
}

/** Output that waits for the barrier. */
interface Held {
  readonly client: Client;
  readonly bytes: Buffer;
  /** Position that effects must have reached. */
  readonly needs: number;
}

export class Output {
  readonly limits = new OutputLimits();
  /** Set while effects must be safe before bytes leave. */
  barrier: Barrier | undefined = undefined;
  /** Counts the turns that have ended: tasks of the same one run together. */
  turn = 0;
  private readonly reply: Reply;
  private readonly stats: Stats;
  private readonly now: () => number;
  private readonly log: (level: LogLevel, message: string) => void;
  private readonly mustAuthenticate: () => boolean;
  private readonly beforeOutboxes: () => void;
  private readonly onUnsent: (client: Client) => void;
  /** The client whose requests are being run; its replies may be half written. */
  private servedClient: Client | undefined = undefined;
  /** Messages to that client itself: they come after the reply of the command that caused them. */
  private readonly ownMessages = new Reply();
  /** Clients whose outbox is to be sent. */
  private withOutbox: Client[] = [];
  /** The beginning of this turn's outboxes. */
  private newOutbox = emptyOutbox();
  private turnEnd: NodeJS.Immediate | undefined = undefined;
  /**
   * Clients with replies in the shared buffer, and where those of each begin and end. The arrays
   * stay as long as they ever were: emptying them took a fourth of the time of a turn of one PING.
   */
  private readonly due: (Client | undefined)[] = [];
  private readonly dueStarts: number[] = [];
  private readonly dueEnds: number[] = [];
  private dueCount = 0;
  /** What lies before this in the shared buffer is due or sent. */
  private dueTo = 0;
  private readonly held = new Denque<Held>();
  /** What is done when effects are safe that are not yet, in their order. */
  private readonly whenSafeTasks = new Denque<{ needs: number; run: () => void }>();

  constructor(options: OutputOptions) {
    this.reply = options.reply;
    this.stats = options.stats;
    this.now = options.now;
    this.log = options.log;
    this.mustAuthenticate = options.mustAuthenticate;
    this.beforeOutboxes = options.beforeOutboxes;
    this.onUnsent = options.onUnsent;
  }

  // ---- the client being served ---------------------------------------------------------------

  /** Requests of `client` are being run from now on; undefined: of nobody any more. */
  serve(client: Client | undefined): void {
    this.servedClient = client;
  }

  /** Whether requests are being run. */
  get isServing(): boolean {
    return this.servedClient !== undefined;
  }

  /** Puts messages to the client itself after the reply just written to the shared buffer. */
  putOwnMessages(): void {
    const { ownMessages, reply } = this;
    if (ownMessages.pos === 0) return;
    reply.append(ownMessages.buf, 0, ownMessages.pos);
    ownMessages.clear();
  }

  // ---- what comes in -------------------------------------------------------------------------

  /** Sends a message that is no reply: never inside a reply, at the latest when the turn ends. */
  deliver(client: Client, message: Buffer): void {
    if (client.closing) return;
    if (client === this.servedClient) {
      this.ownMessages.raw(message);
      return;
    }
    if (client.outbox === undefined) {
      this.withOutbox.push(client);
      this.endTurn();
      client.outbox = this.newOutbox.add(message);
    } else client.outbox = client.outbox.add(message);
    if (client.outbox.bytes > OUTBOX_BYTES) this.sendOutbox(client);
  }

  /**
   * The shared reply buffer holds replies to a client after what other clients are due: they are
   * sent when the turn ends, or at once when they are large, many or the last ones.
   */
  flush(client: Client): void {
    const { reply, dueTo } = this;
    const length = reply.pos - dueTo;
    const much = length > LATER_BYTES || reply.pos > DUE_BYTES;
    if (client.outbox !== undefined || client.closing || much) {
      this.sendDue();
      this.send(client, reply, dueTo);
      this.dueTo = 0;
    } else if (length > 0) {
      const i = this.dueCount++;
      this.due[i] = client;
      this.dueStarts[i] = dueTo;
      this.dueEnds[i] = reply.pos;
      this.dueTo = reply.pos;
      this.endTurn();
    }
  }

  /** Sends a reply of its own to a client; the buffer is the caller's again, empty. */
  sendReply(client: Client, reply: Reply): void {
    this.sendDue();
    this.send(client, reply, 0);
  }

  /** Sends a last line to a connection that no client has. */
  refuse(connection: Client['connection'], line: string): void {
    const bytes = Buffer.from(line, 'latin1');
    connection.write(bytes, 0, bytes.length);
    connection.end();
  }

  /** Whether the shared buffer holds a reply to the client being served. */
  get isReplying(): boolean {
    return this.reply.pos > this.dueTo;
  }

  /** Whether a client is owed anything that has not left. */
  owes(client: Client): boolean {
    if (client.unsentBytes > 0 || this.ownMessages.pos > 0) return true;
    return this.reply.pos > this.dueTo || this.due.includes(client);
  }

  /**
   * Sends a replica `buf[from..end)` at once, past replies and barrier: whoever calls sees to it
   * that the effects in it may be revealed. The bytes must stay what they are. Returns whether the
   * kernel took all.
   */
  stream(client: Client, buf: Buffer, from: number, end: number): boolean {
    if (client.closed) return true;
    const bytes = end - from;
    client.netOutputBytes += bytes;
    this.stats.netOutputBytes += bytes;
    this.stats.netReplicationOutputBytes += bytes;
    this.stats.writesProcessed++;
    const taken = client.connection.write(buf, from, end);
    if (!taken) this.onUnsent(client);
    return taken;
  }

  // ---- what goes out -------------------------------------------------------------------------

  /** Has everything sent when this turn of the event loop ends. */
  endTurn(): void {
    this.turnEnd ??= setImmediate(() => {
      this.sendDue();
      this.beforeOutboxes();
      this.turnEnd = undefined;
      this.sendOutboxes();
      this.runSafeTasks();
    });
  }

  /** Sends what is due without waiting for the end of the turn. */
  sendDue(): void {
    const { due, dueStarts, dueEnds, reply } = this;
    for (let i = 0; i < this.dueCount; i++) {
      this.leave(due[i]!, reply.buf, dueStarts[i]!, dueEnds[i]!, true);
      due[i] = undefined;
    }
    this.dueCount = 0;
    // A client in the middle of being served notes offsets into this buffer: do not clear it now.
    if (reply.pos > this.dueTo || this.servedClient !== undefined) return;
    reply.clear();
    this.dueTo = 0;
  }

  /**
   * Runs a task when what happened up to the end of this turn may be revealed: then, or later when
   * the barrier holds that back. Tasks run in order. Never within this call.
   */
  whenSafe(run: () => void): void {
    // Read when the turn ends: other readers of the journal may not have this effect yet.
    this.whenSafeTasks.push({ needs: -1, run });
    this.endTurn();
  }

  /** The turn ends: runs what may be, and notes what the rest waits for. */
  runSafeTasks(): void {
    const { barrier, whenSafeTasks } = this;
    this.turn++;
    if (whenSafeTasks.isEmpty()) return;
    barrier?.prepare();
    const written = barrier?.written ?? 0;
    for (let i = whenSafeTasks.length - 1; i >= 0; i--) {
      const task = whenSafeTasks.peekAt(i)!;
      if (task.needs >= 0) break;
      task.needs = written;
    }
    this.releaseTasks();
  }

  private releaseTasks(): void {
    const { barrier, whenSafeTasks } = this;
    const safe = barrier === undefined ? Number.POSITIVE_INFINITY : barrier.safe;
    for (;;) {
      const task = whenSafeTasks.peekFront();
      if (task === undefined || task.needs < 0 || task.needs > safe) return;
      whenSafeTasks.shift();
      task.run();
    }
  }

  /** The barrier lets more through: sends what waited for that, in order. */
  release(): void {
    this.releaseTasks();
    const { held, barrier } = this;
    const safe = barrier === undefined ? Number.POSITIVE_INFINITY : barrier.safe;
    for (;;) {
      const first = held.peekFront();
      if (first === undefined || first.needs > safe) return;
      held.shift();
      const { client, bytes } = first;
      client.heldBytes -= bytes.length;
      if (client.closed) continue;
      if (bytes.length > 0) this.write(client, bytes, 0, bytes.length, false);
      if (client.closing && client.heldBytes === 0) client.connection.end();
    }
  }

  /** Ends what the turn's end would do; nothing is sent any more. */
  stop(): void {
    if (this.turnEnd !== undefined) clearImmediate(this.turnEnd);
    this.turnEnd = undefined;
  }

  /** Once a turn, so that what many publishers send to one client leaves in one write. */
  private sendOutboxes(): void {
    const { withOutbox } = this;
    if (withOutbox.length === 0) return;
    this.withOutbox = [];
    this.newOutbox = emptyOutbox();
    for (const client of withOutbox) this.sendOutbox(client);
  }

  private sendOutbox(client: Client): void {
    const { outbox } = client;
    if (outbox === undefined) return;
    client.outbox = undefined;
    if (client.closed) return;
    this.sendDue();
    let bytes = outbox.join();
    if (client.connection.unsentBytes > 0) bytes = unpinned(bytes);
    this.leave(client, bytes, 0, bytes.length, false);
  }

  /** Sends a reply buffer's content from a position on; ends the client when it is closing. */
  private send(client: Client, reply: Reply, from: number): void {
    if (client.outbox !== undefined) this.sendOutbox(client);
    const length = reply.pos - from;
    if (length > 0 && !client.closed) {
      // A small reply must not keep a large buffer alive while the peer does not take it.
      const small = length * 2 < reply.buf.length;
      const taken = this.leave(client, reply.buf, from, reply.pos, small);
      if (taken || small) reply.clear();
      else reply.renew();
    } else reply.clear();
    if (!client.closing || client.closed) return;
    if (client.heldBytes === 0) client.connection.end();
  }

  /**
   * Lets `buf[from..end)` go to a client when the barrier allows it. With `copy` the buffer stays
   * the caller's; else it is so only when true is returned.
   */
  private leave(client: Client, buf: Buffer, from: number, end: number, copy: boolean): boolean {
    if (this.barrier === undefined) return this.write(client, buf, from, end, copy);
    return this.leaveThrough(this.barrier, client, buf, from, end, copy);
  }

  private leaveThrough(
    barrier: Barrier,
    client: Client,
    buf: Buffer,
    from: number,
    end: number,
    copy: boolean,
  ): boolean {
    barrier.prepare();
    if (barrier.safe >= barrier.written && this.held.isEmpty()) {
      return this.write(client, buf, from, end, copy);
    }
    const bytes = Buffer.from(buf.subarray(from, end));
    this.held.push({ client, bytes, needs: barrier.written });
    client.heldBytes += bytes.length;
    this.onUnsent(client);
    this.enforceLimit(client, this.now());
    return true;
  }

  private write(client: Client, buf: Buffer, from: number, end: number, copy: boolean): boolean {
    const bytes = end - from;
    client.netOutputBytes += bytes;
    this.stats.netOutputBytes += bytes;
    this.stats.writesProcessed++;
    const { connection } = client;
    const taken = copy ? connection.writeCopy(buf, from, end) : connection.write(buf, from, end);
    if (!taken) {
      this.onUnsent(client);
      this.enforceLimit(client, this.now());
    }
    return taken;
  }

  /** Bytes that one reply to a client may take, 0 for no limit of its own. */
  replyMax(client: Client): number {
    const { limits } = this;
    const hard = client.type === 'pubsub' ? limits.pubsubHardBytes : limits.normalHardBytes;
    return hard === 0 ? 0 : hard + FREE_BYTES;
  }

  /** Ends a client whose reply went past that; nobody else is the worse for it. */
  endOverflowed(client: Client): void {
    this.stats.clientOutputLimitDisconnections++;
    const line = client.describe(this.now());
    this.log(
      'warning',
      `Client ${line} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    client.kill();
  }

  /** Ends a client that has piled up more output than its kind may. O(1). */
  enforceLimit(client: Client, nowMs: number): void {
    const unsent = client.unsentBytes;
    if (unsent === 0) return;
    if (!this.limits.exceeded(client, unsent, nowMs, this.mustAuthenticate())) return;
    this.stats.clientOutputLimitDisconnections++;
    const line = client.describe(nowMs);
    this.log('warning', `Client ${line} closed for overcoming of output buffer limits.`);
    client.kill();
  }
}

/** What a slow client waits for must not keep a block alive of which it is a small part. */
function unpinned(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= bytes.length * 2) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
