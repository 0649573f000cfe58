/**
 * Where the keys of a command line are. This is the one reading of the arguments that COMMAND
 * GETKEYS, the ACL, client-side caching and cluster routing go by. It follows the command's key
 * specifications; where these cannot tell, the command's own `findKeys`, which shares its reading
 * with the handler.
 */
import type { Args } from '../util/args.ts';
import { parseInt64 } from '../util/numbers.ts';
import type { KeySpec, Spec } from './facts.ts';
import { type KeyList, type KeyUse, keyUse } from './key-list.ts';

/** Finds the keys of one command; made once for each. */
export class KeyFinder {
  private readonly spec: Spec;
  private readonly places: readonly KeySpec[];
  private readonly uses: readonly KeyUse[];
  private readonly useVaries: boolean;
  /** The argument that is the key of a command with a single one, else 0. */
  readonly onlyKey: number;

  private constructor(spec: Spec, places: readonly KeySpec[]) {
    this.spec = spec;
    this.places = places;
    this.uses = places.map(({ flags }) => usual(flags));
    this.useVaries = spec.keyUse !== undefined;
    this.onlyKey = spec.findKeys === undefined && places.length === 1 ? onlyKeyOf(places[0]!) : 0;
  }

  /** Undefined for a command without keys. */
  static of(spec: Spec): KeyFinder | undefined {
    if (spec.keys === undefined) return undefined;
    const places = spec.keys.filter(({ flags }) => !flags.includes('not_key'));
    return places.length === 0 ? undefined : new KeyFinder(spec, places);
  }

  /** What is done with the first key. */
  useOfFirst(args: Args): KeyUse {
    return this.useVaries ? this.spec.keyUse!(args) : this.uses[0]!;
  }

  /**
   * Puts all keys of `args` into `keys`, in order. False when the command line contradicts the
   * specifications: its command will refuse it, and no key is told of. O(keys), or O(arguments)
   * where words have to be looked for.
   */
  find(args: Args, keys: KeyList): boolean {
    const { spec, places, uses } = this;
    keys.clear();
    if (spec.findKeys !== undefined) return spec.findKeys(args, keys);
    for (let i = 0; i < places.length; i++) {
      const use = spec.keyUse === undefined ? uses[i]! : spec.keyUse(args);
      if (findIn(places[i]!, args, use, keys)) continue;
      keys.clear();
      return false;
    }
    return true;
  }
}

/** One object for each set of flags: there are a dozen, and two hundred commands. */
const uses = new Map<string, KeyUse>();

function usual(flags: readonly string[]): KeyUse {
  const name = flags.join(' ');
  let use = uses.get(name);
  if (use === undefined) {
    use = keyUse(...flags);
    uses.set(name, use);
  }
  return use;
}

function onlyKeyOf({ begin, find }: KeySpec): number {
  return begin.type === 'index' && find.type === 'range' && find.last === 0 ? begin.index : 0;
}

/** Adds the keys of one specification; false when the arguments contradict it. */
function findIn({ begin, find }: KeySpec, args: Args, use: KeyUse, keys: KeyList): boolean {
  const from = beginOf(begin, args);
  if (from < 0) return true;
  let first = from;
  let last = from;
  let step = 1;
  if (find.type === 'range') {
    step = find.step;
    if (find.last >= 0) last = from + find.last;
    else {
      // A limit of 2: keys are the first half of what follows, and something else the second.
      const parts = Math.max(1, find.limit);
      last = from + Math.floor((args.argc - from) / parts) + find.last;
    }
  } else if (find.type === 'keynum') {
    const at = from + find.keynum;
    const count = at < args.argc ? parseInt64(args.buf, args.off[at]!, args.len[at]!) : undefined;
    if (typeof count !== 'number' || count < 0) return false;
    step = find.step;
    first = from + find.first;
    last = first + (count - 1) * step;
  } else return true;
  if (last >= args.argc) return false;
  for (let i = first; i <= last; i += step) keys.add(i, use);
  return true;
}

/** The argument where keys begin, -1 when there are none. */
function beginOf(begin: KeySpec['begin'], args: Args): number {
  if (begin.type === 'index') return begin.index;
  if (begin.type === 'unknown') return -1;
  for (let i = begin.from; i < args.argc; i++) {
    if (args.is(i, begin.keyword)) return i + 1;
  }
  return -1;
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
