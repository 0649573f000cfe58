/**
 * Random commands for the proofs of the journal: everything that changes data, above all what the
 * other generator leaves out because its replies hang on clock or chance. Nobody compares replies
 * here, only what comes of the effects.
 *
 * Every command that writes has a row, here or in generator.ts and its neighbours
 * (test/commands/completeness.test.ts).
 */
import fc from 'fast-check';
import { generatedCommand } from './generator.ts';
import { COLLECTIONS, type Family } from './generator-collections.ts';
import {
  count,
  field,
  fields,
  flag,
  flagWith,
  hashKey,
  hashValue,
  listKey,
  listKeys,
  member,
  members,
  setKey,
  streamKey,
  zsetKey,
  zsetKeys,
} from './generator-parts.ts';
import {
  call,
  float,
  integer,
  key,
  options,
  type Row,
  small,
  value,
  type Words,
  words,
} from './generator-words.ts';

const clockTime: Words = fc.oneof(
  fc.tuple(fc.constantFrom('PX', 'px'), fc.integer({ min: 1, max: 400 }).map(String)),
  fc.tuple(fc.constant('EX'), fc.constantFrom('1', '2', '100')),
  fc.constantFrom(
    ['PXAT', '1'],
    ['EXAT', '1'],
    ['EXAT', '99999999999'],
    ['PXAT', '99999999999999'],
  ),
);
const soonMs = fc.integer({ min: -2, max: 400 }).map(String);
const soonSeconds = fc.constantFrom('-1', '0', '1', '2', '100');
const farOrPast = (far: string) => fc.constantFrom('1', far, far);
const keep: Words = words('KEEPTTL');
const condition = flag('NX', 'XX', 'GT', 'LT');
const string = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c') }, key);

const fieldList: Words = fc
  .array(field, { minLength: 1, maxLength: 3 })
  .map((list) => ['FIELDS', String(list.length), ...list]);
const fieldPairs: Words = fields.map((list) => ['FIELDS', String(list.length / 2), ...list]);
const idList: Words = fc
  .array(fc.nat(15), { minLength: 1, maxLength: 3 })
  .map((list) => ['IDS', String(list.length), ...list.map((seq) => `5-${seq}`)]);
const ids = fc.array(
  fc.nat(15).map((seq) => `5-${seq}`),
  { minLength: 1, maxLength: 3 },
);
const group = fc.constantFrom('g', 'g', 'h');
const consumer = fc.constantFrom('c', 'd', 'e');
const references = flag('KEEPREF', 'DELREF', 'ACKED');
const end = fc.constantFrom('LEFT', 'RIGHT');

/** DUMP of a string and of a set, with 7.0.15's checksums. */
const PAYLOADS = [
  '\x00\x03val\n\x00\xb2]\x81C\xc5\xe7\xb3\x10',
  '\x02\x03\x01a\x01b\xc0\x01\n\x00#\xffs\xbd\xb0\xf95&',
];

