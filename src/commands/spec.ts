/**
 * How a command is written: one literal that holds its facts (`facts.ts`) next to its handler.
 */
import type { Context } from './context.ts';
import type { KeySpec, Spec } from './facts.ts';

/** A command whose handler gets a `Context`. */
export type CommandSpec = Spec<Context>;

/** Checks a command literal against `CommandSpec` and keeps its exact type. */
export function command<const T extends CommandSpec>(spec: T): T & CommandSpec {
  return spec;
}

/** Keys at fixed places: first, last (negative counts from the end), step. */
export function keyRange(first: number, last: number, step: number, ...flags: string[]): KeySpec {
  return {
    flags,
    begin: { type: 'index', index: first },
    find: { type: 'range', last: last < 0 ? last : last - first, step, limit: 0 },
  };
}

/** One key at argument `index`. */
export function keyAt(index: number, ...flags: string[]): KeySpec {
  return keyRange(index, index, 1, ...flags);
}

/** `numkeys key [key ...]` with numkeys at argument `index`. */
export function keyCount(index: number, ...flags: string[]): KeySpec {
  return {
    flags,
    begin: { type: 'index', index },
    find: { type: 'keynum', keynum: 0, first: 1, step: 1 },
  };
}
