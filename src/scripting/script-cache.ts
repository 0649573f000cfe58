/**
 * Scripts by the SHA1 of their source. What SCRIPT LOAD brought stays until SCRIPT FLUSH; of what
 * EVAL brought, the newest 500 stay (the rule of Redis 7.4): applications that build their scripts
 * anew each time would otherwise fill the memory.
 */
import { createHash } from 'node:crypto';
import { latin1 } from '../util/latin1.ts';
import { HEAD_MAX, type ScriptHead, scriptHead } from './shebang.ts';

export interface Script extends ScriptHead {
  readonly sha: string;
  readonly source: Buffer;
  /** The engine's reference; 0 while it is not compiled (the engine was made anew). */
  ref: number;
  /** Nobody but EVAL has asked for it. */
  evalOnly: boolean;
}

/** Scripts that only EVAL asked for, kept at most. */
const EVAL_ONLY_MAX = 500;
/** What an entry costs besides its source. */
const ENTRY_BYTES = 200;

export class ScriptCache {
  private readonly scripts = new Map<string, Script>();
  /** Of those the ones that only EVAL asked for, oldest first. */
  private readonly evalOnly = new Set<Script>();
  /** Bytes of all sources and what goes with them. */
  bytes = 0;
  evicted = 0;

  get size(): number {
    return this.scripts.size;
  }

  /** The script of a SHA1 in hexadecimal, in any case. */
  bySha(sha: string): Script | undefined {
    return this.scripts.get(sha) ?? this.scripts.get(sha.toLowerCase());
  }

  values(): Iterable<Script> {
    return this.scripts.values();
  }

  /**
   * The script of a source, if it is there, else a new one that is not yet kept. Throws
   * CommandError.
   */
  forSource(buf: Uint8Array, off: number, len: number): Script {
    const view = buf.subarray(off, off + len);
    const sha = createHash('sha1').update(view).digest('hex');
    const known = this.scripts.get(sha);
    if (known !== undefined) return known;
    const head = scriptHead(latin1(buf, off, Math.min(len, HEAD_MAX)));
    return { ...head, sha, source: Buffer.from(view), ref: 0, evalOnly: true };
  }

  /** Keeps a compiled script. Returns the one that had to go for it, if any. */
  add(script: Script): Script | undefined {
    if (this.scripts.has(script.sha)) return undefined;
    this.scripts.set(script.sha, script);
    this.bytes += script.source.length + ENTRY_BYTES;
    if (!script.evalOnly) return undefined;
    this.evalOnly.add(script);
    if (this.evalOnly.size <= EVAL_ONLY_MAX) return undefined;
    const oldest = this.evalOnly.values().next().value!;
    this.remove(oldest);
    this.evicted++;
    return oldest;
  }

  /** SCRIPT LOAD asked for it: it stays. */
  keep(script: Script): void {
    script.evalOnly = false;
    this.evalOnly.delete(script);
  }

  clear(): void {
    this.scripts.clear();
    this.evalOnly.clear();
    this.bytes = 0;
  }

  private remove(script: Script): void {
    this.scripts.delete(script.sha);
    this.evalOnly.delete(script);
    this.bytes -= script.source.length + ENTRY_BYTES;
  }
}
