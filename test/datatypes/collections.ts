/**
 * What the tests of the collection types share: texts of every kind, a store with small limits, so
 * that few elements cross each boundary, and a guard that finds writes without a `touch`.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { TextSink } from '../../src/datatypes/text-sink.ts';
import type { Text, Tools, Value } from '../../src/datatypes/value.ts';
import { defaultLimits, type Limits } from '../../src/datatypes/value.ts';
import type { Ref } from '../../src/memory/arena.ts';
import { Dict } from '../../src/memory/dict.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { Listpack } from '../../src/memory/listpack.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import { Reply } from '../../src/resp/reply.ts';
import { frozenBytes } from '../memory/frozen-bytes.ts';

/** Texts are latin1 strings in the models: one character a byte. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

export function textOf({ buf, off, len }: Text): string {
  return Buffer.from(buf.subarray(off, off + len)).toString('latin1');
}

export const INTEGERS = [
  '0',
  '-1',
  '127',
  '128',
  '-4096',
  '4096',
  '32767',
  '-32769',
  '8388608',
  '2147483647',
  '-2147483649',
  '9007199254740993',
  '-9007199254740992',
  '9223372036854775807',
  '-9223372036854775808',
];

const NEARLY_INTEGERS = ['-0', '007', '+1', ' 1', '1.0', '9223372036854775808', '-', '1\0'];

/** Integers in every width, bytes, nothing, and texts of 200 and 5,000 bytes; often the same ones. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 20 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom(...INTEGERS) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom(...NEARLY_INTEGERS, '') },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }).map((n) => `m${n}`) },
  {
    weight: 2,
    arbitrary: fc
      .uint8Array({ maxLength: 12 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b', '\xff').map((c) => c.repeat(200)) },
  { weight: 1, arbitrary: fc.constantFrom('x', 'y').map((c) => c.repeat(5000)) },
);

/** Texts that a listpack keeps as integers: what fills an intset. */
export const integerText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom(...INTEGERS) },
);

/** `toBe` without its price, which a property pays some million times. */
export function same(found: unknown, expected: unknown): void {
  if (!Object.is(found, expected)) expect(found).toBe(expected);
}

/** As `same`, for lists of texts or of pairs. */
export function sameList(found: readonly unknown[], expected: readonly unknown[]): void {
  const isSame = (a: unknown, b: unknown): boolean =>
    Array.isArray(a) && Array.isArray(b)
      ? a.length === b.length && a.every((item, i) => isSame(item, b[i]))
      : Object.is(a, b);
  if (!isSame(found, expected)) expect(found).toEqual(expected);
}

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

/** One value in an arena of its own, kept in two words of a block as a key's entry does. */
export class Store {
  readonly arena = new HeapArena();
  readonly tools: Tools;
  readonly limits: Limits;
  private readonly block: Ref;
  private readonly empty: number;
  private readonly guarding: boolean;

  /** With `guarding` a snapshot is held during every operation. */
  constructor(limits: Partial<Limits>, guarding = false) {
    this.limits = { ...defaultLimits, ...limits };
    this.guarding = guarding;
    this.tools = {
      arena: this.arena,
      dict: new Dict(this.arena, Int32Array.of(7, 11)),
      listpack: new Listpack(this.arena),
      limits: this.limits,
      random: seeded(1),
      moving: { cursor: 0 },
    };
    this.block = this.arena.alloc(16);
    this.setSlot(0, 0);
    this.empty = this.arena.usedBytes;
  }

  /** Bytes that values take. */
  get usedBytes(): number {
    return this.arena.usedBytes - this.empty;
  }

  /** Keeps a value that belongs to nobody yet. */
  keep(value: Value): void {
    this.setSlot(value.ref, value.encoding);
    this.open(value);
  }

  /** Opens the value that is kept: what an operation moved must have been written back. */
  open(value: Value): void {
    value.open(this.block, this.slot);
  }

  get isEmpty(): boolean {
    return this.arena.i32[this.block >>> 15]![this.slot] === 0;
  }

  /** Frees the value that is kept, `max` elements at a time. */
  free(value: Value, max: number): void {
    this.open(value);
    this.freeDetached(value, value.ref, value.encoding, max);
    this.setSlot(0, 0);
  }

  freeDetached(value: Value, ref: Ref, encoding: number, max: number): void {
    let left = ref;
    for (let steps = 0; left !== 0; steps++) {
      if (steps > 100_000) throw new Error('freeing does not end');
      left = this.guard(() => value.freeSome(left, encoding, max));
    }
  }

  /** Checks what must hold between operations. */
  check(value: Value, size: number): void {
    this.open(value);
    value.checkInvariants();
    same(value.size, size);
    same(value.memory(), this.usedBytes);
  }

  /** Copies the value, looks at the copy through `look`, and frees it. */
  checkClone(value: Value, look: () => void, max: number): void {
    this.open(value);
    const { encoding } = value;
    const before = this.usedBytes;
    const copy = this.guard(() => value.clone());
    this.open(value);
    same(value.encoding, encoding);
    same(value.memory(), before);
    value.openDetached(copy, encoding);
    value.checkInvariants();
    same(value.memory(), this.usedBytes - before);
    look();
    this.freeDetached(value, copy, encoding, max);
    same(this.usedBytes, before);
    this.open(value);
    look();
  }

