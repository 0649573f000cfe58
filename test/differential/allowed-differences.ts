/**
 * Every difference from redis-server 7.0.15 that is on purpose. An entry needs a reason that holds
 * before a reader who knows Redis, and is listed in docs/compatibility.md; one that no script needs
 * any more fails the run. "It is easier for us" is not a reason.
 */
import type { AllowedDifference } from '../harness/differential.ts';

export const allowedDifferences: readonly AllowedDifference[] = [
  {
    script: 'wrong-type',
    command: /^OBJECT ENCODING/,
    ours: /listpack/,
    oracle: /hashtable/,
    why: 'small sets of strings are listpacks as in Redis 7.2, with its set-max-listpack-* limits',
  },
  {
    script: 'zset',
    command: /^Z(REV)?RANK \S+ \S+ \S+$/,
    oracle: /wrong number of arguments/,
    why: 'ZRANK and ZREVRANK take WITHSCORE as in Redis 7.2',
  },
  {
    script: 'reset',
    command: /^CLIENT INFO/,
    ours: /flags=N/,
    oracle: /flags=e/,
    why: 'RESET ends CLIENT NO-EVICT as in Redis 7.2',
  },
  {
    script: 'config',
    command: /^CONFIG SET maxmemory-policy/,
    ours: /allkeys-lrm/,
    oracle: /allkeys-random/,
    why: 'the policies are those of Redis 8.6',
  },
];

/** Reviewed differences in COMMAND INFO: `command: field` to the reason. */
export const allowedCommandInfo: Readonly<Record<string, string>> = {
  'zrank: arity': 'takes WITHSCORE as in Redis 7.2',
  'zrevrank: arity': 'takes WITHSCORE as in Redis 7.2',
};
