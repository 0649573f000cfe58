/**
 * Which server to be like where versions differ and a client can tell: one row for each profile. A
 * profile sets what clients are told and defaults of directives; what an option says comes after.
 */

export const profiles = {
  '7.0': {
    version: '7.0.15',
    /** Small sets of strings are hash tables there. */
    directives: { 'set-max-listpack-entries': '0' },
    valkeyVersion: undefined,
  },
  '7.2': { version: '7.2.4', directives: {}, valkeyVersion: undefined },
  '8.x': { version: '8.2.1', directives: {}, valkeyVersion: undefined },
  valkey: { version: '7.2.4', directives: {}, valkeyVersion: '8.1.1' },
} as const satisfies Readonly<Record<string, ServerProfile>>;

/** Name of a profile. */
export type Profile = keyof typeof profiles;

export interface ServerProfile {
  /** The Redis version that clients are told: HELLO, INFO, LOLWUT, Lua's REDIS_VERSION. */
  readonly version: string;
  readonly directives: Readonly<Record<string, string>>;
  /** What Valkey tells of itself in INFO. */
  readonly valkeyVersion: string | undefined;
}

/** The profile without which `compat` is not given: see docs/decisions/0004-reported-version.md. */
export const DEFAULT_PROFILE: Profile = '7.2';