/** What redis-server 7.0.15 knows: its effects can be told to it. */
const known: readonly Row[] = [
  // Strings and keys.
  [6, call('SET', string, value, clockTime, flag('NX', 'XX', 'GET'))],
  [1, call('SETEX', string, soonSeconds, value)],
  [1, call('PSETEX', string, soonMs, value)],
  [3, call('GETEX', string, fc.oneof(clockTime, words('PERSIST')))],
  [3, call('PEXPIRE', key, soonMs, condition)],
  [2, call('EXPIRE', key, soonSeconds, condition)],
  [1, call('EXPIREAT', key, farOrPast('99999999999'), condition)],
  [2, call('RESTORE', key, soonMs, fc.constantFrom(...PAYLOADS), flag('REPLACE'))],
  [
    1,
    call(
      'RESTORE',
      key,
      farOrPast('99999999999999'),
      fc.constantFrom(...PAYLOADS),
      words('ABSTTL', 'REPLACE'),
    ),
  ],
  [2, call('SORT', fc.oneof(listKey, setKey, zsetKey), words('ALPHA', 'STORE'), key)],
  [2, call('SORT', setKey, words('BY', 'nosort', 'LIMIT', '0', '2', 'STORE'), key)],
  [0.2, call('FLUSHALL', flag('ASYNC', 'SYNC'))],
  [1, call('RANDOMKEY')],
  [1, call('SCAN', fc.constant('0'))],
  // Bitmaps and HyperLogLogs.
  [2, call('SETBIT', string, fc.nat(70).map(String), fc.constantFrom('0', '1'))],
  [
    2,
    call(
      'BITFIELD',
      string,
      flagWith('OVERFLOW', fc.constantFrom('WRAP', 'SAT', 'FAIL')),
      fc.constantFrom(['SET', 'u8', '0', '7'], ['INCRBY', 'i5', '#3', '20'], ['GET', 'u4', '0']),
      fc.constantFrom(['SET', 'u2', '100', '9'], ['INCRBY', 'u2', '60', '1']),
    ),
  ],
  [1, call('BITOP', fc.constantFrom('AND', 'OR', 'XOR'), key, string, string)],
  [3, call('PFADD', fc.constantFrom('p1', 'p2', 'a'), members)],
  [2, call('PFCOUNT', fc.constantFrom('p1', 'p2', 'a'), flag('p1'))],
  [1, call('PFMERGE', fc.constantFrom('p1', 'p2', 'c'), fc.constantFrom('p1', 'p2', 'a'))],
  [0.5, call('PFDEBUG', fc.constantFrom('TODENSE', 'GETREG'), fc.constantFrom('p1', 'p2'))],
  // By chance.
  [
    4,
    call(
      'SPOP',
      setKey,
      options(
        count.map((n) => [n]),
        1,
      ),
    ),
  ],
  [1, call('SRANDMEMBER', setKey)],
  // Pops, at once or in vain: nobody waits in a transaction.
  [1, call('BLPOP', listKey, fc.constant('0'))],
  [1, call('BRPOP', listKey, listKey, fc.constant('0'))],
  [1, call('BLMOVE', listKey, listKey, end, end, fc.constant('0'))],
  [1, call('BRPOPLPUSH', listKey, listKey, fc.constant('0'))],
  [
    1,
    call('BLMPOP', fc.constant('0'), listKeys, end, flagWith('COUNT', fc.constantFrom('1', '3'))),
  ],
  [1, call('BZPOPMIN', zsetKey, fc.constant('0'))],
  [1, call('BZPOPMAX', zsetKey, zsetKey, fc.constant('0'))],
  [1, call('BZMPOP', fc.constant('0'), zsetKeys, fc.constantFrom('MIN', 'MAX'))],
  // Places.
  [
    3,
    call(
      'GEOADD',
      zsetKey,
      flag('NX', 'XX', 'CH'),
      fc.constantFrom(['13.36', '38.11'], ['15', '37']),
      member,
    ),
  ],
  [
    1,
    call(
      'GEOSEARCHSTORE',
      key,
      zsetKey,
      words('FROMLONLAT', '15', '37', 'BYRADIUS', '900', 'km'),
      flag('STOREDIST'),
    ),
  ],
  [1, call('GEORADIUS', zsetKey, words('15', '37', '900', 'km', 'STORE'), key)],
  [1, call('GEORADIUSBYMEMBER', zsetKey, member, words('900', 'km', 'STOREDIST'), key)],
  // Streams by the clock.
  [4, call('XADD', streamKey, fc.constantFrom('*', '5-*'), fields)],
  [
    2,
    call(
      'XADD',
      streamKey,
      fc.constantFrom('MAXLEN', 'MINID'),
      fc.constant('~'),
      fc.nat(6).map(String),
      fc.constant('*'),
      fields,
    ),
  ],
  [
    1,
    call(
      'XTRIM',
      streamKey,
      fc.constantFrom('MAXLEN', 'MINID'),
      fc.constant('~'),
      fc.nat(9).map(String),
      flagWith('LIMIT', small),
    ),
  ],
  [
    4,
    call(
      'XREADGROUP',
      words('GROUP'),
      group,
      consumer,
      flagWith('COUNT', count),
      flag('NOACK'),
      words('STREAMS'),
      streamKey,
      fc.constant('>'),
    ),
  ],
  [
    2,
    call(
      'XCLAIM',
      streamKey,
      group,
      consumer,
      fc.constantFrom('0', '5'),
      ids,
      options(
        fc.constantFrom(
          ['FORCE'],
          ['JUSTID'],
          ['IDLE', '7'],
          ['RETRYCOUNT', '3'],
          ['LASTID', '5-9'],
        ),
        2,
      ),
    ),
  ],
  [
    2,
    call(
      'XAUTOCLAIM',
      streamKey,
      group,
      consumer,
      fc.constantFrom('0', '5'),
      words('0'),
      flagWith('COUNT', count),
    ),
  ],
];

