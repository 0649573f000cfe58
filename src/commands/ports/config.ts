/**
 * The configuration as commands see it. `src/config` implements it.
 */

/** The configuration as CONFIG sees it. Errors are thrown as CommandError. */
export interface ConfigPort {
  get(patterns: readonly string[]): [name: string, value: string][];
  set(pairs: readonly (readonly [name: string, value: string])[]): void;
  rewrite(): void;
  string(name: string): string;
  number(name: string): number;
  bool(name: string): boolean;
}
