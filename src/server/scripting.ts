/**
 * Runs scripts and functions: the engines, what is loaded in them, and the one script that runs.
 * The engines are made when they are first needed.
 *
 * A script that has run for `busy-reply-threshold` is suspended every millisecond, so that other
 * clients hear that the server is busy and SCRIPT KILL is heard (executor.ts does the suspending).
 * Source of rules and texts: redis-server 7.0.15 (script.c, eval.c, functions.c, by their effects).
 */
import { Flag } from '../commands/command-table.ts';
import type { Context } from '../commands/context.ts';
import type {
  LibraryInfo,
  RestorePolicy,
  RunningScript,
  ScriptCaller,
  ScriptKind,
  ScriptsPort,
} from '../commands/ports/scripts.ts';
import type { Config } from '../config/config.ts';
import type { Journal } from '../keyspace/journal.ts';
import { Target } from '../keyspace/journal.ts';
import { askForCollection } from '../memory/collector.ts';
import { Reply } from '../resp/reply.ts';
import { Ended, EngineFailure, EngineKind, LuaEngine } from '../scripting/engine.ts';
import {
  FUNCTION_FLAGS,
  type Registration,
  type ReplyBytes,
  type ScriptHost,
  Verdict,
} from '../scripting/host.ts';
import { Libraries, type Library } from '../scripting/libraries.ts';
import { type Script, ScriptCache } from '../scripting/script-cache.ts';
import { HEAD_MAX, libraryHead, ScriptFlag, scriptHead } from '../scripting/shebang.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { CommandError, errors } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { latin1 } from '../util/latin1.ts';
import { parseInt64 } from '../util/numbers.ts';
import { monotonicMs, setImmediate } from '../util/timers.ts';
import type { Executor } from './executor.ts';
import type { Gates } from './gates.ts';
import type { LogLevel } from './log.ts';
import { ScriptError, type ScriptRules } from './script-rules.ts';

/** Bytes of the heap of one Lua state. */
const HEAP_MAX = 512 * 1024 * 1024;
/** An engine whose memory grew past this is given up once its heap is small again. */
const MEMORY_KEPT = 64 * 1024 * 1024;
/** How long a busy script runs between two turns of the event loop. */
const BUSY_SLICE_MS = 1;
/** How long a library may take to load. */
const LOAD_MAX_MS = 500;

const notBusy = new CommandError('NOTBUSY No scripts in execution right now.');
const unkillable = new CommandError(
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can ' +
    'either wait the script termination or kill the server in a hard way using the SHUTDOWN ' +
    'NOSAVE command.',
);
const busyEval = new CommandError(
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
);
const busyFunction = new CommandError(
  'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.',
);
const noScript = new CommandError('NOSCRIPT No matching script. Please use EVAL.');
const negativeKeys = new CommandError("ERR Number of keys can't be negative");
const tooManyKeys = new CommandError("ERR Number of keys can't be greater than number of args");
const writesInReadOnly = new CommandError(
  'ERR Can not execute a script with write flag using *_ro command.',
);
const functionNotFound = new CommandError('ERR Function not found');
const killMessage = 'ERR Script killed by user with SCRIPT KILL...';
const loadTimeout = 'ERR FUNCTION LOAD timeout';
const logLevels: readonly LogLevel[] = ['debug', 'verbose', 'notice', 'warning'];

/** A script that says nothing of itself: its calls are looked at one by one. */
const PLAIN_FLAGS = ScriptFlag.noWrites;
/** Flags of its command that a script declares others in place of. */
const DECLARED = Flag.write | Flag.may_replicate | Flag.denyoom | Flag.stale;
const HASH = 35;
const BANG = 33;

/** The script that runs: one object, used again for each. */
class Run implements ScriptRules {
  allowsAll = false;
  readOnly = false;
  isStale = false;
  replicaRefusal: Gates['replicaRefusal'] = undefined;
  diskRefusal: Gates['diskRefusal'] = undefined;
  lacksReplicas = false;
  outOfMemory = false;
  wrote = false;
  kind: ScriptKind = 'eval';
  name = '';
  declare frame: Context;
  /** Undefined once it was given up: nothing may keep its memory. */
  engine: LuaEngine | undefined = undefined;
  declare reply: Reply;
  /** The database of the client, which SELECT of a script does not change. */
  clientDb = 0;
  /** The database of the script while it is suspended. */
  scriptDb = 0;
  startMs = 0;
  sliceMs = 0;
  isBusy = false;
  killed = false;
  args: Args | undefined = undefined;
  /** The request, valid while the engine runs. */
  declare request: Args;
  /** An error that no command has made is part of the result. */
  hasErred = false;
}

