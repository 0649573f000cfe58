/**
 * One Lua state: scripts compiled and run in WebAssembly. Arguments go in and results come out as
 * bytes in its memory, with no JavaScript value for each.
 *
 * A run ends, or is suspended: the whole stack of WebAssembly is put away (by asyncify; see
 * docs/decisions/0014) and the event loop goes on until `resume`. While one is suspended nothing
 * else may run or be compiled here.
 *
 * Whatever a script does, what reaches the caller is a result or an error reply. A fault of the
 * engine itself (a trap) throws `EngineFailure`: the engine must be given up then.
 */
import { Args } from '../util/args.ts';
import { latin1 } from '../util/latin1.ts';
import { type ReplyBytes, type ScriptHost, Verdict } from './host.ts';
import { type LuaExports, luaModule } from './lua-module.ts';

/** How a run ended. */
export const Ended = {
  /** The result is a reply. */
  well: 0,
  /** The result is an error reply. */
  inError: 1,
  /** The result is an error reply which a command of the script made and which is counted. */
  inCountedError: 2,
  /** Not at all: `resume` goes on. */
  suspended: 3,
} as const;
export type Ended = (typeof Ended)[keyof typeof Ended];

/** Which globals a state has. */
export const EngineKind = { eval: 0, functions: 1 } as const;
export type EngineKind = (typeof EngineKind)[keyof typeof EngineKind];

/** The engine is damaged and must not be used again. */
export class EngineFailure extends Error {
  constructor(cause: unknown) {
    super('the script engine failed', { cause });
    this.name = 'EngineFailure';
  }
}

export interface EngineOptions {
  readonly kind: EngineKind;
  /** What redis.REDIS_VERSION says, and REDIS_VERSION_NUM. */
  readonly version: string;
  readonly versionNumber: number;
  /** Bytes the Lua heap may have; past it scripts end with "not enough memory". */
  readonly memoryMax: number;
}

/** A run is one request of 32-bit words and texts: wasm/run.c says which. */
const REQUEST_WORDS = 4;
/** Room for the stack of a suspended script: 225 calls in C and a deep pattern need less. */
const SUSPENSION_BYTES = 2 * 1024 * 1024;
/** A larger buffer of the module is not kept (BUFFER_KEPT of wasm/respite.c). */
const BUFFER_KEPT = 256 * 1024;
/** Bytes of an error that tell its code. */
const CODE_ROOM = 64;
/** What an error reply begins with. */
const MINUS = 45;
const NORMAL = 0;
const UNWINDING = 1;
const REWINDING = 2;

/** Thrown through the frames of Lua and caught in `protect`: longjmp. It carries nothing. */
const LUA_ERROR = new Error('an error of Lua');

export class LuaEngine {
  /** The memory's bytes; where `resultAt` points to. Renewed when the memory grows. */
  bytes: Buffer = EMPTY;
  /** Where the last run's result lies in `bytes`, and its length. */
  resultAt = 0;
  resultLength = 0;
  private words: Int32Array = new Int32Array(0);
  private readonly lua: LuaExports;
  private readonly host: ScriptHost;
  private readonly args = new Args(EMPTY, 16);
  private readonly functions: LuaFunction[] = [];
  /** The C stack's pointer while nothing runs. */
  private readonly stackTop: number;
  /** Address of the Lua state. */
  private readonly state: number;
  private readonly stateWord: number;
  /** Buffers of the module, as words: the address, bytes used, bytes of room. */
  private readonly requestWord: number;
  private readonly replyWord: number;
  private readonly resultWord: number;
  private suspension = 0;
  private resumeWith: Verdict = Verdict.goOn;

  /**
   * Makes a state with its libraries: some 2 ms.
   * Throws `EngineFailure` when there is no memory for one.
   */
  constructor(host: ScriptHost, options: EngineOptions) {
    this.host = host;
    const instance = new WebAssembly.Instance(luaModule(), this.imports());
    this.lua = instance.exports as LuaExports;
    this.lua.__wasm_call_ctors();
    this.lua.setMemoryMax(options.memoryMax);
    this.stateWord = this.lua.stateAddress() >> 2;
    this.requestWord = this.lua.requestBuffer() >> 2;
    this.replyWord = this.lua.replyBuffer() >> 2;
    this.resultWord = this.lua.resultBuffer() >> 2;
    this.write(Buffer.from(options.version, 'latin1'));
    const failed = this.lua.start(options.kind, options.version.length, options.versionNumber);
    if (failed !== 0) throw new EngineFailure('no memory for a Lua state');
    this.state = this.lua.luaState();
    this.stackTop = this.lua.__stack_pointer.value as number;
  }

  /** Bytes of the Lua heap. */
  get heapBytes(): number {
    return this.lua.heapBytes();
  }

