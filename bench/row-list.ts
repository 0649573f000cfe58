/**
 * What `npm run bench -- rows` measures: operations that once cost several times redis-server's
 * time, or stalled it where redis-server does not.
 */
import { inLots, pipeline, type Rig, times } from './rig.ts';

export interface Row {
  readonly name: string;
  /** The data, made once. */
  setup?(rig: Rig): Promise<void>;
  /** What each measurement needs made anew. */
  prepare?(rig: Rig): Promise<void>;
  /** What is measured. */
  run(rig: Rig): Promise<void>;
}

const M = 1_000_000;

/** A number below `max` that looks random and is the same each time. */
function scrambled(i: number, max: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) % max) >>> 0;
}

function once(name: string, setup: Row['setup'], ...argv: string[]): Row {
  return {
    name,
    ...(setup === undefined ? {} : { setup }),
    run: (rig) => rig.send(pipeline([argv])),
  };
}

function numbers(n: number) {
  return (rig: Rig) =>
    rig.fill(inLots(n, 1000, ['RPUSH', 'l'], (i) => [String(scrambled(i, 1e9))]));
}

async function weights(rig: Rig): Promise<void> {
  await rig.fill(inLots(100_000, 1000, ['RPUSH', 'l'], (i) => [String(i)]));
  await rig.fill(inLots(100_000, 1000, ['MSET'], (i) => [`w${i}`, String(scrambled(i, 1e9))]));
}

const sorting: readonly Row[] = [
  once('SORT of 1M numbers', numbers(M), 'SORT', 'l'),
  once('SORT of 100k numbers', numbers(100_000), 'SORT', 'l'),
  once(
    'SORT ALPHA of 100k',
    (rig) => rig.fill(inLots(100_000, 1000, ['RPUSH', 'l'], (i) => [`text-${scrambled(i, 1e9)}`])),
    ...['SORT', 'l', 'ALPHA'],
  ),
  once(
    'SORT BY w* GET w* GET # of 100k',
    weights,
    'SORT',
    'l',
    'BY',
    'w*',
    'GET',
    'w*',
    'GET',
    '#',
  ),
];

function xadds(n: number): Buffer {
  return pipeline(times(n, () => ['XADD', 's', '*', 'f', 'v']));
}

function group(rig: Rig): Promise<void> {
  return rig.send(pipeline([['XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM']]));
}

/** XADDs to a stream for which so many consumers of one group wait. */
function consumersWait(consumers: number, adds: number): Row {
  return {
    name: `${adds} XADD, ${consumers} consumers wait`,
    setup: group,
    async prepare(rig) {
      await rig.hangUp();
      await rig.clients(consumers, (i) => pipeline([readGroup(i)]));
    },
    run: (rig) => rig.send(xadds(adds)),
  };
}

function readGroup(i: number): readonly string[] {
  return ['XREADGROUP', 'GROUP', 'g', `c${i}`, 'BLOCK', '0', 'STREAMS', 's', '>'];
}

const waiting: readonly Row[] = [
  consumersWait(1000, 20),
  consumersWait(3000, 20),
  consumersWait(2000, 2000),
  {
    name: '100 RPUSH, 500 BLPOPs wait',
    async prepare(rig) {
      await rig.hangUp();
      await rig.clients(500, () => pipeline([['BLPOP', 'q', '0']]));
    },
    run: (rig) => rig.send(pipeline(times(100, () => ['RPUSH', 'q', 'x']))),
  },
  {
    name: '1000 SET, 1000 BLPOPs wait for the key',
    setup: (rig) => rig.clients(1000, () => pipeline([['BLPOP', 'q', '0']])),
    run: (rig) => rig.send(pipeline(times(1000, () => ['SET', 'q', 'x']))),
  },
];

