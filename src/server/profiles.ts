/**
 * Which server to be like where versions differ and a client can tell: one row for each profile. A
 * profile sets what clients are told and defaults of directives; what an option says comes after.
 */

export interface ServerProfile {
  /** The Redis version that clients are told: HELLO, INFO, LOLWUT, Lua's REDIS_VERSION. */
  readonly version: string;
  /** What Valkey tells of itself in INFO. */
  readonly valkeyVersion: string | undefined;
  /** Whether small lists are called `listpack`: 7.0 calls every list `quicklist`. */
  readonly smallLists: boolean;
  /** Whether XINFO tells when a consumer of a group got something last, not only when it asked. */
  readonly activeTimes: boolean;
  readonly directives: Readonly<Record<string, string>>;
}

const later = {
  valkeyVersion: undefined,
  smallLists: true,
  activeTimes: true,
  directives: {},
} as const;

export const profiles = {
  '7.0': {
    version: '7.0.15',
    valkeyVersion: undefined,
    smallLists: false,
    activeTimes: false,
    // Small sets of strings are hash tables there.
    directives: { 'set-max-listpack-entries': '0' },
  },
  '7.2': { ...later, version: '7.2.4' },
  '8.x': { ...later, version: '8.2.1' },
  valkey: { ...later, version: '7.2.4', valkeyVersion: '8.1.1' },
} as const satisfies Readonly<Record<string, ServerProfile>>;

/** Name of a profile. */
export type Profile = keyof typeof profiles;

/** Without `compat`: 7.0.15 but for docs/differences.md, and decision 0004's version. */
export const defaultProfile: ServerProfile = {
  ...profiles['7.2'],
  smallLists: false,
  activeTimes: false,
};
