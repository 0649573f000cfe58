/**
 * Commands that build random values of every type in every representation, for tests of DUMP and
 * RESTORE.
 */
import { between } from '../../util/float-texts.ts';

type Random = () => number;
export type Argv = readonly (string | Buffer)[];

export interface RandomValue {
  /** What it is, for reports. */
  readonly name: string;
  /** Commands that make it at key `k`, which is absent. */
  readonly commands: readonly Argv[];
  /** Whether its payload is the same on every server of the same version. */
  readonly deterministic: boolean;
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[between(random, 0, list.length - 1)]!;
}

/** Runs of one letter, words, random bytes, integers of every width. */
export function randomText(random: Random, lengthMax: number): Buffer {
  const length = between(random, 0, lengthMax);
  switch (between(random, 0, 4)) {
    case 0:
      return Buffer.from(randomInteger(random));
    case 1:
      return Buffer.alloc(length, pick(random, ['a', 'ab', 'abc', 'hello world ', '\0']));
    case 2:
      return Buffer.from(Array.from({ length }, () => between(random, 0, 255)));
    case 3: {
      const words = Array.from({ length: length >> 2 }, () => pick(random, ['one ', 'two ', '3 ']));
      return Buffer.from(words.join(''));
    }
    default:
      return Buffer.from(Array.from({ length }, () => between(random, 97, 122)));
  }
}

export function randomInteger(random: Random): string {
  const bits = pick(random, [3, 7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 53, 63]);
  const magnitude = BigInt(Math.floor(random() * 2 ** 32)) * 2n ** 32n;
  const low = BigInt(Math.floor(random() * 2 ** 32));
  const n = (magnitude + low) & (2n ** BigInt(bits) - 1n);
  return (random() < 0.4 ? -n : n).toString();
}

function elements(random: Random, count: number, lengthMax: number): Buffer[] {
  return Array.from({ length: count }, () => randomText(random, lengthMax));
}

/** Commands with at most 500 arguments each. */
function inBatches(command: readonly string[], args: readonly Buffer[], step = 1): Argv[] {
  const commands: Argv[] = [];
  const batch = 500 - (500 % step);
  for (let i = 0; i < args.length; i += batch) {
    commands.push([...command, ...args.slice(i, i + batch)]);
  }
  return commands;
}

function string(random: Random): RandomValue {
  const value = randomText(random, pick(random, [11, 45, 70, 300, 20_000]));
  return { name: 'string', commands: [['SET', 'k', value]], deterministic: true };
}

function list(random: Random): RandomValue {
  const count = pick(random, [1, 3, 40, 700]);
  const lengthMax = pick(random, [5, 80, 300, count < 50 ? 9000 : 80]);
  const texts = elements(random, count, lengthMax);
  const bytes = texts.reduce((sum, { length }) => sum + length + 9, 0);
  // Where a list is cut into nodes is each server's own business.
  const deterministic = bytes < 8000;
  return { name: 'list', commands: inBatches(['RPUSH', 'k'], texts), deterministic };
}

function intset(random: Random): RandomValue {
  const bits = pick(random, [15, 31, 63]);
  const count = pick(random, [1, 5, 60, 512]);
  const members = Array.from({ length: count }, () => {
    const n = BigInt.asIntN(bits, BigInt(Math.floor(random() * 2 ** 53)) * 1025n);
    return Buffer.from(n.toString());
  });
  return { name: 'intset', commands: inBatches(['SADD', 'k'], members), deterministic: true };
}

function set(random: Random): RandomValue {
  const members = elements(random, pick(random, [1, 5, 100, 140, 900]), pick(random, [6, 80]));
  const commands = inBatches(['SADD', 'k'], [...members, Buffer.from('x')]);
  return { name: 'set', commands, deterministic: false };
}

function hash(random: Random): RandomValue {
  const count = pick(random, [1, 3, 50, 128, 600]);
  const lengthMax = pick(random, [4, 64, 64, 300]);
  const texts = elements(random, count * 2, lengthMax);
  const commands = inBatches(['HSET', 'k'], texts, 2);
  if (random() < 0.3) commands.push(['HDEL', 'k', texts[0]!], ['HSET', 'k', 'f', 'v']);
  const large = count > 128 || texts.some((text) => text.length > 64);
  return { name: 'hash', commands, deterministic: !large };
}

function score(random: Random, exact: boolean): string {
  const whole = String(between(random, -(2 ** 40), 2 ** 40));
  const scores = ['inf', '-inf', '0', '1', '-5', '0.5', '-2.25', '1e18', whole];
  return exact ? pick(random, scores) : String(random() * 10 ** between(random, -8, 20));
}

function sortedSet(random: Random): RandomValue {
  const count = pick(random, [1, 3, 60, 128, 500]);
  const lengthMax = pick(random, [4, 60, 64, 300]);
  const exact = random() < 0.7;
  const pairs = elements(random, count, lengthMax).flatMap((member) => [
    Buffer.from(score(random, exact)),
    member,
  ]);
  const commands = inBatches(['ZADD', 'k'], pairs, 2);
  return { name: 'sorted set', commands, deterministic: exact };
}

function stream(random: Random): RandomValue {
  const commands: Argv[] = [];
  const ids: string[] = [];
  const count = pick(random, [1, 5, 130, 250]);
  const names = elements(random, 6, 12);
  let ms = between(random, 1, 1e9);
  for (let i = 0; i < count; i++) {
    ms += pick(random, [0, 1, 1, 5000]);
    const id = `${ms}-${i + 1}`;
    ids.push(id);
    const own = random() < 0.3 ? between(random, 1, 5) : 2;
    const pairs = names.slice(0, own).flatMap((name) => [name, randomText(random, 40)]);
    commands.push(['XADD', 'k', id, ...pairs]);
  }
  const gone = ids.filter(() => random() < 0.2);
  if (random() < 0.6 && gone.length > 0) commands.push(['XDEL', 'k', ...gone]);
  if (random() < 0.3) commands.push(['XTRIM', 'k', 'MAXLEN', String(count >> 1)]);
  if (random() < 0.2) commands.push(['XTRIM', 'k', 'MAXLEN', '0']);
  const groups = random() < 0.5 ? between(random, 1, 3) : 0;
  for (let g = 0; g < groups; g++) {
    commands.push(['XGROUP', 'CREATE', 'k', `g${g}`, pick(random, ['0', '$', ids[0]!])]);
    for (const name of ['one', '2', 'three']) {
      if (random() < 0.3) commands.push(['XGROUP', 'CREATECONSUMER', 'k', `g${g}`, name]);
      const read = ['XREADGROUP', 'GROUP', `g${g}`, name, 'COUNT', String(between(random, 1, 9))];
      commands.push([...read, 'STREAMS', 'k', '>']);
    }
    if (random() < 0.5) commands.push(['XACK', 'k', `g${g}`, ids[0]!, ids.at(-1)!]);
  }
  return {
    name: groups > 0 ? 'stream with groups' : 'stream',
    commands,
    deterministic: groups === 0,
  };
}

const kinds = [string, list, intset, set, hash, sortedSet, stream];

/** Value number `i`: the types take turns. */
export function randomValue(random: Random, i: number): RandomValue {
  return kinds[i % kinds.length]!(random);
}
