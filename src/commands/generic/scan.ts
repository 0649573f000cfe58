/**
 * Finding keys: KEYS, SCAN, RANDOMKEY.
 */
import { typeName } from '../../datatypes/value-types.ts';
import type { Db } from '../../keyspace/db.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { globMatch } from '../../util/glob.ts';
import { cursorArgument, scanGrammars, scanOptions } from '../scan-options.ts';
import { command } from '../spec.ts';

/** Whether an entry's key matches the pattern that is argument i. `*` matches the empty key too. */
function matches(db: Db, entry: Entry, args: Args, i: number): boolean {
  db.locateKey(entry);
  if (args.is(i, '*')) return true;
  const { valueBuf, valueOff, valueLen } = db;
  return globMatch(args.buf, args.off[i]!, args.len[i]!, valueBuf, valueOff, valueLen, false);
}

/** KEYS pattern */
export const keys = command({
  name: 'keys',
  arity: 2,
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns all keys that match a pattern. Looks at every key: prefer SCAN.',
  complexity: 'O(N) where N is the number of keys in the database.',
  flags: ['readonly', 'touches_arbitrary_keys'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
  syntax: 'pattern',

  run(ctx, args, reply) {
    const { db } = ctx;
    const mark = reply.beginDeferred();
    let count = 0;
    db.forEach((entry) => {
      if (db.isVolatile(entry) && db.isExpired(entry)) return;
      if (!matches(db, entry, args, 1)) return;
      reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
      count++;
    });
    reply.endArray(mark, count);
  },
});

/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
export const scan = command({
  name: 'scan',
  arity: -2,
  group: 'generic',
  since: '2.8.0',
  summary: 'Returns some keys and a cursor for the next call; all calls together see every key.',
  complexity: 'O(1) for every call, O(N) for a complete iteration.',
  flags: ['readonly', 'touches_arbitrary_keys'],
  categories: ['keyspace'],
  tips: ['nondeterministic_output', 'request_policy:special'],
  syntax: `cursor:integer ${scanGrammars.typed.line}`,

  run(ctx, args, reply) {
    let cursor = cursorArgument(args, 1);
    const { count, patternAt, type } = scanOptions(args, 2, scanGrammars.typed);
    const { db } = ctx;
    const found: Entry[] = [];
    const collect = (entry: Entry) => {
      found.push(entry);
    };
    let left = count * 10;
    do cursor = db.scan(cursor, collect);
    while (cursor !== 0 && left-- > 0 && found.length < count);
    reply.array(2);
    reply.bulkLatin1(String(cursor));
    const mark = reply.beginDeferred();
    let replied = 0;
    const expired: Buffer[] = [];
    for (const entry of found) {
      if (type !== undefined && typeName(db.typeOf(entry)) !== type) continue;
      if (patternAt > 0 && !matches(db, entry, args, patternAt)) continue;
      if (db.isVolatile(entry) && db.isExpired(entry)) {
        expired.push(db.keyOf(entry));
        continue;
      }
      db.locateKey(entry);
      reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
      replied++;
    }
    reply.endArray(mark, replied);
    // Looking for an expired key removes it.
    for (const key of expired) db.find(key, 0, key.length);
  },
});

/** RANDOMKEY */
export const randomkey = command({
  name: 'randomkey',
  arity: 1,
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns one of the keys, each with the same probability.',
  complexity: 'O(1)',
  flags: ['readonly', 'touches_arbitrary_keys'],
  categories: ['keyspace'],
  tips: ['request_policy:all_shards', 'nondeterministic_output'],

  run(ctx, _args, reply) {
    const { db } = ctx;
    const entry = db.randomEntry();
    if (entry === 0) {
      reply.null();
      return;
    }
    db.locateKey(entry);
    reply.bulk(db.valueBuf, db.valueOff, db.valueLen);
  },
});
