/**
 * Db over collections, against a naive model: writing through the cursors, moving, copying,
 * replacing, expiring and freeing in slices. Every write must be touched: each operation runs under
 * a snapshot of its own or under some that are held for a while, whose bytes must stay.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Encoding, ValueType } from '../../src/datatypes/value-types.ts';
import type { Db } from '../../src/keyspace/db.ts';
import { Keyspace } from '../../src/keyspace/keyspace.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import { Args } from '../../src/util/args.ts';
import { anyText, runs, Store, sameList, seeded } from '../datatypes/collections.ts';
import { frozenBytes } from '../memory/frozen-bytes.ts';
import { type Kind, kindsOf, type Write } from './collection-kinds.ts';

interface Key {
  /** Undefined for a string. */
  readonly kind: Kind<unknown> | undefined;
  readonly data: unknown;
  /** -1 for never. */
  expireAt: number;
}

const place = { db: fc.nat({ max: 1 }), name: fc.constantFrom('a', 'b', 'k'.repeat(40)) };
const to = { toDb: fc.nat({ max: 1 }), toName: fc.constantFrom('a', 'b', 'c') };
const kind = fc.nat({ max: 4 });
const write = { ...place, kind, text: anyText, n: fc.nat({ max: 59 }) };
const ms = fc.integer({ min: 1, max: 200 });

