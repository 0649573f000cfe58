/** Data as programs write and read it. Types only. */

/** A text or number; a Uint8Array for bytes that are no UTF-8. */
export type Scalar = string | number | Uint8Array;

interface Timed {
  /** Seconds to live. */
  readonly ttl?: number;
  /** When it ends, ms since the epoch. */
  readonly expiresAt?: number;
}

/** A key with its type said, for what a plain value cannot say. */
export type TypedValue =
  | ({ readonly string: Scalar } & Timed)
  | ({
      readonly hash: Readonly<Record<string, Scalar>>;
      readonly fieldTtl?: Readonly<Record<string, number>>;
      readonly fieldExpiresAt?: Readonly<Record<string, number>>;
    } & Timed)
  | ({ readonly list: readonly Scalar[] } & Timed)
  | ({ readonly set: readonly Scalar[] } & Timed)
  | ({ readonly zset: Readonly<Record<string, number>> } & Timed)
  | ({
      readonly stream: readonly StreamEntry[];
      readonly groups?: Readonly<Record<string, string>>;
    } & Timed);

/** An entry of a stream: its id (default `*`) and fields. */
export interface StreamEntry {
  readonly id?: string;
  readonly fields: Readonly<Record<string, Scalar>>;
}

/**
 * A key's value: a text or number is a string, an array a list, a Set a set, a Map from texts to
 * numbers a sorted set, an object with one of the type's names (`hash`, `stream`, …) what it says,
 * any other object a hash.
 */
export type SeedValue =
  | Scalar
  | readonly Scalar[]
  | ReadonlySet<Scalar>
  | ReadonlyMap<string, number>
  | TypedValue
  | { readonly [field: string]: Scalar };

/** Keys of one database. */
export type SeedKeys = Readonly<Record<string, SeedValue>>;

/** Keys of database 0, or `{ db: { 0: …, 3: … } }`. */
export type Seed = SeedKeys | { readonly db: Readonly<Record<number, SeedKeys>> };

/** What `toJSON` returns: types are always said, keys, members and fields are in order. */
export interface Json {
  readonly db: Readonly<Record<string, Readonly<Record<string, TypedValue>>>>;
}

export type Kept =
  | 'data'
  | 'config'
  | 'users'
  | 'scripts'
  | 'statistics'
  | 'clients'
  | 'clock'
  | 'faults';

export interface ResetOptions {
  /** What is left as it is. */
  readonly keep?: readonly Kept[];
}

/** A moment of all data, of one server. */
export interface StateSnapshot extends Disposable {
  /** Number of keys. */
  readonly keys: number;
  /**
   * The same moment for servers in other threads: can be posted, needs nothing of its server any
   * more, and costs each server that begins with it only what it changes. O(data) the first time.
   */
  share(): SharedSnapshot;
  /** It is not needed any more: its memory is free. */
  dispose(): void;
}

/** What `share` returns: pass it on, do not look inside. */
export interface SharedSnapshot {
  readonly respite: 'snapshot';
}
