/**
 * Where the keys of a command line are, from the command's key specifications. COMMAND GETKEYS
 * reads it now; ACL and cluster redirection need the same answer.
 */
import type { Args } from '../util/args.ts';
import { parseInt64 } from '../util/numbers.ts';
import type { KeySpec, Spec } from './facts.ts';

/** A key of a command line: its argument, and what the command does with it. */
export interface FoundKey {
  readonly index: number;
  readonly flags: readonly string[];
}

/** All keys of `args`, in order; undefined when the command line contradicts the specs. */
export function keysOf(spec: Spec, args: Args): FoundKey[] | undefined {
  const found: FoundKey[] = [];
  for (const keys of spec.keys ?? []) {
    const flags = spec.keyFlags?.(args) ?? keys.flags;
    const indexes = indexesOf(keys, args);
    if (indexes === undefined) return undefined;
    for (const index of indexes) found.push({ index, flags });
  }
  if (spec.moreKeys !== undefined) found.push(...spec.moreKeys(args));
  return found;
}

function indexesOf(keys: KeySpec, args: Args): number[] | undefined {
  const begin = beginOf(keys, args);
  if (begin === undefined) return [];
  const { find } = keys;
  let first = begin;
  let last = begin;
  let step = 1;
  if (find.type === 'range') {
    step = find.step;
    if (find.last >= 0) last = begin + find.last;
    else {
      // A limit of 2: keys are the first half of what follows, and something else the second.
      const parts = Math.max(1, find.limit);
      const rest = args.argc - begin;
      last = begin + Math.floor(rest / parts) + find.last;
    }
  } else if (find.type === 'keynum') {
    const at = begin + find.keynum;
    const count = at < args.argc ? parseInt64(args.buf, args.off[at]!, args.len[at]!) : undefined;
    if (typeof count !== 'number' || count < 0) return undefined;
    step = find.step;
    first = begin + find.first;
    last = first + (count - 1) * step;
  } else return [];
  if (last >= args.argc) return undefined;
  const indexes: number[] = [];
  for (let i = first; i <= last; i += step) indexes.push(i);
  return indexes;
}

function beginOf(keys: KeySpec, args: Args): number | undefined {
  const { begin } = keys;
  if (begin.type === 'index') return begin.index;
  if (begin.type === 'unknown') return undefined;
  for (let i = begin.from; i < args.argc; i++) {
    if (args.is(i, begin.keyword)) return i + 1;
  }
  return undefined;
}

/** First key, last key, step, as the older half of COMMAND INFO has them; zeros without keys. */
export function legacyRange(spec: Spec): readonly [number, number, number] {
  let first = 0;
  let last = 0;
  let step = 0;
  for (const { begin, find } of spec.keys ?? []) {
    if (begin.type !== 'index' || find.type !== 'range') continue;
    const end = find.last < 0 ? find.last : begin.index + find.last;
    if (first === 0) {
      first = begin.index;
      last = end;
      step = find.step;
    } else if (begin.index === last + 1) last = end;
  }
  return [first, last, step];
}
