/**
 * Arguments and replies that the geo commands share: positions, units, lengths, distances.
 */
import { isPosition, type Position } from '../../datatypes/geohash.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { formatHumanDouble } from '../../util/long-double.ts';
import { parseDouble } from '../../util/numbers.ts';

const unknownUnit = new CommandError('ERR unsupported unit provided. please use M, KM, FT, MI');

/** Argument i as a double; throws `error` when it is none. */
export function doubleArgument(args: Args, i: number, error: CommandError): number {
  const value = parseDouble(args.buf, args.off[i]!, args.len[i]!);
  if (Number.isNaN(value)) throw error;
  return value;
}

/** Metres per unit that argument i names. */
export function unitArgument(args: Args, i: number): number {
  if (args.is(i, 'M')) return 1;
  if (args.is(i, 'KM')) return 1000;
  if (args.is(i, 'FT')) return 0.3048;
  if (args.is(i, 'MI')) return 1609.34;
  throw unknownUnit;
}

/** Arguments i and i + 1 as a position that can be stored. */
export function positionArgument(args: Args, i: number, into: Position): void {
  const longitude = doubleArgument(args, i, errors.notFloat);
  const latitude = doubleArgument(args, i + 1, errors.notFloat);
  if (!isPosition(longitude, latitude)) {
    throw new CommandError(
      `ERR invalid longitude,latitude pair ${sixDecimals(longitude)},${sixDecimals(latitude)}`,
    );
  }
  into.longitude = longitude;
  into.latitude = latitude;
}

/** A position as GEOPOS and WITHCOORD answer it. */
export function replyPosition(reply: Reply, { longitude, latitude }: Position): void {
  reply.array(2);
  reply.doubleText(formatHumanDouble(longitude));
  reply.doubleText(formatHumanDouble(latitude));
}

/** 2^52: adding it leaves no room for a fraction, so the sum is rounded half to even. */
const ROUNDER = 2 ** 52;

/**
 * A distance with four decimals. As in redis-server 7.0.15 it is scaled and rounded as a double,
 * which is not what printf makes of it.
 */
export function distanceText(value: number): string {
  const digits = String(value * 10_000 + ROUNDER - ROUNDER).padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

/** C's %f. */
function sixDecimals(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.000000';
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  const longer = value.toFixed(7);
  // JavaScript rounds a tie away from zero, C to the even digit.
  const isTie = Math.abs(value * 128) % 2 === 1;
  if (isTie && Number(longer.at(-2)) % 2 === 0) return longer.slice(0, -1);
  return value.toFixed(6);
}
