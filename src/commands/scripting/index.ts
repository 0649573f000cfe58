/** Scripts and functions. */
import type { CommandSpec } from '../spec.ts';
import {
  evalReadOnly,
  evalScript,
  evalSha,
  evalShaReadOnly,
  fcall,
  fcallReadOnly,
} from './eval.ts';
import { functions } from './function.ts';
import { script } from './script.ts';

export const scriptingCommands: readonly CommandSpec[] = [
  evalScript,
  evalReadOnly,
  evalSha,
  evalShaReadOnly,
  fcall,
  fcallReadOnly,
  functions,
  script,
];
