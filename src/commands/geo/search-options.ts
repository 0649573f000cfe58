/**
 * The arguments of the searches: GEORADIUS, GEORADIUSBYMEMBER, GEOSEARCH and GEOSEARCHSTORE name
 * the same things in different places. Redis reads them from left to right and answers the first
 * error, some of them only if the key exists; so does this, by hand: a grammar would know the
 * words but not which error comes first.
 */
import type { Shape } from '../../datatypes/geo-distance.ts';
import type { GeoOrder } from '../../datatypes/geo-matches.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { intArgument } from '../integers.ts';
import { doubleArgument, positionArgument, unitArgument } from './geo-arguments.ts';

const noRadius = new CommandError('ERR need numeric radius');
const negativeRadius = new CommandError('ERR radius cannot be negative');
const noWidth = new CommandError('ERR need numeric width');
const noHeight = new CommandError('ERR need numeric height');
const negativeBox = new CommandError('ERR height or width cannot be negative');
const countNotPositive = new CommandError('ERR COUNT must be > 0');
const anyWithoutCount = new CommandError('ERR the ANY argument requires COUNT argument');

/** What a search command allows. */
export interface SearchForm {
  /** FROMMEMBER and its like are options. */
  readonly isGeosearch: boolean;
  /** STORE and STOREDIST name a key. */
  readonly mayStore: boolean;
  /** For an error text. */
  readonly storeName: string;
}

/** Moves the shape to the position of the member that is argument i. Throws when there is none. */
export type Locate = (i: number, shape: Shape) => void;

export class SearchOptions {
  readonly shape: Shape = {
    longitude: 0,
    latitude: 0,
    metersPerUnit: 1,
    radius: 0,
    width: 0,
    height: 0,
  };
  withDistance = false;
  withHash = false;
  withPosition = false;
  order: GeoOrder = 'found';
  /** 0 for all. */
  count = 0;
  /** The first `count` that are found will do. */
  any = false;
  /** The argument that names the key to store under; 0 for none. */
  storeKey = 0;
  /** Distances are stored as scores. */
  storeDistance = false;
  private hasMember = false;
  private hasPosition = false;
  private hasRadius = false;
  private hasBox = false;

  /** Arguments i and i + 1: a radius and its unit. */
  readRadius(args: Args, i: number): void {
    const radius = doubleArgument(args, i, noRadius);
    if (radius < 0) throw negativeRadius;
    this.shape.metersPerUnit = unitArgument(args, i + 1);
    this.shape.radius = radius;
  }

  /** Arguments i to i + 2: width, height and their unit. */
  private readBox(args: Args, i: number): void {
    const width = doubleArgument(args, i, noWidth);
    const height = doubleArgument(args, i + 1, noHeight);
    if (width < 0 || height < 0) throw negativeBox;
    this.shape.metersPerUnit = unitArgument(args, i + 2);
    this.shape.radius = undefined;
    this.shape.width = width;
    this.shape.height = height;
  }

  /** Reads all options from argument `from` on. `locate` is absent when the key is missing. */
  readOptions(args: Args, from: number, form: SearchForm, locate: Locate | undefined): void {
    for (let i = from; i < args.argc; ) {
      const taken =
        this.readOutput(args, i) ||
        (form.mayStore ? this.readStore(args, i) : 0) ||
        (form.isGeosearch ? this.readCentre(args, i, locate) || this.readShape(args, i) : 0);
      if (taken === 0) throw errors.syntax;
      i += taken;
    }
    this.check(args, form);
  }

  /**
   * The argument that `readOptions` takes for the key to store at, 0 for none: also of options that
   * it refuses, as far as they are understood.
   */
  static storeKeyOf(args: Args, from: number): number {
    const options = new SearchOptions();
    for (let i = from; i < args.argc; ) {
      let taken = 0;
      if (args.is(i, 'COUNT') && i + 1 < args.argc) taken = 2;
      else taken = options.readOutput(args, i) || options.readStore(args, i);
      if (taken === 0) break;
      i += taken;
    }
    return options.storeKey;
  }

  /** An option that says what to answer: how many arguments it takes, 0 when it is none. */
  private readOutput(args: Args, i: number): number {
    if (args.is(i, 'WITHDIST')) this.withDistance = true;
    else if (args.is(i, 'WITHHASH')) this.withHash = true;
    else if (args.is(i, 'WITHCOORD')) this.withPosition = true;
    else if (args.is(i, 'ANY')) this.any = true;
    else if (args.is(i, 'ASC')) this.order = 'nearest';
    else if (args.is(i, 'DESC')) this.order = 'farthest';
    else if (args.is(i, 'COUNT') && i + 1 < args.argc) {
      this.count = intArgument(args, i + 1);
      if (this.count <= 0) throw countNotPositive;
      return 2;
    } else return 0;
    return 1;
  }

  private readStore(args: Args, i: number): number {
    const distance = args.is(i, 'STOREDIST');
    if ((!distance && !args.is(i, 'STORE')) || i + 1 >= args.argc) return 0;
    this.storeKey = i + 1;
    this.storeDistance = distance;
    return 2;
  }

  private readCentre(args: Args, i: number, locate: Locate | undefined): number {
    if (args.is(i, 'FROMMEMBER') && i + 1 < args.argc && !this.hasPosition) {
      locate?.(i + 1, this.shape);
      this.hasMember = true;
      return 2;
    }
    if (args.is(i, 'FROMLONLAT') && i + 2 < args.argc && !this.hasMember) {
      positionArgument(args, i + 1, this.shape);
      this.hasPosition = true;
      return 3;
    }
    return 0;
  }

  private readShape(args: Args, i: number): number {
    if (args.is(i, 'BYRADIUS') && i + 2 < args.argc && !this.hasBox) {
      this.readRadius(args, i + 1);
      this.hasRadius = true;
      return 3;
    }
    if (args.is(i, 'BYBOX') && i + 3 < args.argc && !this.hasRadius) {
      this.readBox(args, i + 1);
      this.hasBox = true;
      return 4;
    }
    // GEOSEARCHSTORE's STOREDIST is a switch: the key has its place.
    if (this.storeKey !== 0 && args.is(i, 'STOREDIST')) {
      this.storeDistance = true;
      return 1;
    }
    return 0;
  }

  private check(args: Args, form: SearchForm): void {
    const { storeKey, any, count } = this;
    if (storeKey !== 0 && (this.withDistance || this.withHash || this.withPosition)) {
      throw new CommandError(
        `ERR ${form.storeName} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`,
      );
    }
    if (form.isGeosearch) {
      if (!this.hasMember && !this.hasPosition) {
        throw exactlyOne('FROMMEMBER or FROMLONLAT', args);
      }
      if (!this.hasRadius && !this.hasBox) throw exactlyOne('BYRADIUS and BYBOX', args);
    }
    if (any && count === 0) throw anyWithoutCount;
    // The closest ones are meant, unless any will do.
    if (count !== 0 && this.order === 'found' && !any) this.order = 'nearest';
  }
}

/** Redis names the command as the client spelled it. */
function exactlyOne(what: string, args: Args): CommandError {
  return new CommandError(`ERR exactly one of ${what} can be specified for ${args.cString(0)}`);
}
