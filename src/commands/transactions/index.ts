/** Transactions. */
import type { CommandSpec } from '../spec.ts';
import { discard, exec, multi } from './multi.ts';
import { unwatch, watch } from './watch.ts';

export const transactionCommands: readonly CommandSpec[] = [multi, exec, discard, watch, unwatch];
