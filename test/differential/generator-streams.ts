/** Random commands of streams; their ids are explicit. */
import fc from 'fast-check';
import { count, fields, flag, flagWith, streamKey } from './generator-parts.ts';
import { boundary, call, options, type Row, type Words, words } from './generator-words.ts';

const streamId = fc.oneof(
  { weight: 12, arbitrary: fc.nat(15).map((seq) => `5-${seq}`) },
  { weight: 4, arbitrary: fc.tuple(fc.nat(5), fc.nat(3)).map(([ms, seq]) => `${ms}-${seq}`) },
  { weight: 2, arbitrary: fc.nat(6).map(String) },
  { weight: 1, arbitrary: boundary },
);
const idBound = fc.oneof(
  { weight: 3, arbitrary: streamId },
  { weight: 1, arbitrary: streamId.map((id) => `(${id}`) },
  { weight: 2, arbitrary: fc.constantFrom('-', '+') },
);
const trim: Words = fc.oneof(
  fc.tuple(fc.constantFrom('MAXLEN', 'maxlen'), count),
  fc.tuple(fc.constantFrom('MINID'), streamId),
  fc.tuple(fc.constant('MAXLEN'), fc.constant('='), count),
);
const group = fc.constantFrom('g', 'g', 'h');
const consumer = fc.constantFrom('c', 'd', 'e');
const ids = fc.array(streamId, { minLength: 1, maxLength: 3 });
export const streamRows: readonly Row[] = [
  [
    8,
    call(
      'XADD',
      streamKey,
      fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: trim }),
      flag('NOMKSTREAM'),
      fc.oneof(
        { weight: 1, arbitrary: streamId },
        { weight: 5, arbitrary: fc.constantFrom('5-*', '5-*', '4-*') },
      ),
      fields,
    ),
  ],
  [1, call('XLEN', streamKey)],
  [2, call('XRANGE', streamKey, idBound, idBound, flagWith('COUNT', count))],
  [2, call('XREVRANGE', streamKey, idBound, idBound, flagWith('COUNT', count))],
  [2, call('XDEL', streamKey, ids)],
  [0.4, call('XTRIM', streamKey, trim)],
  [2, call('XREAD', flagWith('COUNT', count), words('STREAMS'), streamKey, streamId)],
  [1, call('XREAD', words('STREAMS'), streamKey, streamKey, streamId, fc.constant('$'))],
  [0.5, call('XSETID', streamKey, streamId)],
  [6, call('XGROUP', words('CREATE'), streamKey, group, words('0', 'MKSTREAM'))],
  [
    3,
    call(
      'XGROUP',
      words('CREATE'),
      streamKey,
      group,
      fc.oneof(streamId, fc.constant('$')),
      flag('MKSTREAM'),
    ),
  ],
  [1, call('XGROUP', words('SETID'), streamKey, group, fc.oneof(streamId, fc.constant('$')))],
  [0.2, call('XGROUP', words('DESTROY'), streamKey, group)],
  [
    0.5,
    call('XGROUP', fc.constantFrom('CREATECONSUMER', 'DELCONSUMER'), streamKey, group, consumer),
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
      fc.constantFrom('>', '>', '>', '0', '3-1'),
    ),
  ],
  [2, call('XACK', streamKey, group, ids)],
  [2, call('XPENDING', streamKey, group)],
  [
    1,
    call(
      'XPENDING',
      streamKey,
      group,
      idBound,
      idBound,
      count,
      options(
        consumer.map((c) => [c]),
        1,
      ),
    ),
  ],
  [
    2,
    call(
      'XCLAIM',
      streamKey,
      group,
      consumer,
      words('0'),
      ids,
      options(
        fc.constantFrom(['FORCE'], ['JUSTID'], ['RETRYCOUNT', '3'], ['TIME', '1500000000000']),
        2,
      ),
    ),
  ],
  [
    1,
    call(
      'XAUTOCLAIM',
      streamKey,
      group,
      consumer,
      words('0'),
      streamId,
      flagWith('COUNT', count),
      flag('JUSTID'),
    ),
  ],
  [1, call('XINFO', words('GROUPS'), streamKey)],
];
