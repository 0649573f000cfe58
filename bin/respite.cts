#!/usr/bin/env node
/**
 * Loads the command line (`main.ts`, bundled by the build into one script) together with the code
 * that V8 has made of it before: half the start-up time of modules one by one. CommonJS, because
 * Node's loader of ES modules alone costs 10 ms. See docs/decisions/0012-one-bundle.md.
 *
 * The compiled code lies next to the bundle: whoever may write there may change the program as
 * well. Nowhere else is any looked for. Without it all works, only slower.
 */
{
  // By default Node opens its debugger to anyone on this machine who may send the signal.
  process.on('SIGUSR1', () => {});

  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const vm = process.getBuiltinModule('node:vm');

  const filename = path.join(__dirname, 'bundle.cjs');
  const { size, mtimeMs } = fs.statSync(filename);
  const stamp = `${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}`;
  const codeFile = path.join(__dirname, `.code-${process.version}-${process.arch}-${stamp}`);
  let kept = false;
  let cachedData: Buffer | undefined;
  try {
    cachedData = fs.readFileSync(codeFile);
  } catch {
    // Not there yet.
  }
  // The build writes ASCII only, and one function expression.
  const script = new vm.Script(fs.readFileSync(filename, 'latin1'), {
    filename,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  if (cachedData === undefined || script.cachedDataRejected === true) {
    // Once it has run for a while, so that what a start needs is in it, and before flags of V8 are
    // changed (`src/server/optimizer.ts`): it is of use under the same flags only.
    process.once('exit', () => keep());
    setTimeout(keep, 1000).unref();
  }
  if (cachedData !== undefined) free(cachedData);
  const run: unknown = script.runInThisContext();
  if (typeof run === 'function') run({}, require, { exports: {} }, filename, __dirname);

  /** Gives memory back now: an idle server may not collect garbage for a long time. */
  function free({ buffer, byteLength }: Buffer): void {
    // Small files lie in a buffer that others use as well.
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== byteLength) return;
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(buffer, [buffer]);
    port1.close();
    port2.close();
  }

  /** Writes the compiled code down for the next start. */
  function keep(): void {
    if (kept) return;
    kept = true;
    const draft = `${codeFile}.${process.pid}`;
    try {
      fs.writeFileSync(draft, script.createCachedData());
      fs.renameSync(draft, codeFile);
    } catch {
      // A directory that is not ours to write to.
    }
  }
}
