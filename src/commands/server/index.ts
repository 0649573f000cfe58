/** The commands of the server group. */
import type { CommandSpec } from '../spec.ts';
import { aclCommand } from './acl.ts';
import { commandCommand } from './command.ts';
import { commandlog } from './commandlog.ts';
import { config } from './config.ts';
import { debug } from './debug.ts';
import { dbsize, flushall, flushdb, swapdb } from './flush.ts';
import { hotkeys } from './hotkeys.ts';
import { info, lolwut, shutdown, time } from './info.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { moduleCommand } from './module.ts';
import { monitor } from './monitor.ts';
import { bgrewriteaof, bgsave, lastsave, save } from './persistence.ts';
import { replicaof, slaveof } from './replicaof.ts';
import { failover, role } from './role.ts';
import { slowlog } from './slowlog.ts';
import { psync, replconf, sync } from './sync.ts';

export const serverCommands: readonly CommandSpec[] = [
  aclCommand,
  bgrewriteaof,
  bgsave,
  commandCommand,
  config,
  dbsize,
  debug,
  failover,
  flushall,
  flushdb,
  info,
  lastsave,
  latency,
  lolwut,
  memory,
  moduleCommand,
  monitor,
  psync,
  replconf,
  replicaof,
  role,
  save,
  shutdown,
  slaveof,
  slowlog,
  commandlog,
  hotkeys,
  swapdb,
  sync,
  time,
];