/** A stream with a group that has n entries pending. */
async function pendingEntries(rig: Rig, n: number): Promise<void> {
  await rig.send(pipeline([['DEL', 's']]));
  await group(rig);
  await rig.fill(times(n, (i) => ['XADD', 's', `${i + 1}-0`, 'f', 'v']));
  const read = ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '10000', 'STREAMS', 's', '>'];
  await rig.fill(times(Math.ceil(n / 10_000), () => read));
}

async function groups(rig: Rig, n: number): Promise<void> {
  await rig.send(pipeline([['XADD', 's', '*', 'f', 'v']]));
  await rig.fill(times(n, (i) => ['XGROUP', 'CREATE', 's', `g${i}`, '0']));
}

const streams: readonly Row[] = [
  {
    name: 'XACK of 20k ids',
    prepare: (rig) => pendingEntries(rig, 20_000),
    run: (rig) => rig.send(pipeline([['XACK', 's', 'g', ...times(20_000, (i) => `${i + 1}-0`)]])),
  },
  once('XINFO GROUPS of 1k', (rig) => groups(rig, 1000), 'XINFO', 'GROUPS', 's'),
  once('XINFO GROUPS of 10k', (rig) => groups(rig, 10_000), 'XINFO', 'GROUPS', 's'),
  once('XINFO STREAM FULL of 10k', (rig) => groups(rig, 10_000), 'XINFO', 'STREAM', 's', 'FULL'),
  once(
    'XINFO CONSUMERS of 10k',
    async (rig) => {
      await group(rig);
      await rig.fill(times(10_000, (i) => ['XGROUP', 'CREATECONSUMER', 's', 'g', `c${i}`]));
    },
    ...['XINFO', 'CONSUMERS', 's', 'g'],
  ),
  {
    name: '100 XPENDING with a far start of 1M',
    setup: (rig) => pendingEntries(rig, M),
    run: (rig) =>
      rig.send(pipeline(times(100, () => ['XPENDING', 's', 'g', '999990-0', '+', '10']))),
  },
  once(
    'XAUTOCLAIM of 1M, JUSTID',
    (rig) => pendingEntries(rig, M),
    ...['XAUTOCLAIM', 's', 'g', 'd', '0', '0', 'COUNT', '1000000', 'JUSTID'],
  ),
];

function subscribe(i: number): Buffer {
  return pipeline([['SUBSCRIBE', 'all', `own${i}`]]);
}

function publish(depth: number): Row {
  return {
    name: `10k PUBLISH to one, -P ${depth}`,
    setup: (rig) => rig.clients(1, subscribe),
    async run(rig) {
      const lot = pipeline(times(depth, () => ['PUBLISH', 'all', 'hello']));
      for (let i = 0; i < 10_000; i += depth) await rig.send(lot);
    },
  };
}

const clients: readonly Row[] = [
  {
    name: '5000 subscribers disconnect',
    prepare: (rig) => rig.clients(5000, subscribe),
    run: (rig) => rig.hangUp(),
  },
  {
    name: '5000 idle clients disconnect',
    prepare: (rig) => rig.clients(5000, () => pipeline([['PING']])),
    run: (rig) => rig.hangUp(),
  },
  once(
    'CLIENT LIST of 5000',
    (rig) => rig.clients(5000, () => pipeline([['PING']])),
    ...['CLIENT', 'LIST'],
  ),
  {
    name: '100 INFO with 5000 clients',
    setup: (rig) => rig.clients(5000, () => pipeline([['PING']])),
    run: (rig) => rig.send(pipeline(times(100, () => ['INFO']))),
  },
  {
    name: '10k SET, 100 monitors that read nothing',
    setup: (rig) => rig.clients(100, () => pipeline([['MONITOR']]), false),
    run: (rig) => rig.send(pipeline(times(10_000, (i) => ['SET', `k${i}`, 'v']))),
  },
  {
    name: 'FLUSHALL with 20k watched keys',
    async prepare(rig) {
      await rig.hangUp();
      await rig.fill(inLots(20_000, 1000, ['MSET'], (i) => [`k${i}`, 'v']));
      const keys = [...times(200, (i) => i)];
      await rig.clients(100, (i) =>
        pipeline([['WATCH', ...keys.map((key) => `k${200 * i + key}`)]]),
      );
    },
    run: (rig) => rig.send(pipeline([['FLUSHALL']])),
  },
  publish(1),
  publish(16),
  publish(64),
  once('COMMAND DOCS', undefined, 'COMMAND', 'DOCS'),
];

