/** One client's prefixes: in order, each once, and quick to compare with many others. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  ClientTracking,
  prefixCost,
  type TrackedClient,
} from '../../src/tracking/client-tracking.ts';

const client = { id: 1 } as TrackedClient;
const options = { redirect: 0, bcast: true, optIn: false, optOut: false, noLoop: false };

function overlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

it('overlaps() says what a comparison with all of them says', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 30 }), fc.boolean(), (texts, hasEmpty) => {
      const tracking = new ClientTracking(client);
      const kept: string[] = [];
      // Without a prefix in BCAST mode stands the empty one, which nobody compares.
      if (hasEmpty) {
        tracking.update({ ...options, prefixes: [''] });
        kept.push('');
      }
      for (const prefix of texts) {
        const clashes = kept.some((other) => overlap(prefix, other));
        expect(tracking.overlaps(prefix)).toBe(clashes);
        if (clashes) continue;
        tracking.update({ ...options, prefixes: [prefix] });
        kept.push(prefix);
      }
      expect(tracking.prefixes).toEqual([...kept].sort());
      const bytes = kept.reduce((sum, prefix) => sum + prefixCost(prefix.length), 0);
      expect(tracking.prefixBytes).toBe(bytes);
    }),
  );
});

it('an empty prefix that comes late overlaps with all that follow', () => {
  const tracking = new ClientTracking(client);
  tracking.update({ ...options, prefixes: ['a'] });
  tracking.update({ ...options, prefixes: [''] });
  tracking.update({ ...options, prefixes: [''] });
  expect(tracking.prefixes).toEqual(['', 'a']);
  expect(tracking.prefixBytes).toBe(prefixCost(0) + prefixCost(1));
  for (const prefix of ['a', 'ab', 'b', '']) expect(tracking.overlaps(prefix)).toBe(true);
});
