/**
 * A replica's link to its master, as a machine that gets bytes: the handshake, the reply to PSYNC,
 * the data of a full sync, the stream. It owns no data and applies nothing: whoever does is told
 * (`LinkOwner`). The socket is a `Wire` that is handed in, so that tests feed it byte by byte.
 *
 * Everything that comes is hostile until proved otherwise: lines have a bound, nothing that is
 * announced is allocated.
 */

import { setTimeout } from '../util/timers.ts';
import {
  type Introduction,
  introductionSteps,
  isAlive,
  psyncWords,
  readSyncReply,
  type Step,
  type SyncRequest,
} from './handshake.ts';
import { RdbTransfer } from './rdb-transfer.ts';
import { encodeRequest } from './requests.ts';

/** The connection under a link. */
export interface Wire {
  /** Sends bytes, which are the wire's from now on. */
  write(bytes: Buffer): void;
  /** Nothing is received until `resume`, but for what has come already. */
  pause(): void;
  resume(): void;
  /** Ends it at once. */
  destroy(): void;
}

/** Who has a link, and does something with what comes. */
export interface LinkOwner {
  /** Where to go on; undefined to get all data. */
  syncRequest(): SyncRequest | undefined;
  /** All data comes, of this history as of `offset`; a master that knows no PSYNC tells neither. */
  fullSync(replid: string | undefined, offset: number): void;
  /** The stream goes on where it was asked for, under this id or the one that was asked for. */
  continues(replid: string | undefined): void;
  /** The data begins: so many bytes, -1 when nobody knows. */
  dataBegins(total: number): void;
  /** Bytes of the data, valid during the call. May throw; the link ends then. */
  data(buf: Uint8Array, from: number, to: number): void;
  /** All data is there. The owner pauses the link when it is not ready for the stream. */
  dataEnds(): void;
  /** Bytes of the stream, valid during the call. */
  stream(buf: Uint8Array, from: number, to: number): void;
  /** The link is over. Called once, and nothing else afterwards. */
  ended(reason: string): void;
  log(level: 'notice' | 'warning', message: string): void;
}

export interface LinkOptions {
  readonly introduction: Introduction;
  /** Asks the master to hand its part over (FAILOVER). */
  readonly isFailover: boolean;
  readonly owner: LinkOwner;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Whether nothing may change now, so that what comes has to wait (a script is half done). */
  readonly mustWait: () => boolean;
}

/** What the bytes that come next are. */
type Expected = 'pong' | 'introduction' | 'sync' | 'data header' | 'data' | 'stream';
/** ROLE's words. */
export type LinkState = 'connecting' | 'handshake' | 'sync' | 'connected';

const LF = 10;
/** How often it looks whether it may go on. */
const WAIT_MS = 2;
/** Longest line that a master may send before the stream. */
const LINE_MAX = 16 * 1024;
const NEWLINE = Buffer.from('\n', 'latin1');

export class MasterLink {
  /** When the last byte came, monotonic ms. */
  lastInputMs: number;
  transfer: RdbTransfer | undefined = undefined;
  private readonly options: LinkOptions;
  private wire: Wire | undefined = undefined;
  private expected: Expected = 'pong';
  /** Steps of the introduction whose replies are due. */
  private due: Step[] = [];
  /** The line that is not complete yet. */
  private line = '';
  private isConnected = false;
  private isOver = false;
  private isPaused = false;
  /** What came while paused. */
  private held: Uint8Array[] = [];

  constructor(options: LinkOptions) {
    this.options = options;
    this.lastInputMs = options.now();
  }

  get state(): LinkState {
    if (!this.isConnected) return 'connecting';
    if (this.expected === 'stream') return 'connected';
    return this.expected.startsWith('data') ? 'sync' : 'handshake';
  }

  /** What it waits for, for the log. */
  get waitsFor(): string {
    return this.isConnected ? this.expected : 'connection';
  }

  // ---- the wire ------------------------------------------------------------------------------

  /** The connection that is being made; `connected` or `closed` follows. */
  open(wire: Wire): void {
    this.wire = wire;
  }

  connected(): void {
    if (this.isOver) return;
    this.isConnected = true;
    this.lastInputMs = this.options.now();
    this.options.owner.log('notice', 'Non blocking connect for SYNC fired the event.');
    this.send(['PING']);
  }

  /** `chunk[0..length)` arrived; valid during the call. */
  received(chunk: Uint8Array, length: number): void {
    if (this.isOver) return;
    this.lastInputMs = this.options.now();
    if (!this.isPaused && this.options.mustWait()) {
      this.pause();
      this.resumeLater();
    }
    if (this.isPaused || this.held.length > 0) this.held.push(chunk.slice(0, length));
    else this.take(chunk, 0, length);
  }

  /** The connection is gone. */
  closed(reason: string): void {
    this.end(reason);
  }

