/**
 * OBJECT: how a value is kept and when it was used.
 */
import { Encoding, encodingName, ValueType } from '../../datatypes/value-types.ts';
import type { Entry } from '../../keyspace/entry.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { parseInt64 } from '../../util/numbers.ts';
import type { Context } from '../context.ts';
import { helpCommand } from '../help.ts';
import { command, keyAt } from '../spec.ts';

const SWITCHED =
  'Please note that when switching between policies at runtime LRU and LFU data will take some ' +
  'time to adjust.';
const noIdleTime = new CommandError(
  `ERR An LFU maxmemory policy is selected, idle time not tracked. ${SWITCHED}`,
);
const noFrequency = new CommandError(
  `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${SWITCHED}`,
);

/** Redis keeps the integers below this once for all keys and reports a huge count for them. */
const SHARED_INTEGERS = 10000;
const SHARED_REFCOUNT = 2147483647;

/** The entry of argument 2, or 0. Counts as a read; that the key was used leaves no other trace. */
function lookUp(ctx: Context, args: Args): Entry {
  const entry = ctx.db.findKey(args, 2);
  if (entry === 0) ctx.keyspace.misses++;
  else ctx.keyspace.hits++;
  return entry;
}

const common = {
  arity: 3,
  group: 'generic',
  complexity: 'O(1)',
  flags: ['readonly'],
  categories: ['keyspace'],
  keys: [keyAt(2, 'RO')],
  tips: ['nondeterministic_output'],
  syntax: 'key',
} as const;

/** Whether a list is one that later versions than 7.0 keep in one listpack, where that is told. */
function isSmallList({ db, keyspace, server }: Context, entry: Entry): boolean {
  if (!server.lifecycle.tellsSmallLists || db.typeOf(entry) !== ValueType.list) return false;
  db.open(entry, keyspace.lists);
  return keyspace.lists.nodes === 1;
}

const encoding = command({
  ...common,
  name: 'encoding',
  since: '2.2.3',
  summary: 'Returns the name of the representation that a value has.',

  run(ctx, args, reply) {
    const entry = lookUp(ctx, args);
    if (entry === 0) reply.null();
    else if (isSmallList(ctx, entry)) reply.bulkLatin1('listpack');
    else reply.bulkLatin1(encodingName(ctx.db.encodingOf(entry)));
  },
});

const freq = command({
  ...common,
  name: 'freq',
  since: '4.0.0',
  summary: 'Returns the logarithmic access counter of a key (LFU policies only).',

  run(ctx, args, reply) {
    const entry = lookUp(ctx, args);
    if (entry === 0) reply.null();
    else if (!ctx.keyspace.lfuEnabled) throw noFrequency;
    else reply.int(ctx.keyspace.frequency(entry));
  },
});

const idletime = command({
  ...common,
  name: 'idletime',
  since: '2.2.3',
  summary: 'Returns how many seconds ago a key was last used (not with LFU policies).',

  run(ctx, args, reply) {
    const entry = lookUp(ctx, args);
    if (entry === 0) reply.null();
    else if (ctx.keyspace.lfuEnabled) throw noIdleTime;
    else reply.int(ctx.keyspace.idleSeconds(entry));
  },
});

/** Redis gives integers a value of their own where each must keep when it was used. */
function sharesIntegers({ server }: Context): boolean {
  const { config } = server;
  return config.number('maxmemory') === 0 || !/l[rf]u/.test(config.string('maxmemory-policy'));
}

const refcount = command({
  ...common,
  name: 'refcount',
  since: '2.2.3',
  summary: 'Returns how many references a value has, as Redis would count them.',

  run(ctx, args, reply) {
    const { db } = ctx;
    const entry = lookUp(ctx, args);
    if (entry === 0) {
      reply.null();
      return;
    }
    let count = 1;
    if (db.encodingOf(entry) === Encoding.int && sharesIntegers(ctx)) {
      db.locateString(entry);
      const value = parseInt64(db.valueBuf, db.valueOff, db.valueLen);
      if (value !== undefined && value >= 0 && value < SHARED_INTEGERS) count = SHARED_REFCOUNT;
    }
    reply.int(count);
  },
});

/** OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT | HELP */
export const object = command({
  name: 'object',
  arity: -2,
  group: 'generic',
  since: '2.2.3',
  summary: 'A container for commands that look at how values are kept.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    encoding,
    freq,
    helpCommand('generic', '6.2.0', [
      'ENCODING <key>',
      '    The representation of the value at <key>.',
      'FREQ <key>',
      '    Its access counter; needs an LFU maxmemory-policy.',
      'IDLETIME <key>',
      '    Seconds since it was last used; not with an LFU maxmemory-policy.',
      'REFCOUNT <key>',
      '    The number of references to the value.',
    ]),
    idletime,
    refcount,
  ],
});
