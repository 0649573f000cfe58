/**
 * Ids of stream entries as arguments and in replies.
 */
import { ID_TEXT_MAX, StreamId } from '../../datatypes/stream-id.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { parseInt64 } from '../../util/numbers.ts';

export const invalidId = new CommandError(
  'ERR Invalid stream ID specified as stream command argument',
);
const invalidStart = new CommandError('ERR invalid start ID for the interval');
const invalidEnd = new CommandError('ERR invalid end ID for the interval');

const TWO_32 = 0x100000000;
/** Redis refuses longer texts out of hand. */
const TEXT_MAX = 127;
/** Digits that a number holds exactly. */
const EXACT_DIGITS = 15;
const DASH = 45;
const PLUS = 43;
const STAR = 42;
const ZERO = 48;

/** Halves of the number that `readUnsigned` read. */
let high = 0;
let low = 0;

/**
 * Reads an unsigned 64-bit integer as Redis does: what is no canonical integer goes through C's
 * strtoull, so blanks, a sign and zeros in front pass.
 */
function readUnsigned(buf: Uint8Array, from: number, end: number): boolean {
  if (end - from > EXACT_DIGITS || end === from) return readSlowly(buf, from, end);
  let n = 0;
  for (let i = from; i < end; i++) {
    const digit = buf[i]! - ZERO;
    if (digit < 0 || digit > 9) return readSlowly(buf, from, end);
    n = n * 10 + digit;
  }
  high = Math.floor(n / TWO_32);
  low = n | 0;
  return true;
}

function readSlowly(buf: Uint8Array, from: number, end: number): boolean {
  const canonical = parseInt64(buf, from, end - from);
  if (canonical !== undefined && canonical < 0) return false;
  const text = Buffer.from(buf.subarray(from, end)).toString('latin1');
  const found = /^[ \t-\r]*([+-]?)([0-9]+)$/.exec(text);
  if (found === null) return false;
  const magnitude = BigInt(found[2]!);
  if (magnitude >= 1n << 64n) return false;
  const value = found[1] === '-' ? -magnitude : magnitude;
  high = Number(BigInt.asIntN(32, value >> 32n));
  low = Number(BigInt.asIntN(32, value));
  return true;
}

/** What an id's text left out. */
export interface IdForm {
  /** It was `ms-*`: the sequence number is to be chosen. */
  anySequence: boolean;
}

export interface IdOptions {
  /** Bytes at the start of the argument to pass over. */
  readonly skip?: number;
  /** The sequence number when there is none is the largest, not 0. */
  readonly toEnd?: boolean;
  /** `-` and `+` stand for the smallest and the largest id. */
  readonly edges?: boolean;
  /** Allows `ms-*` and tells of it. */
  readonly form?: IdForm;
}

const plain: IdOptions = {};

/** Reads argument i as an id; false when it is none. */
export function readId(args: Args, i: number, id: StreamId, options: IdOptions = plain): boolean {
  const { buf } = args;
  const { skip = 0, form } = options;
  const from = args.off[i]! + skip;
  const length = args.len[i]! - skip;
  if (length > TEXT_MAX) return false;
  let end = from;
  let dash = -1;
  for (; end < from + length && buf[end] !== 0; end++) {
    if (dash < 0 && buf[end] === DASH) dash = end;
  }
  if (end - from === 1 && (buf[from] === DASH || buf[from] === PLUS)) {
    if (options.edges !== true) return false;
    if (buf[from] === DASH) id.setMin();
    else id.setMax();
    return true;
  }
  if (!readUnsigned(buf, from, dash < 0 ? end : dash)) return false;
  id.setHalves(high, low, 0, 0);
  if (dash < 0) {
    if (options.toEnd === true) id.setHalves(high, low, -1, -1);
    return true;
  }
  if (form !== undefined && end - dash === 2 && buf[dash + 1] === STAR) {
    form.anySequence = true;
    return true;
  }
  const msHigh = high;
  const msLow = low;
  if (!readUnsigned(buf, dash + 1, end)) return false;
  id.setHalves(msHigh, msLow, high, low);
  return true;
}

/** Argument i as an id with numbers only. */
export function idArgument(args: Args, i: number, id: StreamId, options?: IdOptions): void {
  if (!readId(args, i, id, options)) throw invalidId;
}

const startOptions: IdOptions = { edges: true };
const endOptions: IdOptions = { edges: true, toEnd: true };
const startBehind: IdOptions = { skip: 1 };
const endBehind: IdOptions = { skip: 1, toEnd: true };

function isExclusive(args: Args, i: number): boolean {
  return args.len[i]! > 1 && args.buf[args.off[i]!] === 40;
}

/** Argument i as the start of an interval, `(` before it to leave the id itself out. */
export function intervalStart(args: Args, i: number, id: StreamId): void {
  const exclusive = isExclusive(args, i);
  idArgument(args, i, id, exclusive ? startBehind : startOptions);
  if (exclusive && !id.increment()) throw invalidStart;
}

/** Argument i as the end of an interval. */
export function intervalEnd(args: Args, i: number, id: StreamId): void {
  const exclusive = isExclusive(args, i);
  idArgument(args, i, id, exclusive ? endBehind : endOptions);
  if (exclusive && !id.decrement()) throw invalidEnd;
}

/** Whether argument i is this one character. */
export function isCharacter(args: Args, i: number, character: string): boolean {
  return args.len[i] === 1 && args.buf[args.off[i]!] === character.charCodeAt(0);
}

/** The id that was told last, as text: the next one is likely to be of the same millisecond. */
const text = new Uint8Array(ID_TEXT_MAX);
const told = new StreamId();
/** Where its sequence number begins; 0 before the first. */
let sequenceAt = 0;

/** An id as a bulk string. */
export function replyId(reply: Reply, id: StreamId): void {
  if (sequenceAt === 0 || !id.sameTime(told)) {
    told.set(id);
    sequenceAt = id.formatTime(text, 0);
    text[sequenceAt++] = DASH;
  }
  reply.bulk(text, 0, id.formatSequence(text, sequenceAt));
}
