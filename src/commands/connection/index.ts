/** The commands of the connection group. */
import type { CommandSpec } from '../spec.ts';
import { auth } from './auth.ts';
import { client } from './client.ts';
import { hello } from './hello.ts';
import { echo, ping } from './ping.ts';
import { quit, reset } from './reset.ts';
import { select } from './select.ts';

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
