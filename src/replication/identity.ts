/**
 * Which history of the data a server has, and how far it has come in it. A history has an id; the
 * offset counts the bytes of its stream. After a promotion the history before it is known by its
 * old id up to the offset of that moment (`replid2`, `secondOffset`), so that whoever followed the
 * old master goes on with the new one.
 *
 * It only keeps the numbers; the stream's bytes are in `backlog.ts`.
 * Source: rules of redis-server 7.0.15 (docs/replication.md, "When ids change").
 */
import { randomBytes } from '../util/crypto.ts';
import { parseInt64 } from '../util/numbers.ts';

/** What stands for no second id. */
export const NO_ID = '0'.repeat(40);
const ID_LENGTH = 40;
const HEX_DIGITS = '0123456789abcdefABCDEF';

/** What an RDB file tells of the stream at its moment. */
export interface StreamPosition {
  readonly replid: string;
  readonly offset: number;
  /** Database selected in the stream, 0 when none was. */
  readonly db: number;
}

/** `repl-id`, `repl-offset` and `repl-stream-db` of an RDB file. */
export type AuxFields = readonly (readonly [name: string, value: string])[];

export class ReplicationIdentity {
  /** Id of the present history. */
  replid: string;
  /** Id of the history before it, valid up to `secondOffset`; `NO_ID` when there is none. */
  replid2 = NO_ID;
  /** First offset of which `replid2` knows nothing, as INFO shows it; -1 when there is none. */
  secondOffset = -1;
  /** Bytes of the stream so far: emitted by a master, applied by a replica. */
  offset = 0;
  private readonly makeId: () => string;

  /** `makeId` is for tests. */
  constructor(makeId: () => string = randomId) {
    this.makeId = makeId;
    this.replid = makeId();
  }

  /** Another history, with no relation to a former one; the offset goes on. */
  renew(): void {
    this.replid = this.makeId();
    this.clearSecond();
  }

  /** This server goes on as a master where its own has ended: the old id stays known. */
  shift(): void {
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = this.makeId();
  }

  /** A full copy of a master's data as of `offset` has been taken over. */
  adopt(replid: string, offset: number): void {
    this.replid = replid;
    this.offset = offset;
    this.clearSecond();
  }

  /** The master continues under another id from here on. Nothing happens if it is the same. */
  continueAs(replid: string): void {
    if (replid === this.replid) return;
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = replid;
  }

  /** A master starts again with its data from a file: its replicas continue under the old id. */
  restart(position: StreamPosition): void {
    this.offset = position.offset;
    this.replid2 = position.replid;
    this.secondOffset = position.offset + 1;
    this.replid = this.makeId();
  }

  clearSecond(): void {
    this.replid2 = NO_ID;
    this.secondOffset = -1;
  }

  /** Whether somebody who knows history `replid` up to before `offset` knows ours so far. */
  knows(replid: string, offset: number): boolean {
    const id = replid.toLowerCase();
    if (id === this.replid) return true;
    return id === this.replid2 && id !== NO_ID && offset <= this.secondOffset;
  }

  /** What an RDB file written now says of the stream; `db` is selected in it, -1 for none. */
  auxFields(db: number): AuxFields {
    return [
      ['repl-stream-db', String(Math.max(0, db))],
      ['repl-id', this.replid],
      ['repl-offset', String(this.offset)],
    ];
  }
}

/** Puts the fields of an RDB file together as they come; unknown ones are none of its business. */
export class PositionReader {
  private replid = '';
  private offset = Number.NaN;
  private db = Number.NaN;

  add(name: string, value: string): void {
    if (name === 'repl-id') this.replid = value.toLowerCase();
    else if (name === 'repl-offset') this.offset = integer(value);
    else if (name === 'repl-stream-db') this.db = integer(value);
  }

  /** What the file told, or undefined when it did not tell all, or nonsense. */
  get position(): StreamPosition | undefined {
    const { replid, offset, db } = this;
    const whole = isReplicationId(replid) && offset >= 0 && db >= 0;
    return whole ? { replid, offset, db } : undefined;
  }
}

/** A random id: 40 lower-case hex characters. */
export function randomId(): string {
  return randomBytes(ID_LENGTH / 2).toString('hex');
}

/** Whether a text can be an id. */
export function isReplicationId(text: string): boolean {
  if (text.length !== ID_LENGTH) return false;
  for (const digit of text) if (!HEX_DIGITS.includes(digit)) return false;
  return true;
}

/** A count of bytes or a database, NaN for any other text. */
function integer(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  const n = parseInt64(bytes, 0, bytes.length);
  return typeof n === 'number' && n >= 0 ? n : Number.NaN;
}
