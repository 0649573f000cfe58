/** The prefixes of BCAST mode against a list that is gone through. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientTracking } from '../../src/tracking/client-tracking.ts';
import type { Invalidation } from '../../src/tracking/invalidation.ts';
import { PrefixTable } from '../../src/tracking/prefix-table.ts';
import { decode, textOf } from '../harness/reply.ts';

function client(id: number, noLoop: boolean): ClientTracking {
  const tracking = new ClientTracking({
    ...{ id, respVersion: 3, type: 'normal', closed: false, tracking: undefined },
    sendMessage: () => {},
  });
  tracking.noLoop = noLoop;
  return tracking;
}

function keysOf(message: Invalidation): string[] {
  const decoded = decode(message.push)?.reply;
  if (decoded?.kind !== 'push') throw new Error('no push');
  const keys = decoded.items[1]!;
  return 'items' in keys ? keys.items.map((key) => textOf(key) ?? '') : [];
}

/** `client: keys` for each message, in order. */
function sent(table: PrefixTable): string[] {
  const lines: string[] = [];
  table.send((tracking, message) => {
    lines.push(`${tracking.client.id}: ${keysOf(message).join(' ')}`);
  });
  return lines;
}

const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 });

describe('PrefixTable', () => {
  it('tells each client of the changed keys with its prefixes, once, in order', () => {
    const clients = [client(1, false), client(2, true), client(3, false)];
    const step = fc.oneof(
      fc.record({ what: fc.constant('add'), word, who: fc.nat(2), keep: fc.boolean() }),
      fc.record({ what: fc.constant('remove'), word, who: fc.nat(2), keep: fc.boolean() }),
      fc.record({ what: fc.constant('change'), word, who: fc.nat(3), keep: fc.boolean() }),
      fc.record({ what: fc.constant('change'), word, who: fc.nat(3), keep: fc.boolean() }),
      fc.record({ what: fc.constant('send'), word, who: fc.nat(2), keep: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new PrefixTable();
        /** Prefix to its clients and changed keys with their author. */
        const model = new Map<string, { ids: Set<number>; changed: Map<string, number> }>();
        for (const { what, word: text, who, keep } of [
          ...steps,
          { what: 'send', word: '', who: 0, keep: false },
        ]) {
          if (what === 'add') {
            table.add(text, clients[who]!);
            const prefix = model.get(text) ?? { ids: new Set(), changed: new Map() };
            prefix.ids.add(who + 1);
            model.set(text, prefix);
          } else if (what === 'remove') {
            table.remove(text, clients[who]!);
            const prefix = model.get(text);
            if (prefix?.ids.delete(who + 1) && prefix.ids.size === 0) model.delete(text);
          } else if (what === 'change') {
            const before = [...model.values()].every(({ changed }) => changed.size === 0);
            const first = table.note(Buffer.from(`--${text}`), 2, text.length, who, keep);
            for (const [prefix, { changed }] of model) {
              if (!text.startsWith(prefix)) continue;
              if (!keep || !changed.has(text)) changed.set(text, who);
            }
            const after = [...model.values()].some(({ changed }) => changed.size > 0);
            expect(first).toBe(before && after);
          } else {
            const expected: string[] = [];
            for (const [, { ids, changed }] of [...model].sort(([a], [b]) => (a < b ? -1 : 1))) {
              for (const id of ids) {
                const keys = [...changed].filter(([, author]) => id !== 2 || author !== id);
                if (keys.length > 0)
                  expected.push(
                    `${id}: ${keys
                      .map(([k]) => k)
                      .sort()
                      .join(' ')}`,
                  );
              }
              changed.clear();
            }
            expect(sent(table)).toEqual(expected);
          }
          expect(table.size).toBe(model.size);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps prefixes apart whose hashes are the same', () => {
    const table = new PrefixTable();
    const words = ['costarring', 'liquid', 'declinate', 'macallums'];
    for (const [i, text] of words.entries()) table.add(text, client(i + 1, false));
    const key = Buffer.from('liquidity');
    table.note(key, 0, key.length, 0, false);
    expect(sent(table)).toEqual(['2: liquidity']);
  });

  it('10,000 prefixes of many lengths come and go fast, changed or not', () => {
    const table = new PrefixTable();
    const one = client(1, false);
    const words = Array.from({ length: 10_000 }, (_, i) => `${i}:`.padEnd(6 + (i % 1000), 'x'));
    const before = process.cpuUsage();
    for (const text of words) table.add(text, one);
    for (const text of words) table.note(Buffer.from(text), 0, text.length, 0, false);
    for (const text of words) table.remove(text, one);
    // Some 200 ms of processor time, most of it to find them; going through all took seconds.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500);
    expect(sent(table)).toEqual([]);
  });
});
