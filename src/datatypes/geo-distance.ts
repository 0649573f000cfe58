/**
 * Distances on the globe by the haversine formula, and whether a position lies inside a circle or
 * a box. Every operation is done in Redis's order, so results agree to the last bit wherever sine
 * and arcsine do (src/util/trigonometry.ts).
 * Source: behaviour of redis-server 7.0.15, compared in test/datatypes/geohash-oracle.test.ts.
 */
import { asin, cos, sin } from '../util/trigonometry.ts';

/** Radius of the globe in metres. */
export const EARTH_RADIUS = 6372797.560856;

const RADIANS = Math.PI / 180;
const DIAMETER = 2 * EARTH_RADIUS;
/** Relative room for rounding in the tests that spare an arcsine: thousands of times enough. */
const SLACK = 1e-12;

/** What lies around a position: within `radius`, or in a box of `width` by `height`. */
export interface Shape {
  longitude: number;
  latitude: number;
  /** Of the unit that radius, width and height are given in. */
  metersPerUnit: number;
  /** Undefined for a box. */
  radius: number | undefined;
  width: number;
  height: number;
}

/**
 * Distance in metres. Never NaN: rounding brings the haversine of exact opposites to 1 + 2^-52 at
 * most, whose square root is 1. O(1).
 */
export function distance(lon1: number, lat1: number, lon2: number, lat2: number): number {
  return fromHaversine(
    haversine(lon1 * RADIANS, lat1 * RADIANS, cos(lat1 * RADIANS), lon2, lat2 * RADIANS),
  );
}

/** The square of the sine of half the angle between two positions. */
function haversine(
  lon1: number,
  lat1: number,
  cosLat1: number,
  lon2Degrees: number,
  lat2: number,
): number {
  const u = sin((lat2 - lat1) / 2);
  const v = sin((lon2Degrees * RADIANS - lon1) / 2);
  return u * u + cosLat1 * cos(lat2) * v * v;
}

function fromHaversine(value: number): number {
  return DIAMETER * asin(Math.sqrt(value));
}

/** A shape made ready to be asked about many positions. */
export class Region {
  private readonly longitude: number;
  private readonly latitude: number;
  private readonly cosLatitude: number;
  private readonly circle: boolean;
  /** Metres: the radius, or half the height of the box. */
  private readonly reach: number;
  private readonly halfWidth: number;
  /** A difference of latitudes, in radians, beyond which nothing can be inside. */
  private readonly latitudeReach: number;
  /** Haversines that are certainly too large. */
  private readonly haversineMax: number;

  constructor(shape: Shape) {
    const { radius, metersPerUnit } = shape;
    this.longitude = shape.longitude * RADIANS;
    this.latitude = shape.latitude * RADIANS;
    this.cosLatitude = cos(this.latitude);
    this.circle = radius !== undefined;
    this.reach = radius !== undefined ? radius * metersPerUnit : (shape.height * metersPerUnit) / 2;
    this.halfWidth = (shape.width * metersPerUnit) / 2;
    this.latitudeReach = (this.reach / EARTH_RADIUS) * (1 + SLACK) + SLACK;
    const angle = this.reach / DIAMETER;
    const sine = angle < 1.5 ? Math.sin(angle) : 2;
    this.haversineMax = sine * sine * (1 + SLACK);
  }

  /** Distance in metres of a position inside the shape; -1 when it is outside. O(1). */
  distanceInside(longitude: number, latitude: number): number {
    const lat = latitude * RADIANS;
    if (Math.abs(lat - this.latitude) > this.latitudeReach) return -1;
    if (!this.circle && !this.isInBox(longitude, lat)) return -1;
    const value = haversine(this.longitude, this.latitude, this.cosLatitude, longitude, lat);
    if (!this.circle) return fromHaversine(value);
    if (value > this.haversineMax) return -1;
    const meters = fromHaversine(value);
    return meters > this.reach ? -1 : meters;
  }

  /** Both ways are measured along the position's own meridian and parallel. */
  private isInBox(longitude: number, lat: number): boolean {
    const cosine = cos(lat);
    const lon = longitude * RADIANS;
    const across = sin((this.longitude - lon) / 2);
    if (fromHaversine(cosine * cosine * across * across) > this.halfWidth) return false;
    const along = sin((this.latitude - lat) / 2);
    return !(fromHaversine(along * along) > this.reach);
  }
}
