/**
 * The older searches: GEORADIUS, GEORADIUSBYMEMBER and their read-only forms.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import type { KeySpec } from '../facts.ts';
import { type KeyList, keyUse } from '../key-list.ts';
import { command, keyAt } from '../spec.ts';
import { positionArgument } from './geo-arguments.ts';
import { runSearch } from './search.ts';
import { type SearchForm, SearchOptions } from './search-options.ts';

const storing: SearchForm = {
  isGeosearch: false,
  mayStore: true,
  storeName: 'STORE option in GEORADIUS',
};
const readOnly: SearchForm = { ...storing, mayStore: false };

const OPTIONS =
  '<M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]';
const STORE_OPTIONS = `${OPTIONS} [STORE key | STOREDIST key]`;
const AROUND_POSITION = '`GEOSEARCH` or `GEOSEARCHSTORE`, `FROMLONLAT BYRADIUS`';
const AROUND_MEMBER = '`GEOSEARCH` or `GEOSEARCHSTORE`, `FROMMEMBER BYRADIUS`';
const COMPLEXITY =
  'O(N+log(M)) where N is the number of members in the cells around the circle and M the size ' +
  'of the sorted set.';

function searchAround(ctx: Context, args: Args, reply: Reply, form: SearchForm): void {
  runSearch(ctx, args, reply, 1, 'georadiusstore', () => {
    const options = new SearchOptions();
    positionArgument(args, 2, options.shape);
    options.readRadius(args, 4);
    options.readOptions(args, 6, form, undefined);
    return options;
  });
}

function searchAroundMember(ctx: Context, args: Args, reply: Reply, form: SearchForm): void {
  runSearch(ctx, args, reply, 1, 'georadiusstore', (locate) => {
    const options = new SearchOptions();
    // As in Redis nobody looks at the radius when the key is missing.
    if (locate !== undefined) {
      locate(2, options.shape);
      options.readRadius(args, 3);
    }
    options.readOptions(args, 5, form, undefined);
    return options;
  });
}

const source = keyUse('RO', 'access');
const stored = keyUse('OW', 'update');

/** Adds the source, and the destination that the options from argument `from` on name last. */
function findKeys(args: Args, from: number, keys: KeyList): boolean {
  keys.add(1, source);
  const at = SearchOptions.storeKeyOf(args, from);
  if (at !== 0) keys.add(at, stored);
  return true;
}

/** The key after STORE or STOREDIST. */
function storeKey(keyword: string, from: number): KeySpec {
  return {
    flags: ['OW', 'update'],
    begin: { type: 'keyword', keyword, from },
    find: { type: 'range', last: 0, step: 1, limit: 0 },
  };
}

/** GEORADIUS key longitude latitude radius unit [options] [STORE key | STOREDIST key] */
export const georadius = command({
  name: 'georadius',
  arity: -6,
  group: 'geo',
  since: '3.2.0',
  summary: 'Returns or stores the members within a distance of a position.',
  complexity: COMPLEXITY,
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), storeKey('STORE', 6), storeKey('STOREDIST', 6)],
  findKeys: (args, keys) => findKeys(args, 6, keys),
  deprecated: { since: '6.2.0', replacedBy: AROUND_POSITION },
  syntax: `key longitude:double latitude:double radius:double ${STORE_OPTIONS}`,
  run: (ctx, args, reply) => searchAround(ctx, args, reply, storing),
});

/** GEORADIUS_RO key longitude latitude radius unit [options] */
export const georadiusRo = command({
  name: 'georadius_ro',
  arity: -6,
  group: 'geo',
  since: '3.2.10',
  summary: 'Returns the members within a distance of a position.',
  complexity: COMPLEXITY,
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  deprecated: { since: '6.2.0', replacedBy: '`GEOSEARCH FROMLONLAT BYRADIUS`' },
  syntax: `key longitude:double latitude:double radius:double ${OPTIONS}`,
  run: (ctx, args, reply) => searchAround(ctx, args, reply, readOnly),
});

/** GEORADIUSBYMEMBER key member radius unit [options] [STORE key | STOREDIST key] */
export const georadiusbymember = command({
  name: 'georadiusbymember',
  arity: -5,
  group: 'geo',
  since: '3.2.0',
  summary: 'Returns or stores the members within a distance of a member.',
  complexity: COMPLEXITY,
  flags: ['write', 'denyoom', 'movablekeys'],
  keys: [keyAt(1, 'RO', 'access'), storeKey('STORE', 5), storeKey('STOREDIST', 5)],
  findKeys: (args, keys) => findKeys(args, 5, keys),
  deprecated: { since: '6.2.0', replacedBy: AROUND_MEMBER },
  syntax: `key member radius:double ${STORE_OPTIONS}`,
  run: (ctx, args, reply) => searchAroundMember(ctx, args, reply, storing),
});

/** GEORADIUSBYMEMBER_RO key member radius unit [options] */
export const georadiusbymemberRo = command({
  name: 'georadiusbymember_ro',
  arity: -5,
  group: 'geo',
  since: '3.2.10',
  summary: 'Returns the members within a distance of a member.',
  complexity: COMPLEXITY,
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  deprecated: { since: '6.2.0', replacedBy: '`GEOSEARCH FROMMEMBER BYRADIUS`' },
  syntax: `key member radius:double ${OPTIONS}`,
  run: (ctx, args, reply) => searchAroundMember(ctx, args, reply, readOnly),
});
