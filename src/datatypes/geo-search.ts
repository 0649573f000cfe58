/**
 * Which ranges of scores a search looks through: the grid cell that holds the centre and its eight
 * neighbours, at a step whose cells are about as large as the shape, less those that the shape
 * cannot touch. The cells come in Redis's order, which is the order of unsorted replies.
 * Source: behaviour of redis-server 7.0.15, compared in test/datatypes/geohash-oracle.test.ts.
 */
import { cos } from '../util/trigonometry.ts';
import { EARTH_RADIUS, type Shape } from './geo-distance.ts';
import { cellScore, columnOf, rowOf, STEP_MAX, southOf, westOf } from './geohash.ts';

/** Half of the equator in the Mercator projection, in metres. */
const MERCATOR_MAX = 20037726.37;
const RADIANS = Math.PI / 180;

/** Scores from `min` up to, but without, `max`. */
export interface ScoreRange {
  readonly min: number;
  readonly max: number;
}

/** Where a neighbour lies: columns to the east and rows to the north, in Redis's order. */
const NEIGHBOURS = [
  { east: 0, north: 0 },
  { east: 0, north: 1 },
  { east: 0, north: -1 },
  { east: 1, north: 0 },
  { east: -1, north: 0 },
  { east: 1, north: 1 },
  { east: -1, north: 1 },
  { east: 1, north: -1 },
  { east: -1, north: -1 },
] as const;

/** The step whose cells are large enough for a radius at a latitude: 1 to 26. O(1). */
export function stepForRadius(meters: number, latitude: number): number {
  if (meters === 0) return STEP_MAX;
  let step = -1;
  for (let reach = meters; reach < MERCATOR_MAX; reach *= 2) step++;
  // Cells become narrow towards the poles.
  const magnitude = Math.abs(latitude);
  if (magnitude > 66) step--;
  if (magnitude > 80) step--;
  return Math.min(Math.max(step, 1), STEP_MAX);
}

/** What a shape may touch, in degrees. */
interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

function boundsOf(shape: Shape): Bounds {
  const { longitude, latitude, metersPerUnit, radius } = shape;
  const height = metersPerUnit * (radius ?? shape.height / 2);
  const width = metersPerUnit * (radius ?? shape.width / 2);
  const up = height / EARTH_RADIUS / RADIANS;
  // A parallel is shorter on the side of the nearer pole, so the same width spans more degrees.
  const polewards = latitude < 0 ? latitude - up : latitude + up;
  const aside = width / EARTH_RADIUS / cos(polewards * RADIANS) / RADIANS;
  return {
    west: longitude - aside,
    south: latitude - up,
    east: longitude + aside,
    north: latitude + up,
  };
}

/** Distance in metres from the centre to the farthest point of the shape. */
function outerRadius({ radius, width, height, metersPerUnit }: Shape): number {
  if (radius !== undefined) return radius * metersPerUnit;
  return Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2)) * metersPerUnit;
}

/** The ranges to look through, at most nine, in order. Their members still need a look. O(1). */
export function searchRanges(shape: Shape): ScoreRange[] {
  const bounds = boundsOf(shape);
  let step = stepForRadius(outerRadius(shape), shape.latitude);
  if (step > 1 && !neighboursReach(shape, bounds, step)) step--;

  const size = 2 ** step;
  const column = columnOf(shape.longitude, step);
  const row = rowOf(shape.latitude, step);
  // With four cells in all the neighbours are each other's: nothing may be left out. Bounds may be
  // NaN when the shape is larger than the globe, which leaves nothing out either.
  const all = step < 2;
  const south = all || !(southOf(row, step) < bounds.south);
  const north = all || !(southOf(row + 1, step) > bounds.north);
  const west = all || !(westOf(column, step) < bounds.west);
  const east = all || !(westOf(column + 1, step) > bounds.east);

  const ranges: ScoreRange[] = [];
  let lastColumn = -1;
  let lastRow = -1;
  for (const side of NEIGHBOURS) {
    if ((side.north < 0 && !south) || (side.north > 0 && !north)) continue;
    if ((side.east < 0 && !west) || (side.east > 0 && !east)) continue;
    // Only a move wraps: the centre itself may be column or row 2^step.
    const c = side.east === 0 ? column : (column + side.east) & (size - 1);
    const r = side.north === 0 ? row : (row + side.north) & (size - 1);
    if (c === lastColumn && r === lastRow) continue;
    ranges.push({ min: cellScore(c, r, step, 0), max: cellScore(c, r, step, 1) });
    // As in Redis the centre is not compared with the cell after it.
    if (side !== NEIGHBOURS[0]) {
      lastColumn = c;
      lastRow = r;
    }
  }
  return ranges;
}

/** Whether the neighbours of the centre's cell reach beyond the bounds on all four sides. */
function neighboursReach(shape: Shape, bounds: Bounds, step: number): boolean {
  const mask = 2 ** step - 1;
  const column = columnOf(shape.longitude, step);
  const row = rowOf(shape.latitude, step);
  // A neighbour across the rim lies on the other end of the grid, and is taken as such.
  return !(
    southOf(((row + 1) & mask) + 1, step) < bounds.north ||
    southOf((row - 1) & mask, step) > bounds.south ||
    westOf(((column + 1) & mask) + 1, step) < bounds.east ||
    westOf((column - 1) & mask, step) > bounds.west
  );
}
