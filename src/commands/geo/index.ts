/** The commands of the geo group. */
import type { CommandSpec } from '../spec.ts';
import { geoadd } from './geoadd.ts';
import { geodist, geohash, geopos } from './geopos.ts';
import { georadius, georadiusbymember, georadiusbymemberRo, georadiusRo } from './georadius.ts';
import { geosearch, geosearchstore } from './geosearch.ts';

export const geoCommands: readonly CommandSpec[] = [
  geoadd,
  geodist,
  geohash,
  geopos,
  georadius,
  georadiusRo,
  georadiusbymember,
  georadiusbymemberRo,
  geosearch,
  geosearchstore,
];
