/**
 * Function libraries: by their name, and their functions by theirs. Names of functions are
 * found in any case of letters, as in redis-server 7.0.15. Texts are latin1.
 */
import { CommandError } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import type { Registration } from './host.ts';

export interface LibraryFunction {
  readonly name: string;
  readonly description: string | undefined;
  /** Bits of `ScriptFlag`. */
  readonly flags: number;
  readonly library: Library;
  /** The engine's reference of the callback. */
  ref: number;
}

export interface Library {
  readonly name: string;
  /** The whole source, the shebang line included. */
  readonly code: string;
  readonly functions: readonly LibraryFunction[];
}

/** What an entry costs besides its texts. */
const ENTRY_BYTES = 300;

function costOf({ code, functions }: Library): number {
  return code.length + ENTRY_BYTES * (1 + functions.length);
}

export class Libraries {
  private readonly byName = new Map<string, Library>();
  private readonly functions = new Map<string, LibraryFunction>();

  get size(): number {
    return this.byName.size;
  }

  get functionCount(): number {
    return this.functions.size;
  }

  /** Bytes of the sources and what goes with them. */
  bytes = 0;

  values(): Iterable<Library> {
    return this.byName.values();
  }

  get(name: string): Library | undefined {
    return this.byName.get(name);
  }

  /** A function by its name, in any case. */
  find(name: string): LibraryFunction | undefined {
    return this.functions.get(name) ?? this.functions.get(name.toLowerCase());
  }

  /** A library of what was registered for it; not yet one of these. */
  static make(name: string, code: string, registered: readonly Registration[]): Library {
    const functions: LibraryFunction[] = [];
    const library: Library = { name, code, functions };
    for (const { name: each, description, flags, ref } of registered) {
      functions.push({ name: each, description, flags, ref, library });
    }
    return library;
  }

  /** Throws when another library has a function of the same name; `replaced` does not count. */
  checkNames(library: Library, replaced: Library | undefined): void {
    for (const { name } of library.functions) {
      const taken = this.find(name);
      if (taken !== undefined && taken.library !== replaced) {
        throw new CommandError(`ERR Function ${name} already exists`);
      }
    }
  }

  /** Adds a library whose names are free. */
  add(library: Library): void {
    this.byName.set(library.name, library);
    for (const each of library.functions) this.functions.set(each.name.toLowerCase(), each);
    this.count(costOf(library));
  }

  remove(library: Library): void {
    this.byName.delete(library.name);
    for (const { name } of library.functions) this.functions.delete(name.toLowerCase());
    this.count(-costOf(library));
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    heapGuard.count('functions', bytes);
  }

  clear(): void {
    this.byName.clear();
    this.functions.clear();
    this.count(-this.bytes);
  }
}
