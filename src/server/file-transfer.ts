/**
 * An RDB file on its way to a replica: its length, then its bytes, a piece at a time, the next one
 * when the socket has taken the one before.
 */
import type { OpenFile } from '../persistence/files.ts';
import type { Session } from '../session/session.ts';
import { setImmediate } from '../util/timers.ts';
import type { Output } from './output.ts';

const PIECE_BYTES = 128 * 1024;

export class FileTransfer {
  /** Whether all bytes were handed to the socket. */
  isWhole = false;
  private readonly file: OpenFile;
  private readonly session: Session;
  private readonly output: Output;
  private readonly onEnd: () => void;
  private readonly total: number;
  private position = 0;
  private isClosed = false;
  /** Until `begin`, and while a turn for the next piece is asked for. */
  private isScheduled = true;

  /** The file is its own from now on. `onEnd` is called once, when it is sent or unreadable. */
  constructor(file: OpenFile, session: Session, output: Output, onEnd: () => void) {
    this.file = file;
    this.session = session;
    this.output = output;
    this.onEnd = onEnd;
    this.total = file.size();
    const line = Buffer.from(`$${this.total}\r\n`, 'latin1');
    output.stream(session, line, 0, line.length);
  }

  /** The file may be sent: what it holds may be revealed. */
  begin(): void {
    this.isScheduled = false;
    this.proceed();
  }

  /** Sends the next piece if the socket has taken all so far; one in a turn. */
  proceed(): void {
    if (this.isClosed || this.isScheduled || this.session.connection.unsentBytes > 0) return;
    if (this.position < this.total && !this.sendPiece()) {
      this.end();
      return;
    }
    if (this.position === this.total) {
      this.isWhole = true;
      this.end();
    } else if (this.session.connection.unsentBytes === 0) {
      this.isScheduled = true;
      setImmediate(() => {
        this.isScheduled = false;
        this.proceed();
      });
    }
  }

  /** Gives up, or has ended. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.file.close();
  }

  private sendPiece(): boolean {
    const buf = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.total - this.position));
    try {
      const length = this.file.read(buf, 0, buf.length, this.position);
      if (length === 0) return false;
      this.position += length;
      this.output.stream(this.session, buf, 0, length);
      return true;
    } catch {
      return false;
    }
  }

  private end(): void {
    this.close();
    this.onEnd();
  }
}
