/**
 * Searches in a circle or a box: GEOSEARCH, GEOSEARCHSTORE.
 */
import { command, keyAt } from '../spec.ts';
import { runSearch } from './search.ts';
import { type SearchForm, SearchOptions } from './search-options.ts';

const form: SearchForm = { isGeosearch: true, mayStore: false, storeName: 'GEOSEARCHSTORE' };

const WHERE =
  '<FROMMEMBER member | FROMLONLAT longitude:double latitude:double> ' +
  '<BYRADIUS radius:double <M | KM | FT | MI> | ' +
  'BYBOX width:double height:double <M | KM | FT | MI>> ' +
  '[ASC | DESC] [COUNT count [ANY]]';
const COMPLEXITY =
  'O(N+log(M)) where N is the number of members in the cells around the shape and M the size of ' +
  'the sorted set.';

/** GEOSEARCH key centre shape [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH] */
export const geosearch = command({
  name: 'geosearch',
  arity: -7,
  group: 'geo',
  since: '6.2.0',
  summary: 'Returns the members inside a circle or a box.',
  complexity: COMPLEXITY,
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: `key ${WHERE} [WITHCOORD] [WITHDIST] [WITHHASH]`,

  run(ctx, args, reply) {
    runSearch(ctx, args, reply, 1, '', (locate) => {
      const options = new SearchOptions();
      options.readOptions(args, 2, form, locate);
      return options;
    });
  },
});

/** GEOSEARCHSTORE destination source centre shape [ASC | DESC] [COUNT count [ANY]] [STOREDIST] */
export const geosearchstore = command({
  name: 'geosearchstore',
  arity: -8,
  group: 'geo',
  since: '6.2.0',
  summary: 'Stores the members inside a circle or a box, and returns how many they are.',
  complexity: COMPLEXITY,
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'OW', 'update'), keyAt(2, 'RO', 'access')],
  syntax: `destination:key source:key ${WHERE} [STOREDIST]`,

  run(ctx, args, reply) {
    runSearch(ctx, args, reply, 2, 'geosearchstore', (locate) => {
      const options = new SearchOptions();
      options.storeKey = 1;
      options.readOptions(args, 3, form, locate);
      return options;
    });
  },
});
