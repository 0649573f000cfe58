/**
 * The WebAssembly module with Lua 5.1 in it (src/scripting/wasm): read and compiled when the first
 * engine is made, once per process. A server that runs no script never comes here.
 */
import { readFileSync } from 'node:fs';

/** What the module exports; its C side is in wasm/run.c. Addresses are bytes into `memory`. */
export interface LuaExports extends WebAssembly.Exports {
  readonly memory: WebAssembly.Memory;
  readonly __stack_pointer: WebAssembly.Global;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  start(kind: number, versionLength: number, versionNumber: number): number;
  requestRoom(bytes: number): number;
  replyRoom(bytes: number): number;
  compile(length: number): number;
  release(ref: number): void;
  run(): number;
  runFailed(): number;
  luaState(): number;
  loadLibrary(ref: number): number;
  requestBuffer(): number;
  replyBuffer(): number;
  resultBuffer(): number;
  resultDone(): void;
  stateAddress(): number;
  heapBytes(): number;
  setMemoryMax(bytes: number): void;
  setKillMessage(length: number): void;
  collect(): void;
  allocate(bytes: number): number;
  stackOverflow(state: number): void;
  asyncify_start_unwind(data: number): void;
  asyncify_stop_unwind(): void;
  asyncify_start_rewind(data: number): void;
  asyncify_stop_rewind(): void;
}

let compiled: WebAssembly.Module | undefined;

/** The compiled module. Some 10 ms the first time. */
export function luaModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./wasm/lua.wasm', import.meta.url)));
  return compiled;
}
