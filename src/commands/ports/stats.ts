/**
 * The server's figures as commands see them. `src/server/info.ts` implements it.
 */

/** INFO and CONFIG RESETSTAT. */
export interface StatsPort {
  /** INFO's text for the named sections (lower case; `default`, `all`, `everything` included). */
  text(sections: readonly string[]): string;
  /** Sets all counters to 0 that CONFIG RESETSTAT sets to 0. */
  reset(): void;
}