export interface ScriptingParts {
  readonly config: Config;
  readonly executor: Executor;
  readonly gates: Gates;
  readonly journal: Journal;
  readonly version: string;
  log(level: LogLevel, message: string): void;
}

export class Scripting implements ScriptsPort, ScriptHost {
  readonly cache = new ScriptCache();
  readonly functions = new Libraries();
  private readonly parts: ScriptingParts;
  private evalEngine: LuaEngine | undefined;
  /** Whether scripts may call what is no command for scripts (DEBUG). */
  allowsAll = false;
  private functionEngine: LuaEngine | undefined;
  private readonly onlyRun = new Run();
  /** `onlyRun` while a script runs. */
  private run: Run | undefined;
  /** Nothing was done for the script that is about to run which takes time. */
  private isReady = true;
  /** Replies of the commands that scripts call. */
  private readonly callReply = new Reply();
  private loading: { readonly startMs: number; readonly registered: Registration[] } | undefined;

  constructor(parts: ScriptingParts) {
    this.parts = parts;
  }

  // ---- figures -----------------------------------------------------------------------------

  /** Bytes of the Lua heaps of scripts, and of functions. */
  get evalHeapBytes(): number {
    return this.evalEngine?.heapBytes ?? 0;
  }

  get functionHeapBytes(): number {
    return this.functionEngine?.heapBytes ?? 0;
  }

  /** Bytes of memory that the engines hold. */
  get memoryBytes(): number {
    return (this.evalEngine?.memoryBytes ?? 0) + (this.functionEngine?.memoryBytes ?? 0);
  }

  get running(): RunningScript | undefined {
    const { run } = this;
    if (run === undefined) return undefined;
    const { kind, name, args, startMs } = run;
    return { kind, name, args, durationMs: Math.round(monotonicMs() - startMs) };
  }

  get libraryCount(): number {
    return this.functions.size;
  }

  get functionCount(): number {
    return this.functions.functionCount;
  }

  // ---- running -----------------------------------------------------------------------------

