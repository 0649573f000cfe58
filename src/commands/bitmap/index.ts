/** The commands of the bitmap group. */
import type { CommandSpec } from '../spec.ts';
import { getbit, setbit } from './bit.ts';
import { bitcount, bitpos } from './bitcount.ts';
import { bitfield, bitfieldRo } from './bitfield.ts';
import { bitop } from './bitop.ts';

export const bitmapCommands: readonly CommandSpec[] = [
  bitcount,
  bitfield,
  bitfieldRo,
  bitop,
  bitpos,
  getbit,
  setbit,
];
