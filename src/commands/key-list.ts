/**
 * The keys of a command line as they were read from its arguments: which arguments they are, and
 * what the command does with each. Used again and again, so that finding keys allocates nothing.
 */
import { Access } from '../acl/pattern.ts';

/** What a command does with a key. */
export interface KeyUse {
  /** As COMMAND INFO names it: RO RW OW RM, access update insert delete, ... */
  readonly flags: readonly string[];
  /** What a user must be allowed to do with it (`Access`), 0 when knowing of it is all. */
  readonly access: number;
}

/** A use by its flags. */
export function keyUse(...flags: readonly string[]): KeyUse {
  const reads = flags.includes('access');
  const writes = ['insert', 'delete', 'update'].some((flag) => flags.includes(flag));
  return { flags, access: (reads ? Access.read : 0) | (writes ? Access.write : 0) };
}

export class KeyList {
  count = 0;
  /** Arguments. */
  readonly at: number[] = [];
  readonly uses: KeyUse[] = [];

  clear(): void {
    this.count = 0;
  }

  add(argument: number, use: KeyUse): void {
    this.at[this.count] = argument;
    this.uses[this.count] = use;
    this.count++;
  }
}
