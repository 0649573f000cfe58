/**
 * All commands, an explicit list: no directory scanning, no decorators.
 */
import { bitmapCommands } from './bitmap/index.ts';
import { connectionCommands } from './connection/index.ts';
import { genericCommands } from './generic/index.ts';
import { geoCommands } from './geo/index.ts';
import { hashCommands } from './hash/index.ts';
import { hyperloglogCommands } from './hyperloglog/index.ts';
import { listCommands } from './list/index.ts';
import { pubsubCommands } from './pubsub/index.ts';
import { scriptingCommands } from './scripting/index.ts';
import { serverCommands } from './server/index.ts';
import { setCommands } from './set/index.ts';
import { sortedSetCommands } from './sorted-set/index.ts';
import type { CommandSpec } from './spec.ts';
import { streamCommands } from './stream/index.ts';
import { stringCommands } from './string/index.ts';
import { transactionCommands } from './transactions/index.ts';

export const allCommands: readonly CommandSpec[] = [
  ...bitmapCommands,
  ...connectionCommands,
  ...genericCommands,
  ...geoCommands,
  ...hyperloglogCommands,
  ...hashCommands,
  ...listCommands,
  ...pubsubCommands,
  ...scriptingCommands,
  ...serverCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...streamCommands,
  ...stringCommands,
  ...transactionCommands,
];
