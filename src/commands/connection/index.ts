/** The commands of the connection group. */
import type { CommandSpec } from '../spec.ts';
import { client } from './client.ts';
import { auth, hello, quit, reset, select } from './hello.ts';
import { echo, ping } from './ping.ts';

export const connectionCommands: readonly CommandSpec[] = [
  auth,
  client,
  echo,
  hello,
  ping,
  quit,
  reset,
  select,
];
