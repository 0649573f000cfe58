/**
 * NX, XX, GT and LT: when EXPIRE, HEXPIRE and their kin may set a time to live.
 */
import type { UnixMs } from '../keyspace/entry.ts';
import type { Args } from '../util/args.ts';
import { CommandError } from '../util/errors.ts';
import { grammar } from './grammar.ts';

const nxClash = new CommandError(
  'ERR NX and XX, GT or LT options at the same time are not compatible',
);
const gtLtClash = new CommandError('ERR GT and LT options at the same time are not compatible');

const options = grammar('[NX | XX | GT | LT]', {
  together: true,
  unknown: (args, i) => new CommandError(`ERR Unsupported option ${args.cString(i)}`),
});
const NX = options.word('NX');
const XX = options.word('XX');
const GT = options.word('GT');
const LT = options.word('LT');

/** The conditions in the notation of syntax lines. */
export const EXPIRE_CONDITIONS = options.line;

/** Reads all arguments from `from` on as conditions; throws when they clash. */
export function readConditions(args: Args, from: number): void {
  options.read(args, from);
  const gt = options.has(GT);
  const lt = options.has(LT);
  if (options.has(NX) && (options.has(XX) || gt || lt)) throw nxClash;
  if (gt && lt) throw gtLtClash;
}

/** Reads the one condition that may stand at argument i; returns where the next argument is. */
export function readCondition(args: Args, i: number): number {
  options.begin();
  return options.wordAt(args, i) < 0 ? i : options.next(args, i);
}

/**
 * Whether the conditions just read let `next` replace `current`, which is -1 where there is no time
 * to live: that counts as an infinite one.
 */
export function mayReplace(current: UnixMs, next: UnixMs): boolean {
  const has = current !== -1;
  if (options.has(NX)) return !has;
  if (options.has(XX) && !has) return false;
  if (options.has(GT)) return has && next > current;
  if (options.has(LT)) return !has || next < current;
  return true;
}
