/**
 * Scripts by the SHA1 of their source. What SCRIPT LOAD brought stays until SCRIPT FLUSH; of what
 * EVAL brought, the newest 500 stay (the rule of Redis 7.4): applications that build their scripts
 * anew each time would otherwise fill the memory.
 */
import { copyBytes } from '../util/bytes.ts';
import { crypto } from '../util/crypto.ts';
import { heapGuard } from '../util/heap-guard.ts';
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
/** What an entry costs besides its source, all of it on the heap. */
const ENTRY_BYTES = 600;
/** Places for scripts found last, a power of two. */
const RECENT = 256;
/** Bytes of a SHA1 in hexadecimal. */
const SHA_BYTES = 40;

export class ScriptCache {
  private readonly scripts = new Map<string, Script>();
  /** Of those the ones that only EVAL asked for, oldest first. */
  private readonly evalOnly = new Set<Script>();
  /** Scripts found last, each at a place that follows from a few bytes of its SHA1's text. */
  private readonly recentShas = new Array<Script | undefined>(RECENT).fill(undefined);
  /** What they were asked for by, at the same places: bytes are compared faster with bytes. */
  private readonly recentTexts = new Uint8Array(RECENT * SHA_BYTES);
  /** The same, at places that follow from a few bytes of their sources: no SHA1 for each EVAL. */
  private readonly recentSources = new Array<Script | undefined>(RECENT).fill(undefined);
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

  /** The same, for a SHA1 that lies in a buffer. What was found lately costs no string. */
  byShaBytes(buf: Uint8Array, off: number, len: number): Script | undefined {
    if (len !== SHA_BYTES) return undefined;
    const place = (buf[off]! * 31 + buf[off + 1]! * 7 + buf[off + 39]!) & (RECENT - 1);
    const recent = this.recentShas[place];
    const text = place * SHA_BYTES;
    if (recent !== undefined && isSameSha(this.recentTexts, text, buf, off)) return recent;
    const found = this.bySha(latin1(buf, off, len));
    this.recentShas[place] = found;
    copyBytes(buf, off, this.recentTexts, text, len);
    return found;
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
    const place = (len * 31 + buf[off + (len >>> 1)]! * 7 + buf[off + len - 1]!) & (RECENT - 1);
    const recent = this.recentSources[place];
    if (recent?.source.equals(view)) return recent;
    const sha = crypto().createHash('sha1').update(view).digest('hex');
    const known = this.scripts.get(sha);
    if (known !== undefined) {
      this.recentSources[place] = known;
      return known;
    }
    heapGuard.require(ENTRY_BYTES);
    const head = scriptHead(latin1(view, 0, Math.min(view.length, HEAD_MAX)));
    return { ...head, sha, source: Buffer.from(view), ref: 0, evalOnly: true };
  }

  /** Keeps a compiled script. Returns the one that had to go for it, if any. */
  add(script: Script): Script | undefined {
    if (this.scripts.has(script.sha)) return undefined;
    this.scripts.set(script.sha, script);
    this.bytes += script.source.length + ENTRY_BYTES;
    heapGuard.count('scripts', ENTRY_BYTES);
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
    heapGuard.count('scripts', -ENTRY_BYTES * this.scripts.size);
    this.scripts.clear();
    this.evalOnly.clear();
    this.recentShas.fill(undefined);
    this.recentSources.fill(undefined);
    this.bytes = 0;
  }

  private remove(script: Script): void {
    this.scripts.delete(script.sha);
    for (const recent of [this.recentShas, this.recentSources]) {
      const place = recent.indexOf(script);
      if (place >= 0) recent[place] = undefined;
    }
    this.evalOnly.delete(script);
    heapGuard.count('scripts', -ENTRY_BYTES);
    this.bytes -= script.source.length + ENTRY_BYTES;
  }
}

/** Whether two runs of 40 bytes are equal; some at a time, for they nearly always are. */
function isSameSha(a: Uint8Array, aOff: number, b: Uint8Array, bOff: number): boolean {
  for (let i = 0; i < SHA_BYTES; i += 5) {
    const at = aOff + i;
    const to = bOff + i;
    let unlike = a[at]! ^ b[to]!;
    unlike |= a[at + 1]! ^ b[to + 1]!;
    unlike |= a[at + 2]! ^ b[to + 2]!;
    unlike |= a[at + 3]! ^ b[to + 3]!;
    unlike |= a[at + 4]! ^ b[to + 4]!;
    if (unlike !== 0) return false;
  }
  return true;
}
