/** The commands of the connection group. */
import type { CommandSpec } from '../spec.ts';
import { echo, ping } from './ping.ts';

export const connectionCommands: readonly CommandSpec[] = [echo, ping];
