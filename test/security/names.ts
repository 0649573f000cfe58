/**
 * Names that mean something to JavaScript, and patterns that cost a bad matcher its time, in every
 * place where a client puts one.
 */

/** What a plain object has without being given it, and what else was once mistaken for nothing. */
export const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'length',
  '__defineGetter__',
  'isPrototypeOf',
  'undefined',
  'null',
  'NaN',
  '0',
  '-1',
  '',
] as const;

export interface Place {
  readonly id: string;
  /** Where the name stands. */
  readonly what: string;
  /** Commands, one a line; `%` is the name. */
  readonly lines: readonly string[];
}

const place = (id: string, what: string, ...lines: string[]): Place => ({ id, what, lines });

export const places: readonly Place[] = [
  place('name-1', 'a command', '% a b'),
  place('name-2', 'a subcommand', 'CONFIG % x', 'CLIENT %', 'OBJECT % k'),
  place('name-3', 'an option', 'SET k v %', 'ZADD z % 1 a', 'SCAN 0 % 1', 'SORT l %'),
  place(
    'name-4',
    'a key',
    'SET % 1',
    'GET %',
    'TYPE %',
    'RENAME % other',
    'EXISTS %',
    'DEL % other',
  ),
  place(
    'name-5',
    'a field of a hash',
    'HSET h % 1',
    'HGET h %',
    'HINCRBY h % 1',
    'HGETALL h',
    'HDEL h %',
  ),
  place('name-6', 'a member of a set', 'SADD s %', 'SISMEMBER s %', 'SMEMBERS s', 'SREM s %'),
  place('name-7', 'a member of a sorted set', 'ZADD z 1 %', 'ZSCORE z %', 'ZRANK z %', 'ZREM z %'),
  place('name-8', 'an element of a list', 'RPUSH l %', 'LPOS l %', 'LREM l 0 %'),
  place('name-9', 'a field of a stream', 'XADD x 1-1 % %', 'XRANGE x - +'),
  place(
    'name-10',
    'a group and a consumer',
    'XGROUP CREATE x % 0 MKSTREAM',
    'XGROUP CREATECONSUMER x % %',
    'XREADGROUP GROUP % % STREAMS x >',
    'XINFO GROUPS x',
    'XGROUP DESTROY x %',
  ),
  place('name-11', 'a channel', 'PUBLISH % m', 'PUBSUB NUMSUB %', 'PUBSUB CHANNELS %'),
  place('name-12', 'a directive', 'CONFIG GET %', 'CONFIG SET % 1'),
  place(
    'name-13',
    'the name of a client',
    'CLIENT SETNAME %',
    'CLIENT GETNAME',
    'CLIENT SETNAME ""',
  ),
  place('name-14', 'a user', 'AUTH % x'),
  place(
    'name-15',
    'an argument and a global of a script',
    'EVAL "return {KEYS[1],ARGV[1],rawget(_G,ARGV[1])}" 1 % %',
  ),
  place('name-16', 'a digest of a script', 'EVALSHA % 0', 'SCRIPT EXISTS %'),
  place(
    'name-17',
    'a key of JSON in a script',
    'EVAL "local t=cjson.decode(ARGV[1]) return {type(t[ARGV[2]]),cjson.encode(t)}" 0 "{\\"%\\":1}" %',
  ),
  place(
    'name-18',
    'a function and a library',
    'FCALL % 0',
    'FUNCTION DELETE %',
    'FUNCTION LIST LIBRARYNAME %',
  ),
  place(
    'name-19',
    'a command that is asked for',
    'COMMAND INFO %',
    'COMMAND DOCS %',
    'COMMAND GETKEYS % a',
  ),
  place('name-20', 'a section', 'INFO %'),
  place('name-21', 'a member of a geo set', 'GEOADD g 1 1 %', 'GEOPOS g %', 'GEOHASH g %'),
  place('name-22', 'a value', 'SET k %', 'GET k', 'APPEND k %', 'STRLEN k'),
  place('name-23', 'a member of a HyperLogLog', 'PFADD p %', 'PFCOUNT p'),
  place(
    'name-24',
    'what is unblocked, killed and listed',
    'CLIENT KILL %',
    'CLIENT LIST TYPE %',
    'CLIENT UNBLOCK %',
  ),
  place('name-25', 'an event', 'CONFIG SET notify-keyspace-events %'),
];

/** Patterns that cost a matcher that tries every way a time without end. */
export const patterns: readonly (readonly [what: string, pattern: string])[] = [
  ['20 stars (CVE-2022-36021)', `${'a*'.repeat(20)}b`],
  ['50,000 times *? (CVE-2024-31228)', '*?'.repeat(50_000)],
  ['20,000 stars', `${'*'.repeat(20_000)}b`],
  ['a class that does not end', `[${'a'.repeat(20_000)}`],
  ['ranges in ranges', `${'[a-z]*'.repeat(30)}0`],
];

export const patternPlaces: readonly Place[] = [
  place('pattern-1', 'KEYS', 'KEYS %'),
  place('pattern-2', 'SCAN MATCH', 'SCAN 0 MATCH % COUNT 100'),
  place('pattern-3', 'HSCAN MATCH', 'HSCAN h 0 MATCH %'),
  place('pattern-4', 'SSCAN MATCH', 'SSCAN s 0 MATCH %'),
  place('pattern-5', 'ZSCAN MATCH', 'ZSCAN z 0 MATCH %'),
  place('pattern-6', 'CONFIG GET', 'CONFIG GET %'),
  place('pattern-7', 'COMMAND LIST FILTERBY PATTERN', 'COMMAND LIST FILTERBY PATTERN %'),
  place('pattern-8', 'FUNCTION LIST LIBRARYNAME', 'FUNCTION LIST LIBRARYNAME %'),
  place('pattern-9', 'PUBSUB CHANNELS', 'PUBSUB CHANNELS %'),
  place(
    'pattern-10',
    'a message to PSUBSCRIBE',
    'PUBLISH aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa m',
  ),
];
