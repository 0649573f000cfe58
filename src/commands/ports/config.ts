/**
 * The configuration as commands see it. `src/config` implements it.
 */

/** The configuration as CONFIG sees it. Errors are thrown as CommandError. */
export interface ConfigPort {
  get(patterns: readonly string[]): [name: string, value: string][];
  /** `local`: who asks comes from this machine. */
  set(
    pairs: readonly (readonly [name: string, value: string])[],
    options?: { readonly local?: boolean },
  ): void;
  rewrite(): void;
  string(name: string): string;
  number(name: string): number;
  bool(name: string): boolean;
}
