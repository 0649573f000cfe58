/** The commands of the stream group. */
import type { CommandSpec } from '../spec.ts';
import { xlen, xrange, xrevrange } from './range.ts';
import { xack } from './xack.ts';
import { xadd } from './xadd.ts';
import { xcfgset } from './xcfgset.ts';
import { xautoclaim, xclaim } from './xclaim.ts';
import { xdel } from './xdel.ts';
import { xackdel, xdelex } from './xdelex.ts';
import { xgroup } from './xgroup.ts';
import { xidmprecord } from './xidmprecord.ts';
import { xinfo } from './xinfo.ts';
import { xnack } from './xnack.ts';
import { xpending } from './xpending.ts';
import { xread, xreadgroup } from './xread.ts';
import { xsetid } from './xsetid.ts';
import { xtrim } from './xtrim.ts';

export const streamCommands: readonly CommandSpec[] = [
  xack,
  xackdel,
  xadd,
  xautoclaim,
  xcfgset,
  xclaim,
  xdel,
  xdelex,
  xgroup,
  xidmprecord,
  xinfo,
  xlen,
  xnack,
  xpending,
  xrange,
  xread,
  xreadgroup,
  xrevrange,
  xsetid,
  xtrim,
];
