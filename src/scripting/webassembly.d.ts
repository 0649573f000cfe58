/** The part of WebAssembly's JavaScript interface that is used here; Node's types leave it out. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;
  type Exports = object;
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    value: unknown;
  }
  interface Table {
    get(index: number): unknown;
  }
}