  /**
   * Runs an operation; under a snapshot, whose bytes it must leave as they are. Inside of another
   * guarded operation it just runs it.
   */
  guard<T>(operation: () => T): T {
    if (!this.guarding || this.arena.snapshotsAlive > 0) return operation();
    const snapshot = this.arena.snapshot();
    const watch = new Watch(this.arena, snapshot);
    try {
      const result = watch.run(operation);
      watch.check();
      return result;
    } finally {
      snapshot.release();
    }
  }

  private get slot(): number {
    return (this.block & 0x7fff) << 1;
  }

  private setSlot(ref: Ref, encoding: number): void {
    this.arena.touch(this.block);
    const i32 = this.arena.i32[this.block >>> 15]!;
    i32[this.slot] = ref;
    i32[this.slot + 1] = encoding;
  }
}

/** What of an arena a test looks at behind its back. */
interface ArenaInside {
  readonly bump: Int32Array;
  readonly segmentClass: Int16Array;
}

/**
 * Watches the writes of an operation: those into a snapshot, and those into blocks that were neither
 * touched nor allocated, which another block's touch in the same segment would hide.
 */
class Watch {
  private readonly arena: HeapArena;
  private readonly snapshot: Snapshot;
  private readonly before: Buffer[];
  private readonly classes: Int16Array;
  /** First bytes of the blocks that might be written, by segment. */
  private readonly writable = new Map<number, Set<number>>();
  private readonly closed = new Set<number>();

  constructor(arena: HeapArena, snapshot: Snapshot) {
    this.arena = arena;
    this.snapshot = snapshot;
    const { bump, segmentClass } = this.inside;
    this.classes = segmentClass.slice();
    this.before = frozenBytes(snapshot).map((bytes, i) => {
      const used = segmentClass[i]! < 0 ? bytes.length : bump[i]!;
      return Buffer.from(bytes.subarray(0, used));
    });
  }

  private get inside(): ArenaInside {
    return this.arena as unknown as ArenaInside;
  }

  run<T>(operation: () => T): T {
    const { arena } = this;
    const { touch, alloc, free } = arena;
    arena.touch = (ref) => {
      this.note(ref);
      touch.call(arena, ref);
    };
    arena.alloc = (bytes) => {
      const ref = alloc.call(arena, bytes);
      this.note(ref);
      return ref;
    };
    arena.free = (ref) => {
      this.note(ref);
      free.call(arena, ref);
      if (arena.u8[ref >>> 15]!.length === 0) this.closed.add(ref >>> 15);
    };
    try {
      return operation();
    } finally {
      arena.touch = touch;
      arena.alloc = alloc;
      arena.free = free;
    }
  }

  check(): void {
    const frozenNow = frozenBytes(this.snapshot);
    for (const [i, before] of this.before.entries()) {
      const frozen = frozenNow[i]!.subarray(0, before.length);
      if (before.compare(frozen) !== 0) throw new Error(`a snapshot's segment ${i} was written`);
      const now = this.arena.u8[i]!.subarray(0, before.length);
      const sameUse = this.inside.segmentClass[i] === this.classes[i] && !this.closed.has(i);
      if (sameUse && now.length === before.length && before.compare(now) !== 0) {
        this.checkBlocks(i, before, now);
      }
    }
  }

  private checkBlocks(segment: number, before: Buffer, now: Uint8Array): void {
    const size = this.blockBytes(segment);
    for (let at = 0; at < before.length; at += size) {
      if (this.writable.get(segment)?.has(at)) continue;
      if (before.compare(now, at, Math.min(at + size, now.length), at, at + size) !== 0) {
        throw new Error(`a block of ${size} bytes was written without a touch`);
      }
    }
  }

  private note(ref: Ref): void {
    const segment = ref >>> 15;
    const size = this.blockBytes(segment);
    const at = Math.floor(((ref & 0x7fff) << 3) / size) * size;
    const blocks = this.writable.get(segment);
    if (blocks === undefined) this.writable.set(segment, new Set([at]));
    else blocks.add(at);
  }

  private blockBytes(segment: number): number {
    const inClass = this.inside.segmentClass[segment]! >= 0;
    return inClass ? this.arena.capacity((segment << 15) | 0) : this.arena.u8[segment]!.length;
  }
}

/** Every element that a whole SCAN iteration emits. */
export function scanAll(step: (cursor: number, emit: () => void) => number, read: () => string) {
  const seen = new Set<string>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = step(cursor, () => seen.add(read()));
    if (++steps > 1_000_000) throw new Error('the scan does not end');
  } while (cursor !== 0);
  return seen;
}

/** Runs of a property: a few hundred in every run, ten times as many in the long tier. */
export function runs(n: number): number {
  return process.env['RESPITE_FULL'] === '1' ? n * 20 : n;
}

/** What a value sends to a reply, as latin1 texts; the reply's buffer begins nearly full. */
export function sentTexts(send: (sink: TextSink) => void): string[] {
  const reply = new Reply();
  reply.pos = reply.buf.length - 300;
  const mark = reply.pos;
  send(reply);
  const texts: string[] = [];
  const written = reply.buf.subarray(0, reply.pos);
  for (let at = mark; at < written.length; ) {
    const end = written.indexOf('\r\n', at);
    const length = Number(written.toString('latin1', at + 1, end));
    texts.push(written.toString('latin1', end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return texts;
}
