/**
 * All commands, an explicit list: no directory scanning, no decorators.
 */
import { connectionCommands } from './connection/index.ts';
import { genericCommands } from './generic/index.ts';
import { serverCommands } from './server/index.ts';
import type { CommandSpec } from './spec.ts';
import { stringCommands } from './string/index.ts';

export const allCommands: readonly CommandSpec[] = [
  ...connectionCommands,
  ...genericCommands,
  ...serverCommands,
  ...stringCommands,
];
