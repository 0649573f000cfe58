/**
 * Errors a client sees. Throwing one from the read part of a handler answers the client with its
 * text and leaves the data untouched. They carry no stack: the shared ones are built once, and a
 * client that errs in a loop must cost little.
 */
export class CommandError extends Error {
  /** The whole reply line without the leading '-': code, space, text. */
  readonly line: string;

  constructor(line: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(line);
    Error.stackTraceLimit = limit;
    this.line = line;
  }
}

const err = (line: string) => new CommandError(line);

/** Texts shared by several commands, as redis-server 7.0.15 words them. */
export const errors = {
  syntax: err('ERR syntax error'),
  wrongType: err('WRONGTYPE Operation against a key holding the wrong kind of value'),
  notInteger: err('ERR value is not an integer or out of range'),
  notFloat: err('ERR value is not a valid float'),
  outOfRange: err('ERR value is out of range'),
  outOfRangePositive: err('ERR value is out of range, must be positive'),
  noSuchKey: err('ERR no such key'),
  loading: err('LOADING Redis is loading the dataset in memory'),
  noReplicas: err('NOREPLICAS Not enough good replicas to write.'),
  noAuth: err('NOAUTH Authentication required.'),
  dbIndexOutOfRange: err('ERR DB index is out of range'),
  sameObject: err('ERR source and destination objects are the same'),
  offsetOutOfRange: err('ERR offset is out of range'),
  stringTooLong: err('ERR string exceeds maximum allowed size (proto-max-bulk-len)'),
  oom: err("OOM command not allowed when used memory > 'maxmemory'."),
  heapFull: err("OOM command not allowed: the server's heap has no room for it."),
  replyTooLarge: err('ERR reply is too large'),
  replyTooLargeAfterWrite: err('ERR reply is too large; what the command has changed stays'),
  nanOrInfinity: err('ERR increment would produce NaN or Infinity'),
  overflow: err('ERR increment or decrement would overflow'),
} as const;

/** `ERR wrong number of arguments for '<name>' command`. */
export function wrongArity(name: string): CommandError {
  return err(`ERR wrong number of arguments for '${name}' command`);
}

/** `ERR invalid expire time in '<name>' command`. */
export function invalidExpire(name: string): CommandError {
  return err(`ERR invalid expire time in '${name}' command`);
}
