import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ref } from '../../src/memory/arena.ts';
import { HeapArena } from '../../src/memory/heap-arena.ts';
import { Listpack } from '../../src/memory/listpack.ts';

const texts = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 8 }) },
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.integer().map(String),
  fc.integer({ min: -5000, max: 5000 }).map(String),
  fc.constantFrom(
    '',
    '-0',
    '00',
    '+1',
    '9223372036854775808',
    '-9223372036854775808',
    '127',
    '128',
  ),
  fc.constantFrom(63, 64, 4095, 4096, 20_000).map((n) => 'x'.repeat(n)),
);

function contents(list: Listpack, ref: Ref): string[] {
  const out: string[] = [];
  for (let p = list.first(ref); p !== 0; p = list.next(ref, p)) out.push(textAt(list, ref, p));
  return out;
}

function textAt(list: Listpack, ref: Ref, p: number): string {
  list.locate(ref, p);
  const { buf, off, len } = list.entry;
  return Buffer.from(buf.subarray(off, off + len)).toString('latin1');
}

describe('listpack', () => {
  it('behaves as an array of texts', () => {
    const op = fc.tuple(fc.constantFrom('insert', 'replace', 'remove'), fc.nat(), texts);
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60, size: 'max' }), (ops) => {
        const arena = new HeapArena();
        const list = new Listpack(arena);
        let ref = list.create();
        const model: string[] = [];
        for (const [what, n, text] of ops) {
          const bytes = Buffer.from(text, 'latin1');
          if (what === 'insert' || model.length === 0) {
            const i = n % (model.length + 1);
            const at = i === model.length ? list.end(ref) : list.seek(ref, i);
            ref = list.insert(ref, at, bytes, 0, bytes.length);
            model.splice(i, 0, bytes.toString('latin1'));
          } else if (what === 'replace') {
            const i = n % model.length;
            ref = list.replace(ref, list.seek(ref, i), bytes, 0, bytes.length);
            model[i] = bytes.toString('latin1');
          } else {
            const i = n % model.length;
            const count = 1 + (n % 3);
            ref = list.remove(ref, list.seek(ref, i), count);
            model.splice(i, count);
          }
          expect(Listpack.isValid(list.view(ref))).toBe(true);
        }
        expect(contents(list, ref)).toEqual(model);
        expect(list.count(ref)).toBe(model.length);
        const back: string[] = [];
        for (let p = list.last(ref); p !== 0; p = list.previous(ref, p))
          back.push(textAt(list, ref, p));
        expect(back.reverse()).toEqual(model);
        for (const text of model) {
          const bytes = Buffer.from(text, 'latin1');
          const p = list.find(ref, list.first(ref), 1, bytes, 0, bytes.length);
          expect(p).toBe(list.seek(ref, model.indexOf(text)));
        }
        arena.free(ref);
        expect(arena.usedBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('has the bytes of the format', () => {
    const list = new Listpack(new HeapArena());
    let ref = list.create();
    for (const text of ['a', '1', '-1', '1000', '100000', '5000000000']) {
      const bytes = Buffer.from(text);
      ref = list.append(ref, bytes, 0, bytes.length);
    }
    expect(Buffer.from(list.view(ref)).toString('hex')).toBe(
      [
        '21000000',
        '0600',
        '816102',
        '0101',
        'dfff02',
        'c3e802',
        'f2a0860104',
        'f400f2052a0100000009',
        'ff',
      ].join(''),
    );
  });

  it('refuses what is not sound, reading nothing outside', () => {
    const list = new Listpack(new HeapArena());
    let ref = list.create();
    for (const text of ['a', '1', 'hello world', '-70000', 'y'.repeat(5000)]) {
      const bytes = Buffer.from(text);
      ref = list.append(ref, bytes, 0, bytes.length);
    }
    const good = Buffer.from(list.view(ref));
    expect(Listpack.isValid(good)).toBe(true);
    for (let cut = 0; cut < good.length; cut++)
      expect(Listpack.isValid(good.subarray(0, cut))).toBe(false);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(good);
        bytes[at]! ^= flip;
        if (!Listpack.isValid(bytes)) return;
        const copy = list.from(bytes);
        expect(contents(list, copy).length).toBe(5);
      }),
    );
  });
});
