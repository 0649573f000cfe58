/**
 * Type and encoding numbers of a keyspace entry, and the words Redis uses for them. They live in
 * memory only; numbers on disk have constants of their own.
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
  embstr: 8,
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

const encodingNames: readonly (string | undefined)[] = [
  'raw',
  'int',
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  'embstr',
];

/** The word TYPE answers for a type number. */
export function typeName(type: number): string {
  return typeNames[type] ?? 'none';
}

/** The word OBJECT ENCODING answers for an encoding number. */
export function encodingName(encoding: number): string {
  return encodingNames[encoding] ?? 'unknown';
}