/** What a command answers is put back under another name: DUMP and RESTORE. */
function dumpRestore(name: string, setup: (rig: Rig) => Promise<void>): Row {
  return {
    name: `DUMP and RESTORE of a ${name} of 1M`,
    setup,
    async run(rig) {
      const payload = await rig.askBulk('DUMP', 'v');
      await rig.send(pipeline([['RESTORE', 'w', '0', payload, 'REPLACE']]));
    },
  };
}

/** One key grows, or the keyspace does, by commands of 1000 elements. */
function grow(name: string, head: readonly string[], make: (i: number) => readonly string[]): Row {
  return {
    name,
    prepare: (rig) => rig.send(pipeline([['FLUSHALL']])),
    run: (rig) => rig.fill(inLots(3 * M, 1000, head, make)),
  };
}

const values: readonly Row[] = [
  {
    name: 'PFADD of 1M elements',
    prepare: (rig) => rig.send(pipeline([['DEL', 'h']])),
    run: (rig) => rig.send(pipeline(inLots(M, M, ['PFADD', 'h'], (i) => [`e${i}`]))),
  },
  {
    name: 'PFCOUNT of 1000 keys',
    setup: (rig) =>
      rig.fill(times(1000, (i) => ['PFADD', `h${i}`, ...times(100, (j) => `${i}:${j}`)])),
    run: (rig) => rig.send(pipeline(inLots(1000, 1000, ['PFCOUNT'], (i) => [`h${i}`]))),
  },
  once(
    'BITPOS over 512 MB',
    (rig) => rig.send(pipeline([['SETBIT', 'b', '4294967295', '1']])),
    ...['BITPOS', 'b', '1'],
  ),
  once(
    'BITOP AND of 512 MB',
    (rig) => rig.send(pipeline([['SETBIT', 'b', '4294967295', '1']])),
    ...['BITOP', 'AND', 'd', 'b', 'b'],
  ),
  dumpRestore('zset', (rig) =>
    rig.fill(inLots(M, 1000, ['ZADD', 'v'], (i) => [String(scrambled(i, 1e9)), `m${i}`])),
  ),
  dumpRestore('stream', (rig) => rig.fill(times(M, (i) => ['XADD', 'v', `${i + 1}-0`, 'f', 'v']))),
  dumpRestore('list', (rig) => rig.fill(inLots(M, 1000, ['RPUSH', 'v'], (i) => [`e${i}`]))),
  {
    name: 'SADD of a 64-bit integer to an intset of 5M',
    async prepare(rig) {
      await rig.send(
        pipeline([['FLUSHALL'], ['CONFIG', 'SET', 'set-max-intset-entries', '9999999']]),
      );
      await rig.fill(inLots(5 * M, 10_000, ['SADD', 's'], (i) => [String(i)]));
    },
    run: (rig) => rig.send(pipeline([['SADD', 's', '9007199254740993']])),
  },
  grow('a list of 3M grows by RPUSH', ['RPUSH', 'l'], (i) => [`e${i}`]),
  grow('3M keys by MSET', ['MSET'], (i) => [`k${i}`, 'v']),
  grow('a hash of 3M grows by HSET', ['HSET', 'h'], (i) => [`f${i}`, 'v']),
];

export const ROWS: readonly Row[] = [...sorting, ...waiting, ...streams, ...clients, ...values];