  runSource(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void {
    const keys = keyCountOf(args, errors.notInteger);
    this.isReady = false;
    const script = this.cache.forSource(args.buf, args.off[1]!, args.len[1]!);
    if (script.ref === 0) this.compile(script);
    this.runScript(caller, script, args, keys, readOnly, reply);
  }

  runSha(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void {
    const script = this.cache.byShaBytes(args.buf, args.off[1]!, args.len[1]!);
    if (script === undefined) throw noScript;
    const keys = keyCountOf(args, errors.notInteger);
    if (script.ref === 0) this.compile(script);
    this.runScript(caller, script, args, keys, readOnly, reply);
  }

  private runScript(
    caller: ScriptCaller,
    script: Script,
    args: Args,
    keys: number,
    readOnly: boolean,
    reply: Reply,
  ): void {
    const { flags, isPlain, ref, sha } = script;
    this.checkRole(caller as Context, isPlain ? PLAIN_FLAGS : flags);
    if (!isPlain) this.checkFlags(flags, readOnly);
    const engine = this.engine('eval');
    this.begin(caller as Context, engine, 'eval', sha, flags, readOnly, reply);
    this.enter(ref, args, keys);
  }

  runFunction(caller: ScriptCaller, args: Args, readOnly: boolean, reply: Reply): void {
    const found = this.functions.find(args.latin1(1));
    if (found === undefined) throw functionNotFound;
    const keys = keyCountOf(args, badKeyCount);
    const { flags, name } = found;
    this.checkRole(caller as Context, flags);
    this.checkFlags(flags, readOnly);
    this.isReady = this.functionEngine !== undefined;
    const engine = this.engine('function');
    this.begin(caller as Context, engine, 'function', name, flags, readOnly, reply);
    this.enter(found.ref, args, keys);
  }

  flagsOf(args: Args, by: 'source' | 'sha' | 'function', flags: number): number {
    const declared = this.declared(args, by);
    if (declared === undefined) return flags;
    const writes = (declared & ScriptFlag.noWrites) === 0;
    let own = flags & ~DECLARED;
    if (writes) own |= Flag.write;
    if (writes && (declared & ScriptFlag.allowOom) === 0) own |= Flag.denyoom;
    if ((declared & ScriptFlag.allowStale) !== 0) own |= Flag.stale;
    return own;
  }

  /** What argument 1 says of itself; undefined when it says nothing or there is no such thing. */
  private declared(args: Args, by: 'source' | 'sha' | 'function'): number | undefined {
    if (by === 'function') return this.functions.find(args.latin1(1))?.flags;
    const { buf, off, len } = args;
    if (by === 'sha') {
      const script = this.cache.byShaBytes(buf, off[1]!, len[1]!);
      return script === undefined || script.isPlain ? undefined : script.flags;
    }
    if (len[1]! < 2 || buf[off[1]!] !== HASH || buf[off[1]! + 1] !== BANG) return undefined;
    try {
      return scriptHead(latin1(buf, off[1]!, Math.min(len[1]!, HEAD_MAX))).flags;
    } catch (error) {
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }

  /** Whether a script may run on a replica, and while its data is old. Throws CommandError. */
  private checkRole({ session }: Context, flags: number): void {
    const { replicaRefusal, staleRefusal } = this.parts.gates;
    if (session.appliesEffects) return;
    if (replicaRefusal !== undefined && (flags & ScriptFlag.noWrites) === 0) throw replicaRefusal;
    if (staleRefusal !== undefined && (flags & ScriptFlag.allowStale) === 0) throw staleRefusal;
  }

  /** Whether a script that says what it does may run now. Throws CommandError. */
  private checkFlags(flags: number, readOnly: boolean): void {
    if (readOnly && (flags & ScriptFlag.noWrites) === 0) throw writesInReadOnly;
    if ((flags & ScriptFlag.noWrites) === 0) {
      const refused = this.parts.gates.diskRefusal;
      if (refused !== undefined) throw refused;
      if (this.parts.gates.lacksReplicas) throw errors.noReplicas;
    }
    const mayAlways = (flags & (ScriptFlag.allowOom | ScriptFlag.noWrites)) !== 0;
    if (!mayAlways && this.parts.gates.isOutOfMemory) throw errors.oom;
  }

  private begin(
    frame: Context,
    engine: LuaEngine,
    kind: ScriptKind,
    name: string,
    flags: number,
    readOnly: boolean,
    reply: Reply,
  ): void {
    const run = this.onlyRun;
    const db = frame.session.dbIndex;
    const startMs = this.parts.executor.beginScript(frame, this.isReady);
    this.isReady = true;
    frame.noEffect();
    run.readOnly = readOnly || (flags & ScriptFlag.noWrites) !== 0;
    this.takeGates(run, flags, frame.session.appliesEffects);
    run.wrote = false;
    run.kind = kind;
    run.name = name;
    run.frame = frame;
    run.engine = engine;
    run.reply = reply;
    run.clientDb = db;
    run.scriptDb = db;
    run.startMs = startMs;
    run.sliceMs = startMs;
    run.isBusy = false;
    run.killed = false;
    run.args = undefined;
    run.hasErred = false;
    this.run = run;
  }

  /** What holds back its calls; nothing does when it comes from a file or a master. */
  private takeGates(run: Run, flags: number, appliesEffects: boolean): void {
    const { gates } = this.parts;
    run.allowsAll = this.allowsAll;
    run.isStale = !appliesEffects && gates.staleRefusal !== undefined;
    run.replicaRefusal = appliesEffects ? undefined : gates.replicaRefusal;
    run.diskRefusal = gates.diskRefusal;
    run.lacksReplicas = !appliesEffects && gates.lacksReplicas;
    run.outOfMemory = (flags & ScriptFlag.allowOom) === 0 && gates.isOutOfMemory;
  }

  /** Runs the engine; the script's end, or that it goes on later. */
  private enter(ref: number, args: Args, keys: number): void {
    const run = this.onlyRun;
    run.request = args;
    let ended: Ended;
    try {
      ended = run.engine!.run(ref, args, 3, keys, run.reply.version);
    } catch (error) {
      this.failed(error);
    }
    if (ended !== Ended.suspended) {
      this.finish(ended);
      return;
    }
    run.args = args.copy();
    run.request = run.args;
    this.putAside(run);
    run.frame.suspend(() => this.goOn());
  }

  /** The script is suspended: its client's database is what the client made it. */
  private putAside(run: Run): void {
    run.scriptDb = run.frame.session.dbIndex;
    run.frame.session.dbIndex = run.clientDb;
  }

  /** Goes on with the suspended script; true when it has ended. */
  private goOn(): boolean {
    const run = this.run!;
    run.sliceMs = monotonicMs();
    run.frame.session.dbIndex = run.scriptDb;
    const verdict = run.killed ? Verdict.kill : Verdict.goOn;
    let ended: Ended;
    try {
      ended = run.engine!.resume(verdict);
    } catch (error) {
      this.failed(error);
    }
    if (ended === Ended.suspended) {
      this.putAside(run);
      return false;
    }
    this.finish(ended);
    return true;
  }

  /** An engine that fails is made anew; its script ends with an error. */
  private failed(error: unknown): never {
    const { kind } = this.onlyRun;
    this.leave();
    this.discard(kind);
    if (!(error instanceof EngineFailure)) throw error;
    this.parts.log('warning', `The script engine failed: ${String(error.cause)}`);
    throw new ScriptError('ERR the script engine failed and was restarted', false);
  }

  private leave(): void {
    const run = this.run!;
    this.parts.executor.endScript();
    run.frame.session.dbIndex = run.clientDb;
    this.run = undefined;
    this.parts.journal.audience = Target.all;
    if (run.isBusy) this.parts.gates.busy = undefined;
    this.callReply.rollback(0);
  }

  /** The script has ended: its result becomes the reply. Throws it if it is an error. */
  private finish(ended: Ended): void {
    const { kind, reply } = this.run!;
    const engine = this.run!.engine!;
    this.leave();
    const { bytes, resultAt, resultLength } = engine;
    if (ended === Ended.well) {
      reply.append(bytes, resultAt, resultLength);
      engine.done();
      this.shrink(kind, engine);
      return;
    }
    const line = latin1(bytes, resultAt + 1, resultLength - 3);
    engine.done();
    this.shrink(kind, engine);
    throw new ScriptError(line, ended === Ended.inCountedError);
  }

  /** A WebAssembly memory never shrinks: one that grew for a large script is given up. */
  private shrink(kind: ScriptKind, engine: LuaEngine): void {
    if (engine.bytes.length < MEMORY_KEPT) return;
    engine.collect();
    if (engine.heapBytes > MEMORY_KEPT / 2) return;
    this.discard(kind);
  }

  // ---- engines -----------------------------------------------------------------------------

  private engine(kind: ScriptKind): LuaEngine {
    if (kind === 'eval') {
      this.evalEngine ??= this.newEngine(EngineKind.eval);
      return this.evalEngine;
    }
    if (this.functionEngine === undefined) {
      this.functionEngine = this.newEngine(EngineKind.functions);
      this.reload();
    }
    return this.functionEngine;
  }

  private newEngine(kind: EngineKind): LuaEngine {
    const { version } = this.parts;
    const engine = new LuaEngine(this, {
      kind,
      version,
      versionNumber: versionNumber(version),
      memoryMax: HEAP_MAX,
    });
    engine.setKillMessage(killMessage);
    return engine;
  }

  /** V8 sees no reason to collect what a dropped engine holds: it counts no such memory. */
  private giveBack(engine: LuaEngine | undefined): void {
    if (engine === undefined) return;
    if (this.onlyRun.engine === engine) this.onlyRun.engine = undefined;
    if (engine.memoryBytes >= MEMORY_KEPT) setImmediate(askForCollection);
  }

  /** Gives an engine up; what was loaded in it is compiled again when it is needed. */
  private discard(kind: ScriptKind): void {
    this.giveBack(kind === 'eval' ? this.evalEngine : this.functionEngine);
    if (kind === 'eval') {
      this.evalEngine = undefined;
      for (const script of this.cache.values()) script.ref = 0;
    } else {
      this.functionEngine = undefined;
      // Functions are called by reference: they must be there.
      if (this.functions.size > 0) this.engine('function');
    }
  }

  /** Loads all libraries into a new engine. */
  private reload(): void {
    for (const library of [...this.functions.values()]) {
      this.functions.remove(library);
      this.functions.add(this.makeLibrary(library.name, library.code));
    }
  }

  private compile(script: Script): void {
    this.isReady = false;
    const engine = this.engine('eval');
    const ref = engine.compile(script.source.subarray(script.codeAt));
    if (typeof ref === 'string') {
      throw new CommandError(`ERR Error compiling script (new function): ${ref}`);
    }
    script.ref = ref;
    const evicted = this.cache.add(script);
    if (evicted !== undefined && evicted.ref !== 0) engine.release(evicted.ref);
  }

  // ---- scripts -----------------------------------------------------------------------------

  load(args: Args, i: number): string {
    const script = this.cache.forSource(args.buf, args.off[i]!, args.len[i]!);
    if (script.ref === 0) this.compile(script);
    this.cache.keep(script);
    return script.sha;
  }

  has(sha: string): boolean {
    return this.cache.bySha(sha) !== undefined;
  }

  flush(): void {
    this.cache.clear();
    this.giveBack(this.evalEngine);
    this.evalEngine = undefined;
  }

  kill(kind: ScriptKind): void {
    const { run } = this;
    if (run === undefined) throw notBusy;
    if (run.wrote) throw unkillable;
    if (kind !== run.kind) throw busyError(run.kind);
    run.killed = true;
  }

  checkNotBusy(): void {
    const { busy } = this.parts.gates;
    if (busy !== undefined) throw busy;
  }

  /** The server ends: nothing is kept any more. */
  close(): void {
    this.cache.clear();
    this.functions.clear();
  }

  // ---- libraries ---------------------------------------------------------------------------

  loadLibrary(code: string, replace: boolean): string {
    const { name } = libraryHead(code);
    const before = this.functions.get(name);
    if (before !== undefined && !replace) {
      throw new CommandError(`ERR Library '${name}' already exists`);
    }
    const library = this.makeLibrary(name, code);
    try {
      this.functions.checkNames(library, before);
    } catch (error) {
      this.releaseLibrary(library);
      throw error;
    }
    if (before !== undefined) this.dropLibrary(before);
    this.functions.add(library);
    return name;
  }

  /** Compiles and runs a library's code. Throws CommandError; nothing is kept then. */
  private makeLibrary(name: string, code: string): Library {
    // The text, and while it is compiled once more.
    heapGuard.require(2 * code.length);
    const { codeAt } = libraryHead(code);
    const engine = this.engine('function');
    const ref = engine.compile(Buffer.from(code.slice(codeAt), 'latin1'));
    if (typeof ref === 'string') throw new CommandError(`ERR Error compiling function: ${ref}`);
    const registered: Registration[] = [];
    this.loading = { startMs: monotonicMs(), registered };
    let failed: string | undefined;
    try {
      engine.setKillMessage(loadTimeout);
      failed = engine.loadLibrary(ref);
    } finally {
      this.loading = undefined;
      engine.setKillMessage(killMessage);
    }
    const library = Libraries.make(name, code, registered);
    if (failed !== undefined) {
      this.releaseLibrary(library);
      const text = failed.slice(1).trimEnd();
      throw new CommandError(`ERR Error registering functions: ${text}`);
    }
    if (registered.length === 0) throw new CommandError('ERR No functions registered');
    return library;
  }

  private releaseLibrary(library: Library): void {
    for (const { ref } of library.functions) this.functionEngine?.release(ref);
  }

  private dropLibrary(library: Library): void {
    this.functions.remove(library);
    this.releaseLibrary(library);
  }

  deleteLibrary(name: string): void {
    const library = this.functions.get(name);
    if (library === undefined) throw new CommandError('ERR Library not found');
    this.dropLibrary(library);
  }

  flushLibraries(): void {
    this.functions.clear();
    this.giveBack(this.functionEngine);
    this.functionEngine = undefined;
  }

  restoreLibraries(codes: readonly string[], policy: RestorePolicy): void {
    const made: Library[] = [];
    const replaced: Library[] = [];
    const names = new Set<string>();
    const functionNames = new Set<string>();
    const kept = policy === 'flush' ? new Libraries() : this.functions;
    try {
      for (const code of codes) {
        const { name } = libraryHead(code);
        const before = kept.get(name);
        if (names.has(name) || (before !== undefined && policy !== 'replace')) {
          throw new CommandError(`ERR Library ${name} already exists`);
        }
        const library = this.makeLibrary(name, code);
        made.push(library);
        names.add(name);
        if (before !== undefined) replaced.push(before);
        for (const each of library.functions) {
          const folded = each.name.toLowerCase();
          const taken = kept.find(each.name);
          const isFree = taken === undefined || taken.library === before;
          if (!isFree || functionNames.has(folded)) {
            throw new CommandError(`ERR Function ${each.name} already exists`);
          }
          functionNames.add(folded);
        }
      }
    } catch (error) {
      for (const library of made) this.releaseLibrary(library);
      throw error;
    }
    if (policy === 'flush') replaced.push(...this.functions.values());
    for (const library of replaced) this.dropLibrary(library);
    for (const library of made) this.functions.add(library);
  }

  *libraries(): Iterable<LibraryInfo> {
    for (const { name, code, functions } of this.functions.values()) {
      yield {
        name,
        code,
        functions: functions.map((each) => ({
          name: each.name,
          description: each.description,
          flags: FUNCTION_FLAGS.filter((_, bit) => (each.flags & (1 << bit)) !== 0),
        })),
      };
    }
  }

  // ---- what the engines ask (ScriptHost) ----------------------------------------------------

  errored(line: string, counted: boolean): void {
    const run = this.onlyRun;
    // New errors make one failure of the call; one that a command made is a failure each time.
    const isFailure = counted || !run.hasErred;
    if (!counted) run.hasErred = true;
    this.parts.executor.countInReply(run.request, counted ? undefined : line, isFailure);
  }

  call(args: Args, resp: 2 | 3): ReplyBytes {
    const run = this.run!;
    const reply = this.callReply;
    reply.rollback(0);
    reply.version = resp;
    this.parts.executor.callForScript(run.frame, args, reply, run);
    return reply;
  }

  scriptName(): ReplyBytes {
    const buf = Buffer.from(this.run!.name, 'latin1');
    return { buf, pos: buf.length };
  }

  mayRun(args: Args): number {
    const may = this.parts.executor.mayRun(this.run!.frame, args);
    if (may === undefined) return -1;
    return may ? 1 : 0;
  }

  log(level: number, text: Buffer): void {
    this.parts.log(logLevels[level] ?? 'warning', text.toString('latin1'));
  }

  setReplication(flags: number): void {
    this.parts.journal.audience = flags;
  }

  register(registration: Registration): boolean {
    const { registered } = this.loading!;
    if (registered.some(({ name }) => name === registration.name)) return false;
    registered.push(registration);
    return true;
  }

  check(): Verdict {
    const { run, loading } = this;
    const nowMs = monotonicMs();
    if (loading !== undefined) {
      return nowMs - loading.startMs > LOAD_MAX_MS ? Verdict.kill : Verdict.goOn;
    }
    if (run === undefined) return Verdict.goOn;
    if (run.killed) return Verdict.kill;
    if (run.isBusy) {
      const goesOn = nowMs - run.sliceMs < BUSY_SLICE_MS || isOfFile(run);
      return goesOn ? Verdict.goOn : Verdict.suspend;
    }
    const threshold = this.parts.config.number('busy-reply-threshold');
    if (threshold <= 0 || nowMs - run.startMs < threshold) return Verdict.goOn;
    const ms = Math.round(nowMs - run.startMs);
    run.isBusy = true;
    if (isOfFile(run)) {
      this.parts.log(
        'warning',
        `Slow script detected: ${run.name} of a file, for ${ms} ms by now.`,
      );
      return Verdict.goOn;
    }
    this.parts.gates.busy = busyError(run.kind);
    this.parts.log(
      'warning',
      `Slow script detected: ${run.name} has run for ${ms} ms and goes on. ` +
        'SCRIPT KILL (or FUNCTION KILL) ends it as long as it has not written.',
    );
    return Verdict.suspend;
  }
}

/** Whether a script comes from an append-only file, whose next command would not wait for it. */
function isOfFile({ frame }: Run): boolean {
  const session = frame.session as Session;
  return session.appliesEffects && !session.isMaster;
}

const badKeyCount = new CommandError('ERR Bad number of keys provided');

function busyError(kind: ScriptKind): CommandError {
  return kind === 'eval' ? busyEval : busyFunction;
}

/** The number of keys, argument 2 of EVAL and FCALL. Throws CommandError. */
function keyCountOf(args: Args, notInteger: CommandError): number {
  const count = parseInt64(args.buf, args.off[2]!, args.len[2]!);
  if (count === undefined) throw notInteger;
  if (count > args.argc - 3) throw tooManyKeys;
  if (count < 0) throw negativeKeys;
  return Number(count);
}

/** 0x00MMmmpp of a version. */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return (major << 16) | (minor << 8) | patch;
}
