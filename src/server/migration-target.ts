/**
 * A connection to a server that MIGRATE brings keys to: sends bytes piece by piece, so that it is
 * known whether they go on, and gives the replies, each of which is a line. It knows no command.
 */
import { Outgoing, type OutgoingEvents, type OutgoingTarget } from '../net/outgoing.ts';
import { latin1 } from '../util/latin1.ts';

/** Bytes handed to the system at once. */
const PIECE_BYTES = 64 * 1024;
/** No reply to what is sent has a longer line. */
const LINE_MAX = 16 * 1024;

/** Who uses a connection. */
export interface TargetEvents {
  connected(): void;
  /** The system has taken a piece of what is to be sent. */
  progressed(): void;
  /** A reply, without its line end. */
  replied(line: string): void;
  /** It is over, or was never made. Called once. */
  closed(reason: string): void;
}

export class MigrationTarget implements OutgoingEvents {
  /** The database that is selected there; empty where that is not known. */
  database = '';
  isConnected = false;
  isClosed = false;
  /** Who uses it; while nobody does, it ends as soon as it says something. */
  user: TargetEvents | undefined;
  /** Called when it has ended while nobody used it. */
  onIdleEnd: () => void = () => {};
  private readonly wire: Outgoing;
  /** What is to be sent, the first piece next. */
  private queue: Buffer[] = [];
  private queued = 0;
  private isSending = false;
  /** The beginning of a line whose end has not come. */
  private begun = '';

  /** Begins to connect; `user` is told of the rest, in later turns. */
  constructor(target: OutgoingTarget, user: TargetEvents) {
    this.user = user;
    this.wire = new Outgoing(target, this);
  }

  /** Whether the system has yet to take some of what is to be sent. */
  get hasUnsent(): boolean {
    return this.isSending;
  }

  /** Sends bytes, which are the connection's from now on. */
  send(requests: readonly Buffer[]): void {
    this.queue = [...this.queue.slice(this.queued), ...requests];
    this.queued = 0;
    if (!this.isSending) this.sendPiece();
  }

  /** Ends it at once; nobody is told. */
  destroy(): void {
    this.user = undefined;
    this.isClosed = true;
    this.wire.destroy();
  }

  private sendPiece(): void {
    const piece = this.takePiece();
    this.isSending = piece !== undefined;
    if (piece === undefined) return;
    this.wire.write(piece, () => {
      this.sendPiece();
      this.user?.progressed();
    });
  }

  /** The next bytes: several short requests, or a part of a long one. */
  private takePiece(): Buffer | undefined {
    const { queue } = this;
    const parts: Buffer[] = [];
    let bytes = 0;
    while (this.queued < queue.length && bytes < PIECE_BYTES) {
      const request = queue[this.queued]!;
      const part = request.subarray(0, PIECE_BYTES - bytes);
      if (part.length < request.length) queue[this.queued] = request.subarray(part.length);
      else this.queued++;
      parts.push(part);
      bytes += part.length;
    }
    if (parts.length > 1) return Buffer.concat(parts);
    return parts[0];
  }

  // ---- OutgoingEvents ------------------------------------------------------------------------

  connected(): void {
    this.isConnected = true;
    this.user?.connected();
  }

  received(chunk: Uint8Array, length: number): void {
    if (this.user === undefined) {
      this.wire.destroy();
      return;
    }
    const lines = (this.begun + latin1(chunk, 0, length)).split('\r\n');
    this.begun = lines.pop()!;
    for (const line of lines) this.user?.replied(line);
    if (this.begun.length > LINE_MAX) this.wire.destroy();
  }

  closed(reason: string): void {
    const { user } = this;
    const wasClosed = this.isClosed;
    this.isClosed = true;
    this.user = undefined;
    if (user !== undefined) user.closed(reason);
    else if (!wasClosed) this.onIdleEnd();
  }
}
