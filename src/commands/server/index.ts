/** The commands of the server group. */
import type { CommandSpec } from '../spec.ts';
import { commandCommand } from './command.ts';
import { config } from './config.ts';
import { debug } from './debug.ts';
import { dbsize, flushall, flushdb, swapdb } from './flush.ts';
import { info, lastsave, lolwut, role, shutdown, time } from './info.ts';
import { memory } from './memory.ts';
import { monitor } from './monitor.ts';

export const serverCommands: readonly CommandSpec[] = [
  commandCommand,
  config,
  dbsize,
  debug,
  flushall,
  flushdb,
  info,
  lastsave,
  lolwut,
  memory,
  monitor,
  role,
  shutdown,
  swapdb,
  time,
];
