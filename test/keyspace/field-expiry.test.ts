/**
 * Fields that expire, against a naive model: whatever happens to hashes and their keys (set, expire,
 * persist, rename, move, copy, swap, flush, the active cycle), a field is there until its time and
 * not after it; heap and index stay sound, every write was touched, all memory comes back.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashValue } from '../../src/datatypes/hash.ts';
import { Encoding, ValueType } from '../../src/datatypes/value-types.ts';
import type { Db } from '../../src/keyspace/db.ts';
import { Keyspace } from '../../src/keyspace/keyspace.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import type { Snapshot } from '../../src/memory/snapshot.ts';
import { Args } from '../../src/util/args.ts';
import { frozenBytes } from '../memory/frozen-bytes.ts';

interface Field {
  value: string;
  /** 0 for never. */
  expiry: number;
}

interface Key {
  fields: Map<string, Field>;
  /** -1 for never. */
  expireAt: number;
}

type Model = Map<string, Key>;

const db = fc.nat({ max: 1 });
const name = fc.nat({ max: 3 }).map((n) => `h${n}`);
const field = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 9 }).map((n) => `f${n}`) },
  { weight: 1, arbitrary: fc.constantFrom('', '17', 'x'.repeat(70)) },
);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 30 }) },
  { weight: 1, arbitrary: fc.constantFrom(64, 65, 255, 256, 3000) },
);
const ms = fc.integer({ min: 1, max: 60 });
const key = { db, name };

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('set' as const),
      ...key,
      field,
      length,
      keep: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fill' as const), ...key, ms }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), ...key, field }) },
  { weight: 8, arbitrary: fc.record({ op: fc.constant('expire' as const), ...key, field, ms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('expireAll' as const), ...key, ms }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('persist' as const), ...key, field }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('tick' as const), ms: fc.nat({ max: 25 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('rename' as const), ...key, toDb: db, to: name }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('copy' as const), ...key, toDb: db, to: name }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('expireKey' as const), ...key, ms }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('persistKey' as const), ...key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('remove' as const), ...key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('string' as const), ...key, length }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('flush' as const), db }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('swap' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('some' as const), max: fc.nat({ max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('cycle' as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('open' as const), ...key }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('snapshot' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Fixture {
  readonly arena = new HeapArena();
  readonly space = new Keyspace({
    arena: this.arena,
    databases: 2,
    hashKey: Int32Array.of(7, 11),
    random: Math.random,
  });
  readonly models: [Model, Model] = [new Map(), new Map()];
  readonly snapshots: { snapshot: Snapshot; digest: string }[] = [];
  readonly usedAtStart: number;
  private readonly cursor = new HashValue(this.space.tools);
  private seed = 0;

  constructor() {
    this.space.limits.hashListpackEntries = 6;
    this.space.nowMs = 1_000_000;
    this.usedAtStart = this.arena.usedBytes;
  }

  db(i: number): Db {
    return this.space.dbs[i]!;
  }

  text(length: number): string {
    return String.fromCharCode(97 + (++this.seed % 26)).repeat(length);
  }

  /** The entry without opening its value. */
  find(i: number, key: string): number {
    const bytes = Buffer.from(key);
    const entry = this.db(i).find(bytes, 0, bytes.length);
    // The model forgets a key that has expired.
    const known = this.models[i]!.get(key);
    if (known !== undefined && known.expireAt !== -1 && known.expireAt < this.space.nowMs) {
      this.models[i]!.delete(key);
    }
    return entry;
  }

  /** Opens a hash as a command does. The model's fields after that, undefined without a key. */
  open(i: number, key: string): Key | undefined {
    this.find(i, key);
    const bytes = Buffer.from(key);
    const entry = this.db(i).findValue(bytes, 0, bytes.length, this.space.hashes);
    const known = this.models[i]!.get(key);
    for (const [field, { expiry }] of known?.fields ?? []) {
      if (expiry > 0 && expiry < this.space.nowMs) known!.fields.delete(field);
    }
    if (known?.fields.size === 0) this.models[i]!.delete(key);
    const after = this.models[i]!.get(key);
    expect(entry !== 0, `${i}:${key}`).toBe(after !== undefined);
    return after;
  }

  /** After a change of the hash just opened. */
  changed(i: number, key: string): void {
    const { hashes } = this.space;
    const entry = this.find(i, key);
    if (hashes.size > 0) this.db(i).fieldsChanged(entry, hashes);
    else {
      this.db(i).removeEntry(entry);
      this.models[i]!.delete(key);
    }
  }

  set(i: number, key: string, field: string, value: string, keep: boolean): void {
    const { hashes } = this.space;
    let known = this.open(i, key);
    if (known === undefined) {
      hashes.create();
      this.db(i).addValue(Args.of(key), 0, hashes);
      known = { fields: new Map(), expireAt: -1 };
      this.models[i]!.set(key, known);
    }
    const f = Buffer.from(field);
    const v = Buffer.from(value);
    const old = known.fields.get(field);
    const added = hashes.set(f, 0, f.length, v, 0, v.length, keep);
    expect(added).toBe(old === undefined);
    known.fields.set(field, { value, expiry: keep ? (old?.expiry ?? 0) : 0 });
    this.changed(i, key);
  }

  /** Makes a field that is there expire in `ms`. */
  expire(i: number, key: string, field: string, ms: number): void {
    const known = this.open(i, key)!.fields.get(field)!;
    known.expiry = this.space.nowMs + ms;
    expect(this.seek(field)).toBe(true);
    this.space.hashes.setExpiry(known.expiry);
    this.changed(i, key);
  }

  /** Looks for a field of the hash just opened. */
  seek(field: string): boolean {
    const f = Buffer.from(field);
    return this.space.hashes.find(f, 0, f.length);
  }

  /** All of one database against its model, looking past the doors. */
  check(i: number): void {
    const db = this.db(i);
    const { nowMs } = this.space;
    const model = this.models[i]!;
    let timed = 0;
    let keys = 0;
    db.forEach((entry) => {
      const key = db.keyOf(entry).toString();
      const known = model.get(key);
      if (db.isVolatile(entry) && db.isExpired(entry)) return;
      keys++;
      if (db.typeOf(entry) === ValueType.string) {
        expect(known?.fields.has('(string)'), key).toBe(true);
        return;
      }
      const { cursor } = this;
      db.open(entry, cursor);
      cursor.checkInvariants();
      const found = new Map<string, Field>();
      cursor.forEach(() => {
        const { field, value, fieldExpiry } = cursor;
        const text = (t: typeof field) =>
          Buffer.from(t.buf.subarray(t.off, t.off + t.len)).toString('latin1');
        found.set(text(field), { value: text(value), expiry: fieldExpiry });
      });
      expect(found.size).toBe(cursor.size);
      const live = (fields: Map<string, Field>) =>
        [...fields].filter(([, f]) => f.expiry === 0 || f.expiry >= nowMs).sort();
      expect(live(found), key).toEqual(live(known!.fields));
      if (cursor.nextExpiry === Number.POSITIVE_INFINITY) return;
      timed++;
      const words = this.arena.i32[cursor.ref >>> 15]!;
      const at = (cursor.ref & 0x7fff) << 1;
      expect(words[at + 2]).toBe(entry);
      expect(db.fieldExpires.entryAt(words[at + 3]!)).toBe(cursor.ref);
      expect(db.fieldExpires.whenAt(words[at + 3]!)).toBe(cursor.nextExpiry);
    });
    const expired = [...model.values()].filter((k) => k.expireAt !== -1 && k.expireAt < nowMs);
    // A key that ran out of fields in the active cycle is still in the model, without a live one.
    const dead = [...model.values()].filter(
      (k) =>
        !expired.includes(k) &&
        [...k.fields.values()].every((f) => f.expiry > 0 && f.expiry < nowMs),
    );
    expect(keys).toBeLessThanOrEqual(model.size - expired.length);
    expect(keys).toBeGreaterThanOrEqual(model.size - expired.length - dead.length);
    // Keys whose own time has come still hold their places.
    db.fieldExpires.checkInvariants();
    db.expires.checkInvariants();
    expect(db.fieldExpires.size).toBeGreaterThanOrEqual(timed);
    expect(db.fieldExpires.size - timed).toBeLessThanOrEqual(expired.length);
    this.space.dict.checkInvariants(db.root);
  }

  digestOf(snapshot: Snapshot): string {
    const hash = createHash('sha1');
    for (const segment of frozenBytes(snapshot)) hash.update(segment);
    return hash.digest('hex');
  }

  takeSnapshot(): void {
    const snapshot = this.arena.snapshot();
    this.snapshots.push({ snapshot, digest: this.digestOf(snapshot) });
    if (this.snapshots.length > 2) this.checkSnapshots(1);
  }

  /** Every write since a snapshot must have gone to a copy. */
  checkSnapshots(count: number): void {
    for (const { snapshot, digest } of this.snapshots.splice(0, count)) {
      expect(this.digestOf(snapshot)).toBe(digest);
      snapshot.release();
    }
  }

  cycle(): void {
    for (const db of this.space.dbs) while (db.expireDueFields(3));
  }

  finish(): void {
    this.checkSnapshots(this.snapshots.length);
    for (const db of this.space.dbs) db.clear();
    while (this.space.freeGarbage(5));
    expect(this.arena.usedBytes).toBe(this.usedAtStart);
    expect(this.space.dbs.map((db) => db.fieldExpires.size)).toEqual([0, 0]);
  }
}

/** What is done to one hash; it is open and there. */
function applyToHash(f: Fixture, o: Operation & { db: number; name: string }, known: Key): void {
  const { hashes, nowMs } = f.space;
  if (o.op === 'delete') {
    const there = f.seek(o.field);
    expect(there).toBe(known.fields.delete(o.field));
    if (there) hashes.deleteFound();
  } else if (o.op === 'expire' || o.op === 'persist') {
    const there = f.seek(o.field);
    const model = known.fields.get(o.field);
    expect(there).toBe(model !== undefined);
    if (model === undefined) return;
    expect(hashes.fieldExpiry).toBe(model.expiry);
    model.expiry = o.op === 'expire' ? nowMs + o.ms : 0;
    hashes.setExpiry(model.expiry);
    expect(hashes.fieldExpiry).toBe(model.expiry);
  } else if (o.op === 'expireAll') {
    let n = 0;
    for (const [field, model] of known.fields) {
      expect(f.seek(field)).toBe(true);
      model.expiry = nowMs + o.ms + (n++ % 3);
      hashes.setExpiry(model.expiry);
    }
  } else return;
  f.changed(o.db, o.name);
}

function relocate(f: Fixture, o: Operation & { op: 'rename' | 'copy' }): void {
  if (o.db === o.toDb && o.name === o.to) return;
  const source = f.db(o.db);
  const target = f.db(o.toDb);
  const present = f.find(o.toDb, o.to);
  const entry = f.find(o.db, o.name);
  if (entry === 0) return;
  if (present !== 0) target.removeEntry(present);
  const known = f.models[o.db]!.get(o.name)!;
  const to = Buffer.from(o.to);
  target.find(to, 0, to.length);
  if (o.op === 'rename') {
    target.adopt(source, entry, to, 0, to.length);
    f.models[o.db]!.delete(o.name);
    f.models[o.toDb]!.set(o.to, known);
    return;
  }
  const made = target.copyFrom(source, entry, to, 0, to.length);
  if (known.expireAt !== -1) target.setExpiry(made, known.expireAt);
  const fields = new Map([...known.fields].map(([field, value]) => [field, { ...value }]));
  f.models[o.toDb]!.set(o.to, { fields, expireAt: known.expireAt });
}

/** What is done to a key, whatever it holds. */
function applyToKey(f: Fixture, o: Operation & { db: number; name: string }): void {
  const entry = f.find(o.db, o.name);
  const known = f.models[o.db]!.get(o.name);
  const db = f.db(o.db);
  if (o.op === 'string') {
    const key = Buffer.from(o.name);
    const value = Buffer.from(f.text(o.length));
    db.setString(entry, key, 0, key.length, value, 0, value.length, Encoding.raw, 0);
    const fields = new Map([['(string)', { value: '', expiry: 0 }]]);
    f.models[o.db]!.set(o.name, { fields, expireAt: -1 });
  } else if (entry === 0) return;
  else if (o.op === 'expireKey') {
    known!.expireAt = f.space.nowMs + o.ms;
    db.setExpiry(entry, known!.expireAt);
  } else if (o.op === 'persistKey') {
    if (known!.expireAt !== -1) db.persist(entry);
    known!.expireAt = -1;
  } else if (o.op === 'remove') {
    db.remove(entry);
    f.models[o.db]!.delete(o.name);
  }
}

function apply(f: Fixture, o: Operation): void {
  if (o.op === 'tick') f.space.nowMs += o.ms;
  else if (o.op === 'snapshot') f.takeSnapshot();
  else if (o.op === 'some') for (const db of f.space.dbs) db.expireDueFields(o.max);
  else if (o.op === 'cycle') f.cycle();
  else if (o.op === 'swap') {
    f.space.swap(0, 1);
    f.models.reverse();
  } else if (o.op === 'flush') {
    f.db(o.db).clear();
    f.models[o.db]!.clear();
  } else if (o.op === 'rename' || o.op === 'copy') relocate(f, o);
  else if (
    o.op === 'string' ||
    o.op === 'expireKey' ||
    o.op === 'persistKey' ||
    o.op === 'remove'
  ) {
    applyToKey(f, o);
  } else {
    const present = f.find(o.db, o.name);
    if (present !== 0 && f.db(o.db).typeOf(present) === ValueType.string) {
      f.db(o.db).remove(present);
      f.models[o.db]!.delete(o.name);
    }
    if (o.op === 'set') f.set(o.db, o.name, o.field, f.text(o.length), o.keep);
    else if (o.op === 'fill') {
      for (let n = 0; n < 150; n++) f.set(o.db, o.name, `n${n}`, f.text(3), true);
      const known = f.open(o.db, o.name)!;
      applyToHash(f, { ...o, op: 'expireAll' }, known);
    } else {
      const known = f.open(o.db, o.name);
      if (known !== undefined) applyToHash(f, o, known);
    }
  }
}

describe('fields that expire', () => {
  it('agree with a model, and every write was touched', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), (operations) => {
        const f = new Fixture();
        for (const o of operations) {
          apply(f, o);
          f.check(0);
          f.check(1);
          f.space.freeGarbage(3);
        }
        f.finish();
      }),
      { numRuns: process.env.RESPITE_FULL === '1' ? 3000 : 50 },
    );
  }, 600_000);

  it('the active cycle removes all that is due and nothing else, a little at a time', () => {
    const f = new Fixture();
    for (let h = 0; h < 40; h++) {
      for (let n = 0; n < 30; n++) {
        f.set(0, `k${h}`, `f${n}`, 'v', false);
        if (n % 3 === 2) continue;
        f.expire(0, `k${h}`, `f${n}`, n % 3 === 0 ? 5 : 500);
      }
    }
    const db = f.db(0);
    expect(db.fieldExpires.size).toBe(40);
    f.space.nowMs += 10;
    let steps = 0;
    let before = 0;
    while (db.expireDueFields(16)) {
      steps++;
      expect(f.space.expiredFields - before).toBeLessThanOrEqual(16);
      before = f.space.expiredFields;
    }
    expect(steps).toBeGreaterThan(20);
    expect(f.space.expiredFields).toBe(400);
    f.check(0);
    f.space.nowMs += 1000;
    f.cycle();
    expect(f.space.expiredFields).toBe(800);
    expect(db.fieldExpires.size).toBe(0);
    f.check(0);
    f.finish();
  });

  it('a key goes with its last field, on access and in the active cycle', () => {
    const f = new Fixture();
    const events: string[] = [];
    f.space.changes.events = {
      happened: (_dbIndex, event, key, off, len) => {
        if (event === 'new' || event === 'keymiss') return;
        events.push(`${event} ${Buffer.from(key.subarray(off, off + len))}`);
      },
    };
    for (const key of ['a', 'b']) {
      f.set(0, key, 'f', 'v', false);
      f.expire(0, key, 'f', 5);
    }
    f.space.nowMs += 5;
    expect(f.db(0).expireDueFields(10)).toBe(false);
    expect(f.db(0).size).toBe(2);
    f.space.nowMs += 1;
    const a = Buffer.from('a');
    expect(f.db(0).findValue(a, 0, 1, f.space.hashes)).toBe(0);
    expect(f.db(0).expireDueFields(10)).toBe(false);
    expect(f.db(0).size).toBe(0);
    expect(events).toEqual(['hexpired a', 'del a', 'hexpired b', 'del b']);
    f.finish();
  });
});