/** What came after 7.0. */
const later: readonly Row[] = [
  [
    1,
    call(
      'XIDMPRECORD',
      streamKey,
      fc.constantFrom('p', 'q'),
      fc.constantFrom('i1', 'i2'),
      fc.constantFrom('5-0', '5-1', '5-2'),
    ),
  ],
  [
    2,
    call(
      'SET',
      string,
      value,
      fc.constantFrom(['IFEQ', '1'], ['IFNE', 'x']),
      options(clockTime, 1),
    ),
  ],
  [2, call('DELEX', string, options(fc.constantFrom(['IFEQ', '1'], ['IFNE', 'x']), 1))],
  [
    4,
    call(
      'INCREX',
      string,
      options(
        fc.oneof(fc.tuple(fc.constant('BYINT'), integer), fc.tuple(fc.constant('BYFLOAT'), float)),
        1,
      ),
      flagWith('UBOUND', fc.constantFrom('5', '10')),
      flag('SATURATE'),
      options(fc.oneof(clockTime, words('PERSIST')), 1),
      flag('ENX'),
    ),
  ],
  [
    2,
    call(
      'MSETEX',
      words('2'),
      string,
      value,
      string,
      value,
      flag('NX', 'XX'),
      options(fc.oneof(clockTime, keep), 1),
    ),
  ],
  [2, call('HEXPIRE', hashKey, soonSeconds, condition, fieldList)],
  [4, call('HPEXPIRE', hashKey, soonMs, condition, fieldList)],
  [1, call('HEXPIREAT', hashKey, farOrPast('99999999999'), condition, fieldList)],
  [1, call('HPEXPIREAT', hashKey, farOrPast('99999999999999'), condition, fieldList)],
  [1, call('HPERSIST', hashKey, fieldList)],
  [3, call('HGETEX', hashKey, options(fc.oneof(clockTime, words('PERSIST')), 1), fieldList)],
  [2, call('HGETDEL', hashKey, fieldList)],
  [
    4,
    call('HSETEX', hashKey, flag('FNX', 'FXX'), options(fc.oneof(clockTime, keep), 1), fieldPairs),
  ],
  [3, call('HINCRBY', hashKey, field, small)],
  [2, call('HINCRBYFLOAT', hashKey, field, float)],
  [2, call('HSET', hashKey, field, hashValue)],
  [2, call('XDELEX', streamKey, references, idList)],
  [2, call('XACKDEL', streamKey, group, references, idList)],
  [
    2,
    call(
      'XNACK',
      streamKey,
      group,
      fc.constantFrom('SILENT', 'FAIL', 'FATAL'),
      idList,
      flagWith('RETRYCOUNT', fc.constantFrom('0', '4')),
      flag('FORCE'),
    ),
  ],
  [1, call('XCFGSET', streamKey, words('IDMP-DURATION'), fc.constantFrom('1', '100'))],
  [
    1,
    call(
      'XADD',
      streamKey,
      fc.constantFrom(['IDMPAUTO', 'p'], ['IDMP', 'p', 'i1'], ['IDMP', 'q', 'i2']),
      fc.constant('*'),
      fields,
    ),
  ],
  [1, call('XADD', streamKey, references, words('MAXLEN', '=', '3', '*'), fields)],
  [1, call('XTRIM', streamKey, words('MAXLEN', '3'), references)],
  [
    2,
    call(
      'XREADGROUP',
      words('GROUP'),
      group,
      consumer,
      words('CLAIM', '5', 'STREAMS'),
      streamKey,
      fc.constant('>'),
    ),
  ],
  [1, call('BITOP', fc.constantFrom('DIFF', 'DIFF1', 'ANDOR', 'ONE'), key, string, string)],
];

