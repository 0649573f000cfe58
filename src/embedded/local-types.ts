/** Clients without a socket. Types only. */

/** What may be an argument: texts are sent as UTF-8, numbers as their text. */
export type CommandArgument = string | number | bigint | Uint8Array;

/** An error reply. `code` is its first word. */
export interface ReplyErrorLike extends Error {
  readonly code: string;
}

export type ReplyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | ReplyErrorLike
  | readonly ReplyValue[]
  | { readonly [key: string]: ReplyValue };

/** Replies of the commands that tests use most; the rest are a ReplyValue. */
export interface Replies {
  APPEND: number;
  BLPOP: [key: string, value: string] | null;
  BRPOP: [key: string, value: string] | null;
  DBSIZE: number;
  DECR: number;
  DECRBY: number;
  DEL: number;
  ECHO: string;
  EXISTS: number;
  EXPIRE: number;
  FLUSHALL: 'OK';
  FLUSHDB: 'OK';
  GET: string | null;
  GETDEL: string | null;
  HDEL: number;
  HEXISTS: number;
  HGET: string | null;
  HGETALL: Record<string, string>;
  HINCRBY: number;
  HKEYS: string[];
  HLEN: number;
  HMGET: (string | null)[];
  HSET: number;
  HVALS: string[];
  INCR: number;
  INCRBY: number;
  INFO: string;
  KEYS: string[];
  LINDEX: string | null;
  LLEN: number;
  LPUSH: number;
  LRANGE: string[];
  MGET: (string | null)[];
  MSET: 'OK';
  PERSIST: number;
  PEXPIRE: number;
  PING: string;
  PTTL: number;
  PUBLISH: number;
  RPUSH: number;
  SADD: number;
  SCARD: number;
  SELECT: 'OK';
  SET: string | null;
  SETEX: 'OK';
  SETNX: number;
  SISMEMBER: number;
  SMEMBERS: string[];
  SREM: number;
  STRLEN: number;
  TIME: [seconds: string, microseconds: string];
  TTL: number;
  TYPE: string;
  UNLINK: number;
  XADD: string | null;
  XDEL: number;
  XLEN: number;
  ZADD: number | null;
  ZCARD: number;
  ZRANGE: ReplyValue;
  ZRANK: number | null;
  ZREM: number;
  ZSCORE: number | null;
}

/** The reply's type by the command's name, in any case. */
export type ReplyOf<Name extends string> =
  Uppercase<Name> extends keyof Replies ? Replies[Uppercase<Name>] : ReplyValue;

export interface LocalClientOptions {
  /** Texts of replies are Buffers: for values that are no UTF-8. */
  readonly buffers?: boolean;
}

/** A client in this process, without a socket. */
export interface LocalClient extends Disposable {
  /** CLIENT ID. */
  readonly id: number;
  /** Runs a command: see `RespiteServer.exec`. Calls run in their order. */
  exec<Name extends string>(
    name: Name,
    ...args: readonly CommandArgument[]
  ): Promise<ReplyOf<Name>>;
  /** Calls a listener with each message that is no reply: `['message', channel, text]`, … */
  onPush(listener: (push: readonly ReplyValue[]) => void): void;
  close(): void;
}
