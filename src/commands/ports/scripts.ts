/**
 * Scripts and functions as commands see them. `src/server/scripting.ts` implements it.
 */
import type { Reply } from '../../resp/reply.ts';
import type { Args } from '../../util/args.ts';
import type { SessionPort } from './session.ts';

/** The call a script is run for: the context of EVAL or FCALL. */
export interface ScriptCaller {
  readonly session: SessionPort;
  /**
   * The call is not finished; `goOn` is called until it returns true, the event loop in between.
   */
  suspend(goOn: () => boolean): void;
}

/** Whose scripts: EVAL's or FUNCTION's. */
export type ScriptKind = 'eval' | 'function';

/** What to do with a library that is there already when libraries are restored. */
export type RestorePolicy = 'append' | 'replace' | 'flush';

export interface FunctionInfo {
  readonly name: string;
  readonly description: string | undefined;
  /** Names of its flags. */
  readonly flags: readonly string[];
}

export interface LibraryInfo {
  readonly name: string;
  readonly code: string;
  readonly functions: readonly FunctionInfo[];
}

/** The script that runs now. */
export interface RunningScript {
  readonly kind: ScriptKind;
  /** The function's name, or the script's SHA1. */
  readonly name: string;
  /** The command that called it. */
  readonly args: Args | undefined;
  readonly durationMs: number;
}

/** Texts are latin1. Everything throws CommandError for what a client did wrong. */
export interface ScriptsPort {
  /** Runs the script of EVAL; `readOnly` for EVAL_RO. Its reply or error goes to `reply`. */
  runSource(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void;
  /** As `runSource`, of EVALSHA. */
  runSha(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void;
  /** As `runSource`, of FCALL. */
  runFunction(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void;
  /** A command's flags, with those that what argument 1 names declares of itself. */
  flagsOf(args: Args, by: 'source' | 'sha' | 'function', flags: number): number;
  /** Compiles and keeps argument i; returns its SHA1. */
  load(args: Args, i: number): string;
  has(sha: string): boolean;
  /** Forgets all scripts of EVAL. */
  flush(): void;
  /** Ends the script that runs. */
  kill(kind: ScriptKind): void;
  /** Throws the error of a busy server while a script runs for too long. */
  checkNotBusy(): void;
  readonly running: RunningScript | undefined;
  /** Loads a library; returns its name. */
  loadLibrary(code: string, replace: boolean): string;
  deleteLibrary(name: string): void;
  flushLibraries(): void;
  /** Loads libraries, all or none. */
  restoreLibraries(codes: readonly string[], policy: RestorePolicy): void;
  libraries(): Iterable<LibraryInfo>;
  readonly libraryCount: number;
  readonly functionCount: number;
}