  /** Bytes of the memory the engine has, in use or not. */
  get memoryBytes(): number {
    return this.lua.memory.buffer.byteLength;
  }

  /**
   * Compiles a script: a reference of 1 or more, or the error's text. O(length).
   */
  compile(source: Uint8Array): number | string {
    this.write(source);
    const ref = this.guard(() => this.lua.compile(source.length));
    return ref !== 0 ? ref : this.takeText();
  }

  /** Forgets a compiled script or a function. */
  release(ref: number): void {
    this.lua.release(ref);
  }

  /**
   * Runs the chunk of a library, which registers its functions with the host.
   * Returns the error's text, if it fails. The reference is gone afterwards.
   */
  loadLibrary(ref: number): string | undefined {
    const failed = this.guard(() => this.lua.loadLibrary(ref));
    return failed === 0 ? undefined : this.takeText();
  }

  /**
   * Runs a compiled script with the arguments from `first` on: `keys` keys, then the rest.
   * Its result is at `resultAt` until `done`.
   * @param resp the version of RESP the result is for
   */
  run(ref: number, args: Args, first: number, keys: number, resp: 2 | 3): Ended {
    const total = args.argc - first;
    let textBytes = 0;
    for (let i = first; i < args.argc; i++) textBytes += args.len[i]!;
    const textAt = 4 * (REQUEST_WORDS + total);
    const at = this.room(this.requestWord, textAt + textBytes);
    if (at === 0) return this.noMemory();
    const { bytes, words } = this;
    const word = at >> 2;
    words[word] = ref;
    words[word + 1] = keys;
    words[word + 2] = total - keys;
    words[word + 3] = resp;
    let to = at + textAt;
    for (let i = first; i < args.argc; i++) {
      const length = args.len[i]!;
      words[word + REQUEST_WORDS + i - first] = length;
      copyBytes(bytes, to, args.buf, args.off[i]!, length);
      to += length;
    }
    return this.ended(this.guardedRun());
  }

  /** Goes on with a suspended run, or ends it with the kill's error. */
  resume(verdict: typeof Verdict.goOn | typeof Verdict.kill): Ended {
    this.resumeWith = verdict;
    this.words[this.stateWord] = REWINDING;
    this.lua.asyncify_start_rewind(this.suspension);
    return this.ended(this.guardedRun());
  }

  /** The result has been read. */
  done(): void {
    if (this.words[this.resultWord + 2]! > BUFFER_KEPT) this.lua.resultDone();
  }

  /** The error a killed script ends with, code first. */
  setKillMessage(text: string): void {
    this.write(Buffer.from(text, 'latin1'));
    this.lua.setKillMessage(text.length);
  }

  /** Collects all garbage. O(heap). */
  collect(): void {
    this.guard(() => {
      this.lua.collect();
      return 0;
    });
  }

  private ended(status: number): Ended {
    this.refresh();
    if (this.words[this.stateWord] === UNWINDING) {
      this.lua.asyncify_stop_unwind();
      return Ended.suspended;
    }
    this.resultAt = this.words[this.resultWord]!;
    this.resultLength = this.words[this.resultWord + 1]!;
    return status as Ended;
  }

  /** The result is an error of ours: there was no room to pass the arguments in. */
  private noMemory(): Ended {
    this.write(Buffer.from('-ERR not enough memory\r\n'));
    this.resultAt = this.words[this.requestWord]!;
    this.resultLength = 24;
    return Ended.inError;
  }

  private guardedRun(): number {
    try {
      return this.lua.run();
    } catch (error) {
      return this.failedRun(error);
    }
  }

  /** Something was thrown through the frames of a run: an error that no pcall has caught. */
  private failedRun(error: unknown): number {
    const { lua } = this;
    try {
      lua.__stack_pointer.value = this.stackTop;
      if (error instanceof RangeError) lua.stackOverflow(this.state);
      else if (error !== LUA_ERROR) throw error;
      return lua.runFailed();
    } catch (cause) {
      throw new EngineFailure(cause);
    }
  }

  private guard(work: () => number): number {
    try {
      const result = work();
      this.refresh();
      return result;
    } catch (error) {
      throw new EngineFailure(error);
    }
  }

  private takeText(): string {
    const { words, resultWord } = this;
    const text = latin1(this.bytes, words[resultWord]!, words[resultWord + 1]!);
    this.lua.resultDone();
    return text;
  }

  /** Puts bytes at the start of the request. */
  private write(source: Uint8Array): void {
    const at = this.room(this.requestWord, source.length + 1);
    if (at === 0) throw new EngineFailure('no memory for a request');
    this.bytes.set(source, at);
  }

  /** Where there is room in the buffer of the request or of replies; 0 when there is none. */
  private room(buffer: number, bytes: number): number {
    this.refresh();
    if (bytes <= this.words[buffer + 2]!) return this.words[buffer]!;
    const { lua } = this;
    const at = buffer === this.replyWord ? lua.replyRoom(bytes) : lua.requestRoom(bytes);
    this.refresh();
    return at;
  }

