/**
 * What is known of single members: GEOPOS, GEOHASH, GEODIST.
 */
import { distance } from '../../datatypes/geo-distance.ts';
import { geohashText, type Position } from '../../datatypes/geohash.ts';
import { errors } from '../../util/errors.ts';
import { command, keyAt } from '../spec.ts';
import { distanceText, replyPosition, unitArgument } from './geo-arguments.ts';
import { findPosition } from './geo-set.ts';

const position: Position = { longitude: 0, latitude: 0 };
const other: Position = { longitude: 0, latitude: 0 };

/** GEOPOS key [member [member ...]] */
export const geopos = command({
  name: 'geopos',
  arity: -2,
  group: 'geo',
  since: '3.2.0',
  summary: 'Returns the longitude and latitude of members.',
  complexity: 'O(1) for each member.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const zset = ctx.keyspace.zsets;
    const entry = ctx.db.readValue(args, 1, zset);
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) {
      if (entry !== 0 && findPosition(zset, args, i, position)) replyPosition(reply, position);
      else reply.nullArray();
    }
  },
});

/** GEOHASH key [member [member ...]] */
export const geohash = command({
  name: 'geohash',
  arity: -2,
  group: 'geo',
  since: '3.2.0',
  summary: 'Returns the positions of members as geohash texts of 11 characters.',
  complexity: 'O(1) for each member.',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const zset = ctx.keyspace.zsets;
    const entry = ctx.db.readValue(args, 1, zset);
    reply.array(args.argc - 2);
    for (let i = 2; i < args.argc; i++) {
      if (entry !== 0 && findPosition(zset, args, i, position)) {
        reply.bulkLatin1(geohashText(position.longitude, position.latitude));
      } else reply.null();
    }
  },
});

/** GEODIST key member1 member2 [M | KM | FT | MI] */
export const geodist = command({
  name: 'geodist',
  arity: -4,
  group: 'geo',
  since: '3.2.0',
  summary: 'Returns how far apart two members are.',
  complexity: 'O(1)',
  flags: ['readonly'],
  keys: [keyAt(1, 'RO', 'access')],
  syntax: 'key member1 member2 [M | KM | FT | MI]',

  run(ctx, args, reply) {
    if (args.argc > 5) throw errors.syntax;
    const metersPerUnit = args.argc === 5 ? unitArgument(args, 4) : 1;
    const zset = ctx.keyspace.zsets;
    if (
      ctx.db.readValue(args, 1, zset) === 0 ||
      !findPosition(zset, args, 2, position) ||
      !findPosition(zset, args, 3, other)
    ) {
      reply.null();
      return;
    }
    const meters = distance(position.longitude, position.latitude, other.longitude, other.latitude);
    reply.bulkLatin1(distanceText(meters / metersPerUnit));
  },
});
