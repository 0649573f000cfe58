/**
 * What V8's optimising compiler may do to the path from socket to reply. That path is some thirty
 * small functions, each in the file that it belongs to. By default V8 puts no more than 920 bytes
 * of bytecode of others into a function, so half of them stay calls, which each load and check
 * again what the caller had in registers. Measured: docs/decisions/0025.
 */
import { setFlagsFromString } from 'node:v8';
import { setTimeout } from '../util/timers.ts';

/**
 * Not before: V8 checks compiled code that was kept against all flags, and until then
 * `bin/respite.cts` may write down that of the bundle.
 */
const AFTER_MS = 1000;

/**
 * Lets V8 inline more, in the whole process: only for a process that is a server and nothing else.
 * What is compiled already stays as it is. A V8 that does not know the flag passes it over.
 */
export function inlineMoreSoon(): void {
  setTimeout(() => {
    setFlagsFromString('--max-inlined-bytecode-size-cumulative=1500');
  }, AFTER_MS).unref();
}