const operation = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant('add' as const), ...write }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('remove' as const), ...write }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('other' as const), ...write }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('fill' as const), ...write }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('drain' as const), ...write }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('put' as const), ...write }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('string' as const), ...write, ms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), ...place }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('rename' as const), ...place, ...to }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('copy' as const), ...place, ...to }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('expire' as const), ...place, ms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('persist' as const), ...place }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('tick' as const), ms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('cycle' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('rehash' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('swap' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('flush' as const), db: place.db }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('free' as const), n: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('hold' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('release' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type Place = Operation & { db: number; name: string };
type Writing = Place & Omit<Write, 'verb'> & { kind: number };

class World {
  readonly store = new Store({}, true);
  readonly space = new Keyspace({
    arena: this.store.arena,
    databases: 2,
    hashKey: Int32Array.of(7, 11),
    random: seeded(1),
  });
  readonly kinds = kindsOf(this.space);
  readonly models: Map<string, Key>[] = [new Map(), new Map()];
  private readonly held: { snapshot: Snapshot; digest: string }[] = [];
  private readonly usedAtStart = this.store.arena.usedBytes;
  private readonly emptyDict = this.space.dict.memory(this.space.dbs[0]!.root);

  constructor() {
    Object.assign(this.space.limits, {
      hashListpackEntries: 6,
      setIntsetEntries: 6,
      setListpackEntries: 6,
      zsetListpackEntries: 6,
      listListpackSize: 3,
      streamNodeEntries: 4,
    });
    this.space.nowMs = 1_000_000;
  }

  db(i: number): Db {
    return this.space.dbs[i]!;
  }

  /** The entry of a key that the next change is of. */
  find(i: number, name: string): number {
    const bytes = Buffer.from(name);
    const entry = this.db(i).find(bytes, 0, bytes.length);
    expect(entry !== 0, name).toBe(this.known(i, name) !== undefined);
    return entry;
  }

  known(i: number, name: string): Key | undefined {
    const model = this.models[i]!;
    const known = model.get(name);
    if (known === undefined || known.expireAt === -1 || known.expireAt >= this.space.nowMs) {
      return known;
    }
    model.delete(name);
    return undefined;
  }

  hold(): void {
    const snapshot = this.store.arena.snapshot();
    this.held.push({ snapshot, digest: digestOf(snapshot) });
  }

  release(): void {
    const oldest = this.held.shift();
    if (oldest === undefined) return;
    expect(digestOf(oldest.snapshot)).toBe(oldest.digest);
    oldest.snapshot.release();
  }

  check(): void {
    for (const [i, model] of this.models.entries()) {
      for (const name of [...model.keys()]) this.checkKey(i, name);
      const db = this.db(i);
      this.space.dict.checkInvariants(db.root);
      db.expires.checkInvariants();
      db.forEach((entry) => {
        const expired = db.isVolatile(entry) && db.isExpired(entry);
        expect(expired || model.has(db.keyOf(entry).toString())).toBe(true);
      });
    }
    if (!this.space.hasGarbage) this.checkMemory();
  }

  private checkKey(i: number, name: string): void {
    const entry = this.find(i, name);
    const known = this.known(i, name);
    if (known === undefined) return;
    const db = this.db(i);
    expect(db.expireAt(entry)).toBe(known.expireAt);
    const { kind } = known;
    expect(db.typeOf(entry)).toBe(kind?.cursor.type ?? ValueType.string);
    if (kind === undefined) return;
    db.open(entry, kind.cursor);
    kind.cursor.checkInvariants();
    sameList(kind.found(), kind.expected(known.data));
  }

  /** Every byte in use belongs to a key, and `memoryOf` knows it. */
  private checkMemory(): void {
    let total = this.usedAtStart;
    for (const db of this.space.dbs) {
      total += this.space.dict.memory(db.root) - this.emptyDict;
      db.forEach((entry) => {
        total += db.memoryOf(entry);
      });
    }
    expect(this.store.arena.usedBytes).toBe(total);
  }

  finish(): void {
    this.check();
    while (this.held.length > 0) this.release();
    for (const [i, model] of this.models.entries()) {
      for (const name of model.keys()) {
        const entry = this.find(i, name);
        if (entry !== 0) this.db(i).remove(entry);
      }
    }
    for (const db of this.space.dbs) {
      while (db.expireDue(Number.POSITIVE_INFINITY, 5));
      expect(db.size).toBe(0);
      expect(db.expires.size).toBe(0);
      db.clear();
    }
    while (this.space.freeGarbage(5));
    expect(this.store.arena.usedBytes).toBe(this.usedAtStart);
  }
}

function digestOf(snapshot: Snapshot): string {
  const hash = createHash('sha1');
  for (const segment of frozenBytes(snapshot)) hash.update(segment);
  return hash.digest('hex');
}

/** Writes as commands do: opens the value or adds one, and removes the key that is left empty. */
function writeValue(w: World, o: Writing, writes: readonly Write[]): void {
  const db = w.db(o.db);
  const kind = w.kinds[o.kind]!;
  const args = Args.of(o.name);
  let known = w.known(o.db, o.name);
  if (known !== undefined && known.kind !== kind) {
    expect(() => db.writeValue(args, 0, kind.cursor)).toThrow('WRONGTYPE');
    return;
  }
  let entry = db.writeValue(args, 0, kind.cursor);
  expect(entry !== 0).toBe(known !== undefined);
  if (known === undefined) {
    known = { kind, data: kind.empty(), expireAt: -1 };
    w.models[o.db]!.set(o.name, known);
    kind.create(writes[0]!);
    entry = db.addValue(args, 0, kind.cursor);
  }
  for (const write of writes) kind.write(write, known.data);
  if (kind.cursor.size > 0 || kind.cursor.type === ValueType.stream) {
    db.fieldsChanged(entry, kind.cursor);
    return;
  }
  db.removeEntry(entry);
  w.models[o.db]!.delete(o.name);
}

/** Many different elements: into the larger representation. */
function fill(o: Writing): Write[] {
  return Array.from({ length: o.n < 10 ? 90 : 12 }, (_, i) => ({
    verb: 'add' as const,
    text: o.n % 2 === 0 ? `${o.n}${i}` : `element ${i}`,
    n: (o.n + i) % 60,
  }));
}

/** Removes as many elements as `fill` adds, and one of any other text. */
function drain(o: Writing): Write[] {
  const each = fill(o).map((write) => ({ ...write, verb: 'remove' as const }));
  return [...each, { verb: 'remove', text: o.text, n: o.n }];
}

/** Puts a value of its own in the place of whatever is there. */
function put(w: World, o: Writing): void {
  const kind = w.kinds[o.kind]!;
  const data = kind.empty();
  const write: Write = { verb: 'add', text: o.text, n: o.n };
  kind.create(write);
  kind.write(write, data);
  w.db(o.db).putValue(Args.of(o.name), 0, kind.cursor);
  w.models[o.db]!.set(o.name, { kind, data, expireAt: -1 });
}

function putString(w: World, o: Writing & { ms: number }): void {
  const entry = w.find(o.db, o.name);
  const key = Buffer.from(o.name);
  const value = Buffer.alloc(o.n * 10, o.text);
  const expireAt = o.n % 2 === 0 ? w.space.nowMs + o.ms : 0;
  const db = w.db(o.db);
  db.setString(entry, key, 0, key.length, value, 0, value.length, Encoding.raw, expireAt);
  const known = { kind: undefined, data: undefined, expireAt: expireAt || -1 };
  w.models[o.db]!.set(o.name, known);
}

function relocate(w: World, o: Place & { toDb: number; toName: string }): void {
  if (o.db === o.toDb && o.name === o.toName) return;
  const source = w.db(o.db);
  const target = w.db(o.toDb);
  const entry = w.find(o.db, o.name);
  if (entry === 0) return;
  const bytes = Buffer.from(o.toName);
  const present = w.find(o.toDb, o.toName);
  if (present !== 0) target.remove(present);
  const known = w.known(o.db, o.name)!;
  if (o.op === 'rename') {
    target.adopt(source, entry, bytes, 0, bytes.length);
    w.models[o.db]!.delete(o.name);
    w.models[o.toDb]!.set(o.toName, known);
  } else {
    target.copyFrom(source, entry, bytes, 0, bytes.length);
    const data = structuredClone(known.data);
    w.models[o.toDb]!.set(o.toName, { ...known, data, expireAt: -1 });
  }
}

/** What is done to a key, whatever it holds. */
function changeKey(w: World, o: Place): void {
  const db = w.db(o.db);
  const entry = w.find(o.db, o.name);
  const known = w.known(o.db, o.name);
  if (known === undefined) return;
  if (o.op === 'expire') {
    known.expireAt = w.space.nowMs + o.ms;
    db.setExpiry(entry, known.expireAt);
  } else if (o.op === 'persist' && known.expireAt !== -1) {
    known.expireAt = -1;
    db.persist(entry);
  } else if (o.op === 'delete') {
    db.remove(entry);
    w.models[o.db]!.delete(o.name);
  }
}

function apply(w: World, o: Operation): void {
  const { space, models } = w;
  if (o.op === 'add' || o.op === 'remove' || o.op === 'other') {
    writeValue(w, o, [{ verb: o.op, text: o.text, n: o.n }]);
  } else if (o.op === 'fill') writeValue(w, o, fill(o));
  else if (o.op === 'drain') writeValue(w, o, drain(o));
  else if (o.op === 'put') put(w, o);
  else if (o.op === 'string') putString(w, o);
  else if (o.op === 'rename' || o.op === 'copy') relocate(w, o);
  else if (o.op === 'tick') space.nowMs += o.ms;
  else if (o.op === 'cycle') for (const db of space.dbs) while (db.expireDue(space.nowMs, 2));
  else if (o.op === 'rehash') for (const db of space.dbs) db.rehash(1);
  else if (o.op === 'swap') {
    space.swap(0, 1);
    models.reverse();
  } else if (o.op === 'flush') {
    w.db(o.db).clear();
    models[o.db]!.clear();
  } else if (o.op === 'free') space.freeGarbage(o.n);
  else if ('name' in o) changeKey(w, o);
}

describe('Db with collections', () => {
  it('agrees with a model, every write was touched, all memory comes back', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (operations) => {
        const w = new World();
        for (const o of operations) {
          if (o.op === 'hold') w.hold();
          else if (o.op === 'release') w.release();
          else w.store.guard(() => apply(w, o));
          if (o.op === 'release' || o.op === 'cycle') w.check();
        }
        w.finish();
      }),
      { numRuns: runs(90) },
    );
  });
});
