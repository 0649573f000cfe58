/**
 * BITOP: byte strings combined bit by bit. Strings shorter than the longest count as if zero bytes
 * followed them.
 *
 * The work goes block by block: a block of every source is copied to where words of 32 bits can be
 * read whatever its alignment, and combined with the block of the result. Both blocks stay in the
 * processor's nearest cache, so the copy costs little beside reading the sources.
 * Sources: behaviour of redis-server 7.0.15; DIFF, DIFF1, ANDOR, ONE: documentation of Redis 8.2.
 */

/**
 * With X the first source and Y any of the others, a bit of the result is set when it is set in:
 * `diff` X and no Y; `diff1` some Y but not X; `andor` X and some Y; `one` exactly one source.
 */
export type BitOperation = 'and' | 'or' | 'xor' | 'not' | 'diff' | 'diff1' | 'andor' | 'one';

const BLOCK_BYTES = 8192;

/** The block of the result, and that of a source; `twice` has the bits seen in two or more. */
const result = new Int32Array(BLOCK_BYTES / 4);
const source = new Int32Array(BLOCK_BYTES / 4);
const twice = new Int32Array(BLOCK_BYTES / 4);
const resultBytes = new Uint8Array(result.buffer);
const sourceBytes = new Uint8Array(source.buffer);

/**
 * Combines one or more sources, which are only read, into `out`, which must be as long as the
 * longest of them and none of their memory. `not` looks at the first alone. O(total bytes / 32).
 */
export function combine(
  operation: BitOperation,
  sources: readonly Uint8Array[],
  out: Uint8Array,
): void {
  for (let at = 0; at < out.length; at += BLOCK_BYTES) {
    const bytes = Math.min(BLOCK_BYTES, out.length - at);
    const words = (bytes + 3) >>> 2;
    combineBlock(operation, sources, at, words);
    out.set(bytes === BLOCK_BYTES ? resultBytes : resultBytes.subarray(0, bytes), at);
  }
}

/** Leaves the bytes of all sources from `at` on, combined, in the block of the result. */
function combineBlock(
  operation: BitOperation,
  sources: readonly Uint8Array[],
  at: number,
  words: number,
): void {
  const count = sources.length;
  const first = sources[0]!;
  if (operation === 'diff1' || operation === 'andor') {
    result.fill(0, 0, words);
    for (let i = 1; i < count; i++) apply(or, sources[i]!, at, words);
    apply(operation === 'diff1' ? andNot : and, first, at, words);
    return;
  }
  load(first, at, words, resultBytes);
  if (operation === 'not') {
    for (let i = 0; i < words; i++) result[i] = ~result[i]!;
    return;
  }
  if (operation === 'one') twice.fill(0, 0, words);
  const step = steps[operation];
  for (let i = 1; i < count; i++) apply(step, sources[i]!, at, words);
  if (operation === 'one') for (let i = 0; i < words; i++) result[i] = result[i]! & ~twice[i]!;
}

/** Combines the block of a source with that of the result. */
type Step = (words: number) => void;

function apply(step: Step, from: Uint8Array, at: number, words: number): void {
  // Behind the end of a source are zeros: they change the result of AND only.
  if (load(from, at, words, sourceBytes) || step === and) step(words);
}

/** Copies a source from `at` on into a block, with zeros behind its end; false: it has ended. */
function load(from: Uint8Array, at: number, words: number, block: Uint8Array): boolean {
  const bytes = Math.max(0, Math.min(words * 4, from.length - at));
  if (bytes > 0) block.set(from.subarray(at, at + bytes));
  if (bytes < words * 4) block.fill(0, bytes, words * 4);
  return bytes > 0;
}

function and(words: number): void {
  for (let i = 0; i < words; i++) result[i] = result[i]! & source[i]!;
}

function or(words: number): void {
  for (let i = 0; i < words; i++) result[i] = result[i]! | source[i]!;
}

function xor(words: number): void {
  for (let i = 0; i < words; i++) result[i] = result[i]! ^ source[i]!;
}

function andNot(words: number): void {
  for (let i = 0; i < words; i++) result[i] = result[i]! & ~source[i]!;
}

/** The result has the bits seen so far; those seen again are noted in `twice`. */
function noteAgain(words: number): void {
  for (let i = 0; i < words; i++) {
    twice[i] = twice[i]! | (result[i]! & source[i]!);
    result[i] = result[i]! | source[i]!;
  }
}

const steps = { and, or, xor, diff: andNot, one: noteAgain } as const;
