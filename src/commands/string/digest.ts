/**
 * Compare and delete, and the digest to compare with: DELEX, DIGEST (Redis 8.4).
 */
import { wrongArity } from '../../util/errors.ts';
import { xxh3Hex } from '../../util/xxh3.ts';
import { grammar } from '../grammar.ts';
import { keyUse } from '../key-list.ts';
import { command, keyAt } from '../spec.ts';
import { passes, TEST_WORDS, VALUE_TESTS, ValueTestOption } from './condition.ts';
import { removeKey } from './string-value.ts';

/** DIGEST key */
export const digest = command({
  name: 'digest',
  arity: 2,
  group: 'string',
  since: '8.4.0',
  summary: 'Returns the XXH3-64 digest of the string at a key as 16 hex digits.',
  complexity: 'O(N) where N is the length of the string.',
  flags: ['readonly', 'fast'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key',

  run(ctx, args, reply) {
    const { db } = ctx;
    if (db.readString(args, 1) === 0) reply.null();
    else reply.bulkLatin1(xxh3Hex(db.valueBuf, db.valueOff, db.valueLen));
  },
});

const options = grammar(`[${VALUE_TESTS}]`, { once: TEST_WORDS });
const valueTest = new ValueTestOption(options);

const removes = keyUse('RW', 'delete');
const testsAndRemoves = keyUse('RW', 'access', 'delete');

/** DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] */
export const delex = command({
  name: 'delex',
  arity: -2,
  group: 'string',
  since: '8.4.0',
  summary: 'Removes a key, if asked only when its value or digest passes a test.',
  complexity: 'O(1) for IFEQ and IFNE, O(N) in the length of the string for IFDEQ and IFDNE.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete', 'variable_flags')],
  // Whether the test passes tells something of the value.
  keyUse: (args) => (args.argc > 2 ? testsAndRemoves : removes),
  syntax: `key ${options.line}`,

  run(ctx, args, reply) {
    if (args.argc !== 2 && args.argc !== 4) throw wrongArity('delex');
    options.read(args, 2);
    const { test } = valueTest;
    const entry = ctx.db.write(args, 1);
    const pass = test === undefined || passes(ctx, entry, test, args, valueTest.at);
    if (entry === 0 || !pass) {
      reply.int(0);
      return;
    }
    removeKey(ctx, args, entry);
    ctx.instead('DEL')?.argument(args, 1);
    reply.int(1);
  },
});