/** All rows of this file. */
export const effectRows: readonly Row[] = [...known, ...later];

/** One step: the clock moves on, then a command runs, or several as a transaction. */
export interface EffectStep {
  readonly advanceMs: number;
  readonly commands: readonly (readonly string[])[];
}

/** What blocks where it finds nothing runs in a transaction, whatever comes of the rest. */
const BLOCKING = /^B(L|R|Z)/;

/** Random steps of all commands, or of one family; `withLater`: also of what 7.0.15 lacks. */
export function effectSteps(withLater: boolean, lengthMax: number): fc.Arbitrary<EffectStep[]> {
  const rows = withLater ? effectRows : known;
  const families = Object.keys(COLLECTIONS) as Family[];
  const plain = generatedCommand(families)
    .map(({ argv }) => argv)
    .filter((argv) => argv[0] !== 'SELECT' && argv[0] !== 'SWAPDB' && !readsHistory(argv));
  const all = fc.oneof({ weight: 1, arbitrary: oneOf(rows) }, { weight: 1, arbitrary: plain });
  const streams = [...rows.filter(isOf('X')), ...COLLECTIONS.stream];
  const hashes = [...rows.filter(isOf('H')), ...COLLECTIONS.hash];
  return fc.oneof(
    { weight: 4, arbitrary: stepsOf(all, lengthMax) },
    { weight: 2, arbitrary: stepsOf(oneOf(streams), lengthMax) },
    { weight: 1, arbitrary: stepsOf(oneOf(hashes), lengthMax) },
  );
}

/** Whether a row's command begins so. */
function isOf(letter: string): (row: Row) => boolean {
  return ([, row]) => commandOf(row).startsWith(letter);
}

/** The name of a row's command. */
export function commandOf(row: Words): string {
  return fc.sample(row, { numRuns: 1, seed: 0 })[0]![0]!;
}

function oneOf(rows: readonly Row[]): Words {
  return fc
    .oneof(...rows.map(([weight, arbitrary]) => ({ weight: Math.ceil(weight * 20), arbitrary })))
    .filter((argv) => !readsHistory(argv));
}

/**
 * A consumer that reads again what it has been given: the count of deliveries grows, and neither
 * redis-server nor we hand that on.
 */
function readsHistory(argv: readonly string[]): boolean {
  return argv[0] === 'XREADGROUP' && argv.at(-1) !== '>';
}

function stepsOf(command: Words, lengthMax: number): fc.Arbitrary<EffectStep[]> {
  const step = fc.tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.nat(3) },
      { weight: 2, arbitrary: fc.nat(300) },
      { weight: 1, arbitrary: fc.constant(2500) },
    ),
    fc.oneof(
      { weight: 9, arbitrary: command.map((one) => [one]) },
      { weight: 1, arbitrary: fc.array(command, { minLength: 1, maxLength: 4 }) },
    ),
  );
  return fc
    .array(step, { minLength: 1, maxLength: lengthMax, size: 'max' })
    .map((list) =>
      list.map(([advanceMs, commands]) => ({ advanceMs, commands: wrapped(commands) })),
    );
}

function wrapped(commands: readonly (readonly string[])[]): readonly (readonly string[])[] {
  if (commands.length === 1 && !BLOCKING.test(commands[0]![0]!)) return commands;
  return [['MULTI'], ...commands, ['EXEC']];
}
