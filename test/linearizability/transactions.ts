/**
 * A model of the commands that tests put into transactions: what they answer, what they leave
 * behind, which keys they touch. The keys keep their types, so that every reply can be told.
 *
 * Each transaction begins with INCR of VERSION. Its reply is the place in the order in which the
 * server ran them, and so the state is known that a transaction must have found.
 */
import type { TestContext } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { format, quote, type Reply } from '../harness/reply.ts';

export const VERSION = 'version';
/** Text that is not a number. */
const TEXT = 'text';

export interface Data {
  /** Strings by key; fields of `hash` and members of `zset` as `key.name`. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly list: readonly string[];
  readonly set: readonly string[];
}

/** What PREPARE leaves in the server. */
export const INITIAL: Data = {
  numbers: {
    [VERSION]: 0,
    ...{ counter: 0, other: 0 },
    ...{ 'hash.a': 0, 'hash.b': 0 },
    ...{ 'zset.a': 0, 'zset.b': 0 },
  },
  list: ['first'],
  set: ['first'],
};

export const PREPARE: readonly (readonly string[])[] = [
  ['FLUSHALL'],
  ['MSET', VERSION, '0', 'counter', '0', 'other', '0'],
  ['HSET', 'hash', 'a', '0', 'b', '0', TEXT, TEXT],
  ['ZADD', 'zset', '0', 'a', '0', 'b'],
  ['RPUSH', 'list', 'first'],
  ['SADD', 'set', 'first'],
];

/** Commands whose replies `readData` takes, each of which must be a single one. */
export const READ: readonly (readonly string[])[] = [
  ['MGET', VERSION, 'counter', 'other'],
  ['HMGET', 'hash', 'a', 'b'],
  ['ZMSCORE', 'zset', 'a', 'b'],
  ['LRANGE', 'list', '0', '-1'],
  ['SMEMBERS', 'set'],
];

export function readData(replies: readonly Reply[]): Data {
  const [strings, hash, zset, list, set] = replies.map(texts);
  const [version, counter, other] = strings!.map(Number);
  const [hashA, hashB] = hash!.map(Number);
  const [zsetA, zsetB] = zset!.map(Number);
  return {
    numbers: {
      [VERSION]: version!,
      ...{ counter: counter!, other: other! },
      ...{ 'hash.a': hashA!, 'hash.b': hashB! },
      ...{ 'zset.a': zsetA!, 'zset.b': zsetB! },
    },
    list: list!,
    set: set!.sort(),
  };
}

export interface Outcome {
  readonly data: Data;
  /** As `format` shows it. */
  readonly reply: string;
  /** The key that was written. */
  readonly touched: readonly string[];
}

/** What one command does to the data. */
export function execute(data: Data, argv: readonly string[]): Outcome {
  const [name, key = '', a = '', b = ''] = argv;
  switch (name) {
    case 'INCR':
      return add(data, key, key, 1);
    case 'INCRBY':
      return key in data.numbers ? add(data, key, key, Number(a)) : failure(data, WRONG_TYPE);
    case 'HINCRBY':
      return a === TEXT
        ? failure(data, 'ERR hash value is not an integer')
        : add(data, key, `hash.${a}`, Number(b));
    case 'ZINCRBY':
      return add(data, key, `zset.${b}`, Number(a), (n) => quote(Buffer.from(String(n))));
    case 'MSET': {
      const numbers = { ...data.numbers, [key]: Number(a), [b]: Number(argv[4]) };
      return { data: { ...data, numbers }, reply: 'OK', touched: [key, b] };
    }
    case 'RPUSH': {
      if (key !== 'list') return failure(data, WRONG_TYPE);
      const list = [...data.list, a];
      return { data: { ...data, list }, reply: integer(list.length), touched: [key] };
    }
    case 'LMOVE': {
      const [first = '', ...rest] = data.list;
      const list = [...rest, first];
      return { data: { ...data, list }, reply: quote(Buffer.from(first)), touched: [key] };
    }
    case 'SADD':
    case 'SREM': {
      const without = data.set.filter((member) => member !== a);
      const set = name === 'SADD' ? [...without, a].sort() : without;
      const changed = set.length !== data.set.length;
      const touched = changed ? [key] : [];
      return { data: { ...data, set }, reply: integer(Number(changed)), touched };
    }
    default:
      throw new Error(`the model does not know ${name}`);
  }
}

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';

function add(data: Data, key: string, name: string, by: number, show = integer): Outcome {
  const sum = (data.numbers[name] ?? 0) + by;
  const numbers = { ...data.numbers, [name]: sum };
  return { data: { ...data, numbers }, reply: show(sum), touched: [key] };
}

function failure(data: Data, text: string): Outcome {
  return { data, reply: `(error) ${text}`, touched: [] };
}

function integer(value: number): string {
  return `(integer) ${value}`;
}

/** The texts of a list's elements. */
export function texts(reply: Reply): string[] {
  if (!('items' in reply)) throw new Error(`a list was expected: ${format(reply)}`);
  return reply.items.map((item) => ('bytes' in item ? item.bytes.toString('latin1') : '(nil)'));
}

/** Skips a test, in sight, while the server has no WATCH. */
export async function skipUnlessTransactions(context: TestContext, port: number): Promise<void> {
  const connection = await Connection.open(port);
  const reply = await connection.call('COMMAND', 'INFO', 'watch');
  connection.close();
  if ('items' in reply && reply.items[0] !== undefined && 'items' in reply.items[0]) return;
  console.warn(`SKIPPED: ${context.task.name}: the server has no WATCH`);
  context.skip('the server has no WATCH');
}