  /** A memory that grew has a new buffer; the old one has length 0. */
  private refresh(): void {
    if (this.bytes.length !== 0) return;
    const { buffer } = this.lua.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
  }

  // ---- what Lua calls ----------------------------------------------------------------------

  private imports(): WebAssembly.Imports {
    const { host } = this;
    const text = (at: number, length: number) => this.bytes.subarray(at, at + length);
    const fault = () => 8;
    return {
      env: {
        protect: (f: number, state: number, argument: number) => this.protect(f, state, argument),
        throw: () => {
          throw LUA_ERROR;
        },
        check: () => this.check(),
        call: (argc: number, at: number, resp: number, wanted: number) =>
          this.call(argc, at, resp as 2 | 3, wanted),
        name: () => this.reply(host.scriptName()),
        acl: (argc: number, at: number) => host.mayRun(this.arguments(argc, at)),
        log: (level: number, at: number, length: number) => {
          this.refresh();
          host.log(level, text(at, length));
        },
        errored: (at: number, length: number, counted: number) => {
          this.refresh();
          host.errored(latin1(this.bytes, at + 1, Math.min(length - 3, CODE_ROOM)), counted !== 0);
        },
        setRepl: (flags: number) => host.setReplication(flags),
        register: (
          name: number,
          nameLength: number,
          description: number,
          descriptionLength: number,
          flags: number,
          ref: number,
        ) => {
          this.refresh();
          const registered = host.register({
            name: text(name, nameLength).toString('latin1'),
            description:
              descriptionLength < 0
                ? undefined
                : text(description, descriptionLength).toString('latin1'),
            flags,
            ref,
          });
          return registered ? 0 : 1;
        },
        clock: () => process.cpuUsage().user / 1e6,
      },
      // printf's way to a file: nothing here has one
      wasi_snapshot_preview1: { fd_close: fault, fd_seek: fault, fd_write: fault },
    };
  }

  /** Calls f and catches an error of Lua, whose status Lua has noted: setjmp. */
  private protect(f: number, state: number, argument: number): void {
    const { lua, functions } = this;
    const stack = lua.__stack_pointer.value as number;
    functions[f] ??= lua.__indirect_function_table.get(f) as LuaFunction;
    try {
      functions[f]!(state, argument);
    } catch (error) {
      lua.__stack_pointer.value = stack;
      if (error === LUA_ERROR) return;
      if (!(error instanceof RangeError)) throw error;
      lua.stackOverflow(state);
    }
  }

  /** 1 ends the script, 0 lets it go on, after a suspension or without one. */
  private check(): number {
    this.refresh();
    if (this.words[this.stateWord] === REWINDING) {
      this.lua.asyncify_stop_rewind();
      this.words[this.stateWord] = NORMAL;
      return this.resumeWith;
    }
    const verdict = this.host.check();
    if (verdict !== Verdict.suspend) return verdict;
    if (this.suspension === 0) {
      this.suspension = this.lua.allocate(SUSPENSION_BYTES);
      if (this.suspension === 0) return Verdict.kill;
      this.refresh();
    }
    this.words[this.suspension >> 2] = this.suspension + 8;
    this.words[(this.suspension >> 2) + 1] = this.suspension + SUSPENSION_BYTES;
    this.words[this.stateWord] = UNWINDING;
    this.lua.asyncify_start_unwind(this.suspension);
    return 0;
  }

  private arguments(argc: number, at: number): Args {
    this.refresh();
    const { args, words } = this;
    args.clear();
    args.buf = this.bytes;
    for (let i = 0, word = at >> 2; i < argc; i++, word += 2) {
      args.push(words[word]!, words[word + 1]!);
    }
    return args;
  }

  private call(argc: number, at: number, resp: 2 | 3, wanted: number): number {
    const reply = this.host.call(this.arguments(argc, at), resp);
    if (wanted === 0 && reply.buf[0] !== MINUS) return 0;
    return this.reply(reply);
  }

  /** Puts bytes where Lua reads replies; their number. */
  private reply({ buf, pos }: ReplyBytes): number {
    const to = this.room(this.replyWord, pos);
    if (to === 0) throw new EngineFailure('no memory for a reply');
    copyBytes(this.bytes, to, buf, 0, pos);
    return pos;
  }
}

/** Copies bytes; a loop wins while they are few. */
function copyBytes(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  offset: number,
  length: number,
): void {
  if (length > 48) {
    to.set(from.subarray(offset, offset + length), at);
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = from[offset + i]!;
}

const EMPTY = Buffer.alloc(0);

/** What luaD_rawrunprotected calls. */
type LuaFunction = (state: number, argument: number) => void;
