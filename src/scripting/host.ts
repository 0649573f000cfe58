/**
 * What a script's engine needs of the server. The engine knows no client, no command and no clock.
 */
import type { Args } from '../util/args.ts';

/** Bytes of a RESP reply: `buf[0 .. pos)`, valid until the host's next call. */
export interface ReplyBytes {
  readonly buf: Uint8Array;
  readonly pos: number;
}

/** What becomes of a script that has run for a while. */
export const Verdict = { goOn: 0, kill: 1, suspend: 2 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** A function that a library registers while it is loaded. */
export interface Registration {
  readonly name: string;
  readonly description: string | undefined;
  /** Bits in the order of `FUNCTION_FLAGS`. */
  readonly flags: number;
  /** The engine's reference of the callback. */
  readonly ref: number;
}

/** Flags of functions and scripts, bit 0 first: the order of `functionflags` in wasm/redis.c. */
export const FUNCTION_FLAGS = [
  'no-writes',
  'allow-oom',
  'allow-stale',
  'no-cluster',
  'allow-cross-slot-keys',
] as const;

export interface ScriptHost {
  /** Runs a command of the script. The arguments are views into the engine's memory. */
  call(args: Args, resp: 2 | 3): ReplyBytes;
  /** What the script or function that runs is called in its errors. */
  scriptName(): ReplyBytes;
  /** An error is part of the result: the start of its line, and whether a command made it. */
  errored(line: string, counted: boolean): void;
  /** Whether the script's user may run a command: 1, 0, or -1 when there is no such command. */
  mayRun(args: Args): number;
  /** redis.log; `level` is 0 (debug) to 3 (warning), `text` is valid during the call. */
  log(level: number, text: Buffer): void;
  /** redis.set_repl; bit 0 AOF, bit 1 replicas. */
  setReplication(flags: number): void;
  /** redis.register_function; false when the library has a function of that name already. */
  register(registration: Registration): boolean;
  /** Asked every few hundred microseconds of a script's work. */
  check(): Verdict;
}