  // ---- the owner -----------------------------------------------------------------------------

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.wire?.pause();
  }

  resume(): void {
    if (!this.isPaused || this.isOver) return;
    this.isPaused = false;
    this.lastInputMs = this.options.now();
    while (this.held.length > 0 && !this.isPaused && !this.isOver) {
      const chunk = this.held.shift()!;
      this.take(chunk, 0, chunk.length);
    }
    if (!this.isPaused && !this.isOver) this.wire?.resume();
  }

  /** Goes on when nothing need wait any more. */
  private resumeLater(): void {
    setTimeout(() => {
      if (this.options.mustWait()) this.resumeLater();
      else this.resume();
    }, WAIT_MS).unref();
  }

  /** Tells the master how far its stream has been applied. */
  acknowledge(offset: number): void {
    this.send(['REPLCONF', 'ACK', String(offset)]);
  }

  /** Tells the master that this side is alive, where nothing else may be said. */
  keepAlive(): void {
    if (!this.isOver) this.wire?.write(NEWLINE);
  }

  /** Ends the link. */
  end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.held = [];
    this.wire?.destroy();
    this.options.owner.ended(reason);
  }

  /** Ends the link without telling the owner, who knows. */
  drop(): void {
    this.isOver = true;
    this.held = [];
    this.wire?.destroy();
  }

  // ---- bytes ---------------------------------------------------------------------------------

  private take(chunk: Uint8Array, from: number, to: number): void {
    const { owner } = this.options;
    let at = from;
    while (at < to && !this.isOver) {
      if (this.isPaused) {
        this.held.unshift(chunk.slice(at, to));
        return;
      }
      if (this.expected === 'stream') {
        owner.stream(chunk, at, to);
        return;
      }
      at = this.expected === 'data' ? this.takeData(chunk, at, to) : this.takeLine(chunk, at, to);
    }
  }

  private takeData(chunk: Uint8Array, from: number, to: number): number {
    const { owner } = this.options;
    const transfer = this.transfer!;
    try {
      const end = transfer.push(chunk, from, to, (buf, a, b) => owner.data(buf, a, b));
      if (transfer.isDone) this.endData();
      return end;
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
      return to;
    }
  }

  private endData(): void {
    this.expected = 'stream';
    this.options.owner.dataEnds();
  }

  private takeLine(chunk: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && chunk[at] !== LF) at++;
    this.line += latin1(chunk, from, at);
    if (this.line.length > LINE_MAX) {
      this.end('the master sent a line without an end');
      return to;
    }
    if (at === to) return to;
    const line = this.line.replace(/\r$/, '');
    this.line = '';
    // An empty line says that the master is alive and will answer later.
    if (line !== '') this.read(line);
    return at + 1;
  }

  private read(line: string): void {
    switch (this.expected) {
      case 'pong':
        this.readPong(line);
        break;
      case 'introduction':
        this.readIntroduction(line);
        break;
      case 'sync':
        this.readSync(line);
        break;
      default:
        this.readDataHeader(line);
    }
  }

  private readPong(line: string): void {
    const { introduction, owner } = this.options;
    if (!isAlive(line)) {
      owner.log('warning', `Error reply to PING from master: '${line}'`);
      this.end('the master is not ready');
      return;
    }
    owner.log('notice', 'Master replied to PING, replication can continue...');
    this.due = introductionSteps(introduction);
    this.expected = 'introduction';
    for (const { words } of this.due) this.send(words);
  }

  private readIntroduction(line: string): void {
    const { owner } = this.options;
    const step = this.due.shift()!;
    const what = step.words.slice(0, 2).join(' ');
    if (line.startsWith('-') && step.isFatal) {
      owner.log('warning', `Unable to AUTH to MASTER: ${line}`);
      this.end('the master did not accept the password');
      return;
    }
    if (line.startsWith('-')) {
      owner.log('notice', `(Non critical) Master does not understand ${what}: ${line}`);
    }
    if (this.due.length > 0) return;
    const from = owner.syncRequest();
    if (from !== undefined) {
      const where = `${from.replid}:${from.offset}`;
      owner.log('notice', `Trying a partial resynchronization (request ${where}).`);
    } else owner.log('notice', 'Partial resynchronization not possible (no cached master)');
    this.expected = 'sync';
    this.send(psyncWords(from, this.options.isFailover));
  }

  private readSync(line: string): void {
    const { owner } = this.options;
    const reply = readSyncReply(line);
    if (reply.kind === 'continue') {
      this.expected = 'stream';
      owner.continues(reply.replid);
    } else if (reply.kind === 'full') {
      owner.log('notice', `Full resync from master: ${reply.replid}:${reply.offset}`);
      this.expected = 'data header';
      owner.fullSync(reply.replid, reply.offset);
    } else if (reply.kind === 'unsupported' && !this.options.isFailover) {
      owner.log('warning', `Unexpected reply to PSYNC from master: ${line}`);
      owner.log('notice', 'Retrying with SYNC...');
      this.expected = 'data header';
      owner.fullSync(undefined, 0);
      this.send(['SYNC']);
    } else {
      owner.log('notice', `MASTER <-> REPLICA sync: the master answered ${line}`);
      this.end(`the master answered ${line}`);
    }
  }

  private readDataHeader(line: string): void {
    const { owner } = this.options;
    if (line.startsWith('-')) {
      owner.log('warning', `MASTER aborted replication with an error: ${line}`);
      this.end('the master gave up');
      return;
    }
    const transfer = RdbTransfer.announcedBy(line);
    if (transfer === undefined) {
      const shown = line.slice(0, 64);
      owner.log('warning', `Bad protocol from MASTER, no data is announced by '${shown}'`);
      this.end('the master announced no data');
      return;
    }
    const how = transfer.total < 0 ? 'streamed RDB' : `${transfer.total} bytes`;
    owner.log('notice', `MASTER <-> REPLICA sync: receiving ${how} from master`);
    this.transfer = transfer;
    this.expected = 'data';
    try {
      owner.dataBegins(transfer.total);
      if (transfer.isDone) this.endData();
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  private send(words: readonly string[]): void {
    if (!this.isOver) this.wire?.write(encodeRequest(words));
  }
}

function latin1(chunk: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to && text.length <= LINE_MAX; i++) text += String.fromCharCode(chunk[i]!);
  return text;
}
