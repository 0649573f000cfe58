/**
 * Type and encoding numbers of a value, and the words Redis uses for them. They live in memory
 * only; numbers on disk have constants of their own.
 */
export const ValueType = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  stream: 6,
} as const;

export const Encoding = {
  raw: 0,
  int: 1,
  hashtable: 2,
  intset: 6,
  skiplist: 7,
  embstr: 8,
  quicklist: 9,
  stream: 10,
  listpack: 11,
  /** A listpack whose fields may have a time to live. */
  listpackEx: 12,
  /** A hash table whose fields may have a time to live. */
  hashtableEx: 13,
} as const;

const typeNames: readonly (string | undefined)[] = [
  'string',
  'list',
  'set',
  'zset',
  'hash',
  undefined,
  'stream',
];

const encodingNames: Readonly<Record<number, string>> = {
  [Encoding.raw]: 'raw',
  [Encoding.int]: 'int',
  [Encoding.hashtable]: 'hashtable',
  [Encoding.intset]: 'intset',
  [Encoding.skiplist]: 'skiplist',
  [Encoding.embstr]: 'embstr',
  [Encoding.quicklist]: 'quicklist',
  [Encoding.stream]: 'stream',
  [Encoding.listpack]: 'listpack',
  [Encoding.listpackEx]: 'listpackex',
  [Encoding.hashtableEx]: 'hashtable',
};

/** The word TYPE answers for a type number. */
export function typeName(type: number): string {
  return typeNames[type] ?? 'none';
}

/** The word OBJECT ENCODING answers for an encoding number. */
export function encodingName(encoding: number): string {
  return encodingNames[encoding] ?? 'unknown';
}
