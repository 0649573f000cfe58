/**
 * Commands of redis-server 7.0.15 that this server may not have: rules that name them are accepted,
 * kept and described all the same, so that a file of users can move in either direction. What this
 * server does have is passed over (`Catalogue`).
 */
import type { CommandFacts } from './command-facts.ts';

const ADMIN = 'admin slow dangerous';

/** Names by their categories; `container: sub sub` stands for the container's subcommands. */
const rows: readonly (readonly [categories: string, names: string])[] = [
  ['slow', 'acl cluster latency memory module slowlog'],
  ['slow', 'acl: cat genpass help whoami'],
  [ADMIN, 'acl: deluser dryrun getuser list load log save setuser users'],
  ['fast connection', 'asking readonly readwrite'],
  ['slow connection', 'wait'],
  [
    ADMIN,
    'cluster: addslots addslotsrange bumpepoch count-failure-reports delslots delslotsrange ' +
      'failover flushslots forget meet replicas replicate reset saveconfig set-config-epoch setslot slaves',
  ],
  [
    'slow',
    'cluster: countkeysinslot getkeysinslot help info keyslot links myid ' + 'nodes shards slots',
  ],
  [ADMIN, 'failover psync replconf replicaof slaveof sync'],
  ['admin fast dangerous', 'role'],
  [ADMIN, 'latency: doctor graph histogram history latest reset'],
  ['slow', 'latency: help'],
  ['slow', 'memory: doctor help malloc-stats purge stats'],
  ['read slow', 'memory: usage'],
  ['keyspace write slow dangerous', 'restore-asking'],
  [ADMIN, 'module: list load loadex unload'],
  ['slow', 'module: help'],
  ['write hyperloglog admin slow dangerous', 'pfdebug'],
  ['hyperloglog admin slow dangerous', 'pfselftest'],
  [ADMIN, 'slowlog: get len reset'],
  ['slow', 'slowlog: help'],
];

/** All of them, containers before their subcommands. */
export function absentCommands(): CommandFacts[] {
  return rows.flatMap(([categories, names]) => {
    const [container, subs] = names.split(': ');
    const prefix = subs === undefined ? '' : `${container}|`;
    return (subs ?? names).split(' ').map((name) => ({
      fullName: prefix + name,
      categories: categories.split(' '),
      isOfRedis7: true,
    }));
  });
}
